"""Contact sheets: people judge faces by looking, so `sargan rig sheet` puts many on one page."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...controls import ADDED_COLUMN
from ...data.photograph_rows import PHOTOGRAPH, RECIPE
from ...errors import DatasetError
from ...expressions import EXPRESSIONS, NO_CLASS

COLUMNS = ("neutral", *(expression for expression in EXPRESSIONS if expression != "neutral"))
# Further columns, where a set holds pictures of drawn controls or real pictures.
_DRAWN, _PHOTOGRAPHS = "controls", "photograph"
_HEADER, _GAP = 18, 2


def write_sheets(
    dataset: str | Path, output: str | Path, *, rows: int = 12, pages: int = 5, seed: int = 0
) -> list[Path]:
    """Draws sets out of a data set and writes them as PNG pages: one row per pair, a column per expression,
    for each picture of drawn controls, and for photographs.

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


def _page(members: Iterable[tuple[str, list[dict]]], names: list[str]) -> Image.Image:
    sets = [(pair, [(picture, _heading(picture, names)) for picture in pictures]) for pair, pictures in members]
    side = sets[0][1][0][0]["image"].width
    cell = side + _GAP
    most = Counter()
    for _, pictures in sets:
        most |= Counter(heading for _, heading in pictures)
    headings = [heading for heading in (*COLUMNS, _DRAWN, _PHOTOGRAPHS) for _ in range(max(1, most[heading]))]
    headings = [heading for heading in headings if heading in COLUMNS or most[heading]]
    sheet = Image.new("RGB", (cell * len(headings), (cell + _HEADER) * len(sets) + _HEADER), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for column, heading in enumerate(headings):
        draw.text((column * cell + 2, 2), heading, fill="black", font=font)
    for row, (pair, pictures) in enumerate(sets):
        top, seen = _HEADER + row * (cell + _HEADER), Counter()
        draw.text((2, top + cell), pair, fill="gray", font=font)
        for picture, heading in pictures:
            sheet.paste(picture["image"], ((headings.index(heading) + seen[heading]) * cell, top))
            seen[heading] += 1
    return sheet


def _heading(picture: dict, names: list[str]) -> str:
    """The column of a sheet that a picture belongs in."""
    if picture[RECIPE] == PHOTOGRAPH:
        return _PHOTOGRAPHS
    if picture["expression"] == NO_CLASS or np.any(picture.get(ADDED_COLUMN) or 0):
        return _DRAWN
    return names[picture["expression"]]
