"""An edit as three graphs: make it, scale it, refine its mouth.

`sargan_hf.editing` does the same with NumPy and OpenCV; `tests/web` compares the two. The constants are those of the rooms
that own them, so that a change there reaches the graphs.
"""

import copy
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..editing import change as changing
from ..editing import masks, mouth_refiner
from ..inference.strength import MAX_GAIN
from ..modeling_sargan import SARGAN
from . import graph_ops as ops
from .color_graph import match_crop_colors
from .graph_ops import settings_of

REGIONS = ("face", *masks.REGIONS)  # what `region` of `MakeEdit` weighs, in this order
MOTION, RESIDUAL, CROP, WEIGHT, COVERED = (slice(0, 2), slice(2, 5), slice(5, 8), slice(8, 9), slice(9, 10))
LAYER = slice(10, 14)  # of a model with an occlusion layer alone


def change_channels(model: SARGAN) -> int:
    """How many channels a change of this model has."""
    return LAYER.stop if settings_of(model).occlusion else COVERED.stop


class _Layer(NamedTuple):
    """What covers the edited crop.

    Attributes:
        occlusion: [1, 1, S, S] in 0..1, how much it hides.
        painted: [1, 3, S, S] in [-1, 1], what is there instead.
    """

    occlusion: Tensor
    painted: Tensor

    def in_crop_colors(self, crop: Tensor, start: Tensor) -> "_Layer":
        """As `CoveringLayer.from_output`; `start` [1, 3, S, S] is what it covers."""
        paint = match_crop_colors(crop, start, self.painted - start)
        levels = torch.round((start + paint + 1) * 127.5).clamp(0, 255)
        return self._replace(painted=levels / 127.5 - 1)

    def over(self, edit: Tensor) -> Tensor:
        """As `CoveringLayer.over`."""
        return edit + self.occlusion * (self.painted - edit)

    def widened(self, inner: Tensor, pad: int) -> Tensor:
        """[1, 4, P, P]: occlusion faded by `inner` [1, 1, P, P], and painted in 0..1."""
        return torch.cat([ops.spread(self.occlusion, pad) * inner, ops.spread((self.painted + 1) / 2, pad)], dim=1)


class MakeEdit(nn.Module):
    """Crop and expression in, the change at intensity 1 out: generator, strength, colours, fading.

    Args:
        model: the generator.
    """

    def __init__(self, model: SARGAN):
        super().__init__()
        self.generator = _folded(model)
        self.config = settings_of(model)
        side = self.config.sample_size
        self.regions = torch.cat([torch.ones(1, 1, side, side), *_named_regions(side)], dim=1)

    def forward(
        self,
        crop: Tensor,
        expression: Tensor,
        region: Tensor,
        controls: Tensor | None = None,
        plain_reach: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """The change over the widened crop.

        Args:
            crop: [1, 3, S, S], whole numbers in 0..255, RGB.
            expression: [1, n] as of `expression_vector`.
            region: [1, len(REGIONS)], 1 for the one that may change; a share of several adds up.
            controls: [1, k] as of `controls_vector`, for a model that has controls.
            plain_reach: [1], with controls: the reach of the same expression without them, or 0 for this edit's own.

        Returns:
            change [1, 10, P, P]: motion 2, residual 3, crop 3, weight 1, overpainted 1, as in `editing.change.FaceWarp`. For a
            model with an occlusion layer [1, 14, P, P]: also occlusion 1, painted 3. With controls also reach [1]: how far
            the face moves, root mean square.
        """
        side = ops.side_of(crop)
        start = crop / 127.5 - 1
        made = self.generator(start, expression, 1.0, controls=controls)
        residual = made.residual if self.config.ultimate_skip else made.sample - start
        layer = None if made.occlusion is None else _Layer(made.occlusion, made.painted)
        reach = _reach(made.motion, crop)
        motion, residual, layer = self._match_strength(made.motion, residual, layer, expression, (reach, plain_reach))
        flow, residual, overpainted, skin, start = _crop_edit(start, motion, residual)
        layer = layer and layer.in_crop_colors(crop, start)
        residual = match_crop_colors(crop, start, residual, skin)
        shown = residual if layer is None else layer.over(start + residual) - start
        weight = _activity(shown, flow) * ops.constant(masks.face_weight(side))
        weight = weight * self._region_weight(region, made.attention)
        change = _widened(crop, flow, residual, weight, overpainted, layer)
        return change if controls is None else (change, reach)

    def _match_strength(
        self,
        motion: Tensor | None,
        residual: Tensor,
        layer: _Layer | None,
        expression: Tensor,
        reaches: tuple[Tensor, Tensor | None],
    ) -> tuple[Tensor | None, Tensor, _Layer | None]:
        """As `inference.strength.match_strength`; `reaches` are how far this edit goes, and `plain_reach`."""
        reach, plain_reach = reaches
        if motion is None or self.config.typical_motion is None:
            if plain_reach is not None:  # a graph keeps only the inputs that it uses
                residual = residual + 0 * plain_reach
            return motion, residual, layer
        wanted = (expression * torch.tensor(self.config.typical_motion)).sum()
        if plain_reach is not None:
            reach = torch.where(plain_reach > 0, plain_reach, reach)
        factor = (wanted / reach.clamp(min=1e-9)).clamp(1, MAX_GAIN)
        further = (factor - 1) * motion
        together = torch.cat([motion, residual, *(layer or ())], dim=1)
        fields = ops.warp_field(together, further * (ops.side_of(motion) / 2))
        layer = layer and _Layer(fields[:, 5:6], fields[:, 6:])
        return further + fields[:, :2], (factor * fields[:, 2:5]).clamp(-1, 1), layer

    def _region_weight(self, region: Tensor, attention: Tensor | None) -> Tensor:
        weight = (self.regions * region[:, :, None, None]).sum(dim=1, keepdim=True).clamp(0, 1)
        if attention is None:
            return weight
        side = self.config.sample_size
        looked = F.interpolate(attention, (side, side), mode="bilinear", align_corners=False)
        looked = ops.dilate_soft(ops.smoothstep((looked - 0.02) / 0.08), 0.05).clamp(0, 1)
        everywhere = region[:, :1, None, None]  # the whole face is not limited to where the network looked
        return weight * (everywhere + (1 - everywhere) * looked)


def _reach(motion: Tensor | None, crop: Tensor) -> Tensor:
    """[1]: as `inference.strength.rms_motion`; 0 without a motion."""
    if motion is None:
        return 0 * crop.mean().view(1)
    return motion.square().sum(dim=1).mean().sqrt().view(1)


def _crop_edit(start: Tensor, motion: Tensor | None, residual: Tensor) -> tuple:
    """The part of `plan_warp` before colours: flow, residual, overpainted, skin, and the crop that they are added to."""
    side = ops.side_of(start)
    if motion is None:  # without a motion the difference is added, as `transfer="residual"` does
        return torch.zeros(1, 2, side, side), residual, torch.zeros(1, 1, side, side), None, start
    flow = motion * (side / 2)
    edit = ops.warp_field(start, flow) + residual
    flow = _smoothed(flow)
    start = ops.warp_field(start, flow)
    overpainted = _overpaint_mask((edit - start) / 2)
    opening = _stretch_mask(flow)
    coarse = torch.maximum(opening, overpainted)
    residual = coarse * (_smoothed(edit) - start) + (1 - coarse) * _smoothed(edit - start)
    return flow, residual, overpainted, 1 - opening, start


def _widened(
    crop: Tensor, flow: Tensor, residual: Tensor, weight: Tensor, overpainted: Tensor, layer: _Layer | None
) -> Tensor:
    side = ops.side_of(crop)
    pad = masks.spread_pixels(side)
    inner = F.pad(ops.constant(masks.residual_weight(side)) * weight, (pad, pad, pad, pad))
    overpainted = F.pad(overpainted * weight, (pad, pad, pad, pad))
    total = ops.spread(weight, pad) * ops.constant(masks.spread_weight(side))
    motion, residual = ops.spread(flow, pad) * total, ops.spread(residual / 2, pad) * inner
    fields = [motion, residual, ops.spread(crop / 255, pad), total, overpainted]
    return torch.cat(fields if layer is None else [*fields, layer.widened(inner, pad)], dim=1)


class ScaleEdit(nn.Module):
    """A change at another intensity, as the fields that move pixels; as `FaceWarp.at_intensity` and `apply._reduced`.

    Args:
        side: of the crop in pixels.
        mouth_side: of the refiner's patch in pixels, or None without one.
    """

    def __init__(self, side: int, mouth_side: int | None):
        super().__init__()
        self.side, self.mouth_side = side, mouth_side

    def forward(self, change: Tensor, intensity: Tensor) -> tuple[Tensor, ...]:
        """The fields of the scaled change, and how much it does to the mouth.

        Args:
            change: [1, C, P, P] of `MakeEdit`.
            intensity: [1].

        Returns:
            fields [1, C, P, P]: motion 2 in crop pixels, residual 3, moved crop 3, coarseness 1, weight 1, and of a model
            with an occlusion layer occlusion 1, painted 3. With a refiner also activity [1, 1, M, M], as of
            `mouth_refiner.mouth_activity`.
        """
        motion, weight = change[:, MOTION], change[:, WEIGHT]
        ends = torch.zeros_like(motion)
        for _ in range(changing.FOLLOWED):
            ends = (intensity - 1) * ops.warp_field(motion, ends)
        layered = int(change.shape[1]) == LAYER.stop
        fields = [motion, change[:, RESIDUAL], _stretch_mask(motion), change[:, COVERED]]
        fields += [change[:, LAYER]] if layered else []
        carried = ops.warp_field(torch.cat(fields, dim=1), ends)
        opened = (changing.OPENS_DARK * intensity).clamp(max=1)
        share = intensity + carried[:, 5:6] * (torch.maximum(intensity, opened) - intensity)
        motion, residual = intensity * carried[:, :2], carried[:, 2:5] * share
        coarse = ops.warp_field(change[:, CROP], motion)
        coarseness = torch.maximum(_stretch_mask(motion), opened * carried[:, 6:7])
        layer = [opened * carried[:, 7:8], carried[:, 8:]] if layered else []
        scaled = torch.cat([motion, residual, coarse, coarseness, weight, *layer], dim=1)
        if self.mouth_side is None:
            return (scaled,)
        return scaled, self._mouth_activity(motion, residual, weight, self.mouth_side)

    def _mouth_activity(self, motion: Tensor, residual: Tensor, weight: Tensor, mouth_side: int) -> Tensor:
        pad = masks.spread_pixels(self.side)
        inner = slice(pad, pad + self.side)
        motion, residual, weight = (field[:, :, inner, inner] for field in (motion, residual, weight))
        levels, pixels = 255 * ops.largest_channel(residual), ops.length_of(motion)
        acts = torch.maximum(levels / mouth_refiner.FULL_LEVELS, pixels / mouth_refiner.FULL_PIXELS)
        acts = ops.smoothstep(ops.dilate_soft(acts, 0.06)) * weight
        patch = F.grid_sample(
            acts, self._patch_grid(mouth_side), mode="bilinear", padding_mode="zeros", align_corners=False
        )
        return patch.clamp(0, 1) * ops.constant(masks.residual_weight(mouth_side, mouth_refiner.FEATHER))

    def _patch_grid(self, mouth_side: int) -> Tensor:
        """Where in the crop each pixel of the mouth's patch lies, in normalised coordinates: [1, M, M, 2]."""
        to_patch = mouth_refiner.mouth_transform(np.eye(2, 3), self.side, mouth_side)
        to_crop = torch.from_numpy(cv2.invertAffineTransform(to_patch)).float()
        axis = torch.arange(mouth_side, dtype=torch.float32)
        x, y = (((axis * to_crop[n, n] + to_crop[n, 2]) * 2 + 1) / self.side - 1 for n in (0, 1))
        return torch.stack([x[None].expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1)[None]


class RefineMouth(nn.Module):
    """The finer mouth, as `mouth_refiner.refine_mouth` paints it, before it goes to the picture's pixels.

    Args:
        model: the refiner.
    """

    def __init__(self, model: SARGAN):
        super().__init__()
        self.generator, self.config = _folded(model), settings_of(model)

    def forward(self, patch: Tensor, expression: Tensor, crop: Tensor, activity: Tensor) -> Tensor:
        """What is to be added to the patch, in units of the full range: [1, 3, M, M].

        Args:
            patch: [1, 3, M, M], whole numbers in 0..255, the mouth after the edit.
            expression: [1, n] that the edit was made for.
            crop: [1, 3, P, P] in 0..1, of the change of `MakeEdit`.
            activity: [1, 1, M, M] of `ScaleEdit`.
        """
        start = patch / 127.5 - 1
        made = self.generator(start, expression, 1.0)
        painted = made.residual if self.config.ultimate_skip else made.sample - start
        light = ops.luma(painted)
        broad = ops.blurred(painted - light, mouth_refiner.BROAD * ops.side_of(patch))
        return match_crop_colors(torch.round(255 * crop), start, light + mouth_refiner.COLOUR * broad) * activity / 2


class _FoldedInput(nn.Module):
    """The first convolution with one plane of ones for the expression's planes, which are constant: see `FastGenerator`."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.weight = conv.weight

    def forward(self, hidden: Tensor) -> Tensor:
        expression = hidden[:1, 3:, 0, 0]
        folded = (self.weight[:, 3:] * expression[:, :, None, None]).sum(dim=1, keepdim=True)
        planes = torch.cat([hidden[:, :3], torch.ones_like(hidden[:, :1])], dim=1)
        return F.conv2d(planes, torch.cat([self.weight[:, :3], folded], dim=1), padding=3)


def _folded(model: SARGAN) -> SARGAN:
    folded = copy.deepcopy(model).eval().requires_grad_(False)
    folded.register_module("conv_in", _FoldedInput(folded.conv_in))
    return folded


def _named_regions(side: int) -> list[Tensor]:
    return [ops.constant(masks.region_weight(name, side)) for name in REGIONS[1:]]


def _smoothed(field: Tensor) -> Tensor:
    return ops.blurred(field, changing.SMOOTHING * ops.side_of(field))


def _stretch_mask(motion: Tensor) -> Tensor:
    """As `editing.change.stretch_mask`: [1, 1, P, P]."""
    down_x, across_x = ops.gradient(motion[:, :1])
    down_y, across_y = ops.gradient(motion[:, 1:2])
    area = (1 + across_x) * (1 + down_y) - down_x * across_y
    return _smoothed(ops.smoothstep((changing.STRETCHED - area) / (changing.STRETCHED - changing.DRAWN_OUT)))


def _overpaint_mask(paint: Tensor) -> Tensor:
    """As `editing.change.covered_by`: [1, 1, S, S]."""
    much = ops.closed(_smoothed(ops.largest_channel(paint)), 2 * round(changing.GAP * ops.side_of(paint)) + 1)
    return _smoothed(ops.smoothstep((much - changing.COVERING) / (changing.COVERED - changing.COVERING)))


def _activity(residual: Tensor, motion: Tensor) -> Tensor:
    """As `editing.masks.activity_weight`: [1, 1, S, S]."""
    levels, pixels = ops.largest_channel(residual) * 127.5, ops.length_of(motion)
    acts = torch.maximum(ops.smoothstep((levels - 1.5) / 4), ops.smoothstep((pixels - 0.1) / 0.4))
    return ops.dilate_soft(acts, 0.05).clamp(0, 1)
