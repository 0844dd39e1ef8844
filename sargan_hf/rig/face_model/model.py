"""The 3D face: the light version of USC ICT's public ICT-FaceKit, read from one npz file.

Model space: x to the subject's left (image right), y up, z out of the face, about one centimetre per unit. "L" and "R" are
the subject's. The package brings the model (`packed_model.py`); `sargan rig build-model` makes an npz from the public OBJ
files (`build_model.py`).
"""

import lzma
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from ...errors import RigError
from .packed_model import SUFFIX, read_packed

MODEL_FILE = "ict_facekit_light.npz"
PACKED_MODEL = Path(__file__).parents[1] / "assets" / (MODEL_FILE + SUFFIX)


class Part(IntEnum):
    """Parts of the mesh, in vertex order; `PART_ENDS[part]` is one past the part's last vertex."""

    FACE = 0
    HEAD_AND_NECK = 1
    MOUTH_SOCKET = 2
    LEFT_EYE_SOCKET = 3
    RIGHT_EYE_SOCKET = 4
    GUMS_AND_TONGUE = 5
    TEETH = 6
    LEFT_EYEBALL = 7
    RIGHT_EYEBALL = 8
    EXTRAS = 9  # lacrimal fluid, eye blend, eye occlusion, eyelashes: never drawn


PART_ENDS = (9409, 11248, 13294, 13678, 14062, 17039, 21451, 23021, 24591, 26719)

# Vertices of the 68 Multi-PIE landmarks (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67), as ICT-FaceKit
# publishes them in its `vertex_indices.json`. The jaw ones lie about 1.1 units above the outline one sees in a picture.
MULTI_PIE = np.concatenate(
    [
        [1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443],
        [268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509],
        [978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360],
        [1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732],
        [5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841],
        [5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966],
    ]
)
MOUTH_CORNERS = (5708, 6213)
INNER_LIPS = MULTI_PIE[60:68]
NOSE_TIP = 4857


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Mean face, identity modes and expression shapes.

    Attributes:
        mean: float32 [26719, 3], the mean neutral face.
        faces: int32 [52220, 3], triangles.
        identity: float32 [60, 26719, 3], deltas of the identity modes, one standard deviation each.
        expressions: float32 [E, 26719, 3], deltas of the expression shapes at weight 1.
        expression_names: E names such as "jawOpen" or "browDown_L".
    """

    mean: np.ndarray
    faces: np.ndarray
    identity: np.ndarray
    expressions: np.ndarray
    expression_names: tuple[str, ...]

    def expression_index(self, name: str) -> int:
        """Index of one shape, for example "jawOpen" or "browDown_L".

        Raises:
            RigError: the model has no such shape.
        """
        if name not in self.expression_names:
            raise RigError(f"{name!r} is not a shape of the face model; it has {', '.join(self.expression_names)}.")
        return self.expression_names.index(name)

    def expression_indices(self, name: str) -> list[int]:
        """Indices of a shape by its full name, or of both sides of it: "browDown" gives those of `_L` and `_R`."""
        names = [name] if name in self.expression_names else [f"{name}_L", f"{name}_R"]
        return [self.expression_index(n) for n in names]

    def with_expressions(self, names: Sequence[str], deltas: np.ndarray) -> "FaceModel":
        """The model with further shapes appended; `deltas` is [len(names), 26719, 3]."""
        return FaceModel(
            self.mean,
            self.faces,
            self.identity,
            np.concatenate([self.expressions, deltas.astype(np.float32)]),
            self.expression_names + tuple(names),
        )

    @cached_property
    def vertex_part(self) -> np.ndarray:
        """int [26719], `Part` of every vertex."""
        return np.searchsorted(PART_ENDS, np.arange(len(self.mean)), side="right")

    @cached_property
    def triangle_part(self) -> np.ndarray:
        """int [52220], `Part` of every triangle: of its last vertex, since a seam belongs to the later part."""
        return np.searchsorted(PART_ENDS, self.faces.max(axis=1), side="right")

    @cached_property
    def skin_edges(self) -> csr_matrix:
        """Symmetric sparse matrix [26719, 26719] with the length of each edge of the face part on the mean face."""
        triangles = self.faces[self.triangle_part == Part.FACE]
        pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        lengths = np.linalg.norm(self.mean[pairs[:, 0]] - self.mean[pairs[:, 1]], axis=1)
        shape = (len(self.mean), len(self.mean))
        one_way = csr_matrix((lengths, (pairs[:, 0], pairs[:, 1])), shape=shape)
        return one_way + one_way.T

    def surface_path(self, through: Iterable[int]) -> np.ndarray:
        """Vertices on the shortest path over the skin's edges that visits the given vertices in order."""
        stops = [int(v) for v in through]
        path = [stops[0]]
        for start, end in pairwise(stops):
            before = dijkstra(self.skin_edges, indices=start, return_predecessors=True)[1]
            leg = [end]
            while leg[-1] != start:
                leg.append(int(before[leg[-1]]))
            path += leg[-2::-1]
        return np.array(path)

    @cached_property
    def upper_lid_paths(self) -> dict[str, np.ndarray]:
        """Vertices along the edge of each upper lid, by side "R" and "L", corner to corner from image left to right."""
        return self._lid_paths([36, 37, 38, 39], [42, 43, 44, 45])

    @cached_property
    def lower_lid_paths(self) -> dict[str, np.ndarray]:
        """Vertices along the edge of each lower lid, as `upper_lid_paths`."""
        return self._lid_paths([36, 41, 40, 39], [42, 47, 46, 45])

    def _lid_paths(self, right: list[int], left: list[int]) -> dict[str, np.ndarray]:
        return {"R": self.surface_path(MULTI_PIE[right]), "L": self.surface_path(MULTI_PIE[left])}

    @cached_property
    def upper_lip_path(self) -> np.ndarray:
        """Vertices along the inner edge of the upper lip, image left to right."""
        return self.surface_path(MULTI_PIE[[60, 61, 62, 63, 64]])

    @cached_property
    def lower_lip_path(self) -> np.ndarray:
        """Vertices along the inner edge of the lower lip, image left to right, with the ends of `upper_lip_path`."""
        return self.surface_path(MULTI_PIE[[60, 67, 66, 65, 64]])


def assets_folder() -> Path:
    """Where the portraits lie: the environment variable SARGAN_ASSETS, or `../shared/data`."""
    return Path(os.environ.get("SARGAN_ASSETS", "../shared/data"))


def face_model_file() -> Path:
    """The face model's file: the one in the folder that SARGAN_ASSETS names, if it has one, else the package's own."""
    own = os.environ.get("SARGAN_ASSETS")
    return Path(own) / MODEL_FILE if own and (Path(own) / MODEL_FILE).is_file() else PACKED_MODEL


def load_face_model(path: str | Path | None = None) -> FaceModel:
    """Reads the model.

    Args:
        path: an npz of `sargan rig build-model`, or a packed one (.xz); default `face_model_file()`.

    Raises:
        RigError: no such file, or it does not hold the model's arrays with their shapes.
    """
    path = Path(path) if path is not None else face_model_file()
    if not path.is_file():
        raise RigError(
            f"The face model {path} does not exist. Leave the path out for the one in the package, or make one from the "
            "public ICT-FaceKit with `sargan rig build-model`."
        )
    try:
        arrays = read_packed(path) if path.suffix == SUFFIX else _read_npz(path)
    except (KeyError, OSError, ValueError, lzma.LZMAError) as error:
        raise RigError(f"{path} is not a face model file ({error}). Make one with `sargan rig build-model`.") from error
    return _checked_model(arrays, path)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as data:
        return {key: data[key] for key in ("mean", "faces", "identity", "expressions", "expression_names")}


def _checked_model(arrays: dict[str, np.ndarray], path: Path) -> FaceModel:
    vertices = (PART_ENDS[-1], 3)
    names = tuple(str(name) for name in arrays["expression_names"])
    shapes = {
        "mean": vertices,
        "identity": (len(arrays["identity"]), *vertices),
        "expressions": (len(names), *vertices),
        "faces": (len(arrays["faces"]), 3),
    }
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise RigError(f"{path}: array '{key}' has shape {arrays[key].shape}, expected {shape}.")
    return FaceModel(
        mean=arrays["mean"].astype(np.float32),
        faces=arrays["faces"].astype(np.int32),
        identity=arrays["identity"].astype(np.float32),
        expressions=arrays["expressions"].astype(np.float32),
        expression_names=names,
    )
