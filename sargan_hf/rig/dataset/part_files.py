"""The folder of a data set in the making: which units are there, and joining them into shards."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import RigError
from ...expressions import EXPRESSIONS, NO_CLASS
from ...file_errors import whole_file, whole_path
from .work_units import Unit

PARTS, DATA, PLAN, SKIPPED = ".parts", "data", "rig.json", "skipped.csv"


class DatasetFolder:
    """Files of one run.

    Each unit ends as one file in `.parts`: its rows, or the reason why it was skipped. When all units of a shard are there,
    they are joined into `data/train-*.parquet` and their rows removed. Every file is renamed into place when complete, so
    what exists can be trusted after a kill.

    Args:
        root: the folder.
        shards: the plan's units, grouped as they will share a shard.
    """

    def __init__(self, root: Path, shards: Sequence[Sequence[Unit]]) -> None:
        self.root, self.parts, self._shards = root, root / PARTS, shards
        self._shard_of = {unit.index: number for number, shard in enumerate(shards) for unit in shard}
        self._ready: set[int] = set()
        self._skipped: dict[int, str] = {}

    def open(self, fingerprint: str, resume: bool) -> None:
        """Starts a new folder, or takes up an interrupted one.

        Args:
            fingerprint: what the pictures depend on; a resumed run must have the same.
            resume: whether the folder may hold an earlier run.

        Raises:
            RigError: the folder is not empty and not to be resumed, or holds a run with other settings.
        """
        plan = self.root / PLAN
        if plan.is_file():
            if not resume:
                raise RigError(
                    f"{self.root} already holds a data set. Add --resume to continue, or choose another folder."
                )
            if plan.read_text() != fingerprint:
                raise RigError(
                    f"{self.root} was made with other portraits or settings. Repeat the command it was made with "
                    "(see its README.md or rig.json), or choose another folder."
                )
        elif self.root.exists() and any(self.root.iterdir()):
            raise RigError(f"{self.root} is not empty and holds no data set of the rig; choose another folder.")
        self.parts.mkdir(parents=True, exist_ok=True)
        (self.root / DATA).mkdir(exist_ok=True)
        write_complete(plan, fingerprint.encode())
        self._look()

    def _look(self) -> None:
        for number, shard in enumerate(self._shards):
            for unit in shard:
                if skip_file(self.parts, unit).is_file():
                    self._skipped[unit.index] = skip_file(self.parts, unit).read_text()
                    self._ready.add(unit.index)
                elif self._shard_file(number).is_file() or part_file(self.parts, unit).is_file():
                    self._ready.add(unit.index)

    def has(self, unit: Unit) -> bool:
        """Whether the unit was made or skipped."""
        return unit.index in self._ready

    @property
    def skipped(self) -> dict[int, str]:
        """Reason of every skipped unit, by index."""
        return self._skipped

    def add(self, unit: Unit) -> None:
        """Takes note of a unit that a worker has left in `parts`, and joins its shard if it was the last one."""
        skipped = skip_file(self.parts, unit)
        if skipped.is_file():
            self._skipped[unit.index] = skipped.read_text()
        self._ready.add(unit.index)
        self._join(self._shard_of[unit.index])

    def join_all(self) -> None:
        """Joins what a kill has left between a shard's last part and its joining."""
        for number in range(len(self._shards)):
            self._join(number)

    def _join(self, number: int) -> None:
        shard, target = self._shards[number], self._shard_file(number)
        made = [part_file(self.parts, unit) for unit in shard if unit.index not in self._skipped]
        if not target.is_file() and made and all(unit.index in self._ready for unit in shard):
            with whole_path(target, target.with_suffix(".unfinished")) as draft:
                _concatenate(made, draft)
        if target.is_file():
            for part in made:
                part.unlink(missing_ok=True)

    def _shard_file(self, number: int) -> Path:
        return self.root / DATA / f"train-{number:05d}-of-{len(self._shards):05d}.parquet"

    def counts(self) -> Counter[str]:
        """Number of pictures of each expression in the shards; "" counts those of none."""
        counts: Counter[str] = Counter()
        for path in sorted((self.root / DATA).glob("*.parquet")):
            column = pq.read_table(path, columns=["expression"])["expression"]
            counts.update("" if label == NO_CLASS else EXPRESSIONS[label] for label in column.to_pylist())
        return counts

    def write_skipped(self, skipped: Iterable[tuple[str, str]]) -> None:
        """Writes `skipped.csv` with (portrait, reason) rows."""
        with (self.root / SKIPPED).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("portrait", "reason"), *skipped])


def _concatenate(parts: Sequence[Path], target: Path) -> None:
    """Joins Parquet files one at a time: memory holds one person's pictures."""
    columns = pq.read_schema(parts[0])
    with pq.ParquetWriter(target, columns, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part))


def part_file(parts: Path, unit: Unit) -> Path:
    """Where a unit's rows lie until its shard is complete."""
    return parts / f"{unit.index:06d}.parquet"


def skip_file(parts: Path, unit: Unit) -> Path:
    """Where the reason lies if a unit was skipped."""
    return parts / f"{unit.index:06d}.skipped"


def write_complete(path: Path, content: bytes | pa.Buffer) -> None:
    """Writes a file that is complete whenever it exists, also after a kill."""
    with whole_file(path, path.with_name(path.name + ".unfinished")) as file:
        file.write(content)
