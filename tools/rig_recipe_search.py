"""Searches the weights of a recipe: read as its expression as often as may be, as near to the person as may be.

    python tools/rig_recipe_search.py "stretched fear" --also mouthFunnel --also noseSneer --minutes 6 --identity 7

CMA-ES (`cmaes`) starts at a recipe of the table and moves the weights of its shapes and folds, of those named by `--also`,
and its lid aperture. Each candidate is rendered on some people and scored by

    minus the mean margin of the wanted class (log probability over the next best, within -4 and 1.5; `facex` and `fer`)
    + identity x mean distance of the face embedding to the neutral picture + 0.03 x sum of the weights

and the best one so far is printed as a block for `recipes.toml`, with a picture to look at. The search knows nothing of what
people read: bound what has to stay (`--least browDown=0.75`), look at the picture, and take back what is not human. People
that `sargan evaluate --held-out 0.12` measures are not looked at.
"""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from cmaes import SepCMA
from PIL import Image

from sargan_hf import EXPRESSIONS
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.evaluation.evaluator_nets import ExpressionClassifier, FaceEmbedder
from sargan_hf.rig.face_model.model import assets_folder, load_face_model
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.portraits.white_balance import without_cast
from sargan_hf.rig.rendering.recipes import Aperture, Recipe, default_recipes, read_recipes
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import RenderOptions, draw_variation

STEP = 0.18
MARGINS = (-4.0, 1.5)
COST_OF_WEIGHTS = 0.03
WIDEST = 0.12  # of `aperture.wider`, in inter-ocular distances


@dataclass(frozen=True)
class Space:
    """Which numbers of a recipe are searched: (kind, name), start and bounds of each."""

    recipe: Recipe
    names: list[tuple[str, str]]
    start: np.ndarray
    bounds: np.ndarray

    @classmethod
    def around(cls, recipe: Recipe, also: list[str], least: dict[str, float], most: dict[str, float]) -> "Space":
        """The weights of a recipe and of further shapes."""
        rows = [("shapes", name, weight, 1.4) for name, weight in recipe.shapes.items()]
        rows += [("shapes", name, 0.0, 1.4) for name in also]
        rows += [("wrinkles", name, weight, 1.6) for name, weight in recipe.wrinkles.items()]
        aperture = recipe.aperture or Aperture(times=1.0)
        if aperture.times is None:
            rows += [("aperture", "wider", aperture.wider, WIDEST)]
        else:
            rows += [("aperture", "times", aperture.times, 1.0), ("aperture", "squint", aperture.squint, 1.0)]
        bounds = [(least.get(name, 0.4 if name == "times" else 0.0), most.get(name, top)) for _, name, _, top in rows]
        bounds = np.array(bounds)
        start = np.clip([value for _, _, value, _ in rows], bounds[:, 0], bounds[:, 1])
        return cls(recipe, [(kind, name) for kind, name, _, _ in rows], start, bounds)

    def at(self, values: np.ndarray) -> Recipe:
        """The recipe with these numbers."""
        parts = {
            part: {name: round(float(v), 3) for (kind, name), v in zip(self.names, values, strict=True) if kind == part}
            for part in ("shapes", "wrinkles", "aperture")
        }
        return dataclasses.replace(
            self.recipe,
            shapes={name: weight for name, weight in parts["shapes"].items() if weight},
            aperture=Aperture(**parts["aperture"]),
            wrinkles=parts["wrinkles"],
        )


class Judges:
    """People to render a recipe on, and what is asked of the pictures."""

    def __init__(self, people: int, identity: float):
        self.identity = identity
        folder = assets_folder() / "portraits"
        allowed = set(split_by_subject(load_expression_dataset(str(folder)), held_out=0.12)["train"]["subject"])
        paths = [path for path in sorted((folder / "neutral").glob("*.jpg")) if path.stem in allowed]
        model, reader, options = load_face_model(), PortraitReader(), RenderOptions(gaze=0.0)
        self.stages = []
        for number, index in enumerate(np.linspace(2, len(paths) - 3, people).astype(int)):
            variation = draw_variation(options, np.random.default_rng(number))
            face = fit_portrait(model, without_cast(reader.read(paths[index])))
            self.stages.append(Stage(face, model, variation, 160))
        self.nets, self.embed = [ExpressionClassifier(name) for name in ("facex", "fer")], FaceEmbedder()
        self.neutral = self.embed(np.stack([stage.render(stage.neutral) for stage in self.stages]))

    def pictures(self, recipe: Recipe) -> np.ndarray:
        """uint8 [people, 160, 160, 3]."""
        return np.stack([s.render(s.shot(s.weights(recipe)), dict(recipe.wrinkles)) for s in self.stages])

    def __call__(self, recipe: Recipe) -> tuple[float, list[float], float]:
        """The score to be minimised, the share read as meant by each net, and the mean distance to the person."""
        pictures, wanted = self.pictures(recipe), EXPRESSIONS.index(recipe.expression)
        distance = float(np.linalg.norm(self.embed(pictures) - self.neutral, axis=1).mean())
        score, rates = self.identity * distance + COST_OF_WEIGHTS * sum(map(abs, recipe.shapes.values())), []
        for net in self.nets:
            probabilities = net(pictures)
            rates.append(float((probabilities.argmax(axis=1) == wanted).mean()))
            logs = np.log(probabilities + 1e-5)
            margins = logs[:, wanted] - np.delete(logs, wanted, axis=1).max(axis=1)
            score -= np.clip(margins, *MARGINS).mean() / len(self.nets)
        return float(score), rates, distance


def as_toml(recipe: Recipe) -> str:
    """A block for `recipes.toml`."""

    def table(values) -> str:
        return "{ " + ", ".join(f"{name} = {value}" for name, value in values.items()) + " }"

    lids = recipe.aperture
    lids = {"wider": lids.wider} if lids.times is None else {"times": lids.times, "squint": lids.squint}
    lines = [
        "[[recipe]]",
        f'expression = "{recipe.expression}"',
        f'name = "{recipe.name}"',
        f"share = {recipe.share}",
        *([f'variant_of = "{recipe.variant_of}"'] if recipe.variant_of else []),
        f"shapes = {table(recipe.shapes)}",
        *([f"carved = {table(recipe.carved)}"] if recipe.carved else []),
        f"aperture = {table(lids)}",
        f"wrinkles = {table(recipe.wrinkles)}",
    ]
    return "\n".join(lines)


def _bounds(texts: list[str]) -> dict[str, float]:
    return {name: float(value) for name, _, value in (text.partition("=") for text in texts)}


def main(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe to start at.")],
    also: Annotated[list[str], typer.Option(help="A further shape to try. Repeatable.")] = [],  # noqa: B006
    least: Annotated[list[str], typer.Option(help="NAME=VALUE: lower bound of a weight. Repeatable.")] = [],  # noqa: B006
    most: Annotated[list[str], typer.Option(help="NAME=VALUE: upper bound of a weight. Repeatable.")] = [],  # noqa: B006
    identity: Annotated[float, typer.Option(help="What a distance of 1 to the person costs.")] = 5.0,
    people: int = 10,
    minutes: float = 6.0,
    seed: int = 11,
    recipes: Annotated[Path | None, typer.Option(help="Table of expressions instead of the built-in one.")] = None,
    picture: Annotated[Path, typer.Option(help="Start and best candidate, to look at.")] = Path("searched.png"),
) -> None:
    """Search, and print what was found."""
    table = read_recipes(recipes) if recipes else default_recipes()
    first = next((entry for entry in table if entry.name == recipe), None)
    if first is None:
        raise typer.BadParameter(f"No recipe is called {recipe!r}; there are {[entry.name for entry in table]}.")
    space, judges = Space.around(first, also, _bounds(least), _bounds(most)), Judges(people, identity)
    optimiser = SepCMA(mean=space.start.copy(), sigma=STEP, bounds=space.bounds, seed=seed)
    best, best_score = first, judges(first)
    print("start ", *best_score, flush=True)
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end and not optimiser.should_stop():
        told = []
        for _ in range(optimiser.population_size):
            values = optimiser.ask()
            score = judges(space.at(values))
            told.append((values, score[0]))
            if score[0] < best_score[0]:
                best, best_score = space.at(values), score
        optimiser.tell(told)
        print(optimiser.generation, *best_score, flush=True)
    rows = [np.hstack(list(judges.pictures(entry))) for entry in (first, best)]
    Image.fromarray(np.vstack(rows)).save(picture)
    print(as_toml(best))


if __name__ == "__main__":
    typer.run(main)
