"""What the folders around pictures say: the expression, and the part of the set."""

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from ..errors import DatasetError, ExpressionError
from ..expressions import resolve_expression
from ..file_names import escape_unprintable
from ..images.recognition import HEIF_SUFFIXES, PICTURE_SUFFIXES
from .examples import Example, listing, unknown_labels

# What folders and files call the parts of a published set.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "train_set": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "val_set": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "test_set": "test",
    "eval": "test",
    "evaluation": "test",
    "publictest": "validation",
    "privatetest": "test",
}
# What systems put beside pictures: thumbnails and forks of them, not pictures of their own.
SYSTEM_FOLDERS = ("@eaDir", "__MACOSX", "$RECYCLE.BIN", "lost+found")
# Short names of expressions, which are people's names as well (An, Su, Di), so that one folder of that name says nothing:
# those of KDEF, with S as its frontal view has them in the reference implementation's folders, and those of CREMA-D.
_CODES = ("afraid af afs fea", "angry an ans ang", "disgusted di dis", "happy ha has hap", "neutral ne nes neu")
_CODES += ("sad sa sas", "surprised su sus sur")
FOLDER_CODES = {code: name for name, *codes in map(str.split, _CODES) for code in codes}

log = logging.getLogger(__name__)


def list_files(root: Path) -> list[PurePosixPath]:
    """All files below `root` in a fixed order, relative to it, without hidden ones. Links are followed, but not in circles.

    Raises:
        DatasetError: a folder cannot be read.
    """
    files = []
    above: dict[str, frozenset[tuple[int, int]]] = {}
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_refuse_unreadable):
        status = os.stat(folder)
        ancestors = above.pop(folder, frozenset())
        if (status.st_dev, status.st_ino) in ancestors:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SYSTEM_FOLDERS)
        for name in folders:
            above[os.path.join(folder, name)] = ancestors | {(status.st_dev, status.st_ino)}
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        files += [inside / name for name in sorted(names) if not name.startswith(".")]
    return files


def _refuse_unreadable(error: OSError) -> None:
    raise DatasetError(
        f"The folder {escape_unprintable(error.filename)} cannot be read ({error.strerror}): check its permissions."
    ) from error


def is_picture(file: PurePosixPath) -> bool:
    """Whether the suffix is that of a picture, HEIC included, which takes pillow-heif."""
    return file.suffix.lower() in PICTURE_SUFFIXES | HEIF_SUFFIXES


def split_of(file: PurePosixPath) -> str:
    """Part of a set that a file belongs to, from the folders above it; "train" where none says otherwise.

    Raises:
        DatasetError: two folders name different parts.
    """
    return _only_part(file, [SPLIT_NAMES[part.lower()] for part in file.parts[:-1] if part.lower() in SPLIT_NAMES])


def splits_of(files: Sequence[PurePosixPath]) -> list[str]:
    """Part of the set that each file belongs to, from the folders above it, relative to the set; "train" where none is.

    Val and Dev are people's names as well: a folder counts where all beside it, on the same level, name parts.

    Raises:
        DatasetError: some folders on a level name parts and others do not, or two folders above a file name different
            parts.
    """
    levels = _levels(files)
    for names in levels:
        parts = sorted(name for name in names if name.lower() in SPLIT_NAMES)
        others = sorted(names - set(parts))
        if parts and others:
            raise DatasetError(
                f"The folders {listing(parts)} seem to be parts of the set (train, validation, test), while "
                f"{listing(others)} beside them are not. Move the latter into a part, or rename the former if they are none."
            )
    return [split_of(file) for file in files]


def _only_part(file: PurePosixPath, parts: Sequence[str]) -> str:
    if len(set(parts)) > 1:
        raise DatasetError(
            f"{escape_unprintable(file)} lies in folders of the parts {' and '.join(dict.fromkeys(parts))} at once: move it "
            f"into one."
        )
    return parts[0] if parts else "train"


def several_parts(cells: Iterable[object]) -> list[str]:
    """The parts that a column names, if it holds nothing else and names more than one; else none."""
    written = {cell.strip().lower() for cell in cells if isinstance(cell, str)} - {""}
    parts = {SPLIT_NAMES.get(name, "") for name in written}
    return sorted(parts) if len(parts) > 1 and "" not in parts else []


def names_expression(name: str | None, expressions: Sequence[str]) -> bool:
    """Whether `name` is an expression or an alias of one."""
    try:
        return bool(resolve_expression(name, expressions))
    except ExpressionError:
        return False


def expression_folders(file: PurePosixPath, expressions: Sequence[str]) -> dict[str, str]:
    """The expressions that folders above `file` name in words, each with the folder; short codes do not count."""
    return {
        resolve_expression(part, expressions): part for part in file.parts[:-1] if _names_in_words(part, expressions)
    }


def has_class_folders(files: Sequence[PurePosixPath], expressions: Sequence[str]) -> bool:
    """Whether any of the pictures among `files` lies in a folder named after an expression."""
    pictures = [file for file in files if is_picture(file)]
    label = _labeller(pictures, expressions)
    return any(label(file) is not None for file in pictures)


def examples_from_class_folders(
    root: Path, files: Sequence[PurePosixPath], expressions: Sequence[str]
) -> list[Example]:
    """Pictures labelled by the folder above them that names an expression. Who is in the pictures stays open.

    A word, such as "happy" or "joy", counts on any level. Codes such as AN or SUS count where all folders on their level
    name expressions, and nothing above or below does in words: An and Su are people's names.

    Raises:
        DatasetError: folders above a picture name different expressions, or none does.
    """
    pictures = [file for file in files if is_picture(file)]
    others = sorted(escape_unprintable(file) for file in files if not is_picture(file) and len(file.parts) > 1)
    if others:
        log.warning("%s: left out are files without a picture's suffix (%d): %s.", root, len(others), listing(others))
    label = _labeller(pictures, expressions)
    labels = [label(file) for file in pictures]
    unlabelled = [file for file, name in zip(pictures, labels, strict=True) if name is None]
    if unlabelled:
        # A code only waits for the folders beside it to be named after expressions.
        odd = [file for file in unlabelled if not _is_code(_folder(file), expressions)] or unlabelled
        where = [escape_unprintable(root / file) for file in odd]
        raise unknown_labels(list(map(_folder, odd)), where, expressions, escape_unprintable(root))
    about = zip(pictures, labels, splits_of(pictures), strict=True)
    return [Example(root / file, label, split=part) for file, label, part in about]


def _folder(file: PurePosixPath) -> str:
    return file.parts[-2] if len(file.parts) > 1 else ""


def _labeller(pictures: Sequence[PurePosixPath], expressions: Sequence[str]) -> Callable[[PurePosixPath], str | None]:
    """Gives the label of a picture, None where no folder names an expression."""
    coded = [_coded(names, expressions) for names in _levels(pictures)]

    def label(file: PurePosixPath) -> str | None:
        named = expression_folders(file, expressions)
        if not named:
            folders = ((part, codes) for part, codes in zip(file.parts[:-1], coded, strict=False) if part in codes)
            named = {codes[part]: part for part, codes in folders}
        if len(named) > 1:
            (first, one), (second, other), *_ = named.items()
            raise DatasetError(
                f"{escape_unprintable(file)} lies in the folders {one!r} ({first}) and {other!r} ({second}): which of them "
                f"says what is shown? Give a person's folder a name that is no expression, or add a metadata.csv with "
                f"file_name,expression,subject."
            )
        return next(iter(named), None)

    return label


def _levels(files: Sequence[PurePosixPath]) -> list[set[str]]:
    """The names of the folders above the files on each level below the root."""
    levels: defaultdict[int, set[str]] = defaultdict(set)
    for file in files:
        for depth, part in enumerate(file.parts[:-1]):
            levels[depth].add(part)
    return [levels[depth] for depth in range(len(levels))]


def _coded(names: set[str], expressions: Sequence[str]) -> dict[str, str]:
    """The expression of each code among the folders of a level; none unless all the folders name expressions."""
    names = {name for name in names if name.lower() not in SPLIT_NAMES}
    words = {resolve_expression(name, expressions) for name in names if _names_in_words(name, expressions)}
    codes = {name: FOLDER_CODES[name.lower()] for name in names if _is_code(name, expressions)}
    complete = all(name in codes or _names_in_words(name, expressions) for name in names)
    # Beside `happy`, HA would be the same expression once more: then it is something else.
    return codes if complete and not words & set(codes.values()) else {}


def _names_in_words(name: str, expressions: Sequence[str]) -> bool:
    known = name.strip().lower() in {expression.lower() for expression in expressions}
    return known or (name.strip().lower() not in FOLDER_CODES and names_expression(name, expressions))


def _is_code(name: str, expressions: Sequence[str]) -> bool:
    """Whether `name` is a code; "An" is a name, "AN" and "an" are codes."""
    known = names_expression(FOLDER_CODES.get(name.lower(), ""), expressions)
    return known and (name.isupper() or name.islower())
