"""How often two expression classifiers read the intended expression in the rig's pictures.

They are not independent judges: most recipes began as a search that these same two nets scored on 10 of the portraits
(`tools/rig_recipe_search.py`), then were moderated by eye. Judge them by other nets and by people too.

    python benchmarks/rig_readability.py --people 40 --variants 2 --output readability.json

Every person's portrait is fitted and rendered at full intensity. `facex` and `fer` read each picture, see
sargan_hf/evaluation/evaluator_nets.py. Prints the top-1 rate per expression and net, and what the rest was taken for.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sargan_hf import EXPRESSIONS
from sargan_hf.evaluation.evaluator_nets import CANONICAL_BOX, ExpressionClassifier
from sargan_hf.rig.face_model.model import assets_folder, load_face_model
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.portraits.white_balance import without_cast
from sargan_hf.rig.rendering.recipes import default_recipes, most_common_only, read_recipes
from sargan_hf.rig.rendering.render import render_set
from sargan_hf.rig.rendering.variation import RenderOptions

NETS = ("facex", "fer")
# What a Haar detector boxes in a canonical crop (left, top, side), as both packages do before their nets. The default of
# `ExpressionClassifier` is wider: see there.
HAAR_BOX = (0.14, 0.10, 0.73)


def main(
    people: Annotated[int, typer.Option(help="Portraits, spread evenly over the folder.")] = 40,
    variants: int = 2,
    size: int = 160,
    recipes_per_expression: Annotated[int, typer.Option(help="More than 1 reads every recipe by itself.")] = 1,
    varied: Annotated[bool, typer.Option("--varied", help="With head turns, gaze, light and backgrounds.")] = False,
    most_common: Annotated[
        bool,
        typer.Option(
            "--most-common-only",
            "--one-way",
            help="Each expression in its commonest way only, as the released weights learn.",
        ),
    ] = False,
    recipes: Annotated[Path | None, typer.Option(help="Table of expressions instead of the built-in one.")] = None,
    haar_box: Annotated[
        bool, typer.Option("--haar-box", help="Show the nets the tighter box of their packages.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Render, read, count."""
    folder = assets_folder() / "portraits" / "neutral"
    portraits = sorted(folder.glob("*.jpg"))
    if not portraits:
        raise typer.BadParameter(
            f"No portraits in {folder}: set SARGAN_ASSETS to the folder that docs/data.md describes."
        )
    chosen = [portraits[i] for i in np.linspace(0, len(portraits) - 1, min(people, len(portraits))).astype(int)]
    shares = dict.fromkeys(("head_turn", "gaze", "relight", "backdrop"), 0.3) if varied else {"gaze": 0.0}
    table = read_recipes(recipes) if recipes else default_recipes()
    shares["recipes"] = most_common_only(table) if most_common else table
    options = RenderOptions(recipes_per_expression=recipes_per_expression, intensity=(1.0, 1.0), **shares)
    nets = [ExpressionClassifier(name, HAAR_BOX if haar_box else CANONICAL_BOX) for name in NETS]
    rates = read_pictures(chosen, variants, size, options, nets)
    show(rates)
    if output is not None:
        output.write_text(json.dumps(rates, indent=1) + "\n")


def read_pictures(portraits: list[Path], variants: int, size: int, options: RenderOptions, nets: list) -> dict:
    """Top-1 rate per expression (or recipe) and net, and the readings behind it."""
    model, reader = load_face_model(), PortraitReader()
    by_recipe = options.recipes_per_expression > 1
    readings: dict[str, dict[str, Counter]] = {}
    for number, path in enumerate(track(portraits, "reading")):
        face = fit_portrait(model, without_cast(reader.read(path)))
        for variant in range(variants):
            pictures = render_set(face, model, seed=1000 * number + variant, size=size, options=options)
            images = np.stack([picture.image for picture in pictures])
            for net in nets:
                for picture, probabilities in zip(pictures, net(images), strict=True):
                    label = f"{picture.expression}: {picture.recipe}" if by_recipe else picture.expression
                    counts = readings.setdefault(label, {name: Counter() for name in NETS})[net.name]
                    counts[EXPRESSIONS[int(probabilities.argmax())]] += 1
    return {label: _rates(label.split(":")[0], counts) for label, counts in sorted(readings.items())}


def _rates(expression: str, counts: dict[str, Counter]) -> dict:
    rate = {net: counter[expression] / counter.total() for net, counter in counts.items()}
    return {**rate, "mean": float(np.mean(list(rate.values()))), "read_as": {net: dict(c) for net, c in counts.items()}}


def show(rates: dict) -> None:
    """Prints the figures as a table."""
    table = Table("intended", *NETS, "mean", "read as")
    for label, row in rates.items():
        mistaken = "; ".join(f"{net} {dict(Counter(row['read_as'][net]).most_common(3))}" for net in NETS)
        table.add_row(label, *(f"{row[net]:.2f}" for net in NETS), f"{row['mean']:.2f}", mistaken)
    Console(width=160).print(table)


if __name__ == "__main__":
    typer.run(main)
