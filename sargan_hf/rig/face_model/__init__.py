"""The 3D face model: its vertices and shapes, the mesh that is drawn, and how its file is built."""

from ..._moved import renamed

__getattr__ = renamed(
    __name__,
    {
        name: f"{__name__}.model:{name}"
        for name in ("Part", "FaceModel", "assets_folder", "face_model_file", "load_face_model")
    },
)
