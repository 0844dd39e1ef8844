"""What a generator is to those who use one: arrays in, arrays out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from .._moved import renamed
from ..images.warp import NormalizedFlow


class PaintedLayer(NamedTuple):
    """What an edit shows where the picture holds nothing of it, as inside a mouth that opens; see `SARGANOutput`.

    Attributes:
        occlusion: [N, 1, S, S] in [0, 1], how much of the moved picture is hidden.
        painted: [N, 3, S, S] in [-1, 1], what hides it.
    """

    occlusion: np.ndarray
    painted: np.ndarray


class GeneratorOutput(NamedTuple):
    """What a generator returns for N crops of side S, all float32, at intensity 1.

    Attributes:
        residual: [N, 3, S, S] in [-1, 1], to be added to the (moved) crop.
        attention: [N, 1, h, w] in [0, 1], or None for a model without attention.
        motion: [N, 2, S, S], x and y in normalised image coordinates (2.0 is the full width): where each pixel is fetched
            from, relative to itself; None for a model without motion.
        expression: [N, n], the condition it was made for: what refines an edit later must know it. All zeros are no class.
        layer: what covers the moved crop where that has nothing to show; None for a model without an occlusion layer.
    """

    residual: np.ndarray
    attention: np.ndarray | None
    motion: NormalizedFlow | None
    expression: np.ndarray
    layer: PaintedLayer | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        arrays = [*self[:4], *(self.layer or ())]
        return sum(array.nbytes for array in arrays if array is not None)

    def one(self, index: int) -> "GeneratorOutput":
        """The output for one of the N crops alone, N = 1, in memory of its own."""
        part = slice(index, index + 1)
        return GeneratorOutput(
            self.residual[part].copy(),
            None if self.attention is None else self.attention[part].copy(),
            None if self.motion is None else NormalizedFlow(self.motion[part].copy()),
            self.expression[part].copy(),
            self.layer and PaintedLayer(*(field[part].copy() for field in self.layer)),
        )


class Generator(Protocol):
    """A trained model, whatever runs it. Safe to call from several threads at once.

    A generator may also have `typical_motion`, as in the config of `SARGAN`; the pipeline makes weaker edits as strong as that.
    One that moves parts of a face by themselves has `controls`, their names in the order of the second condition.
    """

    @property
    def expressions(self) -> tuple[str, ...]:
        """Names of the expressions, in the order of the condition vector."""
        ...

    @property
    def sample_size(self) -> int:
        """Side of the crops in pixels."""
        ...

    def __call__(
        self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None = None
    ) -> GeneratorOutput:
        """Edits crops [N, 3, S, S] in [-1, 1] (float32, RGB) towards expression vectors [N, len(expressions)].

        `controls` [N, len(controls)] in [-1, 1] come on top, for a generator that has them; None is all zeros.

        What it makes of a crop must not depend on the other crops, not even in the last bit (see `one_by_one`).
        """
        ...


def typical_motion_of(generator: Generator) -> Sequence[float] | None:
    """How far the generator's edits should go, [n], as in the config of `SARGAN`; None where it does not say."""
    return getattr(generator, "typical_motion", None)


def controls_of(generator: Generator) -> tuple[str, ...]:
    """Names of the generator's controls, in the order of its second condition; none for most."""
    return tuple(getattr(generator, "controls", None) or ())


def one_by_one(
    run: Callable[[np.ndarray, np.ndarray, np.ndarray | None], GeneratorOutput],
    crops: np.ndarray,
    expression: np.ndarray,
    controls: np.ndarray | None = None,
) -> GeneratorOutput:
    """What `run` makes of each crop alone, joined; arguments as for `Generator.__call__`.

    Libraries choose other kernels for other batches, whose sums differ in the last bits. The same face must become the same
    pixels, whether it is edited alone, with the others of its picture, or in all expressions at once.
    """
    each = [None if controls is None else controls[i : i + 1] for i in range(len(crops))]
    parts = [run(crops[i : i + 1], expression[i : i + 1], each[i]) for i in range(len(crops))]
    attentions = [part.attention for part in parts if part.attention is not None]
    motions = [part.motion for part in parts if part.motion is not None]
    layers = [part.layer for part in parts if part.layer is not None]
    return GeneratorOutput(
        np.concatenate([part.residual for part in parts]),
        np.concatenate(attentions) if attentions else None,
        NormalizedFlow(np.concatenate(motions)) if motions else None,
        np.concatenate([part.expression for part in parts]),
        PaintedLayer(*(np.concatenate(fields) for fields in zip(*layers, strict=True))) if layers else None,
    )


__getattr__ = renamed(__name__, {"GeneratorEdit": "GeneratorOutput"})
