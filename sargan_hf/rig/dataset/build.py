"""Makes the data set: worker processes render people, one file each, and this process joins them into shards.

Only a unit and a count pass between the processes, and each worker has at most two units in progress. So memory does not
grow with the number of portraits.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from ...controls import ADDED_COLUMN, CONTROLS, CONTROLS_COLUMN
from ...data.pair_flow import COLUMNS
from ...errors import RigError
from ...expressions import EXPRESSIONS
from .dataset_card import write_card
from .part_files import DatasetFolder, part_file, skip_file, write_complete
from .work_units import RigSettings, Unit, fingerprint, make_plan
from .worker import SetMaker

PICTURES_PER_SHARD = 4000  # about 50 MB at 160 pixels
UNITS_AHEAD = 2  # under way per worker
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Progress:
    """How far a run is: units finished of all, pictures made in this run, units skipped so far."""

    finished: int
    units: int
    pictures: int
    skipped: int


@dataclass(frozen=True)
class Summary:
    """What a run left behind: pictures and people in the data set, and (file, reason) of every skipped unit."""

    pictures: int
    subjects: int
    skipped: tuple[tuple[str, str], ...]


def schema(motion: bool) -> pa.Schema:
    """Columns of the data set, with the description that `datasets` reads its feature types from."""
    from datasets import ClassLabel, Features, Image, List, Value

    columns = {
        "image": Image(),
        "expression": ClassLabel(names=list(EXPRESSIONS)),
        "subject": Value("string"),
        "pair": Value("string"),
        "source": Value("string"),
        "recipe": Value("string"),
        "intensity": Value("float32"),
        CONTROLS_COLUMN: List(Value("float32"), length=len(CONTROLS)),
        ADDED_COLUMN: List(Value("float32"), length=len(CONTROLS)),
    }
    if motion:
        columns |= dict.fromkeys(COLUMNS, Value("binary"))
    return Features(columns).arrow_schema


def build_dataset(
    settings: RigSettings,
    *,
    workers: int = 1,
    resume: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Makes the data set that `settings` describe, readable with `datasets.load_dataset(output)`.

    Args:
        settings: what to make.
        workers: processes.
        resume: continue an interrupted run in the same folder; finished people are not rendered again.
        on_progress: called after every unit.

    Raises:
        RigError: the settings cannot work, the folder holds something else, no portrait at all could be used, or a worker
            process died.
    """
    plan = make_plan(settings)
    options = settings.options
    per_unit = settings.variants * (len(EXPRESSIONS) * options.recipes_per_expression + options.controls)
    size = max(1, PICTURES_PER_SHARD // per_unit)
    folder = DatasetFolder(settings.output, [plan[start : start + size] for start in range(0, len(plan), size)])
    folder.open(fingerprint(settings, plan), resume)
    missing = [unit for unit in plan if not folder.has(unit)]
    finished, pictures = len(plan) - len(missing), 0
    on_progress(Progress(finished, len(plan), pictures, len(folder.skipped)))
    for unit, made in _made(settings, folder.parts, missing, workers):
        folder.add(unit)
        finished, pictures = finished + 1, pictures + made
        on_progress(Progress(finished, len(plan), pictures, len(folder.skipped)))
    folder.join_all()
    return _finish(settings, folder, plan)


def _finish(settings: RigSettings, folder: DatasetFolder, plan: Sequence[Unit]) -> Summary:
    skipped = tuple((unit.name, folder.skipped[unit.index]) for unit in plan if unit.index in folder.skipped)
    folder.write_skipped(skipped)
    used = [unit for unit in plan if unit.index not in folder.skipped]
    if not used:
        raise RigError(f"None of the {len(plan)} portraits can be used. The first, {skipped[0][0]}: {skipped[0][1]}")
    counts = folder.counts()
    write_card(settings, used, counts, len(skipped))
    return Summary(sum(counts.values()), len({unit.subject for unit in used}), skipped)


def _made(settings: RigSettings, parts: Path, units: Sequence[Unit], workers: int) -> Iterator[tuple[Unit, int]]:
    """Units as they get ready, each with its number of pictures."""
    if not units:
        return
    for name in _THREAD_COUNTS:  # inherited by the workers: a sum must not depend on how many threads share it
        os.environ.setdefault(name, "1")
    arguments = (settings, parts, schema(settings.options.motion))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker, initargs=arguments)
    waiting, queue = {}, iter(units)
    try:
        while True:
            while len(waiting) < UNITS_AHEAD * workers and (unit := next(queue, None)) is not None:
                waiting[pool.submit(_make_in_worker, unit)] = unit
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()
    except BrokenProcessPool as error:
        raise RigError(
            "A worker process died. Most likely the memory ran out: repeat the command with --resume and fewer --workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


class _Worker:
    """What a worker process keeps between units."""

    def __init__(self, settings: RigSettings, parts: Path, columns: pa.Schema) -> None:
        self.maker, self.parts, self.columns = SetMaker(settings), parts, columns

    def make(self, unit: Unit) -> int:
        """Leaves the unit's rows, or the reason to skip it, in `parts`; returns its number of pictures."""
        try:
            rows = self.maker.rows(unit)
        except (ValueError, cv2.error) as error:
            # Ours are ValueErrors; those of numpy, scipy and OpenCV mean a face so odd that the numerics break. Either way
            # the person is left out, with the reason, and the run goes on.
            write_complete(skip_file(self.parts, unit), str(error).encode())
            return 0
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, schema=self.columns), sink, compression="zstd")
        write_complete(part_file(self.parts, unit), sink.getvalue())
        return len(rows)


_worker: _Worker  # one per worker process, set by `_start_worker`


def _start_worker(*arguments) -> None:
    global _worker
    _worker = _Worker(*arguments)


def _make_in_worker(unit: Unit) -> int:
    return _worker.make(unit)
