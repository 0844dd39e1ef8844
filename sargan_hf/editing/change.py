"""Carries an edit made at the model's size to the picture's own resolution.

The picture's own pixels are moved by the up-sampled motion, and only what the motion cannot explain (the inside of a mouth,
folds, a shadow) is added as an up-sampled residual. All of it happens in the picture's own pixel grid: where nothing moves no
pixel is resampled, so skin, brush strokes and grain stay what they were, and the cost grows with the face alone.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .._moved import renamed
from ..images.warp import warp_field
from . import masks as compositing
from .color_match import match_crop_colors

MODES = ("motion", "residual", "paste")
SMOOTHING = 1 / 128  # of the crop's side: one pixel of the released models
# Area of the picture that a pixel is fetched from: where streaks begin to show, and where there is nothing else.
STRETCHED, DRAWN_OUT = 0.6, 0.25
# Paint in units of the full range: where it begins to hide what it lies on, and where that is gone. Folds stay below.
COVERING, COVERED = 0.125, 0.225
GAP = 3 / 128  # of the crop's side: what lies between covered places this near to each other is covered too
FOLLOWED = 8  # rounds in which a point is followed to where it is in the full change
OPENS_DARK = 3.0  # the inside of a mouth has its full colour from the reciprocal of this intensity on


@dataclass(frozen=True)
class FaceWarp:
    """What an edit does to one face at intensity 1, over the crop widened by `compositing.spread_pixels` on each side.

    Attributes:
        motion: float32 [P, P, 2], where each pixel is fetched from, relative to itself, in crop pixels.
        residual: float32 [P, P, 3] in units of the full range 0..1, added after the motion.
        crop: float32 [P, P, 3] in 0..1, the face as the model saw it, to be moved instead of the picture's own pixels where
            those would be drawn out to streaks.
        weight: float32 [P, P], 0 where the picture stays as it is, bit for bit.
        overpainted: float32 [P, P], 1 where the residual replaces what the picture shows, see `overpaint_mask`.
        expression: float32 [n], the condition that the edit was made for, which `faces.mouth` refines it by.
        pasted: whether `crop` stands in for the picture's own pixels everywhere, the mode "paste".
    """

    motion: np.ndarray
    residual: np.ndarray
    crop: np.ndarray
    weight: np.ndarray
    overpainted: np.ndarray
    expression: np.ndarray
    pasted: bool = False

    def at_intensity(self, intensity: float) -> "FaceWarp":
        """The change at another intensity, 0 none and 1 this one: every point that moves goes that share of its way.

        What is painted goes with it. Were the fields scaled where they are, a mouth half open would show the lips drawn out
        over the paint of the open one, half as strong. The inside of a mouth is as dark as it will be as soon as it opens.
        """
        intensity = float(intensity)  # a NumPy scalar would turn float32 fields into float64
        if intensity == 1.0:
            return self
        # What is shown at x here is shown at x + ends in the full change: a fixed point, as that is where its motion is known.
        ends = np.zeros_like(self.motion)
        for _ in range(FOLLOWED):
            ends = (intensity - 1) * warp_field(self.motion, ends)
        fields = warp_field(np.dstack([self.motion, self.residual, stretch_mask(self.motion), self.overpainted]), ends)
        motion, residual, opening, overpainted = fields[..., :2], fields[..., 2:5], fields[..., 5:6], fields[..., 6]
        opened = min(1.0, OPENS_DARK * intensity)
        residual *= intensity + opening * (max(intensity, opened) - intensity)
        return replace(self, motion=intensity * motion, residual=residual, overpainted=opened * overpainted)

    def use_crop_mask(self) -> np.ndarray:
        """float32 [P, P], 1 where the moved `crop` is shown instead of the picture's own pixels.

        A mouth that opens draws the seam between the lips out over the whole opening; at the picture's resolution that
        is a comb of streaks. The model saw and painted over the few pixels of its own size. So it did with the teeth of a
        smile that closes or turns into a dark opening: its paint hides no gap between them that it did not see.
        """
        return self.weight if self.pasted else np.maximum(stretch_mask(self.motion), self.overpainted)


def plan_warp(
    crop: np.ndarray,
    residual: np.ndarray,
    motion: np.ndarray | None,
    mode: str,
    region: str | np.ndarray | None = None,
    attention: np.ndarray | None = None,
    *,
    expression: np.ndarray,
) -> FaceWarp:
    """Turns what the generator returns into the `FaceWarp` to make.

    Args:
        crop: uint8 [S, S, 3], what the generator saw.
        residual: [S, S, 3] in [-1, 1], to be added to the (moved) crop in [-1, 1].
        motion: [S, S, 2] in normalised coordinates (2.0 is the full width), or None for a model without motion.
        mode: one of `MODES`: "motion" moves the picture's pixels, with dense optical flow standing in for the motion of a
            model that has none; "residual" only adds the up-sampled difference; "paste" puts the model's own pixels there.
        region: see `compositing.region_weight`; also keeps the change to where the network looked.
        attention: [h, w] in 0..1, where the network looked; only used with a region.
        expression: [n], the condition it was made for, kept for what refines the edit.
    """
    side = crop.shape[0]
    start = crop.astype(np.float32) / 127.5 - 1
    flow = np.zeros((side, side, 2), np.float32) if motion is None else motion.astype(np.float32) * (side / 2)
    edit = (start if motion is None else warp_field(start, flow)) + residual
    skin, overpainted = None, np.zeros((side, side), np.float32)
    if mode == "motion":
        flow = _smoothed(flow) if motion is not None else optical_flow(crop, edit)
        start = warp_field(start, flow)
        overpainted = overpaint_mask((edit - start) / 2)
        # Between opening lips the network has painted over the drawn-out seam, pixel for pixel, and over teeth likewise. The
        # paint smoothed alone would let them show again as streaks; there the whole is.
        opening = stretch_mask(flow)
        coarse = np.maximum(opening, overpainted)[..., None]
        residual = coarse * (_smoothed(edit) - start) + (1 - coarse) * _smoothed(edit - start)
        skin = 1 - opening
    else:
        flow, residual = np.zeros_like(flow), edit - start
    residual = match_crop_colors(crop, start, residual, skin)
    weight = compositing.activity_weight(residual, flow) * compositing.face_weight(side)
    if region is not None:
        weight = weight * compositing.region_weight(region, side) * compositing.attention_weight(attention, side)
    inner = compositing.residual_weight(side)
    pad = compositing.spread_pixels(side)
    total = _spread(weight, pad) * compositing.spread_weight(side)
    inner, overpainted = (
        cv2.copyMakeBorder(field * weight, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
        for field in (inner, overpainted)
    )
    if mode == "paste":
        total = inner
    motion, residual = _spread(flow, pad) * total[..., None], _spread(residual / 2, pad) * inner[..., None]
    wide = _spread(crop.astype(np.float32) / 255, pad)
    return FaceWarp(motion, residual, wide, total, overpainted, expression, mode == "paste")


def stretch_mask(motion: np.ndarray) -> np.ndarray:
    """float32 [P, P], 1 where `motion` [P, P, 2] in pixels fetches many pixels from the place of one."""
    down_x, across_x = np.gradient(motion[..., 0])
    down_y, across_y = np.gradient(motion[..., 1])
    area = (1 + across_x) * (1 + down_y) - down_x * across_y  # of the picture that one pixel is fetched from
    stretched = compositing.smoothstep((STRETCHED - area) / (STRETCHED - DRAWN_OUT)).astype(np.float32)
    return _smoothed(stretched)


def overpaint_mask(paint: np.ndarray) -> np.ndarray:
    """float32 [S, S], 1 where `paint` [S, S, 3], of the full range, hides what it is added to, and between such places."""
    much = _smoothed(np.abs(paint).max(axis=2))
    gap = 2 * round(GAP * len(paint)) + 1
    much = cv2.morphologyEx(much, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    return _smoothed(compositing.smoothstep((much - COVERING) / (COVERED - COVERING)).astype(np.float32))


def optical_flow(crop: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """Where in `crop` (uint8 [S, S, 3]) the content of `edit` (float [S, S, 3] in [-1, 1]) was, in pixels: [S, S, 2].

    Dense inverse search at twice the size, smoothed, and 0 where the two hardly differ.
    """
    side = crop.shape[0]
    after = np.clip((edit + 1) * 127.5, 0, 255).astype(np.uint8)
    greys = [
        cv2.cvtColor(cv2.resize(p, (2 * side, 2 * side), interpolation=cv2.INTER_CUBIC), cv2.COLOR_RGB2GRAY)
        for p in (after, crop)
    ]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    flow = cv2.GaussianBlur(search.calc(greys[0], greys[1], None), (0, 0), 1.5)
    flow = cv2.resize(flow, (side, side), interpolation=cv2.INTER_AREA) / 2
    differs = cv2.dilate(np.abs(after.astype(np.float32) - crop).max(axis=2), np.ones((7, 7)))
    return flow * compositing.smoothstep((cv2.GaussianBlur(differs, (0, 0), 3) - 3) / 8)[..., None].astype(np.float32)


def _smoothed(field: np.ndarray) -> np.ndarray:
    """`field` without what transposed convolutions leave in it: steps and stripes of single pixels.

    They are invisible at the model's size and, several times enlarged, tear lips into bands. What the smoothing takes from
    the motion, the residual gives back as far as it is more than such stripes.
    """
    return cv2.GaussianBlur(field, (0, 0), SMOOTHING * field.shape[0])


def _spread(field: np.ndarray, pad: int) -> np.ndarray:
    return cv2.copyMakeBorder(field, pad, pad, pad, pad, cv2.BORDER_REPLICATE)


__getattr__ = renamed(__name__, {"Change": "FaceWarp", "plan_change": "plan_warp"})
