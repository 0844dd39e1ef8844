"""File names as people and file systems see them: bytes that are no text, names that are one to some systems, too long ones."""

import os
import unicodedata

MAX_BYTES = 255  # of one name, on every usual file system


def escape_unprintable(text: str | os.PathLike) -> str:
    r"""`text` for a terminal, a log or a file in UTF-8: one line, with what cannot be printed as \n, \x1b or \udce9.

    File names may hold line breaks, control characters, and bytes that are not UTF-8. Python keeps such bytes as lone
    surrogates and refuses to print them. A byte 0xE9 becomes \xe9.
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in os.fspath(text))


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # how Python keeps one byte of a name that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def fold_name(name: str | os.PathLike) -> str:
    """The same text for names that some file system takes for one: they differ in capitals or in how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fspath(name)).casefold())


def fit_name(stem: str, ending: str) -> str:
    """`stem` and `ending` as one file name, the stem cut where both together are longer than a name may be."""
    while stem and len(os.fsencode(stem + ending)) > MAX_BYTES:
        stem = stem[:-1]
    return stem + ending
