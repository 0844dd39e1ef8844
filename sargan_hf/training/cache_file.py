"""A file that is computed once and read by all runs on the same set."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..file_errors import whole_file
from .run_folder import waiting_lock


def make_once(path: Path, length: int, chunks: Callable[[], Iterable[bytes]]) -> None:
    """Writes the file where it is not there or not whole; other processes wait for the one that writes.

    Not through a memory map: a full disk ends a process that writes to one without a word.

    Args:
        path: of the file; its folder is made.
        length: in bytes, by which a whole file is known.
        chunks: gives its content. If it raises, nothing is left of the file.

    Raises:
        OSError: it cannot be written.
    """
    if _is_whole(path, length):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with waiting_lock(path) as alone:
        if _is_whole(path, length):
            return
        # One name for all, where one process writes at a time: what a killed one left is written over.
        with whole_file(path, path.with_suffix(".part" if alone else f".{os.getpid()}.part")) as file:
            file.writelines(chunks())


def _is_whole(path: Path, length: int) -> bool:
    return path.is_file() and path.stat().st_size == length
