"""The picture operations of `sargan_hf.editing` as torch operations that an ONNX graph can hold.

Fields are [1, C, H, W]. Sizes are fixed when a graph is traced, so kernels and grids become constants in it.
"""

from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..images.color_modes import LUMA
from ..modeling_sargan import SARGAN, warp


def settings_of(model: SARGAN) -> Any:
    """The model's config; diffusers types it as a plain dict, and it has each setting as an attribute."""
    return model.config


def side_of(field: Tensor) -> int:
    """Side in pixels of a square field. A number when traced too, where shapes are tensors."""
    return int(field.shape[-1])


def warp_field(field: Tensor, flow: Tensor) -> Tensor:
    """As `images.warp.warp_field`: `field` with every pixel fetched from `flow` [1, 2, H, W] pixels away."""
    height, width = int(field.shape[-2]), int(field.shape[-1])
    to_normalised = torch.tensor([2 / width, 2 / height], dtype=torch.float32).view(1, 2, 1, 1)
    return warp(field, flow * to_normalised)


def smoothstep(value: Tensor) -> Tensor:
    """As `images.warp.smoothstep`."""
    value = value.clamp(0, 1)
    return value * value * (3 - 2 * value)


def blurred(field: Tensor, sigma: float) -> Tensor:
    """As `cv2.GaussianBlur(field, (0, 0), sigma)` of float32."""
    length = round(8 * sigma + 1) | 1
    line = torch.from_numpy(cv2.getGaussianKernel(length, sigma).astype(np.float32)).view(1, 1, 1, length)
    channels, reach = int(field.shape[1]), length // 2
    padded = F.pad(field, (reach, reach, reach, reach), mode="reflect")
    across = F.conv2d(padded, line.expand(channels, 1, 1, length), groups=channels)
    return F.conv2d(across, line.view(1, 1, length, 1).expand(channels, 1, length, 1), groups=channels)


def dilate_soft(weight: Tensor, reach: float) -> Tensor:
    """As `editing.masks.dilate_soft`: [1, 1, S, S] spread over discs, with a soft edge."""
    disc = max(3, round(reach * side_of(weight))) | 1
    rows = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (disc, disc)).sum(axis=1)
    height, half = side_of(weight), disc // 2
    across = {int(n): F.max_pool2d(weight, (1, int(n)), stride=1, padding=(0, int(n) // 2)) for n in sorted(set(rows))}
    # Weights are never negative, so that a border of 0 takes no part.
    padded = {n: F.pad(field, (0, 0, half, half)) for n, field in across.items()}
    spread = torch.stack([padded[int(n)][:, :, row : row + height] for row, n in enumerate(rows)]).amax(dim=0)
    return blurred(spread, disc / 3)


def closed(field: Tensor, gap: int) -> Tensor:
    """As `cv2.morphologyEx(field, cv2.MORPH_CLOSE, np.ones((gap, gap)))`."""
    dilated = F.max_pool2d(field, gap, stride=1, padding=gap // 2)
    return -F.max_pool2d(-dilated, gap, stride=1, padding=gap // 2)


def gradient(field: Tensor) -> tuple[Tensor, Tensor]:
    """As `np.gradient` of [1, 1, H, W]: down and across."""
    return _slope(field.transpose(2, 3)).transpose(2, 3), _slope(field)


def _slope(field: Tensor) -> Tensor:
    first, last = field[..., 1:2] - field[..., 0:1], field[..., -1:] - field[..., -2:-1]
    return torch.cat([first, (field[..., 2:] - field[..., :-2]) / 2, last], dim=-1)


def luma(pixels: Tensor) -> Tensor:
    """[1, 1, H, W]: Rec. 601 luma of [1, 3, H, W]."""
    return (pixels * torch.from_numpy(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def largest_channel(field: Tensor) -> Tensor:
    """[1, 1, H, W]: the largest absolute value of the channels."""
    return field.abs().amax(dim=1, keepdim=True)


def length_of(flow: Tensor) -> Tensor:
    """[1, 1, H, W]: how long the vectors of [1, 2, H, W] are."""
    return flow.square().sum(dim=1, keepdim=True).sqrt()


def spread(field: Tensor, pad: int) -> Tensor:
    """As `editing.change._spread`."""
    return F.pad(field, (pad, pad, pad, pad), mode="replicate")


def constant(array: np.ndarray) -> Tensor:
    """[1, 1, H, W] of a weight [H, W] that depends on the size alone."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))[None, None]
