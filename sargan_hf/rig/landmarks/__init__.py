"""Landmarks of a portrait: read from files or found by FaceMesh, and what they correspond to on the face model."""

from ..._moved import renamed

__getattr__ = renamed(
    __name__,
    {name: f"{__name__}.landmark_files:{name}" for name in ("landmarks_from_frl", "landmark_file", "read_landmarks")},
)
