"""What a caller of the API may write for each parameter, and what it means.

Values come as JSON from anyone: of any type, of any length. Whatever cannot be meant gets a sentence.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from ..errors import ConfigurationError, ExpressionError, ImageError
from ..expressions import MAX_INTENSITY, parse_expression
from ..faces.choice import ACCEPTED, check_faces
from ..faces.choice import parse_faces as parse_face_numbers
from .api_texts import NOT_OPENED, NOT_UPLOADED

LONGEST = 400  # characters of an expression, of face numbers or of a box
_SCHEME = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]+:|//)", re.IGNORECASE)
_DATA = re.compile(r"^\s*data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)
Box = tuple[float, float, float, float]


def read_picture(value: object, folder: Path, name: str = "picture") -> str | bytes | None:
    """The path of an upload, or the file itself where the caller wrote it out; None when nothing came.

    Args:
        value: what the caller gave: a path, base64 data, or an object with a `path`.
        folder: the uploads; nothing outside of it is opened, whatever the path says.
        name: of the parameter.

    Raises:
        ImageError: anything else.
    """
    if isinstance(value, Mapping):
        value = value.get("path")
    if value is None:
        return None
    if not isinstance(value, str):
        raise ImageError(f"{name} must be an uploaded file; got {shown(value)}. {NOT_UPLOADED}")
    if value.lstrip()[:5].lower() == "data:":
        return _decoded(value)
    if _SCHEME.match(value):
        raise ImageError(NOT_OPENED)
    if not _is_upload(value, folder):
        raise ImageError(NOT_UPLOADED)
    return value


def _decoded(text: str) -> bytes:
    head = _DATA.match(text)
    try:
        if head is not None:
            return base64.b64decode("".join(unquote(text[head.end() :]).split()), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise ImageError("The picture's text is not base64: write it as data:image/jpeg;base64,... or upload the file.")


def _is_upload(path: str, folder: Path) -> bool:
    """Whether the path names a file in the folder of uploads, after all its dots and links."""
    try:
        real = Path(path).resolve(strict=True)
        return real.is_relative_to(folder.resolve()) and real.is_file()
    except (OSError, ValueError, RuntimeError):  # no such file, NUL bytes, names that are too long, loops of links
        return False


def parse_blend(value: object) -> str | dict[str, float] | None:
    """An expression's name as it is; a blend as a mapping, whether it came as one, as JSON or as "happy=0.6, sad=0.4".

    None where it was left empty.

    Raises:
        ExpressionError: it is none of these.
    """
    if isinstance(value, str):
        value = _short(value, "expression").strip()
        if not value:
            return None
        if value.startswith("{"):
            value = _from_json(value)
    if isinstance(value, Mapping):
        return {name: _weight(weight, {name: weight}) for name, weight in value.items()}
    if not isinstance(value, str):
        raise ExpressionError(
            f"expression must be a name, a blend such as happy=0.6, surprised=0.4, or a mapping; got {shown(value)}."
        )
    return parse_expression(value)


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ExpressionError(f'{shown(text)} is not JSON: write a mapping as {{"happy": 0.6, "sad": 0.4}}.') from None


def _weight(value: object, written: object) -> float:
    number = _number(value)
    if number is None:
        raise ExpressionError(
            f"{shown(written)} is not a weight: write a blend as happy=0.6, surprised=0.4, each name with a number."
        )
    return number


def parse_intensity(value: object) -> float:
    """A number from 0 to 1.5, also as text.

    Raises:
        ConfigurationError: anything else.
    """
    number = _number(value)
    if number is None or not 0 <= number <= MAX_INTENSITY:
        raise ConfigurationError(f"intensity must be a number from 0 to {MAX_INTENSITY:g}; got {shown(value)}.")
    return number


def parse_faces(value: object) -> str | list[int]:
    """Faces as the caller counts them, from 1: "largest" and "all" stay; "1, 3" becomes [1, 3], each number once.

    Raises:
        ConfigurationError: anything else.
    """
    if isinstance(value, str):
        return parse_face_numbers(_short(value, "faces").strip().strip("[]") or "largest")
    numbers = [_number(part) for part in (value if isinstance(value, list) else [value])]
    whole = [int(number) for number in numbers if number is not None and number.is_integer()]
    if not numbers or len(whole) < len(numbers):
        raise ConfigurationError(f"faces={shown(value)} is not known: use {ACCEPTED}.")
    return check_faces(whole)


def parse_box(value: object) -> Box | None:
    """Left, top, right and bottom in pixels, as text or as a list; None when it was left empty.

    Raises:
        ConfigurationError: these are not four numbers.
    """
    if value is None or (isinstance(value, str) and not value.strip()) or value == []:
        return None
    parts = value
    if isinstance(value, str):
        parts = re.split(r"[\s,;]+", _short(value, "box").strip().strip("[]()").strip())
    numbers = [_number(part) for part in parts] if isinstance(parts, list) else []
    left, top, right, bottom = numbers if len(numbers) == 4 else [None] * 4
    if left is None or top is None or right is None or bottom is None:
        raise ConfigurationError(
            f"box must be four numbers, left, top, right and bottom in pixels, such as 120, 80, 420, 460; "
            f"got {shown(value)}."
        )
    return left, top, right, bottom


def shown(value: object, longest: int = 60) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[:longest]} ..."


def _number(value: object) -> float | None:
    """A finite number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _short(text: str, name: str) -> str:
    if len(text) > LONGEST:
        raise ConfigurationError(f"{name} has {len(text):,} characters: at most {LONGEST} are read.")
    return text
