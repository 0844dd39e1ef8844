"""Which pictures of a pair become source and target."""

import numpy as np

from .sample import Draw

PHOTOGRAPH_SHARE = 0.5  # of the sources that are not neutral, where a pair has photographs


def draw_target(expression: int, num_expressions: int, rng: np.random.Generator) -> int:
    """An expression to edit to where the true picture is not known: any but the picture's own."""
    return int(rng.choice([other for other in range(num_expressions) if other != expression]))


def allowed_targets(expressions: np.ndarray, photographs: np.ndarray, expression: int, photograph: bool) -> np.ndarray:
    """Mask of allowed edit targets, bool [N].

    Photographs are never targets. If the source is a photograph, pictures with its own expression are excluded too.

    Args:
        expressions, photographs: int and bool [N], of the pictures of the pair.
        expression, photograph: of the source.
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
    """Index of the picture of a pair that the one with `expression` is made from.

    Where the pair has a neutral picture, that is the source in the share `neutral_source` of the cases. Where it has
    photographs of another expression, one of them is the source in half of the other cases, as users bring photographs. Else
    any picture may be. A photograph of `expression` itself never is: a real smile should not become the rendered one.

    Args:
        expressions, photographs: int and bool [N], of the pictures of the pair.
        neutral: index of the neutral expression.
    """
    neutrals = np.flatnonzero(expressions == neutral)
    if expression != neutral and len(neutrals) and rng.random() < draw.neutral_source:
        return int(rng.choice(neutrals))
    photographed = photographs & (expressions != expression)
    if photographed.any() and rng.random() < PHOTOGRAPH_SHARE:
        return int(rng.choice(np.flatnonzero(photographed)))
    return int(rng.choice(np.flatnonzero(photographed | ~photographs)))
