"""Makes a planned edit in a picture's own pixels."""

import cv2
import numpy as np

from .._moved import renamed
from ..faces.alignment import transform_scale
from ..images.warp import ImageFlow, to_image_pixels, warp_field
from . import masks
from .change import FaceWarp
from .color_match import residual_for_channels
from .grain import Grain
from .painted_layer import level_set

# Rows are worked on in bands of about this many pixels, so that a huge face costs time, not memory.
BAND_PIXELS = 1 << 20
LEAST_WEIGHT = 1 / 512
# How much of the Laplacian makes up for what interpolation loses; measured on the grain of photographs.
RESTORED_DETAIL = 0.01


def apply_warp(pixels: np.ndarray, transform: np.ndarray, side: int, warp: FaceWarp) -> tuple[int, int, int, int]:
    """Makes the edit in `pixels`, in place.

    Args:
        pixels: uint8 [H, W] or [H, W, 2 to 4], or uint16 [H, W]; a last channel of 2 or 4 is alpha and stays.
        transform: from picture pixels to the model's crop, [2, 3].
        side: the crop's side in pixels.
        warp: over the widened crop.

    Returns:
        left, top, right, bottom of the rectangle that pixels may have changed in; all else was not touched.
    """
    pad = masks.spread_pixels(side)
    wide = transform + np.array([[0, 0, pad], [0, 0, pad]])
    left, top, right, bottom = _rectangle(wide, warp.weight, pixels.shape)
    if left >= right or top >= bottom:
        return left, top, left, top
    fields, to_fields = _reduced(warp, wide, to_image_pixels(warp.motion, transform))
    reach = int(np.ceil(np.abs(fields[0]).max())) + 3
    source = pixels[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach].copy()
    corner = max(0, left - reach), max(0, top - reach)
    rows = max(16, BAND_PIXELS // (right - left))
    grain = None if warp.pasted or not _is_painted(fields) else Grain.of(pixels, transform, side)
    for start in range(top, bottom, rows):
        band = (left, start, right, min(bottom, start + rows))
        _apply_band(pixels, source, corner, band, fields, to_fields, grain)
    return left, top, right, bottom


def _apply_band(
    pixels: np.ndarray,
    source: np.ndarray,
    corner: tuple[int, int],
    band: tuple[int, int, int, int],
    fields: tuple[np.ndarray, ...],
    to_fields: np.ndarray,
    grain: Grain | None,
) -> None:
    """Makes the edit in the rectangle `band` of `pixels`, from the copy `source` of its surroundings.

    Args:
        pixels: of the picture.
        source: a copy of a part of them, whose first pixel is at `corner` (x, y).
        corner: see `source`.
        band: left, top, right, bottom.
        fields: motion in picture pixels, residual, moved crop, where that is shown, and weight, see `FaceWarp`; then those of
            its layer, where it has one.
        to_fields: [3, 3], from picture pixels to the fields'.
        grain: for what the edit paints.
    """
    left, top, right, bottom = band
    size = right - left, bottom - top
    matrix = to_fields @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    motion, residual, coarse, use_crop, weight, *layer = (_upsampled(field, matrix, size) for field in fields)
    target = pixels[top:bottom, left:right]
    x = motion[..., 0] + np.arange(left - corner[0], right - corner[0], dtype=np.float32)
    y = motion[..., 1] + np.arange(top - corner[1], bottom - corner[1], dtype=np.float32)[:, None]
    colours = 1 if source.ndim == 2 or source.shape[2] == 2 else 3
    colour = source if source.ndim == 2 else source[..., :colours]
    warped = _fetched(colour, x, y).reshape(*motion.shape[:2], colours)
    full = np.iinfo(pixels.dtype).max
    warped += use_crop[..., None] * (residual_for_channels(coarse, colours) * full - warped)
    edited = warped + residual_for_channels(residual, colours) * full
    painted = use_crop
    if layer:
        hidden = level_set(layer[0], 1 / transform_scale(matrix[:2]))
        edited += hidden[..., None] * (residual_for_channels(layer[1], colours) * full - edited)
        painted = hidden + (1 - hidden) * painted
    if grain:
        grain.add(edited, painted, left, top, full)
    edited = np.clip(np.rint(edited), 0, full).astype(pixels.dtype)
    acts = weight > LEAST_WEIGHT
    if target.ndim == 2:
        target[acts] = edited[acts, 0]
    else:
        target[..., :colours][acts] = edited[acts]


def _is_painted(fields: tuple[np.ndarray, ...]) -> bool:
    """Whether anything is shown that is not of the picture's own pixels; `fields` as for `_apply_band`."""
    _, _, _, use_crop, _, *layer = fields
    return bool(use_crop.any() or (layer and layer[0].any()))


def _fetched(colour: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`colour` at the places (x, y), float32, as sharp between pixels as on them."""
    warped = cv2.remap(colour, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    # 0 on pixels, 0.5 in the middle of four
    beside, below = x - np.floor(x), y - np.floor(y)
    between = beside * (1 - beside) + below * (1 - below)
    sharpening = (RESTORED_DETAIL * between).astype(np.float32)
    return warped - (sharpening if warped.ndim == 2 else sharpening[..., None]) * cv2.Laplacian(warped, cv2.CV_32F)


def _rectangle(wide: np.ndarray, weight: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The part of the picture where the weight is not 0: left, top, right, bottom."""
    ys, xs = np.nonzero(weight > LEAST_WEIGHT)
    if not len(xs):
        return 0, 0, 0, 0
    x0, y0, x1, y1 = xs.min() - 1, ys.min() - 1, xs.max() + 1, ys.max() + 1
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], dtype=np.float64)
    corners = cv2.transform(corners, cv2.invertAffineTransform(wide))[0]
    height, width = shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _reduced(warp: FaceWarp, wide: np.ndarray, motion: ImageFlow) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The edit's fields, averaged down where the face is smaller than the crop, and the 3x3 matrix from picture to them."""
    coarse = warp_field(warp.crop, warp.motion)
    fields = (motion, warp.residual, coarse, warp.use_crop_mask(), warp.weight, *(warp.layer or ()))
    to_fields = np.vstack([wide, [0, 0, 1]])
    factor = int(transform_scale(wide))
    if factor <= 1:
        return fields, to_fields
    side = warp.weight.shape[0] // factor
    whole = slice(side * factor)
    fields = tuple(cv2.resize(f[whole, whole], (side, side), interpolation=cv2.INTER_AREA) for f in fields)
    shrink = np.array([[1 / factor, 0, (1 / factor - 1) / 2], [0, 1 / factor, (1 / factor - 1) / 2], [0, 0, 1.0]])
    return fields, shrink @ to_fields


def _upsampled(field: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    interpolation = cv2.INTER_LINEAR if field.ndim == 2 else cv2.INTER_CUBIC
    return cv2.warpAffine(
        field,
        matrix[:2],
        size,
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )


__getattr__ = renamed(__name__, {"apply_change": "apply_warp"})
