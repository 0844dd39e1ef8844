"""The gradient of the published critic by its pictures, in a form that can be differentiated again."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..modeling_discriminator import NEGATIVE_SLOPE, SARGANDiscriminator

FEW_PLACES = 16  # a layer's output of 4 x 4 or less


def critic_slope(discriminator: SARGANDiscriminator, pictures: Tensor) -> Tensor:
    """[B, C, H, W]: gradient of the sum of a picture's patch scores; it can be differentiated by the weights.

    Between the kinks of its leaky ReLUs the critic is linear, so the gradient is the last layer's weights sent back through
    transposed convolutions. Autograd's own second derivative gives the same, but takes the kinks' (zero) curvature back
    through all layers once more: a third of the penalty's time.
    """
    convs = [conv for conv in discriminator.trunk if isinstance(conv, nn.Conv2d)]  # a list of modules forgets the type
    signs = _signs(convs, pictures)
    ones = pictures.new_ones(len(pictures), 1, *signs[-1].shape[2:])  # the last head keeps the size
    gradient = _transposed(discriminator.source_head, ones)
    for conv, positive in zip(reversed(convs), reversed(signs), strict=True):
        gradient = _transposed(conv, gradient * torch.where(positive, 1.0, NEGATIVE_SLOPE))
    return gradient


@torch.no_grad()
def _signs(convs: list[nn.Conv2d], pictures: Tensor) -> list[Tensor]:
    """Where each layer's output is positive: on which side of their kinks its leaky ReLUs are."""
    hidden, signs = pictures, []
    for conv in convs:
        hidden = F.leaky_relu(_forward(conv, hidden), NEGATIVE_SLOPE, inplace=True)
        signs.append(hidden > 0)
    return signs


def _forward(conv: nn.Conv2d, pictures: Tensor) -> Tensor:
    height, width = (n // conv.stride[0] for n in pictures.shape[2:])
    if pictures.device.type != "cpu" or height * width > FEW_PLACES:
        return conv(pictures)
    # Where places are few, a convolution on a CPU makes a copy of the weights in an order of its own; a product does not.
    patches = F.unfold(pictures, conv.kernel_size, padding=conv.padding, stride=conv.stride)  # pyright: ignore
    rows = patches.transpose(1, 2).reshape(-1, patches.shape[1]) @ conv.weight.flatten(1).T
    if conv.bias is not None:
        rows += conv.bias
    return rows.reshape(len(pictures), height * width, -1).transpose(1, 2).reshape(len(pictures), -1, height, width)


def _transposed(conv: nn.Conv2d, gradient: Tensor) -> Tensor:
    batch, channels, height, width = gradient.shape
    step, pad, kernel = conv.stride[0], int(conv.padding[0]), conv.kernel_size[0]
    if height * width > FEW_PLACES:
        return F.conv_transpose2d(gradient, conv.weight, stride=step, padding=pad)
    # The last layers have many weights and few places: as a product of matrices, their gradient comes in the layout of the
    # weights; a convolution would make a second copy of 134 MB to turn it around.
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, channels)
    patches = (rows @ conv.weight.flatten(1)).reshape(batch, height * width, -1).transpose(1, 2)
    tall, wide = ((n - 1) * step - 2 * pad + kernel for n in (height, width))
    return F.fold(patches, (tall, wide), kernel, padding=pad, stride=step)
