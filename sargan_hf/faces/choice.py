"""Which of the faces in a picture are meant. Faces are counted from 1, the largest first, at every door."""

import operator
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ConfigurationError, NoFaceError

FaceChoice = str | int | Sequence[int]
NUMBERS = re.compile(r"\s*[+-]?\d{1,9}\s*(,\s*[+-]?\d{1,9}\s*)*", re.ASCII)
ACCEPTED = '"largest", "all", or numbers such as 1 or 1,3, counted from 1, the largest face first'


def parse_faces(text: str) -> str | list[int]:
    """Reads a choice of faces as people type it: "largest", "all", "2" or "1, 3" (which becomes [1, 3]).

    Raises:
        ConfigurationError: anything else, or a number below 1.
    """
    wanted = text.strip().lower()
    if wanted in ("largest", "all"):
        return wanted
    if not NUMBERS.fullmatch(wanted):
        raise ConfigurationError(f"faces={text[:60]!r} is not known: use {ACCEPTED}.")
    return _counted([int(part) for part in wanted.split(",")], text)


def check_faces(faces: FaceChoice) -> str | list[int]:
    """Brings a choice of faces into one form: "largest", "all", or different numbers from 1 in the order given.

    Args:
        faces: text as for `parse_faces`, a number, or several; a face that is named twice is meant once.

    Raises:
        ConfigurationError: anything else, a number below 1, or no number at all.
    """
    if isinstance(faces, str):
        return parse_faces(faces)
    several = isinstance(faces, Sequence | set | frozenset) or np.ndim(faces) > 0
    listed: Any = faces if several else [faces]
    numbers = [_integer(number, faces) for number in listed]
    if not numbers:
        raise ConfigurationError(f"faces={faces!r} names no face: use {ACCEPTED}.")
    return _counted(numbers, faces)


def chosen_faces(faces: FaceChoice, count: int, name: str) -> list[int]:
    """The indices, from 0, of the chosen ones among `count` faces, the largest first.

    Args:
        faces: see `check_faces`.
        count: how many faces were found.
        name: of the picture, for the message.

    Raises:
        ConfigurationError: as `check_faces`.
        NoFaceError: a number beyond `count`.
    """
    wanted = check_faces(faces)
    if isinstance(wanted, str):
        return [0] if wanted == "largest" else list(range(count))
    if max(wanted) > count:
        have = "1 face" if count == 1 else f"{count} faces"
        raise NoFaceError(f"{name} has {have}, numbered from 1, the largest first; got faces={faces!r}.")
    return [number - 1 for number in wanted]


def _integer(number: Any, faces: object) -> int:
    if not isinstance(number, bool | np.bool_):
        try:
            return operator.index(number)
        except TypeError:
            pass
    raise ConfigurationError(f"faces={faces!r} is not known: use {ACCEPTED}.")


def _counted(numbers: list[int], faces: object) -> list[int]:
    if min(numbers) < 1:
        raise ConfigurationError(f"faces={faces!r}: the numbers of faces start at 1, which is the largest face.")
    return list(dict.fromkeys(numbers))
