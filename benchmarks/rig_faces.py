"""Sheets of the rig's pictures to count faults on, and an empty form for the counts.

    OMP_NUM_THREADS=1 python benchmarks/rig_faces.py draw OUTPUT photographs/ avatars/ paintings/ sculpture/ [--people 12]
        [--size 256] [--seed 0]

Each folder is one kind. Of each, `people` portraits are drawn with `seed`; every row of a sheet is one of them in the seven
expressions, in the commonest ways, with the head turns, lights, backdrops and gazes that `sargan rig` draws. OUTPUT gets one
PNG per four rows and `count.csv`: a line per picture, with columns to be filled by whoever looks: `broken` (a visitor
would notice it unprompted: 1), `where` (mouth, eye, beard, seam, backdrop, light) and `note`.
`rig_faces.py summarise count.csv` prints the share of broken pictures by kind and expression.
"""

import csv
import random
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import typer
from PIL import Image, ImageDraw

from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.model import load_face_model
from sargan_hf.rig.portraits.reader import PortraitReader, find_portraits, fit_portrait
from sargan_hf.rig.portraits.white_balance import without_cast
from sargan_hf.rig.rendering.recipes import default_recipes, most_common_only
from sargan_hf.rig.rendering.render import render_set
from sargan_hf.rig.rendering.variation import RenderOptions

ROWS = 4
FORM = ("kind", "face", "sheet", "row", "expression", "broken", "where", "note")
app = typer.Typer(add_completion=False)


@app.command()
def draw(
    output: Path, folders: list[Path], people: int = 12, size: int = 256, seed: int = 0, model: Path | None = None
) -> None:
    """Writes the sheets and the form."""
    cv2.setNumThreads(1)
    face_model, reader = load_face_model(model), PortraitReader()
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "count.csv", "w", newline="", encoding="utf-8") as file:
        form = csv.writer(file)
        form.writerow(FORM)
        for folder in folders:
            sets = list(_sets(folder, people, size, seed, face_model, reader))
            for number in range(0, len(sets), ROWS):
                name = f"{folder.name}-{number // ROWS + 1:02d}.png"
                _sheet(sets[number : number + ROWS], size).save(output / name)
                for row, (path, pictures) in enumerate(sets[number : number + ROWS], 1):
                    shown = [picture for picture in pictures if picture.expression != "neutral"]
                    form.writerows((folder.name, path.stem, name, row, each.expression, "", "", "") for each in shown)


def _sets(folder: Path, people: int, size: int, seed: int, face_model, reader):
    """The first `people` accepted portraits in a drawn order, each with its pictures."""
    paths = find_portraits([folder])
    random.Random(f"{folder.name}-{seed}").shuffle(paths)
    options = RenderOptions(recipes=most_common_only(default_recipes()), subtle=0.0)
    found = 0
    for path in paths:
        if found == people:
            return
        try:
            face = fit_portrait(face_model, without_cast(reader.read(path)))
        except RigError as error:
            print(f"{path.name}: {error}")
            continue
        found += 1
        yield path, render_set(face, face_model, seed=1000 * seed + found, size=size, options=options)


def _sheet(sets: list, size: int) -> Image.Image:
    sheet = Image.new("RGB", (7 * size, len(sets) * size), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (path, pictures) in enumerate(sets):
        for column, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(np.ascontiguousarray(picture.image)), (column * size, row * size))
        draw.text((2, row * size + 2), f"{row + 1} {path.stem[-24:]}", fill="red")
    return sheet


@app.command()
def summarise(form: Path) -> None:
    """Prints the share of broken pictures of a filled form."""
    with open(form, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    groups = defaultdict(list)
    for row in rows:
        broken = row["broken"].strip() not in ("", "0")
        groups[row["kind"], "all"].append(broken)
        groups[row["kind"], row["expression"]].append(broken)
        if broken:
            groups[row["kind"], f"at {row['where'] or 'a place not said'}"].append(True)
    totals = {kind: len(members) for (kind, what), members in groups.items() if what == "all"}
    for (kind, what), members in sorted(groups.items()):
        of = totals[kind] if what.startswith("at ") else len(members)
        print(f"{kind:14s} {what:12s} {sum(members):4d} of {of:4d}  {sum(members) / of:.3f}")


if __name__ == "__main__":
    app()
