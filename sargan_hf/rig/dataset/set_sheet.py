"""Contact sheets: people judge faces by looking, so `sargan rig sheet` puts many on one page."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...data.photographs import PHOTOGRAPH, RECIPE
from ...errors import DatasetError
from ...expressions import EXPRESSIONS

COLUMNS = ("neutral", *(expression for expression in EXPRESSIONS if expression != "neutral"))
_PHOTOGRAPHS = "photograph"  # a further column, where a set holds real pictures
_HEADER, _GAP = 18, 2


def write_sheets(
    dataset: str | Path, output: str | Path, *, rows: int = 12, pages: int = 5, seed: int = 0
) -> list[Path]:
    """Draws sets out of a data set and writes them as PNG pages: one row per pair, a column per expression and for photographs.

    Args:
        dataset: folder that `sargan rig` wrote.
        output: folder for `sheet-01.png`, `sheet-02.png`, ...
        rows: sets on a page.
        pages: at most so many pages; the sets are drawn with `seed`.

    Raises:
        DatasetError: the folder holds no pairs.
    """
    from datasets import load_dataset

    data = load_dataset("parquet", data_files=str(Path(dataset) / "data" / "*.parquet"), split="train")
    members = defaultdict(list)
    for index, pair in enumerate(data["pair"]):
        if pair:
            members[pair].append(index)
    if not members:
        raise DatasetError(f"{dataset} holds no pairs of expressions; was it made by `sargan rig`?")
    names = sorted(members)
    drawn = np.random.default_rng(seed).permutation(len(names))[: rows * pages]
    Path(output).mkdir(parents=True, exist_ok=True)
    written = []
    for start in range(0, len(drawn), rows):
        page = [(names[i], [data[j] for j in members[names[i]]]) for i in drawn[start : start + rows]]
        written.append(Path(output) / f"sheet-{start // rows + 1:02d}.png")
        _page(page, data.features["expression"].names).save(written[-1])
    return written


def _page(sets: Iterable[tuple[str, list[dict]]], names: list[str]) -> Image.Image:
    sets = list(sets)
    side = sets[0][1][0]["image"].width
    cell = side + _GAP
    columns = COLUMNS + (_PHOTOGRAPHS,) * any(_is_real(picture) for _, pictures in sets for picture in pictures)
    sheet = Image.new("RGB", (cell * len(columns), (cell + _HEADER) * len(sets) + _HEADER), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for column, expression in enumerate(columns):
        draw.text((column * cell + 2, 2), expression, fill="black", font=font)
    for row, (pair, pictures) in enumerate(sets):
        top = _HEADER + row * (cell + _HEADER)
        draw.text((2, top + cell), pair, fill="gray", font=font)
        for picture in pictures:
            column = columns.index(_PHOTOGRAPHS if _is_real(picture) else names[picture["expression"]])
            sheet.paste(picture["image"], (column * cell, top))
    return sheet


def _is_real(picture: dict) -> bool:
    return picture[RECIPE] == PHOTOGRAPH
