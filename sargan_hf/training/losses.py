"""The single terms of the objectives, each a function of tensors and each one line of mathematics."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..expressions import NO_CLASS

# As `pyramid_error`. Of the rig's pictures, sad faces differ from neutral ones by 0.16, angry ones by 0.44, a look by 0.02.
ORDINARY, SAME = 0.15, 0.003
LONG = 0.1  # as `flow_error`: a twentieth of the width


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


def small_edit_weight(unedited: Tensor, most: float) -> Tensor:
    """[B], 1 to `most`: how much a pair counts whose pictures differ by `unedited` [B], a `pyramid_error`.

    A wink changes 0.4 % of a picture. Beside edits of whole faces, it would be learned last.
    """
    small = (unedited > SAME) & (unedited < ORDINARY)
    return torch.where(small, ORDINARY / unedited.clamp(min=ORDINARY / most), 1.0)


def flow_error(motion: Tensor, truth: Tensor, valid: Tensor, weight: Tensor, focus: float = 0.0) -> Tensor:
    """[B]: weighted mean distance between two flows where the truth is known, in normalised image coordinates.

    A place that moves by `LONG` counts 1 + `focus` times as much as one that does not. At a lid that shuts, long motion ends in
    a step. Without focus, a network that does not know where takes the middle, and the eye stays open by a slit.
    """
    distance = torch.linalg.vector_norm(motion - truth, dim=1, keepdim=True)
    weight = weight * valid
    if focus:
        weight = weight * (1 + focus / LONG * torch.linalg.vector_norm(truth, dim=1, keepdim=True))
    return (distance * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)).clamp(min=1.0)


def occlusion_error(occlusion: Tensor, valid: Tensor, weight: Tensor) -> Tensor:
    """[B]: weighted mean cross-entropy of an occlusion layer [B, 1, H, W]: it should hide what has no known origin."""
    hidden = 1 - valid
    occlusion = occlusion.float().clamp(1e-4, 1 - 1e-4)
    entropy = -hidden * occlusion.log() - (1 - hidden) * (1 - occlusion).log()
    return (entropy * weight).mean(dim=(1, 2, 3))


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


def expression_error(logits: Tensor, expression: Tensor) -> Tensor:
    """Cross-entropy of logits [B, n], mean over the batch; a picture of no class (`NO_CLASS`) counts as 0."""
    return F.cross_entropy(logits, expression, ignore_index=NO_CLASS, reduction="sum") / len(logits)


def gradient_penalty(slope: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """WGAN-GP (arXiv 1704.00028): mean of (|gradient| - 1)^2 on straight lines between real and fake pictures.

    `slope` gives the critic's gradient at pictures [B, C, H, W], in a form that can itself be differentiated.
    """
    between = mix * real + (1 - mix) * fake
    return (slope(between).flatten(1).norm(dim=1) - 1).square().mean()


def r1_penalty(scores: Tensor, real: Tensor) -> Tensor:
    """R1 (arXiv 1801.04406): mean squared gradient norm at the real pictures, which must require grad."""
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
