"""The generator rearranged for pictures on a CPU: the same arithmetic in about half of the time.

Where the time of the plain module goes, and what is done about it (128 x 128, AVX2; `benchmarks/generator_speed.py`):

* instance norm is slow in either memory layout; a group norm with one channel to a group is the same and is not
* the last transposed convolution and the first convolution run at a third of their speed unless channels lie last
* seven of the ten input channels are constant planes: one plane of ones, with the weights folded, gives the same
* a convolution to three channels leaves most of a vector register empty: four neighbouring pixels are computed at once
* the wide 3x3 convolutions, a third of the work, take a quarter of the multiplications in Winograd's form
* a batch does not fit the cache: pictures go through one by one
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..modeling_sargan import SARGAN, SARGANOutput


class FastGenerator(nn.Module):
    """A copy of a `SARGAN` for inference on a CPU, called in the same way.

    It is a snapshot: training the model afterwards does not change it. Results agree to 1e-4, no gradients are kept.

    Args:
        model: the generator to copy.

    Attributes:
        config: that of the model.
    """

    def __init__(self, model: SARGAN):
        super().__init__()
        self.config = model.config
        network = copy.deepcopy(model).eval().requires_grad_(False)
        network.conv_in = _FoldedInputConv(network.conv_in)
        single = network.conv_in.weight.dtype == torch.float32
        if single:  # oneDNN's bfloat16 convolution of 8x8 and stride 2 is wrong on processors with AMX (torch 2.13)
            network.conv_out = _FourPixelConv(network.conv_out)
        for block in network.blocks:
            wide = [block.conv1, block.conv2] + ([block.attention.skip_outer] if block.attention else [])
            for layer in wide if single else ():  # its sums cancel too much in half precision
                layer.conv = _WinogradConv(layer.conv)
        _use_group_norms(network)
        for layer in network.children():  # not the model as a whole: its `to` is that of diffusers, and slow to import
            layer.to(memory_format=torch.channels_last)
        self.network = network

    @torch.inference_mode()
    def forward(
        self,
        pixel_values: Tensor,
        expression: Tensor,
        intensity: float | Tensor = 1.0,
        return_dict: bool = True,
        controls: Tensor | None = None,
    ) -> SARGANOutput | tuple[Tensor, ...]:
        """Edits a batch of aligned faces; arguments, results and errors are those of `SARGAN.forward`."""
        self.network.check_shapes(pixel_values, expression, controls)
        count = len(pixel_values)
        intensity = torch.as_tensor(intensity, dtype=pixel_values.dtype).expand(count)
        each = [None] * count if controls is None else controls.split(1)
        pictures = zip(pixel_values.split(1), expression.split(1), intensity, each, strict=True)
        edits = [self.network(one, wanted, strong, controls=parts) for one, wanted, strong, parts in pictures]
        joined = {name: torch.cat([edit[name] for edit in edits]) for name in edits[0]}
        return SARGANOutput(**joined) if return_dict else tuple(joined.values())


class _FoldedInputConv(nn.Module):
    """The first convolution, for one picture: colours and a plane of ones instead of one plane per expression.

    The plane of ones, unlike a bias, also gets the zero padding at the border right.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.weight = conv.weight

    def forward(self, hidden: Tensor) -> Tensor:
        expression = hidden[0, 3:, 0, 0]
        folded = (self.weight[:, 3:] * expression[:, None, None]).sum(dim=1, keepdim=True)
        weight = torch.cat([self.weight[:, :3], folded], dim=1).contiguous(memory_format=torch.channels_last)
        hidden = torch.cat([hidden[:, :3], torch.ones_like(hidden[:, :1])], dim=1)
        return F.conv2d(hidden.contiguous(memory_format=torch.channels_last), weight, padding=3)


class _FourPixelConv(nn.Module):
    """A 7x7 convolution as one of 8x8 and stride 2 that gives 2x2 pixels at once, then shuffled into place."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        places = [(top, left) for top in (0, 1) for left in (0, 1)]
        shifted = [F.pad(conv.weight, (left, 1 - left, top, 1 - top)) for top, left in places]
        self.weight = nn.Parameter(torch.stack(shifted, dim=1).flatten(0, 1), requires_grad=False)

    def forward(self, hidden: Tensor) -> Tensor:
        return F.pixel_shuffle(F.conv2d(hidden, self.weight, stride=2, padding=3), 2)


class _WinogradConv(nn.Module):
    """A reflect-padded 3x3 convolution, computed for tiles of 4x4 pixels with 36 multiplications instead of 144.

    F(4x4, 3x3) of A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308, section
    4.3. For one picture, whose height and width are multiples of 4.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        filters = conv.weight.double().flatten(2)  # [out, in, 9]
        transformed = torch.einsum("pk,oik->pio", _kron_square(_FILTER_TRANSFORM), filters)
        self.register_buffer("weight", transformed.to(conv.weight.dtype).contiguous())  # [36, in, out]
        self.register_buffer("to_tiles", _kron_square(_INPUT_TRANSFORM).to(conv.weight.dtype))  # [36, 36]
        self.register_buffer("to_pixels", _kron_square(_OUTPUT_TRANSFORM).to(conv.weight.dtype))  # [16, 36]

    def forward(self, hidden: Tensor) -> Tensor:
        padded = F.pad(hidden, (1, 1, 1, 1), mode="reflect")[0].permute(1, 2, 0)
        tiles = padded.unfold(0, 6, 4).unfold(1, 6, 4)  # [rows, columns, in, 6, 6]
        rows, columns, channels = tiles.shape[:3]
        tiles = self.to_tiles @ tiles.permute(3, 4, 0, 1, 2).reshape(36, -1)
        products = torch.bmm(tiles.view(36, rows * columns, channels), self.weight)
        pixels = (self.to_pixels @ products.view(36, -1)).view(4, 4, rows, columns, -1)
        pixels = pixels.permute(2, 0, 3, 1, 4).reshape(1, 4 * rows, 4 * columns, -1)
        return pixels.permute(0, 3, 1, 2)  # channels lie last in memory


def _kron_square(matrix: Tensor) -> Tensor:
    """The transform of rows and columns together, acting on flattened tiles."""
    return torch.kron(matrix, matrix)


_INPUT_TRANSFORM = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
_FILTER_TRANSFORM = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    dtype=torch.float64,
)
_OUTPUT_TRANSFORM = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)


def _use_group_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.InstanceNorm2d):
            norm = nn.GroupNorm(child.num_features, child.num_features, child.eps)
            norm.weight, norm.bias = child.weight, child.bias
            setattr(module, name, norm)
        else:
            _use_group_norms(child)
