"""Files that are whole or not there, and what to say where a folder cannot be written."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

FULL = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name)}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
PARTIAL = ".partial-"  # what unfinished files and folders are called


@contextmanager
def whole_path(path: Path, draft: Path | None = None) -> Iterator[Path]:
    """The name of a file to write, `draft`, which becomes `path` once it is complete and on the disk; else nothing is left.

    By default the draft lies beside `path` under one name for all. Where several processes write the same file, each gives a
    draft of its own.

    Raises:
        OSError: the folder cannot be written, or its disk is full. What was under `path` before is still there.
    """
    draft = draft or path.with_name(f"{PARTIAL}{path.name}")
    try:
        yield draft
        sync_file(draft)  # some file systems tell of a full disk only now
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def whole_file(path: Path, draft: Path | None = None) -> Iterator[BinaryIO]:
    """Like `whole_path`, with the draft open for reading and writing."""
    with whole_path(path, draft) as unfinished, open(unfinished, "w+b") as file:
        yield file


def sync_file(path: Path) -> None:
    """Waits until a written file is on the disk."""
    with open(path, "rb+") as file:  # Windows syncs only what it may write
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_error(error: BaseException | None) -> OSError | None:
    """The disk's own error behind one of a library, None where it was not the disk."""
    while error is not None:
        found = error if isinstance(error, OSError) else _of_rust(error)
        if found is not None and found.errno in FULL | CLOSED:
            return found
        error = error.__cause__ or error.__context__
    return None


def _of_rust(error: BaseException) -> OSError | None:
    """safetensors knows the number of the system's error, and puts it into a text."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else None


def cause(error: BaseException) -> str:
    """Why something failed, in a few words on one line."""
    error = disk_error(error) or error
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split())[:300] or type(error).__name__


def remedy(error: BaseException, folder: Path) -> str:
    """What to do about a folder that could not be written, as the beginning of a sentence."""
    found = disk_error(error)
    if found is not None and found.errno in CLOSED:
        return f"Make {folder} writable"
    if found is None and isinstance(error, OSError):
        return f"See to the disk of {folder}"
    return f"Free some space in {folder}"
