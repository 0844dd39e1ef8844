"""The training set of a mouth refiner: mouths as a model leaves them, and as they should be.

`sargan mouths SET OUTPUT --model MODEL` lets a trained model edit every pair of an expression set at the set's own
resolution, as the pipeline does. The columns are `before` and `image`, which is true. The edits themselves will not do as
`before`: their lips lie some pixels beside the true ones, and a refiner that is to move lips and paint teeth at once learned
neither (400 steps: error 0.99 of no edit). Two things stand for them. In a set with motion, most are edits that the exact
motion leads (`led_edits`). The others are the true mouths, blurred where the model's are wrong. A refiner of the latter alone
made sharp what lies beside the lips of real edits.

A set rendered with `sargan rig --size 320 --motion` fits. `train_accelerate.py` learns from it as from any set.
"""

import io
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from datasets import Dataset, Features, Image, Value
from PIL import Image as PillowImage
from rich.progress import track

from ..editing.mouth_refiner import mouth_transform
from ..editing.session import EditModels, EditSession
from ..errors import DatasetError
from ..faces.alignment import crop_face
from ..file_errors import cause, remedy
from ..images import LoadedImage
from ..inference import Generator
from .image_decoding import picture_at, stored_pictures
from .led_edits import led_by
from .pair_flow import COLUMNS

SHARD = 1000  # pictures that are held in memory, and written to a file
STORED = 160  # side of the stored patches: a little more than the 128 trained on, for zoom and rotation
# How far a detector's idea of a face is off the one that the set was cut by.
SHIFT, ZOOM, TURN = 0.012, 0.03, 2.0  # of the side, of 1, degrees
# An edit this far from the truth, of 255 and locally averaged, is refined; the second figure beyond it, in full.
WRONG, RAMP = 6.0, 14.0
BLUR = (2.0, 9.0)  # standard deviation in pixels of a stored patch; up to 1.6 times that across, half of it down
PALE, PALE_BLUR = 0.85, 14.0  # teeth that are not sure of their place are pale: up to this share of the surroundings
SMEAR = 0.6  # up to this share of what the model really left there, blurred as well: half-moved lips, hints of teeth
OFF_LIGHT, OFF_COLOUR = 14.0, 7.0  # standard deviation of a wrong tone and of a wrong hue, of 255
LED = 0.7  # share of the edits that exact motion leads, where the set has it
FROM_NEUTRAL = 0.65  # share of the edits that start from the neutral picture


def make_mouths(dataset: Dataset, generator: Generator, output: str | Path, seed: int = 0) -> int:
    """Writes the mouths of all pictures of `dataset` that belong to a pair to `output`/data; returns how many.

    Args:
        dataset: of the common schema, pictures of 256 pixels or more, cut to the canonical crop.
        generator: the model whose edits are to be refined.
        output: folder of the new set.
        seed: of the starting expressions and of the alignment's error.

    Raises:
        DatasetError: no picture belongs to a pair, `output` is there already, or it cannot be written.
    """
    if Path(output).exists():
        raise DatasetError(f"{output} exists already: remove it, or name another folder.")
    features = Features(
        {
            "image": Image(),
            "before": Image(),
            "expression": dataset.features["expression"],
            "subject": Value("string"),
            "pair": Value("string"),
        }
    )
    unfinished = Path(f"{output}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        (unfinished / "data").mkdir(parents=True)
        count = 0
        for number, rows in enumerate(_chunks(_rows(dataset, generator, np.random.default_rng(seed)))):
            Dataset.from_list(rows, features=features).to_parquet(unfinished / "data" / f"train-{number:05d}.parquet")
            count += len(rows)
        if not count:
            raise DatasetError("No picture of the set belongs to a pair: there is nothing to compare an edit with.")
        unfinished.rename(output)
    except OSError as error:
        raise DatasetError(
            f"{output} cannot be written ({cause(error)}). {remedy(error, Path(output).absolute().parent)} and start again."
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return count


def _chunks(rows: Iterator[dict]) -> Iterator[list[dict]]:
    while chunk := list(islice(rows, SHARD)):
        yield chunk


def _rows(dataset: Dataset, generator: Generator, rng: np.random.Generator) -> Iterator[dict]:
    names = dataset.features["expression"].names
    columns = ["expression", "subject", "pair"] + (["intensity"] if "intensity" in dataset.features else [])
    if "intensity" in columns and dataset.features["intensity"].dtype not in ("float64", "float32", "int64", "int32"):
        raise DatasetError("The column intensity holds other things than numbers: write numbers, or rename the column.")
    about = {column: dataset[column][:] for column in columns}
    stored = stored_pictures(dataset)
    motion = dataset.select_columns(list(COLUMNS)) if set(COLUMNS) <= set(dataset.features) else None
    for indices in track(_pairs(about["pair"]), "mouths"):
        pictures = [picture_at(stored, i) for i in indices]
        shown = [names[about["expression"][i]] for i in indices]
        intensity = [about["intensity"][i] if "intensity" in about else 1.0 for i in indices]
        for k, name in enumerate(shown):
            start = _start(shown, k, rng)
            transform = _off(pictures[k].shape[0], generator.sample_size, rng)
            strength = 1.0 if name == "neutral" else float(intensity[k])
            led = None
            if motion and rng.random() < LED:
                led = led_by(generator, motion[indices[start]], motion[indices[k]], transform, rng)
            edited = _edited(pictures[start], led or generator, transform, name, 1.0 if led else strength)
            to_patch = mouth_transform(transform, generator.sample_size, STORED)
            truth, before = crop_face(pictures[k], to_patch, STORED), crop_face(edited, to_patch, STORED)
            yield {
                "image": _png(truth),
                "before": _png(before if led else blurred_where_wrong(truth, before, rng)),
                "expression": about["expression"][indices[k]],
                "subject": about["subject"][indices[k]],
                "pair": "",
            }


def _pairs(pairs: Sequence[str]) -> list[list[int]]:
    """The rows of each pair of two and more pictures, in the order of the pairs' names."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, pair in enumerate(pairs):
        if pair:
            rows[pair].append(row)
    return [rows[pair] for pair in sorted(rows) if len(rows[pair]) > 1]


def blurred_where_wrong(truth: np.ndarray, edit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`truth` uint8 [S, S, 3] with as little detail as models leave a mouth, where `edit` differs from it.

    Of what lies between the lips next to nothing may be left: the refiner has to invent teeth, tongue and dark from the
    lips' outline and the expression, not only to sharpen a hint of them.
    """
    truth = truth.astype(np.float32)
    differs = cv2.GaussianBlur(np.abs(truth - edit).max(axis=2), (0, 0), 3)
    wrong = cv2.dilate(np.clip((differs - WRONG) / RAMP, 0, 1), np.ones((5, 5)))
    wrong = cv2.GaussianBlur(wrong, (0, 0), 2)[..., None]
    spread = rng.uniform(*BLUR)
    coarse = cv2.GaussianBlur(truth, (0, 0), sigmaX=spread * rng.uniform(1, 1.6), sigmaY=spread * rng.uniform(0.5, 1))
    coarse += rng.uniform(0, PALE) * (cv2.GaussianBlur(truth, (0, 0), PALE_BLUR) - coarse)
    smear = cv2.GaussianBlur(edit.astype(np.float32), (0, 0), rng.uniform(0.5, 4))
    coarse += rng.uniform(0, SMEAR) * (smear - coarse)
    coarse += (rng.normal(0, OFF_LIGHT) + rng.normal(0, OFF_COLOUR, 3)).astype(np.float32)
    return np.clip(truth + wrong * (coarse - truth), 0, 255).astype(np.uint8)


def _start(shown: list[str], target: int, rng: np.random.Generator) -> int:
    others = [i for i in range(len(shown)) if i != target]
    if shown[target] != "neutral" and "neutral" in shown and rng.random() < FROM_NEUTRAL:
        return shown.index("neutral")
    return int(rng.choice(others))


def _off(stored: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """From a stored picture to the model's crop, as far off the ideal as a detector is: [2, 3]."""
    turn, scale = np.radians(rng.uniform(-TURN, TURN)), side / stored * rng.uniform(1 - ZOOM, 1 + ZOOM)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.full(2, (stored - 1) / 2)
    return np.column_stack([linear, (side - 1) / 2 + rng.uniform(-SHIFT, SHIFT, 2) * side - linear @ centre])


def _edited(picture: np.ndarray, generator: Generator, transform: np.ndarray, name: str, strength: float) -> np.ndarray:
    session = EditSession(LoadedImage(picture, "RGB", "a picture of the set"), EditModels(generator))
    edited, _ = session.compose([transform], session.requests(name, intensity=strength))
    return edited


def _png(patch: np.ndarray) -> dict:
    buffer = io.BytesIO()
    PillowImage.fromarray(patch).save(buffer, "PNG", compress_level=1)
    return {"bytes": buffer.getvalue(), "path": None}
