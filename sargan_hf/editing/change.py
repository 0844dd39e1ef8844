"""Carries an edit made at the model's size to the picture's own resolution.

The up-sampled motion moves the picture's own pixels. An up-sampled residual adds only what the motion cannot explain: the
inside of a mouth, folds, a shadow. All of it happens in the picture's own pixel grid. Where nothing moves, no pixel is
resampled, so skin, brush strokes and grain do not change. The cost depends on the size of the face alone.
"""

import warnings
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from .._moved import renamed
from ..images.normalize import denormalize, normalize
from ..images.warp import CropFlow, NormalizedFlow, smoothstep, to_crop_pixels, warp_field
from ..inference.protocol import PaintedLayer
from . import masks
from .color_match import match_crop_colors
from .painted_layer import CoveringLayer

MODES = ("motion", "residual", "paste")
SMOOTHING = 1 / 128  # of the crop's side: one pixel of the released models
# Area of the picture that a pixel is fetched from: where streaks begin to show, and where there is nothing else.
STRETCHED, DRAWN_OUT = 0.6, 0.25
# Paint in units of the full range: where it begins to hide what it lies on, and where that is gone. Folds stay below.
COVERING, COVERED = 0.125, 0.225
GAP = 3 / 128  # of the crop's side: what lies between overpainted places this near to each other is overpainted too
FOLLOWED = 8  # rounds in which a point is followed to where it is in the full warp
OPENS_DARK = 3.0  # the inside of a mouth has its full colour from the reciprocal of this intensity on


@dataclass(frozen=True)
class FaceWarp:
    """What an edit does to one face at intensity 1, over the crop widened by `masks.spread_pixels` on each side.

    Attributes:
        motion: float32 [P, P, 2], where each pixel is fetched from, relative to itself, in crop pixels.
        residual: float32 [P, P, 3] in units of the full range 0..1, added after the motion.
        crop: float32 [P, P, 3] in 0..1, the face as the model saw it. It is moved instead of the picture's own pixels where
            those would be drawn out to streaks.
        weight: float32 [P, P], 0 where the picture stays as it is, bit for bit.
        overpainted: float32 [P, P], 1 where the residual replaces what the picture shows, see `overpaint_mask`.
        expression: float32 [n], the condition that the edit was made for, which `refine_mouth` needs.
        pasted: whether `crop` stands in for the picture's own pixels everywhere, the mode "paste".
        layer: over the widened crop, what covers all this in the end; None for a model without an occlusion layer.
    """

    motion: CropFlow
    residual: np.ndarray
    crop: np.ndarray
    weight: np.ndarray
    overpainted: np.ndarray
    expression: np.ndarray
    pasted: bool = False
    layer: CoveringLayer | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        arrays = (self.motion, self.residual, self.crop, self.weight, self.overpainted, self.expression)
        return sum(array.nbytes for array in (*arrays, *(self.layer or ())))

    def at_intensity(self, intensity: float) -> "FaceWarp":
        """The warp at another intensity, 0 none and 1 this one: every point that moves goes that share of its way.

        The paint goes with it. Scaling the fields in place is not enough: a half-open mouth would show stretched lips over a
        half-transparent open mouth. The inside of a mouth is as dark as it will be as soon as it opens.

        The offset d solves d(x) = (t - 1) m(x + d(x)) for the motion m and the intensity t. What is at x now is at x + d(x) in
        the full warp, which is sampled there.
        """
        intensity = float(intensity)  # a NumPy scalar would turn float32 fields into float64
        if intensity == 1.0:
            return self
        offset = np.zeros_like(self.motion)
        for _ in range(FOLLOWED):
            offset = (intensity - 1) * warp_field(self.motion, offset)
        fields = np.dstack([self.motion, self.residual, stretch_mask(self.motion), self.overpainted])
        motion, residual, opening, overpainted = np.split(warp_field(fields, offset), (2, 5, 6), axis=2)
        opened = min(1.0, OPENS_DARK * intensity)
        residual *= intensity + opening * (max(intensity, opened) - intensity)
        motion = CropFlow(intensity * motion)
        layer = self.layer and CoveringLayer(*(warp_field(each, offset) for each in self.layer))
        layer = layer and layer._replace(occlusion=opened * layer.occlusion)
        return replace(self, motion=motion, residual=residual, overpainted=opened * overpainted[..., 0], layer=layer)

    def scaled(self, intensity: float) -> "FaceWarp":
        """The old name of `at_intensity`."""
        warnings.warn("FaceWarp.scaled is now FaceWarp.at_intensity.", FutureWarning, stacklevel=2)
        return self.at_intensity(intensity)

    def use_crop_mask(self) -> np.ndarray:
        """float32 [P, P], 1 where the moved `crop` is shown instead of the picture's own pixels.

        An opening mouth stretches the seam between the lips over the whole opening. At the picture's resolution that is a
        comb of streaks. The model saw only a few pixels there and painted over them. The same happens to the teeth of a
        smile that closes or turns into a dark opening: the paint does not hide gaps between them that the model did not
        see.
        """
        return self.weight if self.pasted else np.maximum(stretch_mask(self.motion), self.overpainted)


class _Crop(NamedTuple):
    """An edit over the crop itself, before it is faded out and widened.

    Attributes:
        start: float32 [S, S, 3] in [-1, 1], what the residual is added to.
        motion: float32 [S, S, 2] in pixels.
        residual: float32 [S, S, 3] in [-1, 1].
        overpainted: float32 [S, S], see `FaceWarp`.
        skin: float32 [S, S], 1 where `start` shows the surface that the result shows; None if that is not known.
        layer: what covers the result; None for nothing.
    """

    start: np.ndarray
    motion: CropFlow
    residual: np.ndarray
    overpainted: np.ndarray
    skin: np.ndarray | None
    layer: CoveringLayer | None = None


def plan_warp(
    crop: np.ndarray,
    residual: np.ndarray,
    motion: NormalizedFlow | None,
    mode: str,
    region: str | np.ndarray | None = None,
    attention: np.ndarray | None = None,
    *,
    expression: np.ndarray,
    layer: PaintedLayer | None = None,
) -> FaceWarp:
    """Turns what the generator returns into the `FaceWarp` to make.

    Args:
        crop: uint8 [S, S, 3], what the generator saw.
        residual: [S, S, 3] in [-1, 1], to be added to the (moved) crop in [-1, 1].
        motion: [S, S, 2] in normalised coordinates (2.0 is the full width), or None for a model without motion.
        mode: one of `MODES`: "motion" moves the picture's pixels, with dense optical flow standing in for the motion of a
            model that has none; "residual" only adds the up-sampled difference; "paste" puts the model's own pixels there.
        region: see `masks.region_weight`; also keeps the warp to where the network looked.
        attention: [h, w] in 0..1, where the network looked; only used with a region.
        expression: [n], the condition it was made for, kept for what refines the edit.
        layer: of the generator, N = 1; "motion" keeps its edge sharp at any size.
    """
    planned = (_moving if mode == "motion" else _painting)(crop, residual, motion, layer)
    residual = match_crop_colors(crop, planned.start, planned.residual, planned.skin)
    planned = planned._replace(residual=residual)
    side = crop.shape[0]
    shown = residual
    if planned.layer is not None:
        shown = planned.layer.over(planned.start + residual) - planned.start
    weight = masks.activity_weight(shown, planned.motion) * masks.face_weight(side)
    if region is not None:
        weight = weight * masks.region_weight(region, side) * masks.attention_weight(attention, side)
    return _widened(crop, planned, weight, expression, pasted=mode == "paste")


def _moving(crop: np.ndarray, residual: np.ndarray, motion: NormalizedFlow | None, layer: PaintedLayer | None) -> _Crop:
    """An edit that moves the picture's pixels and paints what the motion cannot explain; arguments as for `plan_warp`."""
    start, edit = _start_and_edit(crop, residual, motion)
    if motion is None:
        flow = optical_flow(crop, edit)
    else:
        flow = CropFlow(_smoothed(to_crop_pixels(motion, len(crop))))
    start = warp_field(start, flow)
    overpainted = overpaint_mask((edit - start) / 2)
    # Between opening lips the network has painted over the drawn-out seam, pixel for pixel, and over teeth likewise. The
    # paint smoothed alone would let them show again as streaks; there the whole is.
    opening = stretch_mask(flow)
    coarse = np.maximum(opening, overpainted)[..., None]
    residual = coarse * (_smoothed(edit) - start) + (1 - coarse) * _smoothed(edit - start)
    covering = None if layer is None else CoveringLayer.from_output(layer, crop, start)
    return _Crop(start, flow, residual, overpainted, skin=1 - opening, layer=covering)


def _painting(
    crop: np.ndarray, residual: np.ndarray, motion: NormalizedFlow | None, layer: PaintedLayer | None
) -> _Crop:
    """An edit that paints alone; arguments as for `plan_warp`."""
    start, edit = _start_and_edit(crop, residual, motion)
    if layer is not None:
        edit = CoveringLayer.from_output(layer, crop, start).over(edit)
    still = CropFlow(np.zeros((*crop.shape[:2], 2), np.float32))
    return _Crop(start, still, edit - start, np.zeros(crop.shape[:2], np.float32), skin=None)


def _start_and_edit(
    crop: np.ndarray, residual: np.ndarray, motion: NormalizedFlow | None
) -> tuple[np.ndarray, np.ndarray]:
    """The crop and what the network makes of it, each float32 [S, S, 3]; the first lies in [-1, 1]."""
    start = normalize(crop)
    moved = start if motion is None else warp_field(start, to_crop_pixels(motion, len(crop)))
    return start, moved + residual


def _widened(crop: np.ndarray, planned: _Crop, weight: np.ndarray, expression: np.ndarray, pasted: bool) -> FaceWarp:
    """The edit faded by `weight` [S, S] and carried on outside of the crop."""
    side = crop.shape[0]
    pad = masks.spread_pixels(side)
    inner, overpainted = (
        cv2.copyMakeBorder(field * weight, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
        for field in (masks.residual_weight(side), planned.overpainted)
    )
    layer = planned.layer and CoveringLayer(
        _spread(planned.layer.occlusion, pad) * inner, _spread(planned.layer.painted, pad)
    )
    total = inner if pasted else _spread(weight, pad) * masks.spread_weight(side)
    return FaceWarp(
        motion=CropFlow(_spread(planned.motion, pad) * total[..., None]),
        residual=_spread(planned.residual / 2, pad) * inner[..., None],
        crop=_spread(crop.astype(np.float32) / 255, pad),
        weight=total,
        overpainted=overpainted,
        expression=expression,
        pasted=pasted,
        layer=layer,
    )


def stretch_mask(motion: np.ndarray) -> np.ndarray:
    """float32 [P, P], 1 where `motion` [P, P, 2] in pixels fetches many pixels from the place of one."""
    down_x, across_x = np.gradient(motion[..., 0])
    down_y, across_y = np.gradient(motion[..., 1])
    area = (1 + across_x) * (1 + down_y) - down_x * across_y  # of the picture that one pixel is fetched from
    stretched = smoothstep((STRETCHED - area) / (STRETCHED - DRAWN_OUT)).astype(np.float32)
    return _smoothed(stretched)


def overpaint_mask(paint: np.ndarray) -> np.ndarray:
    """float32 [S, S], 1 where `paint` [S, S, 3], of the full range, hides what it is added to, and between such places."""
    much = _smoothed(np.abs(paint).max(axis=2))
    gap = 2 * round(GAP * len(paint)) + 1
    much = cv2.morphologyEx(much, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    return _smoothed(smoothstep((much - COVERING) / (COVERED - COVERING)).astype(np.float32))


def optical_flow(crop: np.ndarray, edit: np.ndarray) -> CropFlow:
    """Where in `crop` (uint8 [S, S, 3]) the content of `edit` (float [S, S, 3] in [-1, 1]) was, in pixels: [S, S, 2].

    Dense inverse search at twice the size, smoothed, and 0 where the two hardly differ.
    """
    side = crop.shape[0]
    after = denormalize(edit)
    greys = [
        cv2.cvtColor(cv2.resize(p, (2 * side, 2 * side), interpolation=cv2.INTER_CUBIC), cv2.COLOR_RGB2GRAY)
        for p in (after, crop)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    flow = cv2.GaussianBlur(search.calc(greys[0], greys[1], np.zeros((2 * side, 2 * side, 2), np.float32)), (0, 0), 1.5)
    flow = cv2.resize(flow, (side, side), interpolation=cv2.INTER_AREA) / 2
    differs = cv2.dilate(np.abs(after.astype(np.float32) - crop).max(axis=2), np.ones((7, 7)))
    visible = smoothstep((cv2.GaussianBlur(differs, (0, 0), 3) - 3) / 8).astype(np.float32)
    return CropFlow(flow * visible[..., None])


def _smoothed(field: np.ndarray) -> np.ndarray:
    """`field` without what transposed convolutions leave in it: steps and stripes of single pixels.

    They are invisible at the model's size and, several times enlarged, tear lips into bands. What the smoothing takes from
    the motion, the residual gives back as far as it is more than such stripes.
    """
    return cv2.GaussianBlur(field, (0, 0), SMOOTHING * field.shape[0])


def _spread(field: np.ndarray, pad: int) -> np.ndarray:
    return cv2.copyMakeBorder(field, pad, pad, pad, pad, cv2.BORDER_REPLICATE)


__getattr__ = renamed(__name__, {"Change": "FaceWarp", "plan_change": "plan_warp"})
