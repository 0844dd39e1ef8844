"""Colours of what an edit paints: those of the face it is painted into."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..images.color_modes import LUMA
from ..images.normalize import normalize
from ..images.warp import smoothstep

# Of 255; in photographs colours spread by 7 and more beside their brightness, in pencil or marble by less.
TINT_SPREAD = 5.0
DARK = 0.1  # of full brightness: what is darker has no hue to speak of
HUE_MARGIN = 0.02  # of a pixel's brightness
ALIKE = 0.15  # of full brightness
# Also of it: what lightens by more is no shadow; what darkens by more is an opening or a line, with a hue of its own.
BRIGHTER, SHADE = 0.04, 0.3


def match_crop_colors(
    crop: np.ndarray, start: np.ndarray, residual: np.ndarray, skin: np.ndarray | None = None
) -> np.ndarray:
    """`residual`, changed so that `start` + `residual` shows no hue that is not in the face.

    The network learned from evenly lit photographs. It paints the same white teeth under a yellowed varnish or in warm light,
    where they look green or blue. It paints the same grey folds on the rosy cheek of an avatar, where they look like smudges.
    The brightness does not change.

    Args:
        crop: uint8 RGB [S, S, 3].
        start: float32 [S, S, 3] in [-1, 1], what the residual is added to.
        residual: float32 [S, S, 3].
        skin: float32 [S, S] in 0..1, where `start` shows the surface that the result will show; None if that is not known.
    """
    tint = single_tint(crop)
    if tint is not None:
        return (residual @ tint)[..., None] * tint
    side = len(crop)
    face = normalize(crop[side // 4 : side * 7 // 8, side // 5 : side * 4 // 5])
    face_light, face_hue = _light_and_hue(face)
    light, hue = _light_and_hue(start + residual)
    light_before, before = _light_and_hue(start)
    kept = _within(_hues_by_light(face_light[..., 0], face_hue), light, hue, light_before, before)
    # Each channel may be within its bounds and both together still be the green of mint: teeth on a pink face.
    greenest = np.percentile(_greenness(face_hue), 95)
    excess = np.maximum(_greenness(kept) - np.maximum(greenest, _greenness(before)), 0)
    kept[..., 0] += excess / 2
    kept[..., 1] -= excess / 2
    if skin is not None:
        # A shadow on skin: the hue of that skin, and as much more colour as the shadows of this face have.
        usual = _usual_hue(face_light[..., 0], face_hue)
        shadow = skin[..., None] * smoothstep(1 - (light - light_before) / BRIGHTER)
        shadow = shadow * np.exp(-(((light - light_before) / SHADE) ** 2))
        kept += shadow * (before + usual(light) - usual(light_before) - kept)
    kept -= (kept @ LUMA)[..., None]
    return residual + ((kept - hue) * (np.maximum(light, 0) + DARK) * 2).astype(np.float32)


class _HueBounds(NamedTuple):
    """What hues a face shows at some brightnesses; between these they are interpolated.

    Attributes:
        light: [k], rising, in 0..1.
        low, high: [k, 3], the least and the greatest hue at each, as of `_light_and_hue`.
    """

    light: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound, each [..., 3], at a brightness [..., 1]."""
        low, high = (
            np.stack([np.interp(light[..., 0], self.light, bound[:, channel]) for channel in range(3)], axis=-1)
            for bound in (self.low, self.high)
        )
        return low, high


def _within(
    bounds: _HueBounds, light: np.ndarray, hue: np.ndarray, light_before: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """`hue` [S, S, 3] within what the face shows at the brightness `light` [S, S, 1].

    What the picture itself shows there, `light_before` and `before`, may stay. It may not where it becomes much darker or
    brighter: the dark of a mouth is no darker skin.
    """
    low, high = bounds.at(light)
    alike = np.exp(-(((light - light_before) / ALIKE) ** 2))
    return np.clip(
        hue,
        low + alike * np.minimum(before - low, 0) - HUE_MARGIN,
        high + alike * np.maximum(before - high, 0) + HUE_MARGIN,
    )


def _greenness(hue: np.ndarray) -> np.ndarray:
    """How far green stands above red."""
    return hue[..., 1] - hue[..., 0]


def _hues_by_light(light: np.ndarray, hue: np.ndarray) -> _HueBounds:
    """What hues the shadows, the middle and the lights of a face show.

    Shadows under a yellowed varnish are brown where the lights are yellow. One range for both would allow olive mouths.

    Args:
        light, hue: of the face, [h, w] and [h, w, 3], as of `_light_and_hue`.
    """
    # Of the upper part the whites of eyes, for teeth; no iris, no brow.
    counts, upper = light > DARK, len(light) // 3
    counts[:upper] &= light[:upper] > np.median(light)
    light, hue = light[counts], hue[counts]
    if len(light) < 100:
        return _HueBounds(np.array([0.0, 1.0]), np.full((2, 3), -1.0), np.full((2, 3), 1.0))
    bands, middles = _bands(light, (0, 15, 50, 100))
    ends = np.array([np.percentile(hue[band], (1, 99), axis=0) for band in bands])
    return _HueBounds(np.array(middles), ends[:, 0], ends[:, 1])


def _usual_hue(light: np.ndarray, hue: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What hue a face usually shows at a brightness [..., 1]: the medians of its quarters from dark to bright.

    Args:
        light, hue: of the face, [h, w] and [h, w, 3].
    """
    bands, middles = _bands(light, (5, 25, 50, 75, 95))
    hues = np.array([np.median(hue[band], axis=0) for band in bands])
    return lambda of: np.stack([np.interp(of[..., 0], middles, hues[:, channel]) for channel in range(3)], axis=-1)


def _bands(light: np.ndarray, percentiles: tuple[float, ...]) -> tuple[list[np.ndarray], list[float]]:
    """Where the brightness lies between each two neighbouring percentiles of it, and its median there."""
    bands = [(light >= lower) & (light <= upper) for lower, upper in pairwise(np.percentile(light, percentiles))]
    return bands, [float(np.median(light[band])) for band in bands]


def _light_and_hue(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of pixels [..., 3] in [-1, 1]: brightness in 0..1, [..., 1], and the channels' distance from it, relative to it."""
    light = (pixels @ LUMA)[..., None] / 2 + 0.5
    return light, ((pixels + 1) / 2 - light) / (np.maximum(light, 0) + DARK)


def single_tint(crop: np.ndarray) -> np.ndarray | None:
    """The one direction in RGB, float32 [3] of length 1, along which a crop's colours lie; None if they do not.

    Grey photographs, sepia, pencil on cream paper, marble: what is painted into them must keep to their own ink.

    Args:
        crop: uint8 RGB [S, S, 3].
    """
    colours = crop.reshape(-1, 3).astype(np.float32)
    variances, directions = np.linalg.eigh(np.cov(colours, rowvar=False))
    if max(variances[1], 0.0) > TINT_SPREAD**2 or variances[2] <= 0:
        return None
    grey = np.full(3, 3**-0.5, np.float32)
    tint = (directions[:, 2] * np.sign(directions[:, 2].sum())).astype(np.float32)
    return grey if np.abs(tint - grey).max() < 0.01 else tint  # a grey picture stays grey to the last bit


def residual_for_channels(residual: np.ndarray, colours: int) -> np.ndarray:
    """An RGB field as it is, or its luma for pictures of one channel."""
    return residual if colours == 3 else (residual @ LUMA)[..., None]
