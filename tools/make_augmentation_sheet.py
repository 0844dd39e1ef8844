"""Draws docs/pictures/augmentation/sheet.jpg: every augmentation transform, caricatures, and what stands in front, on one face.

    python tools/make_augmentation_sheet.py [OUTPUT]

The face is scikit-image's `astronaut` (Eileen Collins, NASA, public domain), so the sheet may be published.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.data import astronaut

from sargan_hf.augmentation.occluders import obstacle, spectacles
from sargan_hf.augmentation.proportions import draw_proportions
from sargan_hf.augmentation.style import CONDITIONS, MEDIA
from sargan_hf.faces.alignment import canonical_eyes, canonical_mouth, canonical_transform, crop_face
from sargan_hf.faces.detection import FaceDetector
from sargan_hf.images.warp import warp_field

SIZE, DRAWS, CAPTION = 100, 5, 114
OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "augmentation" / "sheet.jpg"


def main(output: Path) -> None:
    """Writes the sheet: two columns of transforms, each a row of `DRAWS` independent draws at strength 1."""
    face = crop_face(astronaut(), canonical_transform(FaceDetector().find(astronaut())[0].points, SIZE), SIZE)
    face = np.asarray(face, dtype=np.float32) / 255
    draws = {
        each.name: (lambda rng, apply=each.apply: apply(face[None], rng, 1.0)[0]) for each in (*MEDIA, *CONDITIONS)
    }
    places = canonical_eyes(SIZE), canonical_mouth(SIZE)
    draws["caricature"] = lambda rng: warp_field(face, draw_proportions(rng, SIZE, *places).offsets)
    draws["spectacles"] = lambda rng: spectacles(rng, SIZE, canonical_eyes(SIZE)).before(face[None])[0]
    draws["obstacle"] = lambda rng: obstacle(rng, SIZE).before(face[None])[0]
    cells = {"the photograph": [face]}
    cells |= {name: [one(np.random.default_rng(seed)) for seed in range(DRAWS)] for name, one in draws.items()}
    rows = -(-len(cells) // 2)
    width = CAPTION + DRAWS * SIZE
    sheet = Image.new("RGB", (2 * width + 16, rows * SIZE), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for cell, (name, pictures) in enumerate(cells.items()):
        left, top = (width + 16) * (cell // rows), SIZE * (cell % rows)
        pen.text((left + 6, top + SIZE // 2 - 8), name, fill="black", font=font)
        for column, picture in enumerate(pictures):
            tile = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
            sheet.paste(tile, (left + CAPTION + column * SIZE, top))
    output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(output, quality=72, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
