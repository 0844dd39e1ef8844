"""The generator as training runs it: under the run's precision, and quickly where no gradients are needed."""

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from torch import Tensor

from ..inference.cpu_generator import FastGenerator
from ..modeling_sargan import SARGAN, SARGANOutput


class Editor:
    """Edits pictures [B, 3, S, S] by conditions that a batch holds.

    Args:
        generator: the network that is trained.
        accelerator: knows the precision and the device.
        expressions: the classes that the generator knows.
    """

    def __init__(self, generator: SARGAN, accelerator: Accelerator, expressions: Sequence[str]):
        self.generator, self.accelerator = generator, accelerator
        self._classes = len(expressions)
        self._snapshot: FastGenerator | None = None

    def __call__(self, pictures: Tensor, expression: Tensor, controls: Tensor | None = None) -> SARGANOutput:
        """The edit in the precision of the pictures; gradients flow.

        Args:
            expression: int64 [B], `NO_CLASS` for none.
            controls: [B, K], of a generator that has them; None is all zeros.
        """
        with self.accelerator.autocast():
            output = self.generator(pictures, self._one_hot(expression, pictures.dtype), controls=controls)
        return SARGANOutput(**{name: value.to(pictures.dtype) for name, value in output.items()})

    @torch.no_grad()
    def draft(self, pictures: Tensor, expression: Tensor, controls: Tensor | None = None) -> Tensor:
        """The edited pictures without gradients: on a CPU by a rearranged copy, made anew after `generator_changed`."""
        rearranged = type(self.generator) is SARGAN and self.accelerator.device.type == "cpu"
        if not rearranged or self.accelerator.mixed_precision != "no":
            return self(pictures, expression, controls).sample
        if self._snapshot is None:
            self._snapshot = FastGenerator(self.generator)
        edit = self._snapshot(pictures, self._one_hot(expression, pictures.dtype), controls=controls)
        return edit.sample.clone()  # autograd takes no inference tensors

    def generator_changed(self) -> None:
        """Lets go of the copy."""
        self._snapshot = None

    def _one_hot(self, expression: Tensor, dtype: torch.dtype) -> Tensor:
        # No `one_hot`: it reads the numbers back to check them. `NO_CLASS` equals none of them.
        classes = torch.arange(self._classes, device=expression.device)
        return (expression[:, None] == classes).to(dtype)
