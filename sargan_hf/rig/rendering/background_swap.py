"""Another background behind the head, where the portrait's own is plain enough to be told from the person."""

import cv2
import numpy as np

from .pose import PosedFace

# Colours in CIELAB: this near to the background's it is background, this far it is not; hair edges lie between.
_SURE, _NOT = 5.0, 16.0
_HAIR = 0.012  # width of the mixed edge, as a share of the picture's side
_PLAIN = 12.0  # largest spread of a plain background's colour


def with_backdrop(posed: PosedFace, colours: tuple) -> np.ndarray:
    """uint8 [T, T, 3], the posed texture before a gradient of two RGB colours (top, bottom).

    The difference between the two backgrounds is added where the old one shows, so hair keeps its strands. A portrait
    whose background is not plain keeps it.
    """
    texture = posed.texture
    lab = cv2.cvtColor(texture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    side = texture.shape[0]
    visible = slice(posed.margin, posed.margin + side // 4)
    patches = [lab[visible, columns].reshape(-1, 3) for columns in (slice(0, side // 10), slice(-side // 10, None))]
    if max(np.median(np.abs(patch - np.median(patch, axis=0)), axis=0).max() for patch in patches) > _PLAIN:
        return texture
    left, right = (np.median(patch, axis=0) for patch in patches)
    across = np.linspace(0, 1, side, dtype=np.float32)[None, :, None]
    distance = np.linalg.norm(lab - ((1 - across) * left + across * right), axis=2)
    background = _joined_to_border(distance < (_SURE + _NOT) / 2)
    # A vignette drifts away from the corners' colour: from here on compare with the background near by.
    spread = 0.06 * posed.side
    amount = cv2.GaussianBlur(background.astype(np.float32), (0, 0), spread)[..., None]
    old = cv2.GaussianBlur(texture * background[..., None].astype(np.float32), (0, 0), spread) / np.maximum(
        amount, 1e-3
    )
    distance = np.linalg.norm(lab - cv2.cvtColor(old / 255, cv2.COLOR_RGB2LAB), axis=2)
    near = np.ones((2 * round(_HAIR * posed.side) + 1,) * 2, np.uint8)
    # At the edge a pixel is a mix: its distance relative to that of the person next to it is the person's share.
    person = np.maximum(cv2.dilate(distance, near), _NOT)
    share = np.clip(1 - (distance - _SURE) / (person - _SURE), 0, 1) * cv2.dilate(background.astype(np.uint8), near)
    share = share.astype(np.float32)[..., None]
    top, bottom = (np.array(colour, np.float32) for colour in colours)
    down = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    new = (1 - down) * top + down * bottom
    return np.clip(texture + share * (new - old), 0, 255).astype(np.uint8)


def _joined_to_border(mask: np.ndarray) -> np.ndarray:
    """bool, the parts of `mask` that touch the left, right or upper border."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    outer = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, outer[outer > 0]) & mask
