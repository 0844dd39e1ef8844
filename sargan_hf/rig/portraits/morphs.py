"""Two people into a third: both faces warped to their mean shape and mixed; hair and background stay the first one's.

A hundred portraits give five thousand such pairs, and to the eye they are new people.
"""

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from ...faces.alignment import canonical_transform, crop_face
from ..landmarks.landmark_types import Landmarks, five_points
from .reader import Portrait

SIDE, MARGIN = 900, 0.12  # of the canonical crop both are brought to: 218 pixels between the pupils
OUTSIDE_SHARE = 0.4  # hairline and ears go this far towards the mean shape: they border what stays the first one's
_OUTSIDE = ("hairline", "right_face_edge", "left_face_edge")
_GRID_STEP = 4  # the warp is smooth; it is computed on every fourth pixel


def morph(first: Portrait, second: Portrait, share: float = 0.5) -> Portrait:
    """Mixes two portraits into a new person.

    Args:
        first: gives hair, ears, background and light.
        second: gives `share` of the face's shape and skin.
        share: 0 to 1.

    Returns:
        A portrait of 900 x 900 pixels with the mixed landmarks; its subject is "first+second".
    """
    picture_a, points_a = _canonical(first)
    picture_b, points_b = _canonical(second)
    weight = np.where(_outside(points_a), OUTSIDE_SHARE, 1.0)[:, None] * share
    mixed = points_a.with_points((1 - weight) * points_a.stacked() + weight * points_b.stacked())
    warped_a = _warp(picture_a, points_a, mixed)
    warped_b = _warp(picture_b, points_b, mixed)
    mask = _face_mask(mixed)
    warped_b = _with_colours_of(warped_a, warped_b, mask)
    alpha = share * _feathered(mask)[..., None]
    picture = np.clip(np.rint(warped_a * (1 - alpha) + warped_b * alpha), 0, 255).astype(np.uint8)
    return Portrait(picture, mixed, None, f"{first.subject}+{second.subject}")


def _canonical(portrait: Portrait) -> tuple[np.ndarray, Landmarks]:
    transform = canonical_transform(five_points(portrait.landmarks), SIDE, margin=MARGIN)
    return crop_face(portrait.picture, transform, SIDE), portrait.landmarks.transformed(transform)


def _outside(landmarks: Landmarks) -> np.ndarray:
    """bool [N], which of the stacked points lie where the first portrait stays as it is."""
    return np.concatenate(
        [np.full(len(np.atleast_2d(points)), name in _OUTSIDE) for name, points in vars(landmarks).items()]
    )


def _warp(picture: np.ndarray, source: Landmarks, target: Landmarks) -> np.ndarray:
    """The picture with its landmarks moved from `source` to `target`; the border stays."""
    edge = np.linspace(0, SIDE - 1, 5)
    border = np.array([(x, y) for x in edge for y in edge if x in (0, SIDE - 1) or y in (0, SIDE - 1)])
    to, unique = np.unique(np.concatenate([target.stacked(), border]), axis=0, return_index=True)
    origin = np.concatenate([source.stacked(), border])[unique]
    steps = np.arange(0, SIDE, _GRID_STEP, dtype=np.float64) + (_GRID_STEP - 1) / 2
    grid = np.stack(np.meshgrid(steps, steps), axis=-1)
    moves = LinearNDInterpolator(to, origin - to, fill_value=0.0)(grid).astype(np.float32)
    moves = cv2.GaussianBlur(moves, (0, 0), 0.7)
    moves = cv2.resize(moves, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    x, y = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))
    return cv2.remap(picture, x + moves[..., 0], y + moves[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _face_mask(landmarks: Landmarks) -> np.ndarray:
    """uint8 [SIDE, SIDE], 255 inside the jaw and up to a little above the brows: the second one's fringe would ghost."""
    outline = np.concatenate(
        [
            landmarks.jaw,
            landmarks.left_face_edge[1::-1],
            landmarks.hairline[::-1],
            landmarks.right_face_edge[:2],
        ]
    )
    middle = outline.mean(axis=0)
    outline = middle + 0.95 * (outline - middle)
    brows = min(landmarks.right_brow_top[:, 1].min(), landmarks.left_brow_top[:, 1].min())
    top = brows - 0.15 * (brows - landmarks.hairline[5, 1])
    outline[:, 1] = np.maximum(outline[:, 1], top)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 255)
    return mask


def _feathered(mask: np.ndarray) -> np.ndarray:
    """float32 [SIDE, SIDE] in [0, 1], falling to 0 inside the mask's border."""
    inner = cv2.erode(mask, np.ones((31, 31), np.uint8))
    return cv2.GaussianBlur(inner.astype(np.float32) / 255, (0, 0), 22)


def _with_colours_of(reference: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`picture` with mean and spread of the `reference`'s LAB colours inside the mask."""
    lab_r = cv2.cvtColor(reference, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab_p = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    inside = mask > 0
    spread = np.clip(lab_r[inside].std(axis=0) / np.maximum(lab_p[inside].std(axis=0), 1e-3), 0.7, 1.4)
    matched = (lab_p - lab_p[inside].mean(axis=0)) * spread + lab_r[inside].mean(axis=0)
    return cv2.cvtColor(np.clip(matched, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
