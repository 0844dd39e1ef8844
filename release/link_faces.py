"""Folders of links to the faces that the set of the last stage is rendered from.

    python release/link_faces.py release/faces.txt ../shared/data OUT

`release/faces.txt` names a picture a line, by its path below the second argument. Nobody on it is held out by `sargan evaluate
--held-out 0.12` on a folder of these pictures, so the figures of the card are of faces never trained on. Landmarks beside a
picture are linked too.
"""

import argparse
from pathlib import Path

LANDMARKS = ".csv"


def link_faces(listed: Path, assets: Path, out: Path) -> dict[str, int]:
    """Links every picture of the list into `out`, in folders as in `assets`; how many there are in each.

    Raises:
        FileNotFoundError: a picture of the list is not below `assets`.
    """
    counts: dict[str, int] = {}
    for line in listed.read_text(encoding="utf-8").split():
        picture = (assets / line).resolve(strict=True)
        folder = out / Path(line).parent
        folder.mkdir(parents=True, exist_ok=True)
        for source in (picture, picture.with_suffix(LANDMARKS)):
            link = folder / source.name
            if source.exists() and not link.exists():
                link.symlink_to(source)
        name = folder.relative_to(out).as_posix()
        counts[name] = counts.get(name, 0) + 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listed", type=Path, help="text file with a picture a line")
    parser.add_argument("assets", type=Path, help="folder of the pictures")
    parser.add_argument("out", type=Path, help="folder for the links")
    given = parser.parse_args()
    for folder, count in link_faces(given.listed, given.assets, given.out).items():
        print(f"{folder}: {count} pictures")


if __name__ == "__main__":
    main()
