"""What ties a folder to the run in it: the lock that one process holds, and the record that its checkpoints refer to.

output_dir/.lock        held while a process trains
output_dir/.run.json    the run's identity
"""

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import CheckpointError
from ..file_errors import cause, disk_error, remedy, whole_file

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunRecord:
    """Whose checkpoints a folder holds.

    Attributes:
        id: of the run that trains here; it is written into each of its checkpoints.
        continues: ids of the runs that it was resumed from; None stands for checkpoints of versions that wrote no id.
    """

    id: str
    continues: tuple[str | None, ...] = ()

    def wrote(self, state: dict[str, Any]) -> bool:
        """Whether this very run wrote the checkpoint with this state."""
        return state.get("run") == self.id

    def may_resume(self, state: dict[str, Any]) -> bool:
        """Whether the checkpoint with this state is of this run, or of one that it continues."""
        return self.wrote(state) or state.get("run") in self.continues


def read_record(output_dir: Path) -> RunRecord | None:
    """The record of the run in a folder; None where there is none that can be read."""
    try:
        values = json.loads((output_dir / ".run.json").read_text(encoding="utf-8"))
        return RunRecord(str(values["id"]), tuple(values["continues"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(output_dir: Path, record: RunRecord) -> RunRecord:
    with whole_file(output_dir / ".run.json") as file:
        file.write(json.dumps(asdict(record)).encode())
    return record


def new_record() -> RunRecord:
    return RunRecord(uuid.uuid4().hex)


def begin_run(output_dir: Path, resumed: dict[str, Any] | None) -> None:
    """Notes whose checkpoints the folder takes from now on.

    Args:
        resumed: the state of the checkpoint that the run resumes from; None if it starts from the beginning.

    Raises:
        OSError: the folder cannot be written.
    """
    record = (read_record(output_dir) if resumed is not None else None) or new_record()
    if resumed is not None and not record.may_resume(resumed):
        record = RunRecord(record.id, (*record.continues, resumed.get("run")))
    write_record(output_dir, record)


@contextmanager
def run_lock(output_dir: Path) -> Iterator[None]:
    """Holds the run's folder for this process; a second process is refused. A folder that stays empty is removed again.

    Raises:
        CheckpointError: another process trains in this folder, or the folder cannot be made or written.
    """
    made = [folder for folder in (output_dir, *output_dir.parents) if not folder.exists()]
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"The folder {output_dir} cannot be made ({cause(error)}). Give an output_dir that can be written."
        ) from error
    lock = FileLock(output_dir / ".lock", blocking=False, fallback_to_soft=False)
    try:
        _acquire(lock, output_dir)
        yield
    finally:
        _remove_if_unused(output_dir, made, lock)
        lock.release()


def _acquire(lock: FileLock, output_dir: Path) -> None:
    try:
        # The library closes it in the loader's workers, which would outlive a killed run by seconds and hold its lock.
        lock.acquire()
    except Timeout as error:
        raise CheckpointError(
            f"Another run is training in {output_dir}. Wait for it, or give this one another output_dir."
        ) from error
    except (OSError, NotImplementedError) as error:
        if disk_error(error):
            raise CheckpointError(
                f"{output_dir} cannot be written ({cause(error)}). {remedy(error, output_dir)}, or give another output_dir."
            ) from error
        logger.warning(
            "%s lies on a file system without locks (%s): make sure that no other run trains there.",
            output_dir,
            cause(error),
        )


def _remove_if_unused(output_dir: Path, made: list[Path], lock: FileLock) -> None:
    """Removes the folders `made` as far as they are empty but for a lock that is ours."""
    try:
        if made and lock.is_locked and [path.name for path in output_dir.iterdir()] == [".lock"]:
            (output_dir / ".lock").unlink()
        for folder in made:
            folder.rmdir()
    except OSError:  # something is in it
        return


@contextmanager
def waiting_lock(path: Path) -> Iterator[bool]:
    """Waits for its turn to make the file `path`; gives whether there is such a thing as a turn on that file system."""
    lock = FileLock(path.with_name(f"{path.name}.lock"), fallback_to_soft=False)
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            logger.warning("Another process is making %s: waiting for it.", path)
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        if disk_error(error):
            raise
        logger.warning("%s lies on a file system without locks (%s).", path.parent, cause(error))
    try:
        yield lock.is_locked
    finally:
        with suppress(OSError):  # of Windows, while somebody waits for it
            Path(lock.lock_file).unlink()
        lock.release()
