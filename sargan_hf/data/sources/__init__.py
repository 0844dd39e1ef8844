"""Published expression sets, one file each: how their files are named and what that says about a picture.

To add a set, write a module that ends with a `SOURCE`, and name it here.
"""

from ...errors import DatasetError
from . import affectnet, cfee, ckplus, cremad, fer2013, jaffe, kdef, london, mmi, portraits, rafd, rafdb, ravdess
from .base import Layout, Source

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
