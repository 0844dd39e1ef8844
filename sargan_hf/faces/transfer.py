"""Carries an edit made at the model's size to the picture's own resolution.

The picture's own pixels are moved by the up-sampled motion, and only what the motion cannot explain (the inside of a mouth,
folds, a shadow) is added as an up-sampled residual. All of it happens in the picture's own pixel grid: where nothing moves no
pixel is resampled, so skin, brush strokes and grain stay what they were, and the cost grows with the face alone.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import compositing
from .alignment import transform_scale
from .colours import in_the_crops_colours, residual_in

MODES = ("motion", "residual", "paste")
# Rows are worked on in bands of about this many pixels, so that a huge face costs time, not memory.
BAND_PIXELS = 1 << 20
LEAST_WEIGHT = 1 / 512
SMOOTHING = 1 / 128  # of the crop's side: one pixel of the released models
# Area of the picture that a pixel is fetched from: where streaks begin to show, and where there is nothing else.
STRETCHED, DRAWN_OUT = 0.6, 0.25
# Paint in units of the full range: where it begins to hide what it lies on, and where that is gone. Folds stay below.
COVERING, COVERED = 0.125, 0.225
GAP = 3 / 128  # of the crop's side: what lies between covered places this near to each other is covered too
FOLLOWED = 8  # rounds in which a point is followed to where it is in the full change
OPENS_DARK = 3.0  # the inside of a mouth has its full colour from the reciprocal of this intensity on
# How much of the Laplacian makes up for what interpolation loses; measured on the grain of photographs.
RESTORED_DETAIL = 0.01


@dataclass(frozen=True)
class Change:
    """What an edit does to one face at intensity 1, over the crop widened by `compositing.spread_pixels` on each side.

    Attributes:
        motion: float32 [P, P, 2], where each pixel is fetched from, relative to itself, in crop pixels.
        residual: float32 [P, P, 3] in units of the full range 0..1, added after the motion.
        crop: float32 [P, P, 3] in 0..1, the face as the model saw it, to be moved instead of the picture's own pixels where
            those would be drawn out to streaks.
        weight: float32 [P, P], 0 where the picture stays as it is, bit for bit.
        covered: float32 [P, P], 1 where the residual replaces what the picture shows, see `covered_by`.
        expression: float32 [n], the condition that the edit was made for, which `faces.mouth` refines it by.
        pasted: whether `crop` stands in for the picture's own pixels everywhere, the mode "paste".
    """

    motion: np.ndarray
    residual: np.ndarray
    crop: np.ndarray
    weight: np.ndarray
    covered: np.ndarray
    expression: np.ndarray
    pasted: bool = False

    def scaled(self, intensity: float) -> "Change":
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
            ends = (intensity - 1) * moved(self.motion, ends)
        fields = moved(np.dstack([self.motion, self.residual, drawn_out(self.motion), self.covered]), ends)
        motion, residual, opening, covered = fields[..., :2], fields[..., 2:5], fields[..., 5:6], fields[..., 6]
        opened = min(1.0, OPENS_DARK * intensity)
        residual *= intensity + opening * (max(intensity, opened) - intensity)
        return replace(self, motion=intensity * motion, residual=residual, covered=opened * covered)

    def coarseness(self) -> np.ndarray:
        """float32 [P, P], 1 where the moved `crop` is shown instead of the picture's own pixels.

        A mouth that opens draws the seam between the lips out over the whole opening; at the picture's resolution that
        is a comb of streaks. The model saw and painted over the few pixels of its own size. So it did with the teeth of a
        smile that closes or turns into a dark opening: its paint hides no gap between them that it did not see.
        """
        return self.weight if self.pasted else np.maximum(drawn_out(self.motion), self.covered)


def plan_change(
    crop: np.ndarray,
    residual: np.ndarray,
    motion: np.ndarray | None,
    mode: str,
    region: str | np.ndarray | None = None,
    attention: np.ndarray | None = None,
    *,
    expression: np.ndarray,
) -> Change:
    """Turns what the generator returns into the `Change` to make.

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
    edit = (start if motion is None else moved(start, flow)) + residual
    skin, covered = None, np.zeros((side, side), np.float32)
    if mode == "motion":
        flow = _smoothed(flow) if motion is not None else optical_flow(crop, edit)
        start = moved(start, flow)
        covered = covered_by((edit - start) / 2)
        # Between opening lips the network has painted over the drawn-out seam, pixel for pixel, and over teeth likewise. The
        # paint smoothed alone would let them show again as streaks; there the whole is.
        opening = drawn_out(flow)
        coarse = np.maximum(opening, covered)[..., None]
        residual = coarse * (_smoothed(edit) - start) + (1 - coarse) * _smoothed(edit - start)
        skin = 1 - opening
    else:
        flow, residual = np.zeros_like(flow), edit - start
    residual = in_the_crops_colours(crop, start, residual, skin)
    weight = compositing.activity_weight(residual, flow) * compositing.face_weight(side)
    if region is not None:
        weight = weight * compositing.region_weight(region, side) * compositing.attention_weight(attention, side)
    inner = compositing.residual_weight(side)
    pad = compositing.spread_pixels(side)
    total = _spread(weight, pad) * compositing.spread_weight(side)
    inner, covered = (
        cv2.copyMakeBorder(field * weight, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
        for field in (inner, covered)
    )
    if mode == "paste":
        total = inner
    motion, residual = _spread(flow, pad) * total[..., None], _spread(residual / 2, pad) * inner[..., None]
    wide = _spread(crop.astype(np.float32) / 255, pad)
    return Change(motion, residual, wide, total, covered, expression, mode == "paste")


def apply_change(pixels: np.ndarray, transform: np.ndarray, side: int, change: Change) -> tuple[int, int, int, int]:
    """Makes the change in `pixels`, in place.

    Args:
        pixels: uint8 [H, W] or [H, W, 2 to 4], or uint16 [H, W]; a last channel of 2 or 4 is alpha and stays.
        transform: from picture pixels to the model's crop, [2, 3].
        side: the crop's side in pixels.
        change: over the widened crop.

    Returns:
        left, top, right, bottom of the rectangle that pixels may have changed in; all else was not touched.
    """
    pad = compositing.spread_pixels(side)
    wide = transform + np.array([[0, 0, pad], [0, 0, pad]])
    left, top, right, bottom = _rectangle(wide, change.weight, pixels.shape)
    if left >= right or top >= bottom:
        return left, top, left, top
    linear = np.linalg.inv(transform[:, :2]).astype(np.float32)
    fields, to_fields = _reduced(change, wide, change.motion @ linear.T)
    reach = int(np.ceil(np.abs(fields[0]).max())) + 3
    source = pixels[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach].copy()
    corner = max(0, left - reach), max(0, top - reach)
    rows = max(16, BAND_PIXELS // (right - left))
    for start in range(top, bottom, rows):
        band = (left, start, right, min(bottom, start + rows))
        _apply_band(pixels, source, corner, band, fields, to_fields)
    return left, top, right, bottom


def _apply_band(pixels, source, corner, band, fields, to_fields) -> None:
    left, top, right, bottom = band
    size = right - left, bottom - top
    matrix = to_fields @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    motion, residual, coarse, coarseness, weight = (_upsampled(field, matrix, size) for field in fields)
    target = pixels[top:bottom, left:right]
    x = motion[..., 0] + np.arange(left - corner[0], right - corner[0], dtype=np.float32)
    y = motion[..., 1] + np.arange(top - corner[1], bottom - corner[1], dtype=np.float32)[:, None]
    colours = 1 if source.ndim == 2 or source.shape[2] == 2 else 3
    colour = source if source.ndim == 2 else source[..., :colours]
    warped = _fetched(colour, x, y).reshape(*motion.shape[:2], colours)
    full = np.iinfo(pixels.dtype).max
    warped += coarseness[..., None] * (residual_in(coarse, colours) * full - warped)
    edited = warped + residual_in(residual, colours) * full
    edited = np.clip(np.rint(edited), 0, full).astype(pixels.dtype)
    acts = weight > LEAST_WEIGHT
    if target.ndim == 2:
        target[acts] = edited[acts, 0]
    else:
        target[..., :colours][acts] = edited[acts]


def _fetched(colour: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`colour` at the places (x, y), float32, as sharp between pixels as on them."""
    warped = cv2.remap(colour, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    between = sum(
        offset * (1 - offset) for offset in (x - np.floor(x), y - np.floor(y))
    )  # 0 on pixels, .5 in the middle
    sharpening = (RESTORED_DETAIL * between).astype(np.float32)
    return warped - (sharpening if warped.ndim == 2 else sharpening[..., None]) * cv2.Laplacian(warped, cv2.CV_32F)


def moved(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """`picture` [S, S, C] float32 with every pixel fetched from `flow` [S, S, 2] pixels away (bilinear, as the generator)."""
    x, y = np.meshgrid(np.arange(flow.shape[1], dtype=np.float32), np.arange(flow.shape[0], dtype=np.float32))
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def drawn_out(motion: np.ndarray) -> np.ndarray:
    """float32 [P, P], 1 where `motion` [P, P, 2] in pixels fetches many pixels from the place of one."""
    down_x, across_x = np.gradient(motion[..., 0])
    down_y, across_y = np.gradient(motion[..., 1])
    area = (1 + across_x) * (1 + down_y) - down_x * across_y  # of the picture that one pixel is fetched from
    stretched = compositing.smoothstep((STRETCHED - area) / (STRETCHED - DRAWN_OUT)).astype(np.float32)
    return _smoothed(stretched)


def covered_by(paint: np.ndarray) -> np.ndarray:
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


def _reduced(change: Change, wide: np.ndarray, motion: np.ndarray) -> tuple[tuple, np.ndarray]:
    """The change's fields, averaged down where the face is smaller than the crop, and the 3x3 matrix from picture to them."""
    coarse = moved(change.crop, change.motion)
    fields = (motion, change.residual, coarse, change.coarseness(), change.weight)
    to_fields = np.vstack([wide, [0, 0, 1]])
    factor = int(transform_scale(wide))
    if factor <= 1:
        return fields, to_fields
    side = change.weight.shape[0] // factor
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
