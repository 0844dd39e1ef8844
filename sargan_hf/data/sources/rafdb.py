"""RAF-DB, basic expressions: 15,339 faces from the web."""

import re
from pathlib import PurePosixPath

from ..examples import Example
from .base import Layout, Source, matches, misfit, mostly, read_text, refuse_twins, report_left_out

NAME = re.compile(r"(train|test)_(\d+)(_aligned)?\.jpg", re.IGNORECASE)
LIST = "list_patition_label.txt"  # spelt so in the distribution
LABELS = {"1": "surprised", "2": "afraid", "3": "disgusted", "4": "happy", "5": "sad", "6": "angry", "7": "neutral"}
COMPOUND = "compound"  # the other part of the set: pictures of the same names, with eleven labels of its own
COMPOUND_LABELS = frozenset(map(str, range(8, 12)))


def _in_compound(file: PurePosixPath) -> bool:
    return any(COMPOUND in part.lower() for part in file.parts[:-1])


def _pictures(layout: Layout) -> list[PurePosixPath]:
    """The pictures of the basic part: the aligned ones, or the originals where only those are there."""
    basic = [file for file in layout.pictures if not _in_compound(file)]
    aligned = [file for file in basic if file.stem.lower().endswith("_aligned")]
    return aligned or basic


def _list_files(layout: Layout) -> list[PurePosixPath]:
    return [file for file in layout.files if file.name == LIST and not _in_compound(file)]


def recognises(layout: Layout) -> bool:
    # With nothing but compound expressions it is the set all the same, and `read` says why it cannot be used.
    pictures = _pictures(layout) or layout.pictures
    numbered = all(file.parent.name in LABELS for file in pictures)
    return mostly(pictures, NAME) and (numbered or any(file.name == LIST for file in layout.files))


def _labels(layout: Layout, file: PurePosixPath) -> dict[str, str]:
    """Label of each picture by its name without suffix, from lines like `train_00001.jpg 5`."""
    labels: dict[str, str] = {}
    for number, line in enumerate(read_text(layout, file, SOURCE.title).splitlines(), start=1):
        words, place = line.split(), f"line {number} of {file}, {line!r}"
        if not words:
            continue
        if len(words) == 2 and words[1] in COMPOUND_LABELS:
            raise misfit(
                SOURCE.title,
                [place],
                f"labels 1 to 7 of the basic part; those of the part {COMPOUND} are mixed expressions",
            )
        if len(words) != 2 or words[1] not in LABELS:
            raise misfit(SOURCE.title, [place], "a line like 'train_00001.jpg 5', labels 1 to 7")
        name = PurePosixPath(words[0]).stem.lower().removesuffix("_aligned")
        if labels.setdefault(name, LABELS[words[1]]) != LABELS[words[1]]:
            raise misfit(SOURCE.title, [place], f"one label for a picture; a line above says {labels[name]}")
    return labels


def _part(file: PurePosixPath) -> PurePosixPath:
    """The folder that a list speaks of: the one that holds EmoLabel, or else its own."""
    return file.parent.parent if file.parent.name.lower() == "emolabel" else file.parent


def read(layout: Layout) -> list[Example]:
    if COMPOUND in layout.root.name.lower():
        raise misfit(SOURCE.title, [layout.root.name], "the basic part; this folder's expressions are mixed ones")
    lists = {_part(file): _labels(layout, file) for file in _list_files(layout)}
    if len(lists) > 1:
        raise misfit(SOURCE.title, list(map(str, lists)), f"one {LIST}: the basic part of one copy of the set")
    part, labels = next(iter(lists.items()), (PurePosixPath(), {}))
    report_left_out(SOURCE.title, sum(map(_in_compound, layout.pictures)), "pictures of compound expressions")
    found = matches(_pictures(layout), NAME, SOURCE.title, "train_00001_aligned.jpg")
    if strangers := [file for file, _ in found if not file.is_relative_to(part)]:
        raise misfit(SOURCE.title, strangers, f"all pictures in {part}, the folder that its list of labels speaks of")
    refuse_twins(((file, _name(match)) for file, match in found), SOURCE.title)
    examples, unlabelled = [], []
    for file, match in found:
        listed, numbered = labels.get(_name(match)), LABELS.get(file.parent.name)
        if listed and numbered and listed != numbered:
            raise misfit(
                SOURCE.title, [file], f"one label for a picture; the list says {listed}, its folder {numbered}"
            )
        label = listed if labels else numbered
        if label is None:
            unlabelled.append(file)
        else:
            examples.append(Example(layout.root / file, label, split=match[1].lower()))
    if unlabelled:
        raise misfit(SOURCE.title, unlabelled, f"a label in EmoLabel/{LIST}, or a folder 1 to 7 around the pictures")
    report_left_out(SOURCE.title, len(labels.keys() - {_name(match) for _, match in found}), "rows without a picture")
    return examples


def _name(match: re.Match) -> str:
    return f"{match[1]}_{match[2]}".lower()


SOURCE = Source(
    name="rafdb",
    title="RAF-DB basic (Li, Deng & Du 2017)",
    licence="Non-commercial research on request; not to be passed on.",
    obtain="http://www.whdeng.cn/RAF/model1.html",
    rule="Image/aligned/train_00001_aligned.jpg with labels 1 to 7 in EmoLabel/list_patition_label.txt, or in "
    "folders 1 to 7 as on Kaggle. Who is in a picture is unknown; nothing pairs. The official split into "
    "train and test is kept. The compound part, whose files have the same names, is left out.",
    recognises=recognises,
    read=read,
)
