"""The mouth at a finer scale: what a face of 128 pixels cannot hold, teeth above all.

A face's crop gives the mouth 36 pixels, and a tooth three. A second generator sees the mouth alone, after the edit, at more
than twice the scale, and paints what is missing. It never moves anything.
"""

from typing import Protocol

import cv2
import numpy as np

from ..faces.alignment import EYES_CENTRE, EYES_TO_MOUTH, crop_corners, crop_face, transform_scale
from ..images.color_modes import LUMA, to_rgb8
from ..images.normalize import channels_last, to_tensor
from ..images.warp import smoothstep
from ..inference import GeneratorOutput
from . import masks
from .change import FaceWarp
from .color_match import match_crop_colors, residual_for_channels

# In units of the canonical crop's side: the patch, from the corners of a smile to the lower lip of a dropped jaw.
SIDE = 0.46
CENTRE = (0.5, EYES_CENTRE[1] + EYES_TO_MOUTH + 0.04)
FEATHER = 0.12  # of the patch
# An edit that paints so much (of 255) or moves so far (pixels of the crop) is refined in full.
FULL_LEVELS, FULL_PIXELS = 24.0, 2.0
LEAST_ACTIVITY = 1 / 255
BROAD = 1 / 32  # of the patch: how far colours are smoothed; a tooth is about as wide
COLOUR = 0.6  # how much of the refiner's colour is used; what it refines is coloured already


class Refiner(Protocol):
    """What paints the patch: a generator (see `inference.Generator`) without motion."""

    @property
    def sample_size(self) -> int: ...

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorOutput: ...


def mouth_transform(transform: np.ndarray, side: int, size: int) -> np.ndarray:
    """From picture pixels to a mouth patch of `size` pixels, [2, 3].

    Args:
        transform: from picture pixels to the canonical crop.
        side: of that crop in pixels.
        size: of the patch in pixels.
    """
    scale = size / (SIDE * side)
    corner = (np.array(CENTRE) - SIDE / 2) * side - 0.5  # the patch's outer corner in the crop
    return scale * transform - np.array([[0, 0, scale * corner[0] + 0.5], [0, 0, scale * corner[1] + 0.5]])


def refine_mouth(
    pixels: np.ndarray,
    transform: np.ndarray,
    side: int,
    warp: FaceWarp,
    refiner: Refiner,
    region: tuple[int, int, int, int],
) -> None:
    """Paints the finer mouth into `pixels`, in place, after `apply_warp` has made the edit there.

    Nothing is done to a face smaller than the model's own crop: it has no room for more. What controls alone have moved has
    no class, and the refiner goes by the outline of the mouth: train it with `class_dropout`.

    Args:
        pixels, transform, side, warp: as for `apply_warp`.
        refiner: the generator trained for it.
        region: what `apply_warp` returned; nothing is painted outside.
    """
    size = refiner.sample_size
    if transform_scale(transform) >= 1:
        return
    activity = mouth_activity(warp, side, size)
    if activity.max() < LEAST_ACTIVITY:
        return
    to_patch = mouth_transform(transform, side, size)
    patch = to_tensor(to_rgb8(crop_face(pixels, to_patch, size)))
    painted = refiner(patch[None], warp.expression[None]).residual[0]
    crop = np.rint(255 * warp.crop).astype(np.uint8)
    residual = match_crop_colors(crop, channels_last(patch), _calm_colours(channels_last(painted)))
    _add(pixels, residual * activity[..., None] / 2, to_patch, region)


def mouth_activity(warp: FaceWarp, side: int, size: int) -> np.ndarray:
    """float32 [size, size] in 0..1, how much the edit does to the mouth: the refiner paints where the edit did.

    It grows steadily from 0 at intensity 0, so that a faint edit is refined faintly, and nothing where nothing changed.
    """
    pad = masks.spread_pixels(side)
    inner = slice(pad, pad + side)
    levels = 255 * np.abs(warp.residual[inner, inner]).max(axis=2)
    pixels = np.hypot(*np.moveaxis(warp.motion[inner, inner], 2, 0))
    acts = np.maximum(levels / FULL_LEVELS, pixels / FULL_PIXELS).astype(np.float32)
    acts = smoothstep(masks.dilate_soft(acts, 0.06)) * warp.weight[inner, inner]
    patch = cv2.warpAffine(acts, mouth_transform(np.eye(2, 3), side, size), (size, size))
    return np.clip(patch, 0, 1) * masks.residual_weight(size, FEATHER)


def _calm_colours(painted: np.ndarray) -> np.ndarray:
    """`painted` [S, S, 3], brightness as fine as it is and colour in broad strokes: speckled teeth look like oil on water."""
    light = (painted @ LUMA)[..., None]
    broad = cv2.GaussianBlur(painted - light, (0, 0), BROAD * len(painted))
    return light + COLOUR * broad


def _add(pixels: np.ndarray, residual: np.ndarray, to_patch: np.ndarray, region: tuple[int, int, int, int]) -> None:
    """Adds a patch's residual, in units of the full range, to the pixels of `region` it lies over; alpha stays."""
    corners = crop_corners(to_patch, residual.shape[0])
    left, top = np.clip(np.floor(corners.min(axis=0)), region[:2], region[2:]).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, region[:2], region[2:]).astype(int)
    if left >= right or top >= bottom:
        return
    matrix = to_patch @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    size = int(right - left), int(bottom - top)
    fine = cv2.warpAffine(residual, matrix, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    target = pixels[top:bottom, left:right]
    colours = 1 if pixels.ndim == 2 or pixels.shape[2] == 2 else 3
    target = target[..., None] if pixels.ndim == 2 else target[..., :colours]
    full = np.iinfo(pixels.dtype).max
    painted = np.clip(np.rint(target + residual_for_channels(fine, colours) * full), 0, full).astype(pixels.dtype)
    paints = np.abs(fine).max(axis=2) > 0
    target[paints] = painted[paints]
