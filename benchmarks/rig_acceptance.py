"""Which portraits the rig can use, and why it cannot use the others.

    OMP_NUM_THREADS=1 python benchmarks/rig_acceptance.py avatars/ paintings/ sculpture/ [--every 1] [--not-meant unfit.txt]

Each folder is one kind. Prints for each the share of portraits that are accepted and how often each reason was given, then
every refused file with its reason. A file of names, one a line, leaves out portraits that the rig is not meant for, such as
profiles and laughing faces; how many of those were accepted is printed as well.
"""

import re
from collections import Counter
from pathlib import Path

import cv2
import typer

from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.model import load_face_model
from sargan_hf.rig.portraits.reader import PortraitReader, find_portraits, fit_portrait
from sargan_hf.rig.portraits.white_balance import without_cast


def main(folders: list[Path], every: int = 1, not_meant: Path | None = None, model: Path | None = None) -> None:
    """Measures and prints."""
    cv2.setNumThreads(1)
    unfit = set(not_meant.read_text(encoding="utf-8").split("\n")) - {""} if not_meant else set()
    face_model, reader = load_face_model(model), PortraitReader()
    refused: list[tuple[str, str, str]] = []
    for folder in folders:
        outcome = {}
        for path in find_portraits([folder])[::every]:
            try:
                fit_portrait(face_model, without_cast(reader.read(path)))
                outcome[path.name] = ""
            except RigError as error:
                outcome[path.name] = str(error)
                refused.append((folder.name, path.name, str(error)))
        report(folder.name, outcome, unfit)
    print(*(f"{kind}/{name}: {reason}" for kind, name, reason in refused), sep="\n")


def report(kind: str, outcome: dict[str, str], unfit: set[str]) -> None:
    """Prints the shares of one kind; `outcome` holds the reason for every name, "" where it was accepted."""
    meant = {name: reason for name, reason in outcome.items() if name not in unfit}
    accepted = sum(not reason for reason in meant.values())
    print(f"{kind}: {accepted} of {len(meant)} accepted ({accepted / max(1, len(meant)):.3f})")
    if len(meant) < len(outcome):
        others = [reason for name, reason in outcome.items() if name in unfit]
        print(f"  not meant for the rig: {sum(not reason for reason in others)} of {len(others)} accepted")
    reasons = Counter(reason_of(reason) for reason in meant.values() if reason)
    for reason, number in reasons.most_common():
        print(f"  {number:4d}  {reason}")


def reason_of(message: str) -> str:
    """A message's first clause without its numbers, to count by."""
    return re.split(r"[.;:(]\s", re.sub(r"\d+(\.\d+)?", "#", message))[0]


if __name__ == "__main__":
    typer.run(main)
