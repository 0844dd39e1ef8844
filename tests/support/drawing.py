"""Drawn faces: small pictures with a known person and expression, made on the spot; and an odd colour profile."""

import csv
import functools
import struct
from pathlib import Path

import numpy as np
from datasets import Dataset
from datasets import Image as ImageFeature
from PIL import Image, ImageCms, ImageDraw

from sargan_hf.expressions import EXPRESSIONS

# Mouth bend (up > 0), mouth opening, brow height, brow slant; each a share of the face.
SHAPES = {
    "afraid": (-0.03, 0.06, 0.05, -0.03),
    "angry": (-0.04, 0.00, -0.03, 0.04),
    "disgusted": (-0.05, 0.02, -0.02, 0.02),
    "happy": (0.07, 0.02, 0.01, 0.00),
    "neutral": (0.00, 0.00, 0.00, 0.00),
    "sad": (-0.06, 0.00, 0.01, -0.04),
    "surprised": (0.00, 0.10, 0.06, 0.00),
}


def draw_face(expression: str, person: int, size: int = 64) -> Image.Image:
    """A face in the canonical crop. The person decides colours and proportions, the expression brows and mouth."""
    rng = np.random.default_rng(person)
    skin, hair, back = (tuple(int(v) for v in rng.integers(low, low + 90, 3)) for low in (140, 20, 90))
    bend, opening, brow, slant = SHAPES[expression]
    scale = 4
    side = size * scale
    image = Image.new("RGB", (side, side), back)
    draw = ImageDraw.Draw(image)
    draw.ellipse([0.17 * side, 0.02 * side, 0.83 * side, 0.95 * side], fill=hair)
    draw.ellipse([0.21 * side, 0.10 * side, 0.79 * side, 0.93 * side], fill=skin)
    line = max(2, side // 40)
    for sign in (-1, 1):
        x, y = (0.5 + sign * 0.15) * side, 0.385 * side
        draw.ellipse([x - 0.05 * side, y - 0.03 * side, x + 0.05 * side, y + 0.03 * side], fill="white")
        draw.ellipse([x - 0.02 * side, y - 0.02 * side, x + 0.02 * side, y + 0.02 * side], fill=(40, 30, 20))
        inner, outer = y - (0.09 + brow - slant) * side, y - (0.09 + brow + slant) * side
        draw.line([x - sign * 0.07 * side, inner, x + sign * 0.07 * side, outer], fill=hair, width=line)
    draw.line([0.5 * side, 0.4 * side, 0.5 * side, 0.56 * side], fill=tuple(v - 40 for v in skin), width=line)
    xs = np.linspace(-0.13, 0.13, 15)
    curve = bend * (2 * (xs / 0.13) ** 2 - 1)
    upper = [
        ((0.5 + x) * side, (0.69 - c - opening * (1 - (x / 0.13) ** 2) / 2) * side)
        for x, c in zip(xs, curve, strict=True)
    ]
    lower = [
        ((0.5 + x) * side, (0.70 - c + opening * (1 - (x / 0.13) ** 2)) * side) for x, c in zip(xs, curve, strict=True)
    ]
    draw.polygon(upper + lower[::-1], fill=(60, 20, 25), outline=(150, 60, 60))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def write_expression_folder(folder: Path, people: int = 6, size: int = 64, paired: bool = True) -> Path:
    """A folder with metadata.csv: every person in the seven expressions."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "expression", "subject", "pair"])
        for person in range(people):
            for expression in EXPRESSIONS:
                name = f"person{person}_{expression}.png"
                draw_face(expression, person, size).save(folder / name)
                writer.writerow([name, expression, f"person{person}", f"pair{person}" if paired else ""])
    return folder


def embed(dataset: Dataset) -> Dataset:
    """The set with the content of its picture files in place of their paths."""
    stored = dataset.cast_column("image", ImageFeature(decode=False))
    content = [{"bytes": Path(row["image"]["path"]).read_bytes(), "path": None} for row in stored]
    return Dataset.from_dict(
        {name: content if name == "image" else stored[name][:] for name in stored.features}, dataset.features
    )


def opening_mouth(side: int, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Lips that part by `half` pixels each at the middle row, with the seam between them drawn out over the opening.

    Returns:
        float32 [S, S, 2], where each pixel is fetched from in pixels, and bool [S], the rows between the lips.
    """
    from_middle = np.arange(side, dtype=np.float32) - side // 2
    inside = np.abs(from_middle) < half
    lips = np.where(from_middle < 0, half, -half) * np.exp(-np.clip(np.abs(from_middle) - half, 0, None) / 8)
    motion = np.zeros((side, side, 2), np.float32)
    motion[..., 1] = np.where(inside, -from_middle, lips)[:, None]
    return motion, inside


@functools.cache  # a new one would carry another time of day
def swapped_profile() -> bytes:
    """An ICC profile that says of red that it is blue, and of blue that it is red: no viewer can overlook it."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"????"), (b"bXYZ", b"rXYZ"), (b"????", b"bXYZ")):
        profile = profile.replace(old, new, 1)
    return profile


def bright_grey_profile() -> bytes:
    """An ICC profile of grey whose values are proportional to light, so that 128 is as bright as 188 in sRGB."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)  # D50, in units of 1 / 65536
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)  # of no entries: a straight line
    header = struct.pack(">I4sI4s4s4s", 192, b"test", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white[8:] + bytes(48)
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 12)
    return header + table + white + curve + bytes(4)
