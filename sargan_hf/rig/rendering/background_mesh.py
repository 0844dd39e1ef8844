"""Everything in the picture that the face mesh does not cover: hair, ears, neck and what is behind.

It is a sheet of small triangles under the face. The sheet follows the rim of the moving face, so no seam opens, and chin,
neck and hair move too. It has a depth, so it turns with the head.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import SKIN, RigMesh
from ..face_model.model import MULTI_PIE, Part
from .deform import Deformation
from .pose import PosedFace
from .rasterizer import Raster

_CELLS = 40  # of the sheet along a picture's side
_FOLLOW = 0.13  # how far the surroundings follow the rim of the face, as a share of the side
_LIT_BELOW_CHIN = 0.06  # share of the side below the chin in which a new light fades out
_FREE_FROM = 4.0  # the quarter of the fading rim next to the edge of the skin joins the sheet
_BEHIND = -1e6  # depth of the sheet: behind every part of the mesh, near and far within it still ordered


@dataclass(frozen=True, eq=False)
class BackgroundSheet:
    """The sheet under a posed face.

    Attributes:
        photo: float32 [G, 3], grid points in the texture's frame, with a depth.
        follows_head: float32 [G], 1 where a point turns with the head, 0 far from it.
        triangles: int32 [2 (rows - 1) (columns - 1), 3].
        shape: rows and columns of the grid.
        cell: pixels between grid points.
        head: float32 [G], 1 on the head, 0 off it, at its outline and down the neck: what a new light falls on.
        rim: int, skin vertices whose displacement the sheet follows.
        rim_cells: int [len(rim)], grid point nearest to each.
        source: int [G], for each grid point the nearest grid point that has a rim vertex.
        follow: float32 [G], how much each grid point follows its source.
    """

    photo: np.ndarray
    follows_head: np.ndarray
    triangles: np.ndarray
    shape: tuple[int, int]
    cell: float
    head: np.ndarray
    rim: np.ndarray
    rim_cells: np.ndarray
    source: np.ndarray
    follow: np.ndarray


def background_sheet(posed: PosedFace, mesh: RigMesh, drawn: np.ndarray) -> BackgroundSheet:
    """Lays the sheet; `drawn` are the skin vertices that the mesh draws."""
    cell = posed.side / _CELLS
    count = int(np.ceil((posed.texture.shape[0] - 1) / cell)) + 1
    steps = np.minimum(np.arange(count) * cell, posed.texture.shape[0] - 1).astype(np.float32)
    x, y = np.meshgrid(steps, steps)
    depth, on_head = _head_depth(posed, mesh, cell, count)
    rim = drawn[(posed.normals[drawn, 2] > 0) & ~mesh.lip_region[drawn]]
    cells = np.clip(np.round(posed.photo[rim, :2] / cell).astype(int), 0, count - 1)
    cells = cells[:, 1] * count + cells[:, 0]
    source, distance = _nearest_marked(cells, count)
    follow = np.exp(-((distance / (_FOLLOW * _CELLS)) ** 2))
    return BackgroundSheet(
        photo=np.stack([x.ravel(), y.ravel(), depth.ravel()], axis=1).astype(np.float32),
        follows_head=_follows_head(posed, on_head, cell).ravel(),
        head=(_inside(on_head) * (1 - _below_chin(posed, cell, count, _LIT_BELOW_CHIN))).ravel(),
        triangles=_grid_triangles(count, count),
        shape=(count, count),
        cell=cell,
        rim=rim,
        rim_cells=cells,
        source=source,
        follow=follow.astype(np.float32),
    )


def spread(sheet: BackgroundSheet, values: np.ndarray) -> np.ndarray:
    """float32 [G, K], values [len(rim), K] of the rim vertices on the sheet: means per grid point, continued outwards."""
    count = sheet.shape[0] * sheet.shape[1]
    number = np.bincount(sheet.rim_cells, minlength=count).astype(np.float32)
    sums = [np.bincount(sheet.rim_cells, weights=values[:, k], minlength=count) for k in range(values.shape[1])]
    means = (np.stack(sums, axis=1) / np.maximum(number, 1)[:, None]).astype(np.float32)
    marked = number > 0
    outside = means[sheet.source].reshape(*sheet.shape, -1)
    smooth = cv2.GaussianBlur(outside, (0, 0), 1.5).reshape(count, -1)
    return np.where(marked[:, None], means, smooth)


def at_points(sheet: BackgroundSheet, values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """float32 [N], values [G] of the grid points at `points` [N, 2] in the texture's frame."""
    x, y = np.ascontiguousarray(points.T / sheet.cell, np.float32)
    grid = np.ascontiguousarray(values.reshape(sheet.shape), np.float32)
    return cv2.remap(grid, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]


def light_of_all(posed: PosedFace, added: np.ndarray, sheet: BackgroundSheet) -> np.ndarray:
    """float32 [V + G], factor of a new light on all vertices, `added` [9409] on the skin, then on the sheet's.

    Towards the outline of the head the new light fades out, on the face as on the hair beside it.
    """
    light = np.ones(len(posed.photo) + len(sheet.photo), np.float32)
    light[SKIN] += (added - 1) * at_points(sheet, sheet.head, posed.photo[SKIN, :2])
    light[len(posed.photo) :] += spread(sheet, added[sheet.rim, None] - 1)[:, 0] * sheet.head
    return light


def sheet_screen(sheet: BackgroundSheet, posed: PosedFace, deformation: Deformation | None) -> np.ndarray:
    """float32 [G, 3], the sheet in the picture's frame under an expression (None: neutral)."""
    photo = sheet.photo
    if deformation is not None:
        move = deformation.photo[sheet.rim, :2] - posed.photo[sheet.rim, :2]
        move = spread(sheet, move) * sheet.follow[:, None]
        photo = photo.copy()
        photo[:, :2] += cv2.GaussianBlur(move.reshape(*sheet.shape, 2), (0, 0), 0.7).reshape(-1, 2)
    still = photo - np.array([posed.margin, posed.margin, 0], np.float32)
    screen = still + (posed.turned(photo) - still) * sheet.follows_head[:, None]
    screen[:, 2] += _BEHIND
    return screen


class JoinedSheet:
    """The skin and the sheet under it, whose skin moves as the sheet does where it ends.

    Moved by itself, the rim of the skin stood out from the outline of the jaw in steps.

    Args:
        posed: the face.
        sheet: its sheet.
        share: float32 [9409], 0 at the rim of the skin to 1 well inside.
    """

    def __init__(self, posed: PosedFace, sheet: BackgroundSheet, share: np.ndarray):
        self._posed, self._sheet = posed, sheet
        held = 1 - np.clip(_FREE_FROM * share, 0, 1)
        self._rim = np.flatnonzero(held > 0)
        self._held = held[self._rim, None]
        self._still = sheet_screen(sheet, posed, None)

    def vertices(self, deformation: Deformation) -> np.ndarray:
        """float32 [V + G, 3], vertices of the mesh and of the sheet in the picture's frame."""
        posed, sheet, rim = self._posed, self._sheet, self._rim
        now = sheet_screen(sheet, posed, deformation)
        places = posed.photo[rim, :2]
        moved = np.stack([at_points(sheet, (now - self._still)[:, axis], places) for axis in (0, 1)], axis=1)
        screen = np.concatenate([deformation.screen, now])
        screen[rim, :2] -= self._held * (screen[rim, :2] - posed.screen[rim, :2] - moved)
        return screen


def _head_depth(posed: PosedFace, mesh: RigMesh, cell: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth of the head's surface at the grid points, continued outwards, and which of them lie on the head."""
    part = mesh.model.triangle_part
    head = mesh.model.faces[(part == Part.FACE) | (part == Part.HEAD_AND_NECK)]
    small = posed.photo.copy()
    small[:, :2] /= cell
    raster = Raster.empty(count, count)
    raster.draw(small, head, 0, len(head))
    on_head = raster.triangle >= 0
    source, _ = _nearest_marked(np.flatnonzero(on_head), count)
    # Ears stand off the head: unless smoothed, the sheet would tear round them when the head turns.
    depth = cv2.medianBlur(raster.depth.ravel()[source].reshape(count, count), 5)
    return cv2.GaussianBlur(depth, (0, 0), 1.6), on_head


def _inside(on_head: np.ndarray) -> np.ndarray:
    """float32, 1 well inside of the head, falling to 0 at its outline: what is behind must not be touched."""
    eroded = cv2.erode(on_head.astype(np.float32), np.ones((3, 3), np.uint8), iterations=2)
    return np.minimum(cv2.GaussianBlur(eroded, (0, 0), 1.0), on_head)


def _follows_head(posed: PosedFace, on_head: np.ndarray, cell: float) -> np.ndarray:
    """float32 [rows, columns], how much each grid point turns with the head: less further out and down the neck."""
    count = len(on_head)
    _, distance = _nearest_marked(np.flatnonzero(on_head), count)
    follows = np.exp(-((distance.reshape(count, count) / (0.30 * _CELLS)) ** 2))
    # The neck bends: from the chin down the surroundings turn less and less.
    return (follows * (1 - _below_chin(posed, cell, count, 0.28))).astype(np.float32)


def _below_chin(posed: PosedFace, cell: float, count: int, reach: float) -> np.ndarray:
    """float32 [rows, 1], 0 at the chin and above, 1 from `reach` (a share of the side) below it on."""
    chin = posed.photo[MULTI_PIE[8], 1] / cell
    return smoothstep((np.arange(count, dtype=np.float32) - chin) / (reach * _CELLS))[:, None]


def _nearest_marked(cells: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """For every point of a count x count grid the nearest of `cells`, and its distance in cells."""
    free = np.ones((count, count), np.uint8)
    free.ravel()[cells] = 0
    distance, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    labels = np.asarray(labels, np.int64)
    owner = np.zeros(labels.max() + 1, np.int64)
    owner[labels.ravel()[cells]] = cells
    return owner[labels.ravel()], distance.ravel()


def _grid_triangles(rows: int, columns: int) -> np.ndarray:
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel(), corner[1:, :-1].ravel(), corner[1:, 1:].ravel()
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)]).astype(np.int32)
