"""The layers of the SARGAN generator.

Paper: "Spatial Attention-based Residuals for Facial Expression Manipulation", A. Akram and N. Khan, IEEE TCSVT 2023,
https://arxiv.org/abs/2303.17212, sections III-B and III-C. The layers of the facial controls are this project's.

Like `modeling_sargan.py`, this file imports nothing from `sargan_hf`, and is uploaded beside the weights.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class InstanceNorm(nn.InstanceNorm2d):
    """`nn.InstanceNorm2d` with learned scale and shift, computed as the group norm that it is.

    Same numbers to rounding and the same parameter names; on a CPU forward and backward are up to a fifth faster.
    """

    def __init__(self, num_features: int):
        super().__init__(num_features, affine=True)

    def forward(self, hidden: Tensor) -> Tensor:
        if torch.compiler.is_exporting():  # ONNX has an operator for the one, and decomposes the other
            return super().forward(hidden)
        return F.group_norm(hidden, self.num_features, self.weight, self.bias, self.eps)


class ConvNormAct(nn.Module):
    """Reflect-padded 3x3 convolution, instance norm, optional ReLU; `stride=2` halves the map."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, activation: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, padding_mode="reflect", bias=False)
        self.norm = InstanceNorm(out_channels)
        self.activation = nn.ReLU() if activation else nn.Identity()

    def forward(self, hidden: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(hidden)))


class SpatialAttention(nn.Module):
    """The symmetric encoder-decoder ("SEDN", section III-C): looks at features at two scales and weighs every place.

    [B, C, h, w] -> [B, 1, h, w] in [0, 1]; h and w must be multiples of 4.
    """

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        self.skip_outer = ConvNormAct(in_channels, channels)
        self.down_outer = ConvNormAct(in_channels, channels, stride=2)
        self.skip_inner = ConvNormAct(channels, channels)
        self.down_inner = ConvNormAct(channels, channels, stride=2)
        self.bottom = ConvNormAct(channels, channels)
        self.up_inner = ConvNormAct(channels, channels)
        self.up_outer = ConvNormAct(channels, channels)
        self.to_map = nn.Conv2d(channels, 1, 3, padding=1, padding_mode="reflect")

    def forward(self, hidden: Tensor) -> Tensor:
        outer = self.down_outer(hidden)
        inner = self.bottom(self.down_inner(outer))
        inner = self.skip_inner(outer) + self.up_inner(F.interpolate(inner, scale_factor=2.0, mode="nearest"))
        merged = self.skip_outer(hidden) + self.up_outer(F.interpolate(inner, scale_factor=2.0, mode="nearest"))
        return torch.sigmoid(self.to_map(merged))


class SpatialAttentionResidualBlock(nn.Module):
    """The SARB (section III-B): identity + attention * two convolutions. Returns the features and the attention map."""

    def __init__(self, channels: int, attention_channels: int | None):
        super().__init__()
        self.conv1 = ConvNormAct(channels, channels)
        self.conv2 = ConvNormAct(channels, channels, activation=False)
        self.attention = SpatialAttention(channels, attention_channels) if attention_channels else None

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor | None]:
        change = self.conv2(self.conv1(hidden))
        if self.attention is None:
            return hidden + change, None
        attention = self.attention(change)
        return hidden + change * attention, attention


class ControlModulation(nn.Module):
    """Scales and shifts features by the facial controls: FiLM, E. Perez et al., arXiv 1709.07871.

    [B, C, h, w] and [B, k] -> [B, C, h, w]. The shift also slopes across and down the map, so that the left of a face can move
    without the right. A control counts apart above and below 0: an eye shuts otherwise than it widens. Controls of 0 change
    nothing, bit for bit, and so does a new layer, whose weights are 0. `gain` multiplies the weights, which makes them learn as
    many times faster than the rest: a control is drawn in a few samples of a batch at most.
    """

    gain = 10.0

    def __init__(self, controls: int, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, channels, 2 * controls))

    def forward(self, hidden: Tensor, controls: Tensor) -> Tensor:
        factors = F.linear(_signed(controls, self.weight), self.gain * self.weight.flatten(0, 1)).to(hidden.dtype)
        scale, shift, across, down = factors[:, :, None, None].chunk(4, dim=1)
        x, y = (_places(size, hidden) for size in (hidden.shape[-1], hidden.shape[-2]))
        return hidden * (1 + scale) + (shift + across * x + down * y[:, None])


class ControlField(nn.Module):
    """How each control moves a face on average, over the aligned crop: the network learns what a face needs beside it.

    [B, k] -> [B, 2, H, W], to be added to the flow before its tanh. It starts at 0. It has `side` x `side` values for each end
    of a control: where a lid meets another, motion changes from one pixel to the next.
    """

    gain = 10.0

    def __init__(self, controls: int, side: int = 32):
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(torch.zeros(2 * controls, 2, side, side))

    def forward(self, controls: Tensor, size: tuple[int, int]) -> Tensor:
        coarse = F.linear(_signed(controls, self.weight), self.gain * self.weight.flatten(1).T)
        return F.interpolate(coarse.unflatten(1, self.weight.shape[1:]), size, mode="bilinear", align_corners=False)


def _signed(controls: Tensor, like: Tensor) -> Tensor:
    """[B, 2 k]: values above 0, then values below."""
    return torch.cat([controls.clamp(min=0), controls.clamp(max=0)], dim=1).to(like.dtype)


def _places(size: int, like: Tensor) -> Tensor:
    """[size], the middles of pixels in normalised coordinates, -1 to 1."""
    return (2 * torch.arange(size, device=like.device, dtype=like.dtype) + 1) / size - 1
