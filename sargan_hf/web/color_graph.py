"""`sargan_hf.editing.color_match` as torch operations that an ONNX graph can hold.

Where the original takes what lies in a band of brightness, an array of another length each time, here all pixels stay: those
outside are sorted behind the others, and percentiles are counted among the others only.
"""

from itertools import pairwise

import torch
from torch import Tensor

from ..editing import color_match as rule
from .graph_ops import luma, side_of, smoothstep

BEHIND = 1e9  # above every value that is sorted
SQUARINGS = 8  # of a covariance matrix, to the 256th power: what remains is its first direction
FEW = 100  # pixels of which no range of hues is taken


def match_crop_colors(crop: Tensor, start: Tensor, residual: Tensor, skin: Tensor | None = None) -> Tensor:
    """As `editing.color_match.match_crop_colors`.

    Args:
        crop: [1, 3, S, S], whole numbers in 0..255.
        start, residual: [1, 3, T, T] in [-1, 1].
        skin: [1, 1, T, T] in 0..1, or None.
    """
    tint, is_tinted = _single_tint(crop)
    tint = tint.view(1, 3, 1, 1)
    inked = (residual * tint).sum(dim=1, keepdim=True) * tint
    return torch.where(is_tinted, inked, _matched(crop, start, residual, skin))


def _matched(crop: Tensor, start: Tensor, residual: Tensor, skin: Tensor | None) -> Tensor:
    side = side_of(crop)
    face = crop[:, :, side // 4 : side * 7 // 8, side // 5 : side * 4 // 5] / 127.5 - 1
    face_light, face_hue = _light_and_hue(face)
    light, hue = _light_and_hue(start + residual)
    light_before, before = _light_and_hue(start)
    statistics = _FaceStatistics(face_light, face_hue)
    kept = _within(statistics, light, hue, light_before, before)
    excess = (_greenness(kept) - torch.maximum(statistics.greenest, _greenness(before))).clamp(min=0)
    kept = kept + excess * torch.tensor([0.5, -0.5, 0.0]).view(1, 3, 1, 1)
    if skin is not None:
        shadow = skin * smoothstep(1 - (light - light_before) / rule.BRIGHTER)
        shadow = shadow * torch.exp(-(((light - light_before) / rule.SHADE) ** 2))
        usual, usual_before = (_interpolated(of, *statistics.usual) for of in (light, light_before))
        kept = kept + shadow * (before + usual - usual_before - kept)
    kept = kept - luma(kept)
    return residual + (kept - hue) * (light.clamp(min=0) + rule.DARK) * 2


def _within(statistics: "_FaceStatistics", light, hue, light_before, before) -> Tensor:
    low = _interpolated(light, statistics.middles, statistics.low)
    high = _interpolated(light, statistics.middles, statistics.high)
    alike = torch.exp(-(((light - light_before) / rule.ALIKE) ** 2))
    low = low + alike * (before - low).clamp(max=0) - rule.HUE_MARGIN
    high = high + alike * (before - high).clamp(min=0) + rule.HUE_MARGIN
    return torch.minimum(torch.maximum(hue, low), high)


class _FaceStatistics:
    """What hues a face shows at which brightness: `_hues_by_light` and `_usual_hue` of the original.

    Attributes:
        middles, low, high: [3] and two of [3, 3] (band, channel): bounds of the hue.
        usual: brightness [4] and hue [4, 3] that the face usually shows.
        greenest: [], how far green stands above red in its greenest pixels.
    """

    def __init__(self, light: Tensor, hue: Tensor):
        rows, columns = int(light.shape[2]), int(light.shape[3])
        flat, hues = light.flatten()[None], hue.flatten(2)[0]  # [1, n], [3, n]
        everywhere = torch.ones_like(flat)
        ordered = _sorted(flat, everywhere)
        counts = (flat > rule.DARK).float()
        is_upper = (torch.arange(rows * columns) < rows // 3 * columns).float()[None]
        above = (flat > _percentile(*ordered, 50)).float()
        counts = counts * (1 - is_upper + is_upper * above)
        marked = _sorted(flat, counts)
        bounds = _bands(flat, marked, counts, (0, 15, 50, 100))
        usual = _bands(flat, ordered, everywhere, (5, 25, 50, 75, 95))
        # One sort for all: for each band the light and the three channels, and the greenness of the face.
        bands = bounds + usual
        values = torch.cat([torch.cat([flat, hues]).repeat(len(bands), 1), (hues[1] - hues[0])[None]])
        masks = torch.cat([band.expand(4, -1) for band in bands] + [everywhere])
        ordered_all, number = _sorted(values, masks)
        medians = _percentile(ordered_all[:-1], number[:-1], 50).view(len(bands), 4)
        first = slice(0, 4 * len(bounds))
        low, high = (_percentile(ordered_all[first], number[first], q).view(len(bounds), 4)[:, 1:] for q in (1, 99))
        enough = (counts.sum() >= FEW).float()
        self.middles = medians[: len(bounds), 0]
        self.low, self.high = enough * low - (1 - enough), enough * high + (1 - enough)
        self.usual = medians[len(bounds) :, 0], medians[len(bounds) :, 1:]
        self.greenest = _percentile(ordered_all[-1:], number[-1:], 95).view(1, 1, 1, 1)


def _bands(light: Tensor, ordered: tuple[Tensor, Tensor], among: Tensor, percentiles: tuple[int, ...]) -> list[Tensor]:
    """[1, n] for each two neighbouring percentiles: 1 where the brightness lies between them."""
    limits = [_percentile(*ordered, percentile) for percentile in percentiles]
    return [((light >= low) & (light <= high)).float() * among for low, high in pairwise(limits)]


def _sorted(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [R, n] in rising order, those where the mask is 0 behind the others, and how many others there are: [R, 1]."""
    return torch.sort(torch.where(mask > 0, values, BEHIND), dim=1)[0], mask.sum(dim=1, keepdim=True)


def _percentile(ordered: Tensor, number: Tensor, percentile: int) -> Tensor:
    """[R, 1], as `np.percentile` of the first `number` [R, 1] of rows [R, n] in rising order."""
    last = (number - 1).clamp(min=0)
    place = last * (percentile / 100)
    lower = place.floor()
    upper = torch.minimum(lower + 1, last)
    at_lower, at_upper = (torch.gather(ordered, 1, index.long()) for index in (lower, upper))
    return at_lower + (at_upper - at_lower) * (place - lower)


def _interpolated(light: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """As `np.interp` for each channel: light [1, 1, T, T], knots [k], values [k, 3] -> [1, 3, T, T]."""
    result = values[0].view(1, 3, 1, 1)
    for index in range(len(knots) - 1):
        width = (knots[index + 1] - knots[index]).clamp(min=1e-9)
        share = ((light - knots[index]) / width).clamp(0, 1)
        result = result + share * (values[index + 1] - values[index]).view(1, 3, 1, 1)
    return result


def _greenness(hue: Tensor) -> Tensor:
    return hue[:, 1:2] - hue[:, 0:1]


def _light_and_hue(pixels: Tensor) -> tuple[Tensor, Tensor]:
    light = luma(pixels) / 2 + 0.5
    return light, ((pixels + 1) / 2 - light) / (light.clamp(min=0) + rule.DARK)


def _single_tint(crop: Tensor) -> tuple[Tensor, Tensor]:
    """The direction in RGB [3] along which the colours of a crop spread most, and whether they spread beside it so little
    that it is the only one, as `single_tint` of the original says."""
    colours = crop.flatten(2)[0]
    centred = colours - colours.mean(dim=1, keepdim=True)
    covariance = centred @ centred.T / (side_of(crop) ** 2 - 1)
    tint, first = _leading(covariance)
    _, second = _leading(covariance - first * tint[:, None] * tint[None])
    grey = torch.full((3,), 3**-0.5)
    is_grey = (tint - grey).abs().amax() < 0.01
    is_tinted = (second <= rule.TINT_SPREAD**2) & (first > 0)
    return torch.where(is_grey, grey, tint), is_tinted


def _leading(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The eigenvector [3] and eigenvalue [] of a symmetric matrix [3, 3] whose eigenvalue is the largest."""
    power = matrix
    for _ in range(SQUARINGS):
        power = power / power.abs().amax().clamp(min=1e-12)
        power = power @ power
    # Of the columns, all along the same direction, one that is not 0; its sum is to be positive, as a brighter ink's.
    column = power.gather(1, power.abs().sum(dim=0).argmax().view(1, 1).expand(3, 1))[:, 0]
    vector = column / column.square().sum().sqrt().clamp(min=1e-12)
    vector = vector * torch.where(vector.sum() < 0, -1.0, 1.0)
    return vector, vector @ (matrix @ vector)
