"""Published expression sets, one file each: how their files are named and what that says about a picture.

To add a set, write a module that ends with a `SOURCE`, and name it here.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

from ...errors import DatasetError
from ...expressions import resolve_expression
from ...file_names import escape_unprintable
from ..examples import Example
from ..folders import expression_folders, names_expression
from . import affectnet, cfee, ckplus, cremad, fer2013, jaffe, kdef, london, mmi, portraits, rafd, rafdb, ravdess
from .base import Layout, Source, report_left_out

_MODULES = (kdef, rafd, cfee, ckplus, mmi, jaffe, affectnet, rafdb, fer2013, cremad, ravdess, london, portraits)
SOURCES: dict[str, Source] = {module.SOURCE.name: module.SOURCE for module in _MODULES}


def find_source(layout: Layout, name: str | None = None) -> Source | None:
    """The source called `name`, or else the only one that recognises the folder; None if none does.

    Raises:
        DatasetError: `name` is unknown, or several sources recognise the folder.
    """
    if name is not None:
        if name not in SOURCES:
            raise DatasetError(f"There is no adapter {name!r}. Choose one of {', '.join(SOURCES)}.")
        return SOURCES[name]
    found = [source for source in SOURCES.values() if source.recognises(layout)]
    if len(found) > 1:
        names = ", ".join(source.name for source in found)
        raise DatasetError(f"{layout.root} looks like several sets at once. Say which with adapter=, one of {names}.")
    return found[0] if found else None


def read_source(source: Source, layout: Layout, expressions: Sequence[str], recognised: bool) -> list[Example]:
    """The pictures of a set whose labels the model is to know.

    Args:
        source: the set.
        layout: the folder it is in.
        expressions: class names, in the order of the model.
        recognised: whether the files' names alone said that it is this set. Then no folder may say otherwise.

    Raises:
        DatasetError: files do not fit the set, or lie in folders of other expressions than it gives them.
    """
    try:
        examples = source.read(layout)
    except OSError as error:
        name = escape_unprintable(error.filename) if error.filename else layout.root
        raise DatasetError(f"{name} of {source.title} cannot be read: {error.strerror or error}.") from error
    if recognised:
        _refuse_contradictions(source, layout, examples, expressions)
    kept = [e for e in examples if e.expression not in source.beyond or names_expression(e.expression, expressions)]
    report_left_out(source.title, len(examples) - len(kept), f"pictures of {', '.join(sorted(source.beyond))}")
    return kept


def _refuse_contradictions(
    source: Source, layout: Layout, examples: Sequence[Example], expressions: Sequence[str]
) -> None:
    """Raises if a folder names another expression: then the files have the names of the set by chance."""
    for example in examples:
        if not example.path.is_relative_to(layout.root) or not names_expression(example.expression, expressions):
            continue
        file = PurePosixPath(example.path.relative_to(layout.root).as_posix())
        label = resolve_expression(example.expression, expressions)
        for expression, folder in expression_folders(file, expressions).items():
            if expression != label:
                raise DatasetError(
                    f"{layout.root} looks like {source.title}, in which {escape_unprintable(file)} is {label}, but it lies in "
                    f"{folder!r}. Say adapter={source.name!r} if it is that set; else rename the files, or add a metadata.csv."
                )
