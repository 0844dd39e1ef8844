"""The motion columns of a set, decoded once into one memory-mapped file: decoding takes longer than all else of a sample."""

import hashlib
import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from datasets import Dataset, config

from ..data.pair_flow import STEP, MotionOfPicture, PairMotion
from ..file_errors import cause
from .cache_file import make_once

_ZERO = 1 << 15
UNKNOWN, NEUTRAL, MOVES = range(3)
logger = logging.getLogger(__name__)


class KeptMotion(MotionOfPicture):
    """Motion out of a record, each field as numbers when it is first used: a sample rarely needs all."""

    def __init__(self, record: Any):
        self._record = record

    @cached_property
    def backward(self) -> np.ndarray:
        return _field(self._record["backward"])

    @cached_property
    def forward(self) -> np.ndarray:
        return _field(self._record["forward"])

    @cached_property
    def valid(self) -> np.ndarray:
        return self._record["valid"] > 0

    @cached_property
    def is_neutral(self) -> bool:
        return bool(self._record["state"] == NEUTRAL)


class MotionCache:
    """The motion of each picture, exactly as its columns have it.

    A picture of 160 x 160 takes 230 KB of the disk: both fields in 1/64 pixel as 16-bit numbers, and the mask.

    Args:
        dataset: has the motion columns.
        folder: of the file; by default beside the decoded pictures.
    """

    def __init__(self, dataset: Dataset, folder: Path | None = None):
        self._count, self._records = len(dataset), None
        self._side = _side(dataset)
        self._path: Path | None = None
        if self._side:
            self._path = _file(dataset, self._kind(), folder or Path(config.HF_DATASETS_CACHE) / "sargan_faces")

    def __bool__(self) -> bool:
        """Whether there is such a file; else the columns have to be decoded for each sample."""
        return self._path is not None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_records": None}  # a worker process maps the file itself

    def motion(self, index: int) -> "KeptMotion | None":
        """The motion of a picture; None where its columns are empty."""
        if self._records is None:
            assert self._path is not None
            self._records = np.memmap(self._path, self._kind(), "r", shape=(self._count,))
        record = self._records[index]
        return None if record["state"] == UNKNOWN else KeptMotion(record)

    def _kind(self) -> np.dtype:
        return _kind(self._side)


def _kind(side: int) -> np.dtype:
    field = ("<u2", (side, side, 2))
    return np.dtype([("state", "u1"), ("backward", *field), ("forward", *field), ("valid", "u1", (side, side))])


def _field(steps: np.ndarray) -> np.ndarray:
    field = steps * np.float32(STEP)
    field -= np.float32(_ZERO * STEP)
    return field


def _side(dataset: Dataset) -> int:
    """Of the first picture with motion; 0 where none has any."""
    for motion in _motions(dataset):
        if motion is not None:
            height, width = motion.backward.shape[:2]
            return height if height == width else 0
    return 0


def _motions(dataset: Dataset) -> Iterator[Any]:
    return (PairMotion.from_columns(cast(dict, row)) for row in dataset)


def _file(dataset: Dataset, kind: np.dtype, folder: Path) -> Path | None:
    """The file with all motion of a set, made where it is not there; None where it cannot be."""
    key = hashlib.sha256(f"{dataset._fingerprint}-{len(dataset)}-{kind.itemsize}-motion".encode()).hexdigest()[:16]
    path, length = folder / f"{key}.motion", len(dataset) * kind.itemsize
    try:
        make_once(path, length, lambda: (_record(motion, kind).tobytes() for motion in _motions(dataset)))
    except _UnfitError:
        return None
    except OSError as error:
        logger.warning(
            "%s has no room for the decoded motion (%s; it takes %.1f MB): each sample decodes its own.",
            folder,
            cause(error),
            length / 1e6,
        )
        return None
    return path


class _UnfitError(Exception):
    """A picture has another size, or moves too far for 16 bits."""


def _record(motion: Any, kind: np.dtype) -> np.ndarray:
    record = np.zeros((), kind)
    if motion is None:
        return record
    for name in ("backward", "forward"):
        steps = np.rint(getattr(motion, name) / np.float32(STEP)) + _ZERO
        if steps.shape != record[name].shape or steps.min() < 0 or steps.max() > 2 * _ZERO - 1:
            raise _UnfitError
        record[name] = steps
    record["valid"], record["state"] = motion.valid, NEUTRAL if motion.is_neutral else MOVES
    return record
