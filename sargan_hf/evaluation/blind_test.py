"""A blind test of two editors: pairs of edits in random order on random sides, and the sealed key to them."""

import base64
import hashlib
import json
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError
from .framed_edits import FramedFace, framed_faces, open_editor, shared_expressions
from .samples import Sample
from .static_page import encoded, new_folder, write_page

FORM = "compare"
_KEY_FORM = "compare-key"


@dataclass(frozen=True)
class Pair:
    """One question of the test; `left` says whose edit is on the left, "A" or "B"."""

    picture: str
    kind: str
    expression: str
    left: str


@dataclass(frozen=True)
class Key:
    """What tells the sides of a test apart.

    Attributes:
        a, b: the editors.
        seed: of order and sides.
        pairs: name of the pair on the page -> what it shows.
        identical: edits that A and B made alike to the last bit, which nobody is asked about, as kind and expression.
        failures: picture -> why it is not in the test.
        sha256: of the sealed text, which every answer carries too.
    """

    a: str
    b: str
    seed: int
    pairs: dict[str, Pair]
    identical: list[tuple[str, str]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    sha256: str = ""


@dataclass(frozen=True)
class _Question:
    pair: tuple[str, str, str]
    original: bytes
    edits: tuple[bytes, bytes]


def write_blind_test(
    a: str,
    b: str,
    samples: Sequence[Sample],
    output: str | Path,
    find_points: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int | None = None,
    on_picture: Callable[[str], object] = len,
) -> tuple[Path, Path]:
    """Writes the page of a blind test into the folder `output`, and its key beside it as `OUTPUT.key.json`.

    Args:
        a, b: models (folder or Hub id) or folders of edits.
        samples: the pictures to edit.
        output: a new folder.
        find_points: see `framed_faces`.
        seed: of order and sides; None draws one that nobody knows. It is written to the key only.
        on_picture: called with each picture's name once it is done.

    Returns:
        The page and the key.

    Raises:
        ConfigurationError: A and B are the same, share no expression or leave nothing to compare, or `output` exists.
    """
    if a == b:
        raise ConfigurationError(f"A and B are both {a!r}. Name two models or two folders of edits.")
    folder = Path(output)
    key_path = folder.with_name(f"{folder.name}.key.json")
    if key_path.exists():
        raise ConfigurationError(f"{key_path} is there already. Name a new folder: a key belongs to one test.")
    editors = [open_editor(a, "A"), open_editor(b, "B")]
    expressions = shared_expressions(editors)
    new_folder(folder)
    questions: list[_Question] = []
    identical: list[tuple[str, str]] = []
    failures: dict[str, str] = {}
    for face in framed_faces(editors, samples, expressions, find_points, failures):
        _ask(face, questions, identical)
        on_picture(face.sample.name)
    if not questions:
        raise _nothing_to_compare(identical, failures)
    seed = secrets.randbits(63) if seed is None else seed
    pairs, shown = _shuffle(questions, seed, folder)
    key = Key(a, b, seed, pairs, identical, failures)
    digest = _seal(key, key_path)
    task = {"id": digest[:12], "pairs": shown, "result": {"key_sha256": digest}}
    return write_page(folder, "compare", task, count=len(shown)), key_path


def _nothing_to_compare(identical: Sequence[tuple[str, str]], failures: dict[str, str]) -> ConfigurationError:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in list(failures.items())[:3])
    return ConfigurationError(
        f"No pair of edits differs: {len(identical)} are identical, {len(failures)} pictures failed. {reasons}"
    )


def open_key(path: str | Path) -> Key:
    """Reads a sealed key.

    Raises:
        ConfigurationError: it cannot be read, or was changed after it was sealed.
    """
    try:
        saved = json.loads(Path(path).read_text(encoding="utf-8"))
        sealed = saved["sealed"].encode()
        digest = hashlib.sha256(sealed).hexdigest()
        if saved["form"] != _KEY_FORM or saved["sha256"] != digest:
            raise ValueError("its seal is broken")
        content = json.loads(zlib.decompress(base64.b64decode(sealed)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise ConfigurationError(
            f"{path} cannot be opened as the key of a blind test ({error}). Give the file OUTPUT.key.json as it was written."
        ) from error
    pairs = {name: Pair(**pair) for name, pair in content.pop("pairs").items()}
    return Key(**content | {"pairs": pairs, "identical": [(k, e) for k, e in content["identical"]], "sha256": digest})


def _ask(face: FramedFace, questions: list[_Question], identical: list[tuple[str, str]]) -> None:
    """Adds a question for every expression whose two edits differ."""
    original = encoded(face.original, edited=False)
    for expression, first in face.edits["A"].items():
        second = face.edits["B"][expression]
        if np.array_equal(first, second):
            identical.append((face.sample.domain, expression))
            continue
        edits = (encoded(first, edited=True), encoded(second, edited=True))
        questions.append(_Question((face.sample.name, face.sample.domain, expression), original, edits))


def _shuffle(questions: Sequence[_Question], seed: int, folder: Path) -> tuple[dict[str, Pair], list[dict]]:
    """Writes the pictures under names that say nothing, in the order of the page, and returns what they are."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(questions))
    # As many of A on the left as on the right, or one more or less.
    turned = rng.permutation(np.arange(len(questions)) % 2)
    (folder / "pictures").mkdir()
    pairs, shown = {}, []
    for place, (index, swap) in enumerate(zip(order, turned, strict=True), 1):
        question, name = questions[index], f"{place:04d}"
        sides = question.edits[::-1] if swap else question.edits
        entry = {"id": name, "expression": question.pair[2]}
        for side, data in zip(("original", "left", "right"), (question.original, *sides), strict=True):
            entry[side] = f"pictures/{name}-{side}.jpg"
            (folder / entry[side]).write_bytes(data)
        pairs[name] = Pair(*question.pair, left="B" if swap else "A")
        shown.append(entry)
    return pairs, shown


def _seal(key: Key, path: Path) -> str:
    """Writes a key so that nobody reads it in passing; returns the SHA-256 of what is sealed."""
    content = {
        "a": key.a,
        "b": key.b,
        "seed": key.seed,
        "pairs": {name: vars(pair) for name, pair in key.pairs.items()},
        "identical": key.identical,
        "failures": key.failures,
    }
    sealed = base64.b64encode(zlib.compress(json.dumps(content).encode(), 9))
    digest = hashlib.sha256(sealed).hexdigest()
    about = "Open it when all answers are saved: sargan evaluate --open-key KEY ANSWERS..."
    saved = {"form": _KEY_FORM, "about": about, "sha256": digest, "sealed": sealed.decode()}
    path.write_text(json.dumps(saved, indent=1), encoding="utf-8")
    return digest
