"""Writes files whole or not at all."""

import contextlib
import io
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from .. import file_errors
from ..errors import ImageError, SARGANError
from ..file_names import escape_unprintable


class Signer(Protocol):
    """What signs a file on its way to the disk, such as `ContentCredentials`."""

    def sign(self, source: BinaryIO, target: BinaryIO, name: str) -> None: ...


@contextlib.contextmanager
def whole_file(path: str | bytes | os.PathLike) -> Iterator[BinaryIO]:
    """A binary file, open for reading and writing, that takes the name `path` only once the block has ended well.

    Until then it lies beside it under a temporary name; if the block fails, nothing is left. A link is followed. What is no
    regular file, such as /dev/stdout, is written to directly.

    Raises:
        ImageError: the file cannot be written.
    """
    path = Path(os.fsdecode(path))
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            with open(target, "wb") as file:
                yield file
            return
        draft = target.parent / f".{target.stem[:40]}-{uuid.uuid4().hex}.part"
        with file_errors.whole_file(target, draft) as file:
            yield file
    except SARGANError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL byte
        said = getattr(error, "strerror", None) or error
        shown = escape_unprintable(path)
        raise ImageError(f"Cannot save {shown}: {said}. Check folder, space and permissions.") from error


def write_whole(path: str | bytes | os.PathLike, content: bytes, credentials: Signer | None = None) -> Path:
    """Writes `content` under `path`, signed where `credentials` are given, so that no unsigned file is ever seen there.

    Raises:
        ImageError: the file cannot be written, or its format holds no manifest.
        ConfigurationError: `credentials` do not sign.
    """
    path = Path(os.fsdecode(path))
    with whole_file(path) as file:
        if credentials is None:
            file.write(content)
        else:
            credentials.sign(io.BytesIO(content), file, path.name)
    return path
