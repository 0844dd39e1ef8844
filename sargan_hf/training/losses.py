"""The single terms of the objectives, each a function of tensors and each one line of mathematics."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..modeling_discriminator import NEGATIVE_SLOPE, SARGANDiscriminator


def change_weight(source: Tensor, target: Tensor, emphasis: float = 6.0) -> Tensor:
    """Per-pixel weight [B, 1, H, W], mean 1 per picture: 1 + emphasis * local mean of |target - source|.

    Most of a face does not move when it smiles; without it, leaving the picture alone is a comfortable minimum.
    """
    change = (target - source).abs().amax(dim=1, keepdim=True)
    weight = 1 + emphasis * F.avg_pool2d(change, 9, stride=1, padding=4)
    return weight / weight.mean(dim=(2, 3), keepdim=True)


def pyramid_error(sample: Tensor, target: Tensor, weight: Tensor, scales: int = 3) -> Tensor:
    """[B]: sum over scales of weighted L1 + half the L1 of the x and y gradients."""
    error = sample.new_zeros(len(sample))
    difference = sample - target
    for scale in range(scales):
        if scale:
            difference, weight = F.avg_pool2d(difference, 2), F.avg_pool2d(weight, 2)
        error = error + (difference.abs() * weight).mean(dim=(1, 2, 3))
        dx, dy = difference.diff(dim=3), difference.diff(dim=2)
        error = error + 0.5 * (dx.abs().mean(dim=(1, 2, 3)) + dy.abs().mean(dim=(1, 2, 3)))
    return error


def flow_error(motion: Tensor, truth: Tensor, valid: Tensor, weight: Tensor) -> Tensor:
    """[B]: weighted mean distance between two flows where the truth is known, in normalised image coordinates."""
    distance = torch.linalg.vector_norm(motion - truth, dim=1, keepdim=True)
    weight = weight * valid
    return (distance * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)).clamp(min=1.0)


def total_variation(motion: Tensor) -> Tensor:
    """[B]: mean absolute difference of neighbouring flow vectors."""
    return motion.diff(dim=2).abs().mean(dim=(1, 2, 3)) + motion.diff(dim=3).abs().mean(dim=(1, 2, 3))


def feature_distance(features: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """[B]: L1 between what a discriminator sees in two pictures, relative to what it sees in the true one, mean of layers.

    Feature matching (pix2pixHD, arXiv 1711.11585): a perceptual distance that needs no network trained elsewhere.
    """
    distances = [
        (ours - theirs).abs().mean(dim=(1, 2, 3)) / theirs.abs().mean(dim=(1, 2, 3)).clamp(min=1e-3)
        for ours, theirs in zip(features, truth, strict=True)
    ]
    return torch.stack(distances).mean(dim=0)


def gradient_penalty(slope: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """WGAN-GP (arXiv 1704.00028): mean of (|gradient| - 1)^2 on straight lines between real and fake pictures.

    `slope` gives the critic's gradient at pictures [B, C, H, W], in a form that can itself be differentiated.
    """
    between = mix * real + (1 - mix) * fake
    return (slope(between).flatten(1).norm(dim=1) - 1).square().mean()


FEW_PLACES = 16  # a layer's output of 4 x 4 or less


def critic_slope(discriminator: SARGANDiscriminator, pictures: Tensor) -> Tensor:
    """[B, C, H, W]: gradient of the sum of a picture's patch scores; it can be differentiated by the weights.

    Between the kinks of its leaky ReLUs the critic is linear, so the gradient is the last layer's weights sent back through
    transposed convolutions. Autograd's own second derivative gives the same, but takes the kinks' (zero) curvature back
    through all layers once more: a third of the penalty's time.
    """
    with torch.no_grad():
        judged = discriminator(pictures)
    gradient = _transposed(discriminator.source_head, torch.ones_like(judged.source))
    for conv, hidden in zip(reversed(discriminator.trunk), reversed(judged.features), strict=True):
        gradient = _transposed(conv, gradient * torch.where(hidden > 0, 1.0, NEGATIVE_SLOPE))
    return gradient


def _transposed(conv: nn.Conv2d, gradient: Tensor) -> Tensor:
    batch, channels, height, width = gradient.shape
    if height * width > FEW_PLACES:
        return F.conv_transpose2d(gradient, conv.weight, stride=conv.stride, padding=conv.padding)
    # The last layers have many weights and few places: as a product of matrices, their gradient comes in the layout of the
    # weights; a convolution would make a second copy of 134 MB to turn it around.
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, channels)
    patches = (rows @ conv.weight.flatten(1)).reshape(batch, height * width, -1).transpose(1, 2)
    step, pad, kernel = conv.stride[0], conv.padding[0], conv.kernel_size[0]
    size = tuple((n - 1) * step - 2 * pad + kernel for n in (height, width))
    return F.fold(patches, size, kernel, padding=pad, stride=step)


def r1_penalty(scores: Tensor, real: Tensor) -> Tensor:
    """R1 (arXiv 1801.04406): mean squared gradient norm at the real pictures, which must require grad."""
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
