"""The folder that crops are written to: complete, or not there yet."""

import csv
import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from ..errors import DatasetError
from ..file_errors import whole_file

log = logging.getLogger(__name__)


class CropFolder:
    """Shards of one part of a set, collected out of sight until all are there.

    Attributes:
        groups: how many groups of pictures are done, also in a run before this one.
        pictures: how many crops they gave.
        skipped: (row, reason) of each picture that was left out.

    Args:
        output: the folder.
        split: the part.
        job: what is cut how; an interrupted run is taken up by one of the same job only.

    Raises:
        DatasetError: the part is there already, or the folder cannot be written to.
    """

    def __init__(self, output: Path, split: str, job: str):
        self.output, self.split, self._job = output, split, job
        self._hidden = output / f".unfinished-{split}"  # hidden folders are no part of a set
        self._state = self._hidden / "state.json"
        self.groups, self.pictures, self._shards = 0, 0, 0
        self.skipped: list[tuple[int, str]] = []
        try:
            resumed = self._resume()
            if not resumed and any((output / "data").glob(f"{split}-*.parquet")):
                raise DatasetError(
                    f"{output} already holds crops of the part {split}: choose another folder, or remove them."
                )
            self._hidden.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, rows: Sequence[dict], features: Features, skipped: Sequence[tuple[int, str]], groups: int) -> None:
        """Stores the crops of all groups up to number `groups`, in a shard of their own.

        Raises:
            DatasetError: the folder cannot be written to.
        """
        try:
            if rows:
                table = pa.Table.from_pylist(list(rows), schema=features.arrow_schema)
                path = self._hidden / f"{self.split}-{self._shards + 1:05d}.parquet"
                pq.write_table(table, path, compression="zstd")
                self._shards += 1
            self.groups, self.pictures = groups, self.pictures + len(rows)
            self.skipped += skipped
            state = {"job": self._job, "groups": groups, "pictures": self.pictures, "shards": self._shards}
            # Counted only when it is on the disk: a shard that is not is written again.
            with whole_file(self._state) as file:
                file.write(json.dumps(state | {"skipped": self.skipped}).encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def finish(self) -> None:
        """Makes the shards a data set, and lists what was left out.

        Raises:
            DatasetError: the folder cannot be written to.
        """
        data = self.output / "data"
        try:
            with (self.output / f"skipped-{self.split}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([("row", "reason"), *self.skipped])
            data.mkdir(exist_ok=True)
            for number in range(1, self._shards + 1):
                shard = self._hidden / f"{self.split}-{number:05d}.parquet"
                if shard.exists():  # else a run that was interrupted here has moved it
                    shard.replace(data / shard.name)
            self.remove()
        except OSError as error:
            raise self._unwritable(error) from error

    def remove(self) -> None:
        """Removes what is not finished."""
        shutil.rmtree(self._hidden)
        if not any(self.output.iterdir()):
            self.output.rmdir()

    def _resume(self) -> bool:
        if not self._state.exists():
            return False
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            self.groups, self.pictures, self._shards = (int(state[name]) for name in ("groups", "pictures", "shards"))
            self.skipped = [(int(row), str(reason)) for row, reason in state["skipped"]]
            same = state["job"] == self._job
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise DatasetError(
                f"{self.output} holds the beginning of other crops of the part {self.split}: choose another folder, or remove "
                f"{self._hidden} to start again."
            )
        log.warning("Going on after %d crops that an interrupted run left in %s.", self.pictures, self.output)
        return True

    def _unwritable(self, error: OSError) -> DatasetError:
        return DatasetError(
            f"{error.filename or self.output} cannot be written ({error.strerror or error}): make room or choose another "
            f"folder, and start again. What is done so far is kept."
        )
