"""Draws docs/pictures/mouths.jpg: mouths of people held out, without and with the mouth refiner.

    python tools/make_mouth_sheet.py [OUTPUT] [--model weights/sargan-motion-128]

Reads London Set portraits of SARGAN_ASSETS; their licence (CC BY 4.0) allows altered forms with attribution.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from PIL import Image

from sargan_hf import SARGANPipeline

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = ("london_083", "london_123", "london_030")  # held out of the training of the released models
EXPRESSIONS = ("happy", "angry", "disgusted", "surprised")
SIDE = 150


def mouth(picture: Image.Image, box: tuple[float, ...]) -> Image.Image:
    left, top, right, bottom = box
    half = 0.33 * (right - left)
    x, y = (left + right) / 2, top + 0.78 * (bottom - top)
    return picture.crop((round(x - half), round(y - half), round(x + half), round(y + half))).resize(
        (SIDE, SIDE), Image.Resampling.LANCZOS
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, nargs="?", default=ROOT / "docs" / "pictures" / "mouths.jpg")
    parser.add_argument("--model", default=str(ROOT / "weights" / "sargan-motion-128"))
    parser.add_argument("--people", nargs="*", default=PEOPLE)
    given = parser.parse_args()
    folder = Path(os.environ.get("SARGAN_ASSETS", ROOT.parent / "shared" / "data")) / "portraits" / "neutral"
    refined = SARGANPipeline.from_pretrained(given.model)
    plain = SARGANPipeline(refined.generator)
    rows = []
    for person in given.people:
        for pipe in (plain, refined):
            edits = [pipe(folder / f"{person}.jpg", expression) for expression in EXPRESSIONS]
            rows.append(
                np.concatenate([np.asarray(mouth(edit.images[0], edit.faces[0].box)) for edit in edits], axis=1)
            )
    pairs = [np.concatenate(rows[i : i + 2]) for i in range(0, len(rows), 2)]
    Image.fromarray(np.concatenate(pairs, axis=1)).convert("RGB").save(given.output, quality=80)


if __name__ == "__main__":
    main()
