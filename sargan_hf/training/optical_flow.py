"""Where pixels came from: the true or estimated motion between two pictures of a pair.

A flow is float32 [S, S, 2] in pixels, x and y, backward: target(p) = source(p + flow(p)). `valid` is float32 [S, S], 1
where that holds and 0 where the target shows something the source does not (the inside of a mouth).
"""

from collections.abc import Mapping

import cv2
import numpy as np
from datasets import Dataset

from ..data.pair_flow import COLUMNS, MASK_COLUMN, AnyPairMotion, PairMotion, motion_between
from ..images.warp import warp_field
from .motion_cache import MotionCache


class MotionMaps:
    """Motion between the pictures of a pair, exact where the set brings it, else estimated by dense optical flow.

    Args:
        dataset: the set whose columns may hold exact motion (see `data.pair_flow`), or None.
        keep: whether to decode them once, into a file.
    """

    def __init__(self, dataset: Dataset | None = None, keep: bool = False):
        brings_motion = dataset is not None and set(COLUMNS) <= set(dataset.column_names)
        self._columns = None
        if dataset is not None and brings_motion:
            stored = [name for name in (*COLUMNS, MASK_COLUMN) if name in dataset.column_names]
            self._columns = dataset.select_columns(stored)
        self._kept = MotionCache(self._columns) if keep and self._columns is not None else None
        self._solver = None

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_solver": None}  # OpenCV's solver cannot be sent to a worker process

    def exact(self, source: int, target: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Flow and valid between two pictures of a pair, in the pixels of the stored columns; None where not known."""
        if self._columns is None:
            return None
        if self._kept:
            return _between(self._kept.motion(source), self._kept.motion(target))
        return exact_flow(self._columns[source], self._columns[target])

    def estimated(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Dense inverse search (Kroeger et al., ECCV 2016) both ways; valid where the two agree within a pixel.

        Args:
            source, target: float32 [S, S, 3] in [0, 1].
        """
        if self._solver is None:
            # Down to single pixels; MEDIUM on doubled pictures is 9 % more exact and takes six times as long.
            self._solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
            self._solver.setFinestScale(0)
        first, second = (
            cv2.cvtColor((picture * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY) for picture in (source, target)
        )
        # No flow to start from, for which OpenCV's types have no word.
        backward = self._solver.calc(second, first, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
        forward = self._solver.calc(first, second, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
        there_and_back = backward + warp_field(forward, backward)
        agree = np.linalg.norm(there_and_back, axis=2) < 1 + 0.1 * np.linalg.norm(backward, axis=2)
        return backward, agree.astype(np.float32)


def exact_flow(source: Mapping, target: Mapping) -> tuple[np.ndarray, np.ndarray] | None:
    """Flow and valid between two rows of a pair, in the pixels of their motion columns; None where these are empty."""
    first = PairMotion.from_columns(source)
    return _between(first, first if target is source else PairMotion.from_columns(target))


def _between(first: AnyPairMotion | None, second: AnyPairMotion | None) -> tuple[np.ndarray, np.ndarray] | None:
    if first is None or second is None:
        return None
    flow, valid = motion_between(first, second)
    return flow, valid.astype(np.float32)
