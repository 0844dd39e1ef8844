"""Where a set is: in a folder of this machine, or under an id on the Hub."""

import difflib
import os
import re
from pathlib import Path

from datasets import DatasetDict, IterableDatasetDict, load_dataset

from ..errors import DatasetError, one_line
from .shards import text_path

HUB_PREFIX = "hf://datasets/"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def local_folder(source: str | os.PathLike) -> Path | None:
    """The folder that `source` names, None if it is an id on the Hub.

    A folder that is there goes before an id. What looks like a path is one: a `Path`, what starts with /, ./, ../ or ~ or
    holds a backslash, and what lies in a folder that is there. The Hub is never asked for a mistyped path.

    Raises:
        DatasetError: there is no such folder, and `source` is no id.
    """
    if not isinstance(source, str | os.PathLike):
        raise DatasetError(
            f"A data set is a folder, an id on the Hub or a `datasets` object; got a {type(source).__name__}."
        )
    name = os.fsdecode(source)
    if not name.strip():
        raise DatasetError("The data set has an empty name: give a folder, or an id on the Hub.")
    if name.startswith(HUB_PREFIX):
        return None
    try:
        path = Path(name).expanduser()
        if path.is_dir():
            return path
        is_file, in_folder = path.exists(), path.parent.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: ~somebody who is not there
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"There is no folder {name!r} ({reason}): check the path.") from error
    if is_file:
        raise DatasetError(f"{name} is a file: give the folder it is in, unpacked if it is an archive.")
    if not isinstance(source, str) or _is_path(name) or (in_folder and len(path.parts) > 1):
        raise DatasetError(f"There is no folder {name}: {_advice(path)}")
    if not _HUB_ID.fullmatch(name):
        raise DatasetError(f"There is no folder {name}, and it is no Hub id (owner/name) either.")
    return None


def load_from_hub(
    name: str, streaming: bool, revision: str | None, cache_dir: str | os.PathLike | None
) -> DatasetDict | IterableDatasetDict:
    """All parts of a set on the Hub.

    Raises:
        DatasetError: there is none of that name, it may not be read, or the Hub cannot be reached.
    """
    name = name.removeprefix(HUB_PREFIX)
    try:
        return load_dataset(name, revision=revision, streaming=streaming, cache_dir=text_path(cache_dir))
    except Exception as error:  # the client's, the network's, and what `datasets` makes of readers' errors
        raise DatasetError(
            f"There is no folder {name}, and the Hub's data set of that name cannot be loaded: {one_line(error)}"
        ) from error


def _is_path(name: str) -> bool:
    return name in (".", "..") or name.startswith(("/", "./", "../", "~")) or "\\" in name or name.endswith("/")


def _advice(path: Path) -> str:
    try:
        beside = sorted(other.name for other in path.parent.iterdir() if other.is_dir())
    except OSError:
        return "check the path."
    close = difflib.get_close_matches(path.name, beside, n=1)
    if close:
        return f"did you mean {path.parent / close[0]}?"
    return f"check the path. For a set on the Hub, write {HUB_PREFIX}owner/name."
