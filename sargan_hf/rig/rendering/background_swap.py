"""Another background behind the head, if the portrait's own is plain enough to separate from the person."""

import cv2
import numpy as np

from .pose import PosedFace

# Colours in CIELAB: this near to the background's it is background, this far it is not; hair edges lie between.
_SURE, _NOT = 5.0, 16.0
_HAIR = 0.012  # width of the mixed edge, as a share of the picture's side
_PLAIN = 12.0  # largest spread of a plain background's colour
# The new background has run into the person: share of the face it covers; share of its border across which colours differ by
# less than `_SAME`; holes in it, which the screen of a print makes. Or it covers less than `_LEAST` of one of the two sides.
_IN_FACE, _WEAK, _HOLES, _LEAST = 0.01, 0.2, 0.02, 0.4
_SAME, _ACROSS = 14.0, 0.02  # CIELAB; distance over which a border is looked across, as a share of the picture's side


def with_backdrop(posed: PosedFace, colours: tuple) -> tuple[np.ndarray, str]:
    """The posed texture in front of a gradient of two RGB colours (top, bottom).

    The difference between the two backgrounds is added where the old one shows, so hair keeps its strands. A portrait keeps its
    background if that is not plain, or resembles face, hair or stone.

    Returns:
        uint8 [T, T, 3], and why the background was kept, or "".
    """
    texture = posed.texture
    lab = cv2.cvtColor(texture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    side = texture.shape[0]
    visible = slice(posed.margin, posed.margin + side // 4)
    sides = slice(0, side // 10), slice(-side // 10, None)
    patches = [lab[visible, columns].reshape(-1, 3) for columns in sides]
    if max(np.median(np.abs(patch - np.median(patch, axis=0)), axis=0).max() for patch in patches) > _PLAIN:
        return texture, "The background is not plain."
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
    refused = _refusal(posed, share > 0.5, lab)
    if refused:
        return texture, refused
    if min(share[visible, columns].mean() for columns in sides) < _LEAST:
        return texture, "The background is not plain."
    share = share.astype(np.float32)[..., None]
    top, bottom = (np.array(colour, np.float32) for colour in colours)
    down = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    new = (1 - down) * top + down * bottom
    return np.clip(texture + share * (new - old), 0, 255).astype(np.uint8), ""


def _refusal(posed: PosedFace, background: np.ndarray, lab: np.ndarray) -> str:
    """Why `background` bool [T, T] is not the background alone, or "".

    Args:
        lab: float32 [T, T, 3], the texture in CIELAB.
    """
    marks, side = posed.landmarks, posed.side
    face = np.zeros(background.shape, np.uint8)
    outline = np.concatenate([marks.jaw, marks.hairline[::-1]])
    cv2.fillPoly(face, [np.round(outline).astype(np.int32)], 1)
    face = cv2.erode(face, np.ones((2 * round(0.03 * side) + 1,) * 2, np.uint8)) > 0
    if background[face].mean() > _IN_FACE:
        return "The background has the colour of the face."
    flat = background.astype(np.uint8)
    closed = cv2.morphologyEx(flat, cv2.MORPH_CLOSE, np.ones((2 * round(0.008 * side) + 1,) * 2, np.uint8))
    if ((closed > 0) & ~background).sum() > _HOLES * max(1, int(background.sum())):
        return "The background is too grainy to separate from the person."
    inner = slice(posed.margin, posed.margin + side)
    rim = cv2.morphologyEx(flat, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))[inner, inner] > 0
    reach = 2 * max(1, round(_ACROSS * side / 2)) + 1
    soft = cv2.GaussianBlur(lab, (0, 0), 0.004 * side)[inner, inner]
    across = (
        sum(
            (
                cv2.dilate(soft[..., k], np.ones((reach, reach), np.uint8))
                - cv2.erode(soft[..., k], np.ones((reach, reach), np.uint8))
            )
            ** 2
            for k in range(3)
        )
        ** 0.5
    )
    if rim.any() and (across[rim] < _SAME).mean() > _WEAK:
        return "The background runs into hair, beard or stone of the same colour."
    return ""


def _joined_to_border(mask: np.ndarray) -> np.ndarray:
    """bool, the parts of `mask` that touch the left, right or upper border."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    outer = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, outer[outer > 0]) & mask
