"""The example pictures that the page offers."""

from pathlib import Path

GROUPS = ("Portraits", "Statues", "Avatars", "Photos")


def example_pictures(folder: Path) -> dict[str, list[str]]:
    """Names of the pictures in each group's folder, such as "portraits/oil.jpg"; groups without pictures are left out."""
    names = {
        group.lower(): [
            path.relative_to(folder).as_posix() for path in sorted((folder / group.lower()).glob("*.[jp][pn]g"))
        ]
        for group in GROUPS
    }
    return {group: pictures for group, pictures in names.items() if pictures}
