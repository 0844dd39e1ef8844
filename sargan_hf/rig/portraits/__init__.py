"""Portraits as the rig takes them in: read, freed of a colour cast, fitted, and morphed into new people."""

from ..._moved import renamed

__getattr__ = renamed(
    __name__,
    {
        name: f"{__name__}.reader:{name}"
        for name in ("find_portraits", "Portrait", "PortraitReader", "fit_portrait", "read_picture", "reduced_portrait")
    },
)
