"""The recipes of `recipes.toml`: which shapes, lid aperture and wrinkles make which expression."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..._moved import renamed
from ...errors import RigError
from ...expressions import EXPRESSIONS

_KEYS = {"expression", "name", "share", "variant_of", "shapes", "carved", "aperture", "wrinkles"}
_RENAMED = {"like": "variant_of"}  # keys of tables of before


@dataclass(frozen=True)
class Aperture:
    """How far the lids are aimed to be apart at intensity 1.

    Attributes:
        times: opening as a multiple of the neutral one, below 1 to narrow; None when `wider` says it.
        wider: opening added to the neutral one, in inter-ocular distances.
        squint: share of a narrowing that the lower lid and cheek do; the upper lid does the rest.
    """

    times: float | None = None
    wider: float = 0.0
    squint: float = 0.3


@dataclass(frozen=True)
class Recipe:
    """One way to show an expression; weights are those at intensity 1.

    Attributes:
        expression: one of `EXPRESSIONS`.
        name: unique among all recipes.
        share: how often it is drawn, relative to the other recipes of the expression.
        variant_of: name of another recipe that this one is a stronger or fainter form of, or "".
        shapes: blendshape weights by name, "browDown" for both sides.
        carved: the weights of a carved face where it shows the expression another way, or empty.
        aperture: lid opening, or None to leave it to the shapes.
        wrinkles: strength of painted folds by kind.
    """

    expression: str
    name: str
    share: float = 1.0
    variant_of: str = ""
    shapes: Mapping[str, float] = field(default_factory=dict)
    carved: Mapping[str, float] = field(default_factory=dict)
    aperture: Aperture | None = None
    wrinkles: Mapping[str, float] = field(default_factory=dict)


def read_recipes(path: str | Path) -> tuple[Recipe, ...]:
    """Reads a table of recipes (the format is described at the top of `recipes.toml`).

    Raises:
        RigError: the file is not TOML, a key or expression is unknown, a name comes twice, or an expression has no recipe.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RigError(f"{path} is not a TOML file: {error}.") from error
    recipes = tuple(_recipe(entry, path) for entry in table.get("recipe", []))
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        raise RigError(f"{path}: recipe names must be unique; got {sorted(names)}.")
    astray = [
        f"{recipe.name!r} is a variant of {recipe.variant_of!r}"
        for recipe in recipes
        if recipe.variant_of and recipe.variant_of not in names
    ]
    if astray:
        raise RigError(
            f"{path}: `variant_of` must name another recipe; got {', '.join(astray)}. There are {sorted(names)}."
        )
    missing = set(EXPRESSIONS) - {recipe.expression for recipe in recipes}
    if missing:
        raise RigError(f"{path} has no recipe for {', '.join(sorted(missing))}; add one [[recipe]] each.")
    return recipes


def _recipe(entry: dict, path: str | Path) -> Recipe:
    entry = {_RENAMED.get(key, key): value for key, value in entry.items()}
    unknown = set(entry) - _KEYS
    if unknown or "name" not in entry:
        raise RigError(f"{path}: a [[recipe]] needs a name and takes {sorted(_KEYS)}; got {sorted(entry)}.")
    if entry.get("expression") not in EXPRESSIONS:
        raise RigError(
            f"{path}: recipe {entry['name']!r} has expression {entry.get('expression')!r}, not one of {EXPRESSIONS}."
        )
    aperture = entry.get("aperture")
    try:
        aperture = Aperture(**aperture) if aperture is not None else None
    except TypeError as error:
        raise RigError(
            f"{path}: the aperture of {entry['name']!r} takes times or wider, and squint ({error})."
        ) from error
    return Recipe(**{**entry, "aperture": aperture})


@cache
def default_recipes() -> tuple[Recipe, ...]:
    """The recipes that come with the package."""
    return read_recipes(Path(str(files(str(__package__)) / "recipes.toml")))


def recipes_for(expression: str, recipes: tuple[Recipe, ...]) -> list[Recipe]:
    """All ways to show `expression`."""
    return [recipe for recipe in recipes if recipe.expression == expression]


def commonest(expression: str, recipes: tuple[Recipe, ...]) -> Recipe:
    """The way to show `expression` that has the largest share."""
    return max(recipes_for(expression, recipes), key=lambda recipe: recipe.share)


def most_common_only(recipes: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
    """The recipe with the largest share of each expression, and its variants.

    A network without chance has one answer for "angry": shown tight lips and bared teeth, it learns their blurred mean. The
    mean of a smile and a broader one is a smile.
    """
    names = {commonest(name, recipes).name for name in EXPRESSIONS}
    return tuple(recipe for recipe in recipes if recipe.name in names or recipe.variant_of in names)


def draw_recipes(expression: str, count: int, rng: np.random.Generator, recipes: tuple[Recipe, ...]) -> list[Recipe]:
    """`count` different ways to show `expression` (or all of them if there are fewer), drawn by their shares."""
    choices = recipes_for(expression, recipes)
    shares = np.array([recipe.share for recipe in choices])
    picked = rng.choice(len(choices), size=min(count, len(choices)), replace=False, p=shares / shares.sum())
    return [choices[i] for i in picked]


__getattr__ = renamed(__name__, {"commonest_ways": "most_common_only"})
