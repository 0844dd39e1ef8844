"""What a `SOURCES.csv` beside pictures says of each: its kind, and groups to report on."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatasetError

SOURCES_FILE = "SOURCES.csv"
# Whole words of a prompt, a title or a group that put a picture into a group. Nothing is guessed from other words.
_WORDS = {
    "age: old": r"old|elderly|aged|grandmother|grandfather|grandma|grandpa|wrinkled",
    "age: child": r"child|children|kid|boy|baby|infant|toddler|little girl",
    "hair: beard": r"beard|bearded|moustache|mustache|goatee",
    "worn: glasses": r"glasses|spectacles|eyeglasses",
}
# A title names much that the face is not ("Madonna and Child"): only these phrases say how old it is.
_TITLE_PHRASES = {
    "age: old": r"old (?:man|woman|lady|gentleman)",
    "age: child": r"(?:portrait|bust|head|study) of (?:an? |the )?(?:little |young )?(?:child|boy|girl|infant)",
}
_SKIN_WORDS = {
    "dark": r"darkskin|dark skin|dark skinned|black skin|black man|black woman|african",
    "light": r"pale|pale skin|fair skin|fair skinned|light skinned|light skin",
}


@dataclass(frozen=True)
class SourceNote:
    """What is noted of one picture.

    Attributes:
        kind: avatar, painting, sculpture or another word of the file; "" where it says none.
        groups: such as ("age: old", "hair: beard").
        skin_tone: "dark" or "light" where the label says so; "" where it does not.
    """

    kind: str = ""
    groups: tuple[str, ...] = ()
    skin_tone: str = ""


def read_source_notes(folder: str | Path) -> dict[str, SourceNote]:
    """The notes on the pictures of `folder` by file name; none where it holds no `SOURCES.csv`.

    Two forms are known. One has a column `kind` (painting, drawing, engraving, sculpture), `work` and `colour`; drawings and
    engravings count as paintings, and are a group of their own. The other has `group` and `prompt`, as generated portraits
    have: its pictures are avatars.

    Raises:
        DatasetError: the file cannot be read, or has no column `file`.
    """
    path = Path(folder) / SOURCES_FILE
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as CSV in UTF-8: {error}. Repair it or remove it.") from error
    if rows and "file" not in rows[0]:
        raise DatasetError(
            f"{path} has the columns {', '.join(rows[0])}; it needs one called file, with the name of each picture."
        )
    return {row["file"]: _note(row) for row in rows if row["file"]}


def _note(row: dict[str, str | None]) -> SourceNote:
    group, prompt = row.get("group") or "", row.get("prompt") or ""
    kind = (row.get("kind") or ("avatar" if "prompt" in row else "")).strip().lower()
    groups = [name for name, words in _WORDS.items() if _says(words, f"{group} {prompt}")]
    groups += [name for name, phrases in _TITLE_PHRASES.items() if _says(phrases, row.get("work") or "")]
    if kind in ("drawing", "engraving"):
        groups.append(f"technique: {kind}")
        kind = "painting"
    if group:
        groups.append(f"label: {group}")
    if row.get("colour"):
        groups.append("colour: none" if row["colour"] == "mono" else "colour: yes")
    tones = [tone for tone, words in _SKIN_WORDS.items() if _says(words, f"{group} {prompt}")]
    return SourceNote(kind, tuple(groups), tones[0] if len(tones) == 1 else "")


def _says(words: str, text: str) -> bool:
    return re.search(rf"\b(?:{words})\b", re.sub(r"[-_]+", " ", text.lower())) is not None
