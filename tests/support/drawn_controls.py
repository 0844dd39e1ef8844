"""A small set with facial controls: drawn faces that open their mouths and raise their brows by given amounts."""

from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, Features, Image, Sequence, Value
from drawing import SHAPES, draw_face
from PIL import Image as Picture

from sargan_hf.controls import CONTROL_NAMES, controls_vector
from sargan_hf.data.pair_flow import COLUMNS, PairMotion
from sargan_hf.expressions import EXPRESSIONS, NO_CLASS

VECTOR = Sequence(Value("float32"), length=len(CONTROL_NAMES))
FEATURES = Features(
    {
        "image": Image(),
        "expression": ClassLabel(names=list(EXPRESSIONS)),
        "subject": Value("string"),
        "pair": Value("string"),
        "recipe": Value("string"),
        "controls": VECTOR,
        "controls_added": VECTOR,
    }
)
# What the classes of the drawn faces are in terms of controls; the others are of no importance here.
OF_CLASS = {"surprised": {"jaw_open": 0.8}, "happy": {"smile": 0.9}}
# Pictures of every person beside the seven classes: their class, and what is put on top of it.
DRAWN = (
    (None, {"jaw_open": 0.5}),
    (None, {"jaw_open": 1.0, "brow_inner_up": 0.5}),
    (None, {"smile_left": 1.0}),
    ("surprised", {"jaw_open": -0.5}),
)


def draw_controls(expression: str | None, added: dict[str, float], person: int, size: int = 64) -> Picture.Image:
    """A face of a class with an opening and brows by controls; a corner of the mouth by itself is a spot beside it."""
    bend, opening, brow, slant = SHAPES[expression or "neutral"]
    opening, brow = max(opening + 0.12 * added.get("jaw_open", 0.0), 0.0), brow + 0.06 * added.get("brow_inner_up", 0.0)
    SHAPES["drawn"] = (bend, opening, brow, slant)
    try:
        picture = draw_face("drawn", person, size)
    finally:
        del SHAPES["drawn"]
    if added.get("smile_left"):  # the subject's left is on the right of the picture
        picture.paste("red", (int(0.66 * size), int(0.62 * size), int(0.72 * size), int(0.68 * size)))
    return picture


def control_rows(people: int = 5) -> list[dict]:
    """Every person in the seven classes, and in the pictures of `DRAWN`."""
    rows = []
    for person in range(people):
        for expression, added in (*((name, {}) for name in EXPRESSIONS), *DRAWN):
            on_top = controls_vector(added)
            shown = np.clip(controls_vector(OF_CLASS.get(expression or "", {})) + on_top, -1, 1)
            rows.append(
                {
                    "image": draw_controls(expression, added, person),
                    "expression": NO_CLASS if expression is None else EXPRESSIONS.index(expression),
                    "subject": f"person{person}",
                    "pair": f"pair{person}",
                    "recipe": "controls" if expression is None else "some recipe",
                    "controls": shown,
                    "controls_added": on_top,
                }
            )
    return rows


def moving_rows(people: int = 5) -> list[dict]:
    """The same with motion columns: the jaw moves the lower half of the picture, by 4 pixels, and nothing else moves any."""
    rows = control_rows(people)
    for row in rows:
        side = row["image"].height
        backward = np.zeros((side, side, 2), np.float32)
        if row["expression"] == NO_CLASS:
            backward[side // 2 :, :, 1] = -4 * row["controls"][CONTROL_NAMES.index("jaw_open")]
        row |= PairMotion(backward, -backward, np.ones((side, side), bool)).columns()
    return rows


def write_controls_set(folder: Path, rows: list[dict], shards: int = 1) -> Path:
    """The rows as Parquet shards."""
    folder.mkdir(parents=True, exist_ok=True)
    motion = {name: Value("binary") for name in COLUMNS if name in rows[0]}
    whole = Dataset.from_list(rows, Features({**FEATURES, **motion}))
    for index in range(shards):
        whole.shard(shards, index, contiguous=True).to_parquet(folder / f"train-{index:05}-of-{shards:05}.parquet")
    return folder
