"""Which pictures of a pair become source and target, and how the edit between them is requested."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..expressions import NO_CLASS
from .sample import Draw

PHOTOGRAPH_SHARE = 0.5  # of the sources that are not neutral, where a pair has photographs


@dataclass(frozen=True)
class Pair:
    """What is known of the pictures of one pair.

    Attributes:
        expressions: int [N], `NO_CLASS` where a picture shows none.
        photographs: bool [N], pictures that are edited only (see `FaceLabels.source_only`).
        controls: float32 [N, K], what each shows relative to the neutral one; NaN where not known. None in other sets.
        added: float32 [N, K], what of that is on top of its class; NaN where not known. None in other sets.
    """

    expressions: np.ndarray
    photographs: np.ndarray
    controls: np.ndarray | None = None
    added: np.ndarray | None = None


class Choice(NamedTuple):
    """A sample to make.

    Attributes:
        source: index in the pair.
        target: index in the pair, None where the true picture is not known.
        expression: the requested class, `NO_CLASS` if there is none.
        controls: float32 [2, K], requested with that class, and with the source's class to turn the edit back; None
            if controls are not trained.
    """

    source: int
    target: int | None
    expression: int
    controls: np.ndarray | None = None


def choose(
    pair: Pair,
    drawn: int,
    draw: Draw,
    neutral: int,
    classes: Sequence[int],
    rng: np.random.Generator,
    dealt: int | None = None,
) -> Choice:
    """The drawn picture becomes the target, and another of its pair the source.

    All pictures are targets equally often, then. A photograph becomes the source, and another picture the target.

    Args:
        drawn: index of the drawn picture in its pair.
        neutral: index of the neutral expression, -1 where there is none.
        classes: indices of the expressions that the set has pictures of.
        dealt: the expression to edit to where the true picture is not known; None draws it from `classes`.
    """
    if len(pair.expressions) > 1 and draw.pairs:
        found = _by_class(pair, drawn, draw, neutral, rng) if draw.shares is None else None
        if pair.controls is not None and pair.added is not None and draw.shares is not None:
            found = _by_controls(pair, pair.controls, pair.added, drawn, draw, neutral, rng)
        if found is not None:
            return found
    expression = draw_target(int(pair.expressions[drawn]), classes, rng) if dealt is None else dealt
    controls = None
    if pair.added is not None and draw.shares is not None:
        controls = np.stack([np.zeros_like(pair.added[drawn]), np.nan_to_num(pair.added[drawn])])
    return Choice(drawn, None, expression, controls)


def _by_class(pair: Pair, drawn: int, draw: Draw, neutral: int, rng: np.random.Generator) -> Choice | None:
    expression, photograph = int(pair.expressions[drawn]), bool(pair.photographs[drawn])
    targets = np.flatnonzero(allowed_targets(pair.expressions, pair.photographs, expression, photograph))
    if len(targets) == 0:
        return None
    if photograph:
        target = _one_of(targets, rng)
        return Choice(drawn, target, int(pair.expressions[target]))
    source = draw_source(pair.expressions, pair.photographs, expression, draw, neutral, rng)
    return Choice(source, drawn, expression)


def _by_controls(
    pair: Pair,
    controls: np.ndarray,
    added: np.ndarray,
    drawn: int,
    draw: Draw,
    neutral: int,
    rng: np.random.Generator,
) -> Choice | None:
    """As `choose`, for a set with controls: first it draws how the edit is requested, by the shares.

    If the drawn picture cannot be requested in that way, another picture of its pair is the target. If none can, the edit is
    requested in another way.
    """
    assert draw.shares is not None
    ways = _targets_of_ways(pair, controls, added, drawn)
    known, photograph = np.isfinite(controls.sum(axis=1)), bool(pair.photographs[drawn])
    drawn_way = draw.shares.draw(rng)
    for way in (drawn_way, *(name for name in ways if name != drawn_way)):
        targets = np.flatnonzero(ways[way])
        if len(targets) == 0:
            continue
        target = drawn if ways[way][drawn] else _one_of(targets, rng)
        if photograph:
            source = drawn
        elif way == "alone":
            source = _known_source(pair, known, target, draw, neutral, rng)
        else:
            source = draw_source(pair.expressions, pair.photographs, int(pair.expressions[target]), draw, neutral, rng)
        difference = np.nan_to_num(controls[target] - controls[source])
        asked = {"class": np.zeros_like(difference), "added": added[target], "alone": difference}[way]
        back = -difference if pair.expressions[source] == NO_CLASS else np.nan_to_num(added[source])
        expression = NO_CLASS if way == "alone" else int(pair.expressions[target])
        return Choice(source, target, expression, np.stack([asked, back]))
    return None


def _targets_of_ways(pair: Pair, controls: np.ndarray, added: np.ndarray, drawn: int) -> dict[str, np.ndarray]:
    """Masks [N] of the pictures that may be targets, for each way to ask for them; see `ControlShares`."""
    photograph = bool(pair.photographs[drawn])
    allowed = allowed_targets(pair.expressions, pair.photographs, int(pair.expressions[drawn]), photograph)
    known = np.isfinite(controls.sum(axis=1))
    classed: np.ndarray = pair.expressions != NO_CLASS
    plain = classed & (np.nan_to_num(added) == 0).all(axis=1)
    alone = known & ~pair.photographs
    if photograph:  # it is the source
        alone &= known[drawn]
    if known.sum() < 2:
        alone[:] = False
    return {
        "class": plain & allowed,
        "added": classed & ~plain & np.isfinite(added.sum(axis=1)) & allowed,
        "alone": alone,
    }


def _known_source(
    pair: Pair, known: np.ndarray, target: int, draw: Draw, neutral: int, rng: np.random.Generator
) -> int:
    """A neutral picture in the share `neutral_source` of the cases, else any other one whose controls are known."""
    others = known.copy()
    others[target] = False
    neutrals = np.flatnonzero(others & (pair.expressions == neutral)) if neutral >= 0 else np.empty(0, int)
    if len(neutrals) and rng.random() < draw.neutral_source:
        return _one_of(neutrals, rng)
    return _one_of(np.flatnonzero(others), rng)


def draw_target(expression: int, classes: Sequence[int], rng: np.random.Generator) -> int:
    """An expression to edit to where the true picture is not known: any of `classes` but the picture's own."""
    return int(rng.choice([other for other in classes if other != expression] or [expression]))


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
        neutral: index of the neutral expression, -1 where there is none.
    """
    neutrals = np.flatnonzero(expressions == neutral) if neutral >= 0 else np.empty(0, int)
    if expression != neutral and len(neutrals) and rng.random() < draw.neutral_source:
        return _one_of(neutrals, rng)
    photographed = photographs & (expressions != expression)
    if photographed.any() and rng.random() < PHOTOGRAPH_SHARE:
        return _one_of(np.flatnonzero(photographed), rng)
    return _one_of(np.flatnonzero(photographed | ~photographs), rng)


def _one_of(indices: np.ndarray, rng: np.random.Generator) -> int:
    """Any of them alike; what `rng.choice` draws, in a third of its time."""
    return int(indices[rng.integers(len(indices))])
