"""The mouth at a finer scale: what a face of 128 pixels cannot hold, teeth above all.

A face's crop gives the mouth 36 pixels, and a tooth three. A second generator sees the mouth alone, after the edit, at more
than twice the scale, and paints what is missing. It never moves anything.
"""

from collections.abc import Callable

import cv2
import numpy as np

from ..pictures.modes import to_rgb8
from . import compositing
from .alignment import EYES_CENTRE, EYES_TO_MOUTH, crop_corners, crop_face
from .transfer import Change, in_the_crops_colours, residual_in

# In units of the canonical crop's side: the patch, from the corners of a smile to the lower lip of a dropped jaw.
SIDE = 0.46
CENTRE = (0.5, EYES_CENTRE[1] + EYES_TO_MOUTH + 0.04)
FEATHER = 0.12  # of the patch
LEAST_CHANGE = 1 / 255

Refiner = Callable[[np.ndarray], np.ndarray]


def mouth_transform(transform: np.ndarray, side: int, size: int) -> np.ndarray:
    """From picture pixels to a mouth patch of `size` pixels, [2, 3].

    Args:
        transform: from picture pixels to the canonical crop.
        side: of that crop in pixels.
        size: of the patch in pixels.
    """
    scale = size / (SIDE * side)
    corner = (np.array(CENTRE) - SIDE / 2) * side - 0.5  # where the patch's outer edge lies in the crop
    to_patch = np.array([[scale, 0, -scale * corner[0] - 0.5], [0, scale, -scale * corner[1] - 0.5]])
    return to_patch[:, :2] @ transform + np.array([[0, 0, to_patch[0, 2]], [0, 0, to_patch[1, 2]]])


def mouth_activity(change: Change, size: int) -> np.ndarray:
    """float32 [size, size], how much the edit does to the mouth, 0 to 1: the refiner paints where the edit did.

    It grows steadily from 0 at intensity 0, so that a faint edit is refined faintly, and nothing where nothing changed.
    """
    pad = (change.weight.shape[0] - _inner(change)) // 2
    inner = slice(pad, pad + _inner(change))
    levels = 255 * np.abs(change.residual[inner, inner]).max(axis=2)
    pixels = np.hypot(*np.moveaxis(change.motion[inner, inner], 2, 0))
    acts = np.maximum(levels / 24, pixels / 2).astype(np.float32)
    reach = max(3, round(0.06 * len(acts))) | 1
    acts = cv2.dilate(acts, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    acts = compositing.smoothstep(cv2.GaussianBlur(acts, (0, 0), reach / 3)) * (change.weight[inner, inner] > 0)
    transform = mouth_transform(np.eye(2, 3), len(acts), size)
    patch = cv2.warpAffine(acts.astype(np.float32), transform, (size, size), flags=cv2.INTER_LINEAR)
    return patch * _feather(size)


def refine_mouth(
    pixels: np.ndarray, transform: np.ndarray, side: int, change: Change, refiner: Refiner, size: int
) -> None:
    """Paints the finer mouth into `pixels`, in place, after `apply_change` has made the edit there.

    Args:
        pixels, transform, side, change: as for `apply_change`.
        refiner: gives the residual [size, size, 3] in [-1, 1] of a patch [size, size, 3] in [-1, 1].
        size: of the patch that the refiner works on.
    """
    activity = mouth_activity(change, size)
    if activity.max() < LEAST_CHANGE:
        return
    to_patch = mouth_transform(transform, side, size)
    patch = to_rgb8(crop_face(pixels, to_patch, size))
    start = patch.astype(np.float32) / 127.5 - 1
    crop = np.rint(255 * change.crop).astype(np.uint8)
    residual = in_the_crops_colours(crop, start, refiner(start)) * activity[..., None]
    _add(pixels, residual / 2, to_patch)


def _inner(change: Change) -> int:
    return round(change.weight.shape[0] / (1 + 2 * compositing.SPREAD))


def _feather(size: int) -> np.ndarray:
    ramp = compositing.smoothstep((np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) / (FEATHER * size))
    return np.minimum.outer(ramp, ramp).astype(np.float32)


def _add(pixels: np.ndarray, residual: np.ndarray, to_patch: np.ndarray) -> None:
    size = residual.shape[0]
    corners = crop_corners(to_patch, size)
    height, width = pixels.shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    matrix = to_patch @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    fine = cv2.warpAffine(
        residual, matrix, (int(right - left), int(bottom - top)), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    target = pixels[top:bottom, left:right]
    full = np.iinfo(pixels.dtype).max
    colours = 1 if pixels.ndim == 2 or pixels.shape[2] == 2 else 3
    view = target[..., None] if pixels.ndim == 2 else target[..., :colours]
    changed = np.abs(fine).max(axis=2) * 255 >= 0.25
    painted = np.clip(np.rint(view + residual_in(fine, colours) * full), 0, full).astype(pixels.dtype)
    view[changed] = painted[changed]
