"""Draws docs/pictures/edits.jpg: the app's examples in six expressions: all of them, none chosen for its edits.

    python docs/make_edit_sheet.py [OUTPUT] [--model weights/sargan-motion-128]

All of the pictures are ours to publish (examples/LICENSES.md).
"""

import argparse
from pathlib import Path

from PIL import Image

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
SIDE, AROUND = 150, 1.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, nargs="?", default=ROOT / "docs" / "pictures" / "edits.jpg")
    parser.add_argument("--model", default=str(ROOT / "weights" / "sargan-motion-128"))
    given = parser.parse_args()
    pipe = SARGANPipeline.from_pretrained(given.model)
    wanted = [name for name in EXPRESSIONS if name != "neutral"]
    sheet = Image.new("RGB", (SIDE * (1 + len(wanted)), SIDE * len(EXAMPLES)), "white")
    for row, name in enumerate(EXAMPLES):
        picture = Image.open(ROOT / "examples" / f"{name}.jpg").convert("RGB")
        edits = [pipe(picture, expression=expression) for expression in wanted]
        left, top, right, bottom = edits[0].faces[0].box
        half = AROUND * max(right - left, bottom - top) / 2
        x, y = (left + right) / 2, (top + bottom) / 2
        box = tuple(round(float(value)) for value in (x - half, y - half, x + half, y + half))
        for column, tile in enumerate([picture, *(edit.images[0] for edit in edits)]):
            sheet.paste(tile.crop(box).resize((SIDE, SIDE), Image.Resampling.LANCZOS), (SIDE * column, SIDE * row))
    sheet.save(given.output, quality=72)


if __name__ == "__main__":
    main()
