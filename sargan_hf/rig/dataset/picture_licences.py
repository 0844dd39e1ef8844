"""Whose the portraits of a set are, and under which licence: tables beside the portraits, and open sets that are known."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import RigError

# Open portrait sets by the beginning of the file name in our layout (docs/data.md), with the attribution they ask for.
KNOWN_SOURCES = {
    "london_": "DeBruine & Jones (2017), Face Research Lab London Set, figshare, "
    "[doi 10.6084/m9.figshare.5047666.v5](https://doi.org/10.6084/m9.figshare.5047666.v5), CC BY 4.0",
    "canada_": "DeBruine & Jones (2017), Young Adult White Faces with Manipulated Versions, figshare, "
    "[doi 10.6084/m9.figshare.4220517.v1](https://doi.org/10.6084/m9.figshare.4220517.v1), CC BY 4.0",
}
KNOWN_LICENCE = "cc-by-4.0"
LICENCE_COLUMNS, WORK_COLUMNS = ("licence", "license"), ("attribution", "work", "source", "prompt")
# What a licence is called in words, and the Hub's identifier for it.
_IDENTIFIERS = {
    "cc by 4.0": "cc-by-4.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc0": "cc0-1.0",
    "cc0 1.0": "cc0-1.0",
    "cc0-1.0": "cc0-1.0",
    "mit": "mit",
    "public domain in the usa": "pddl",
}
_NAMED = 5  # of the portraits without a licence, an error names so many


@dataclass(frozen=True)
class PictureLicence:
    """Licence of one portrait as its source puts it, and whose it is."""

    licence: str
    attribution: str


class LicenceTable:
    """Licences of portraits by file stem.

    Args:
        tables: CSV files with the columns `file`, `licence` (or `license`) and `attribution` (or `work`, `source`), as
            `SOURCES.csv` beside portraits.
        stated: by table, the licence and attribution of all its portraits where it has no such columns, as
            "CC BY 4.0; whose they are".

    Raises:
        RigError: a table is missing, or says nothing of a licence.
    """

    def __init__(self, tables: Sequence[Path], stated: Mapping[Path, str] | None = None) -> None:
        self._found: dict[str, PictureLicence] = {}
        stated = {path.resolve(): text for path, text in (stated or {}).items()}
        for table in tables:
            path = table / "SOURCES.csv" if table.is_dir() else table
            told = stated.get(table.resolve(), stated.get(path.resolve(), ""))
            self._found |= _read_table(path, told)

    def of(self, subject: str) -> PictureLicence | None:
        """Of a subject, or of both that a morph "a+b" is made from; None where one is not known."""
        parts = [self._of_one(stem) for stem in subject.split("+")]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        licences, attributions = ([getattr(part, name) for part in found] for name in ("licence", "attribution"))
        return PictureLicence(" + ".join(dict.fromkeys(licences)), " + ".join(dict.fromkeys(attributions)))

    def _of_one(self, stem: str) -> PictureLicence | None:
        if stem in self._found:
            return self._found[stem]
        known = (text for prefix, text in KNOWN_SOURCES.items() if stem.startswith(prefix))
        return next((PictureLicence(KNOWN_LICENCE, text) for text in known), None)

    def of_all(self, subjects: Sequence[str]) -> list[PictureLicence]:
        """Of every subject.

        Raises:
            RigError: some have no known licence; names them.
        """
        found = [self.of(subject) for subject in subjects]
        unknown = sorted({subject for subject, each in zip(subjects, found, strict=True) if each is None})
        if unknown:
            more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
            raise RigError(
                f"Nothing says under which licence {', '.join(unknown[:_NAMED])}{more} may be published. Name a table with the "
                "columns file, licence and attribution: --sources PORTRAITS/SOURCES.csv."
            )
        return [each for each in found if each is not None]


def hub_identifier(licences: Sequence[str]) -> str:
    """The Hub's identifier for a set under these licences: "other" for several, or for one that it has no name for."""
    found = {_identifier(part) for licence in licences for part in licence.split(" + ")}
    return found.pop() if len(found) == 1 else "other"


def _identifier(licence: str) -> str:
    words = licence.strip().lower()
    return next((name for text, name in _IDENTIFIERS.items() if words == text or words.startswith(text + ".")), "other")


def _read_table(path: Path, stated: str) -> dict[str, PictureLicence]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RigError(f"{path} cannot be read as a table of sources ({error}).") from error
    columns = set(rows[0]) if rows else set()
    licence = next((name for name in LICENCE_COLUMNS if name in columns), None)
    work = next((name for name in WORK_COLUMNS if name in columns), None)
    if "file" not in columns or (licence is None and not stated):
        raise RigError(
            f"{path} has {', '.join(sorted(columns)) or 'no'} as columns; file and licence are needed. Where all "
            f'its pictures share one, say --licence "{path}=CC BY 4.0; whose they are".'
        )
    told, _, owner = stated.partition(";")
    found = {}
    for row in rows:
        attribution = owner.strip() or (row[work] if work else "") or ""
        found[Path(row["file"]).stem] = PictureLicence((row[licence] if licence else told).strip(), attribution.strip())
    return found
