"""Where an edit may act: weights over the model's crop that let it fade out before anything could show a seam.

Nothing is cross-faded: an old and a new mouth blended give a ghost. The *change* fades instead, motion and residual both,
so that at weight 0 a pixel is its own old self, bit for bit.
"""

import cv2
import numpy as np

from ..errors import ConfigurationError
from ..faces.alignment import EYES_CENTRE, EYES_TO_MOUTH
from ..images.warp import smoothstep

# The motion at the crop's border is carried on this far outside, as a fraction of the crop's side: a chin that drops to the
# border must push the neck below it, not be squeezed against it.
SPREAD = 0.125
RESIDUAL_FEATHER = 0.07

# Centre and half axes of an ellipse each, in units of the crop's side. The change fades out at FACE_FADE of the face's ellipse.
FACE = (0.5, 0.6, 0.36, 0.45)
FACE_FADE = 1.33
_MOUTH_Y = EYES_CENTRE[1] + EYES_TO_MOUTH
REGIONS = {
    "mouth": ((0.5, _MOUTH_Y + 0.06, 0.27, 0.24),),
    "eyes": ((0.5, EYES_CENTRE[1] - 0.045, 0.34, 0.17),),
}


def residual_weight(side: int, feather: float = RESIDUAL_FEATHER) -> np.ndarray:
    """[side, side]: 1 in the crop, fading to 0 at its border over `feather` of the side."""
    from_border = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = smoothstep(from_border / (feather * side))
    return np.minimum.outer(ramp, ramp).astype(np.float32)


def spread_weight(side: int) -> np.ndarray:
    """[side + 2 m, side + 2 m] with m = `spread_pixels(side)`: 1 over the crop, fading to 0 at the outer border."""
    pad = spread_pixels(side)
    outside = np.maximum(
        np.maximum(pad - 0.5 - np.arange(side + 2 * pad), np.arange(side + 2 * pad) - side - pad + 0.5), 0
    )
    distance = np.hypot.outer(outside, outside)
    return smoothstep(1 - distance / pad).astype(np.float32)


def spread_pixels(side: int) -> int:
    """By how many crop pixels the motion is carried on outside a crop of `side` pixels."""
    return round(SPREAD * side)


def activity_weight(residual: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """1 where an edit does something to see, 0 where it does next to nothing, with a soft edge: [S, S].

    Args:
        residual: [S, S, 3] in [-1, 1]; below 1.5 of 255 levels counts as nothing.
        motion: [S, S, 2] in crop pixels; below a tenth of a pixel counts as nothing.
    """
    levels = np.abs(residual).max(axis=2) * 127.5
    pixels = np.hypot(motion[..., 0], motion[..., 1])
    acts = np.maximum(smoothstep((levels - 1.5) / 4), smoothstep((pixels - 0.1) / 0.4)).astype(np.float32)
    return np.clip(dilate_soft(acts, 0.05), 0, 1)


def face_weight(side: int) -> np.ndarray:
    """[side, side]: 1 on the face, fading to 0 over hair, hat, ears and background above and beside it.

    Brows rise under a hairline that stays where it is; the pictures that the models learned from move it along. Below the
    cheeks nothing fades: a chin that drops must push the neck.
    """
    axis = (np.arange(side) + 0.5) / side
    centre_x, centre_y, half_width, half_height = FACE
    up = np.clip((centre_y - axis) / half_height, 0, None)
    radius = np.hypot.outer(up, (axis - centre_x) / half_width)
    return smoothstep((FACE_FADE - radius) / (FACE_FADE - 1)).astype(np.float32)


def region_weight(region: str | np.ndarray, side: int) -> np.ndarray:
    """How strongly each place of the crop may change, float32 [side, side] in 0..1.

    Args:
        region: "mouth" (with cheeks and chin), "eyes" (with brows), or an array [h, w] in 0..1 over the canonical crop.

    Raises:
        ConfigurationError: another name, or an array of another shape or range.
    """
    if isinstance(region, str):
        if region not in REGIONS:
            raise ConfigurationError(
                f"region={region!r} is not known: use None for the whole face, {' or '.join(REGIONS)}."
            )
        return _ellipses(REGIONS[region], side)
    weight = np.asarray(region, dtype=np.float32)
    if weight.ndim != 2 or not weight.size or not np.isfinite(weight).all() or weight.min() < 0 or weight.max() > 1:
        raise ConfigurationError(
            f"A region map needs the shape [height, width] and values from 0 to 1; got {weight.shape}."
        )
    return cv2.resize(weight, (side, side), interpolation=cv2.INTER_LINEAR)


def attention_weight(attention: np.ndarray | None, side: int) -> np.ndarray:
    """1 where the network looked, with a soft edge, 0 where it did not: float32 [side, side].

    Args:
        attention: [h, w] in 0..1 over the crop; None, for a model without attention, gives 1 everywhere.
    """
    if attention is None:
        return np.ones((side, side), np.float32)
    looked = smoothstep((cv2.resize(attention.astype(np.float32), (side, side)) - 0.02) / 0.08)
    return np.clip(dilate_soft(looked, 0.05), 0, 1).astype(np.float32)


def dilate_soft(weight: np.ndarray, reach: float) -> np.ndarray:
    """`weight` [S, S] spread over discs of `reach` times the side, with a soft edge."""
    disc = max(3, round(reach * weight.shape[0])) | 1
    spread = cv2.dilate(weight, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (disc, disc)))
    return cv2.GaussianBlur(spread, (0, 0), disc / 3)


def _ellipses(ellipses: tuple[tuple[float, float, float, float], ...], side: int) -> np.ndarray:
    axis = (np.arange(side) + 0.5) / side
    weight = np.zeros((side, side), np.float32)
    for x, y, half_width, half_height in ellipses:
        radius = np.sqrt(np.add.outer(((axis - y) / half_height) ** 2, ((axis - x) / half_width) ** 2))
        weight = np.maximum(weight, smoothstep((1.15 - radius) / 0.5))
    return weight.astype(np.float32)
