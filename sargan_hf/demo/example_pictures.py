"""The example pictures that the page offers: famous works out of copyright, and our own."""

import json
from pathlib import Path

CAPTIONS = "captions.json"
# What a tab is called, and the folders whose pictures it shows; those without a caption in the order of the folders.
TABS: dict[str, tuple[str, ...]] = {
    "Paintings": ("works/paintings", "paintings"),
    "Statues": ("works/statues", "statues"),
    "Drawings, photos, avatars": ("works/drawings", "drawings", "photos", "portraits", "avatars"),
}
# Shown before the visitor adds a picture: the first of these that the folder has, else its first picture.
OPENING = ("works/paintings/blue-boy.jpg",)


def example_pictures(folder: Path) -> dict[str, list[str]]:
    """Names of the pictures in each tab, such as "works/paintings/blue-boy.jpg"; tabs without pictures are left out.

    Pictures with a caption come first, in the order of the captions: those whose edit shows best stand at the beginning.
    """
    order = {name: place for place, name in enumerate(captions(folder))}
    names = {
        tab: sorted(
            (
                path.relative_to(folder).as_posix()
                for place in folders
                for path in sorted((folder / place).glob("*.[jp][pn]g"))
            ),
            key=lambda name, folders=folders: (order.get(name, len(order)), _place(name, folders)),
        )
        for tab, folders in TABS.items()
    }
    return {tab: pictures for tab, pictures in names.items() if pictures}


def _place(name: str, folders: tuple[str, ...]) -> int:
    return folders.index(Path(name).parent.as_posix())


def captions(folder: Path) -> dict[str, dict[str, str]]:
    """What to write below each picture, by language; empty without the file or for one that cannot be read."""
    try:
        read = json.loads((folder / CAPTIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def caption(folder: Path, name: str) -> dict[str, str]:
    """The caption of one picture by language; its file's name in words where it has none."""
    return captions(folder).get(name) or {"en": Path(name).stem.replace("-", " ").capitalize()}


def opening_picture(folder: Path) -> str | None:
    """Name of the picture that the page opens with; None where there are no examples."""
    names = [name for pictures in example_pictures(folder).values() for name in pictures]
    return next((name for name in OPENING if name in names), names[0] if names else None)
