"""Which pictures of a pair become source and target."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    pass
from .sample import Draw

PHOTOGRAPH_SHARE = 0.5  # of the sources that are not neutral, where a pair has photographs


def draw_aim(expression: int, num_expressions: int, rng: np.random.Generator) -> int:
    """An expression to aim at where the true picture is not known: any but the picture's own."""
    return int(rng.choice([other for other in range(num_expressions) if other != expression]))


def aims(expressions: np.ndarray, photographs: np.ndarray, expression: int, photograph: bool) -> np.ndarray:
    """Which of the pictures of a pair one with `expression` may be edited to, bool [N]: no photograph, and where it is one
    itself, none with the expression that it shows already.

    Args:
        expressions, photographs: int and bool [N], of the pictures of the pair.
    """
    return ~photographs & (expressions != expression) if photograph else ~photographs


def draw_source(
    expressions: np.ndarray,
    photographs: np.ndarray,
    expression: int,
    draw: Draw,
    neutral: int,
    rng: np.random.Generator,
) -> int:
    """Which of the pictures of a pair, int [N] by their expressions, the one with `expression` is made from.

    It is a neutral one in the share `neutral_source` of the cases where there is one. Where there are photographs of another
    expression (bool [N]) among rendered ones, it is one of them in half of the other cases, as they are what people bring. Else
    it is any but a photograph of `expression`: a real smile is not to become the rendered one.
    """
    neutrals = np.flatnonzero(expressions == neutral)
    if expression != neutral and len(neutrals) and rng.random() < draw.neutral_source:
        return int(rng.choice(neutrals))
    brought = photographs & (expressions != expression)
    if brought.any() and rng.random() < PHOTOGRAPH_SHARE:
        return int(rng.choice(np.flatnonzero(brought)))
    return int(rng.choice(np.flatnonzero(brought | ~photographs)))
