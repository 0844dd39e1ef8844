"""Draws docs/pictures/edits.jpg: the app's examples in six expressions: all of them, none chosen for its edits.

    python tools/make_edit_sheet.py [OUTPUT] [--model weights/sargan-motion-128] [--hard]

`--hard` draws docs/pictures/failures.jpg instead: a head turned far, shut eyes, something before the mouth.

All of the pictures are ours to publish (examples/LICENSES.md).
"""

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

from sargan_hf import EXPRESSIONS, SARGANPipeline

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = (
    "avatars/avatar-boy",
    "avatars/avatar-girl",
    "photos/eileen-collins",
    "photos/grace-hopper",
    "portraits/fresco-grace-hopper",
    "portraits/oil-eileen-collins",
    "portraits/pencil-grace-hopper",
    "statues/bronze",
    "statues/marble",
    "statues/terracotta",
)
HARD = ("turned", "eyes-closed")  # rendered by examples/making/make_examples.py
# A scarf before Grace Hopper's mouth.
SCARF = [(226, 392), (330, 366), (415, 372), (510, 396), (525, 640), (390, 690), (235, 640)]
SIDE, AROUND = 150, 1.2


def example_pictures() -> list[Image.Image]:
    return [Image.open(ROOT / "examples" / f"{name}.jpg").convert("RGB") for name in EXAMPLES]


def hard_pictures() -> list[Image.Image]:
    rendered = [Image.open(ROOT / "docs" / "pictures" / "hard" / f"{name}.jpg").convert("RGB") for name in HARD]
    wrapped = Image.open(ROOT / "examples" / "photos" / "grace-hopper.jpg").convert("RGB")
    ImageDraw.Draw(wrapped).polygon(SCARF, fill=(92, 58, 66))
    return [*rendered, wrapped]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, nargs="?")
    parser.add_argument("--model", default=str(ROOT / "weights" / "sargan-motion-128"))
    parser.add_argument("--hard", action="store_true", help="pictures that editing fails on")
    given = parser.parse_args()
    pictures = hard_pictures() if given.hard else example_pictures()
    output = given.output or ROOT / "docs" / "pictures" / ("failures.jpg" if given.hard else "edits.jpg")
    pipe = SARGANPipeline.from_pretrained(given.model)
    wanted = [name for name in EXPRESSIONS if name != "neutral"]
    sheet = Image.new("RGB", (SIDE * (1 + len(wanted)), SIDE * len(pictures)), "white")
    for row, picture in enumerate(pictures):
        edits = [pipe(picture, expression=expression) for expression in wanted]
        left, top, right, bottom = edits[0].faces[0].box
        half = AROUND * max(right - left, bottom - top) / 2
        x, y = (left + right) / 2, (top + bottom) / 2
        box = tuple(round(float(value)) for value in (x - half, y - half, x + half, y + half))
        for column, tile in enumerate([picture, *(edit.images[0] for edit in edits)]):
            sheet.paste(tile.crop(box).resize((SIDE, SIDE), Image.Resampling.LANCZOS), (SIDE * column, SIDE * row))
    sheet.save(output, quality=72)


if __name__ == "__main__":
    main()
