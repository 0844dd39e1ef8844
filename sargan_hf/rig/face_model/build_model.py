"""Makes the face model's npz from the OBJ files of the public ICT-FaceKit (folder `FaceXModel` of its repository).

The kit holds one mesh per file, all with the same vertices: `generic_neutral_mesh.obj`, `identity000.obj` and so on, and one
file per expression shape. A mode or shape is stored as its difference from the neutral mesh.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

from ...errors import RigError
from .model import PART_ENDS, Part
from .packed_model import SUFFIX, write_packed

NEUTRAL, IDENTITY = "generic_neutral_mesh.obj", "identity"
MESH_FOLDER = "FaceXModel"
IDENTITY_MODES = 60  # the kit has 100; the last ones are too fine for landmarks to tell


def build_face_model(facekit: str | Path, output: str | Path) -> str:
    """Reads the kit and writes the npz that `load_face_model` reads.

    Args:
        facekit: the repository or its folder of OBJ files.
        output: the file to write; packed where it ends in .xz, as the package's own.

    Returns:
        What was found, in words.

    Raises:
        RigError: a file is missing or damaged, or the meshes do not have the same vertices.
    """
    folder = Path(facekit)
    folder = folder / MESH_FOLDER if (folder / MESH_FOLDER).is_dir() else folder
    if not (folder / NEUTRAL).is_file():
        raise RigError(f"{folder} holds no {NEUTRAL}; give the folder of a checkout of ICT-FaceKit.")
    modes = sorted(folder.glob(f"{IDENTITY}[0-9]*.obj"))[:IDENTITY_MODES]
    shapes = sorted(path for path in folder.glob("*.obj") if path.name != NEUTRAL and not _is_identity(path))
    if not modes or not shapes:
        raise RigError(f"{folder} holds {len(modes)} identity and {len(shapes)} expression meshes; both are needed.")
    mean, faces = read_obj(folder / NEUTRAL)
    arrays = {
        "mean": mean,
        "faces": faces,
        "identity": _differences(modes, mean),
        "expressions": _differences(shapes, mean),
        "expression_names": np.array([path.stem for path in shapes]),
    }
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == SUFFIX:
        write_packed(output, arrays, kept=PART_ENDS[Part.RIGHT_EYEBALL])
    else:
        with output.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    return f"{len(mean)} vertices, {len(faces)} triangles, {len(modes)} identity modes, {len(shapes)} expression shapes"


def read_obj(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a Wavefront OBJ file; everything else in it is ignored.

    Polygons are cut into fans from their first corner.

    Returns:
        float32 [V, 3]; int32 [T, 3], indices from 0.

    Raises:
        RigError: a line cannot be read, a face names a vertex that does not exist, or there are no vertices.
    """
    path = Path(path)
    vertices, triangles = [], []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            kind, *values = line.split() or [""]
            try:
                if kind == "v":
                    vertices.append([float(value) for value in values[:3]])
                elif kind == "f":
                    corners = [_corner(value, len(vertices)) for value in values]
                    triangles += [[corners[0], *pair] for pair in pairwise(corners[1:])]
            except ValueError as error:
                raise RigError(f"{path.name}, line {number}: {line.strip()!r} is no vertex or face.") from error
    if not vertices or any(len(vertex) != 3 for vertex in vertices):
        raise RigError(f"{path.name} holds no vertices with three coordinates; a Wavefront OBJ file was expected.")
    faces = np.array(triangles, dtype=np.int32).reshape(-1, 3)
    if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise RigError(f"{path.name}: a face names a vertex outside 1 to {len(vertices)}.")
    return np.array(vertices, dtype=np.float32), faces


def _corner(text: str, count: int) -> int:
    """Vertex index from 0 out of "v", "v/vt" or "v/vt/vn"; a negative one counts back from the last vertex."""
    index = int(text.split("/")[0])
    return index - 1 if index > 0 else count + index


def _is_identity(path: Path) -> bool:
    return path.stem.startswith(IDENTITY) and path.stem[len(IDENTITY) :].isdigit()


def _differences(paths: list[Path], mean: np.ndarray) -> np.ndarray:
    """float16 [len(paths), V, 3]; half precision is a hundredth of a millimetre here."""
    differences = np.empty((len(paths), *mean.shape), np.float16)
    for i, path in enumerate(paths):
        vertices, _ = read_obj(path)
        if vertices.shape != mean.shape:
            raise RigError(
                f"{path.name} has {len(vertices)} vertices, {NEUTRAL} has {len(mean)}; they must be the same."
            )
        differences[i] = vertices - mean
    return differences
