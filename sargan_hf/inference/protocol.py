"""What a generator is to those who use one: arrays in, arrays out."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from .._moved import renamed


class GeneratorOutput(NamedTuple):
    """What a generator returns for N crops of side S, all float32, at intensity 1.

    Attributes:
        residual: [N, 3, S, S] in [-1, 1], to be added to the (moved) crop.
        attention: [N, 1, h, w] in [0, 1], or None for a model without attention.
        motion: [N, 2, S, S], x and y in normalised image coordinates (2.0 is the full width): where each pixel is fetched
            from, relative to itself; None for a model without motion.
        expression: [N, n], the condition it was made for: what refines an edit later must know it.
    """

    residual: np.ndarray
    attention: np.ndarray | None
    motion: np.ndarray | None
    expression: np.ndarray

    def one(self, index: int) -> "GeneratorOutput":
        """The edit of one of the N crops alone, N = 1."""
        return GeneratorOutput(*(None if field is None else field[index : index + 1] for field in self))


class Generator(Protocol):
    """A trained model, whatever runs it. Safe to call from several threads at once."""

    expressions: tuple[str, ...]
    sample_size: int

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorOutput:
        """Edits crops [N, 3, S, S] in [-1, 1] (float32, RGB) towards expression vectors [N, len(expressions)].

        What it makes of a crop must not depend on the other crops, not even in the last bit (see `one_by_one`).
        """


def one_by_one(
    run: Callable[[np.ndarray, np.ndarray], GeneratorOutput], crops: np.ndarray, expression: np.ndarray
) -> GeneratorOutput:
    """What `run` makes of each crop alone, joined; arguments as for `Generator.__call__`.

    Libraries choose other kernels for other batches, whose sums differ in the last bits. The same face must become the same
    pixels, whether it is edited alone, with the others of its picture, or in all expressions at once.
    """
    edits = [run(crops[i : i + 1], expression[i : i + 1]) for i in range(len(crops))]
    return GeneratorOutput(*(None if field[0] is None else np.concatenate(field) for field in zip(*edits, strict=True)))


__getattr__ = renamed(__name__, {"GeneratorEdit": "GeneratorOutput"})
