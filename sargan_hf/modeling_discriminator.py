"""The discriminator of SARGAN: is this patch real, and which expression does the face show?

Paper: arXiv 2303.17212, section III-D; the architecture is that of StarGAN (arXiv 1711.09020).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.outputs import BaseOutput
from torch import Tensor, nn

from .expressions import EXPRESSIONS

NEGATIVE_SLOPE = 0.01  # of the leaky ReLUs


@dataclass
class SARGANDiscriminatorOutput(BaseOutput):
    """Attributes:
    realness: [B, 1, H/2^n, W/2^n], one critic score per patch, unbounded; higher is more real.
    expression: [B, len(expressions)], logits.
    features: what each layer of the trunk saw, [B, C_i, H/2^i, W/2^i]; a learned perceptual distance compares these.
    """

    realness: Tensor
    expression: Tensor
    features: tuple[Tensor, ...] = ()

    @property
    def source(self) -> Tensor:
        warnings.warn("SARGANDiscriminatorOutput.source is now .realness.", FutureWarning, stacklevel=2)
        return self.realness


class SARGANDiscriminator(ModelMixin, ConfigMixin):
    """PatchGAN trunk with a head for realness and one for the expression.

    Args:
        sample_size: side of the pictures; the expression head covers the whole map, so the size is fixed.
        base_channels: width of the first convolution; it doubles with every layer.
        num_layers: number of stride-2 convolutions; `sample_size` must be a multiple of 2 to this power.
        expressions: the expressions, in the generator's order.
        conditional: whether it sees, beside the picture to judge, the one that was edited (pix2pix, arXiv 1611.07004).
            What is blurred or off in colour shows best next to the original.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 128,
        base_channels: int = 64,
        num_layers: int = 6,
        expressions: Sequence[str] = EXPRESSIONS,
        conditional: bool = False,
    ):
        super().__init__()
        reduction = 2**num_layers
        if sample_size % reduction or sample_size < reduction:
            raise ValueError(
                f"sample_size must be a multiple of {reduction} with {num_layers} layers; got {sample_size}."
            )
        widths = [6 if conditional else 3] + [base_channels * 2**i for i in range(num_layers)]
        self.trunk = nn.ModuleList(nn.Conv2d(narrow, wide, 4, stride=2, padding=1) for narrow, wide in pairwise(widths))
        self.source_head = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.expression_head = nn.Conv2d(widths[-1], len(expressions), sample_size // reduction, bias=False)

    def forward(
        self, pixel_values: Tensor, original: Tensor | None = None, return_dict: bool = True
    ) -> SARGANDiscriminatorOutput | tuple[Tensor, Tensor]:
        """Judges pictures.

        Args:
            pixel_values: [B, 3, sample_size, sample_size] in [-1, 1].
            original: of a conditional discriminator, the pictures before the edit, of the same shape.
            return_dict: False returns the tuple (realness, expression).

        Raises:
            ValueError: a shape that does not fit, or an original too many or too few.
        """
        self._check(pixel_values, original)
        hidden, features = pixel_values if original is None else torch.cat([pixel_values, original], dim=1), []
        for conv in self.trunk:
            hidden = F.leaky_relu(conv(hidden), NEGATIVE_SLOPE, inplace=True)  # halves what is kept for the gradient
            features.append(hidden)
        realness = self.source_head(hidden)  # "src" in StarGAN; the name of the weights stays
        expression = self.expression_head(hidden).flatten(1)
        if not return_dict:
            return realness, expression
        return SARGANDiscriminatorOutput(realness=realness, expression=expression, features=tuple(features))

    def _check(self, pixel_values: Tensor, original: Tensor | None) -> None:
        size, conditional = self.config["sample_size"], self.config["conditional"]
        if tuple(pixel_values.shape[1:]) != (3, size, size):
            raise ValueError(f"pixel_values must be [batch, 3, {size}, {size}]; got {list(pixel_values.shape)}.")
        if conditional != (original is not None):
            wanted = "needs the original beside" if conditional else "takes no original beside"
            raise ValueError(f"A discriminator with conditional={conditional} {wanted} each picture.")
        if original is not None and original.shape != pixel_values.shape:
            raise ValueError(
                f"original must be shaped like pixel_values, {list(pixel_values.shape)}; got {list(original.shape)}."
            )
