"""Exact motion: the renderer knows which point of the person every pixel shows, in each picture of a set.

A pixel's triangle and place on it give where the same point lies in the neutral picture. The neutral picture may show
something else there (a lid, the other lip); that is found by comparing which point of the photograph both show.

The skin of a lid that has come down has no such point: `lid_motion.py` says what stands for it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from ..face_model.model import Part
from .lid_motion import lowered_lids
from .rasterizer import Raster
from .shot import Shot
from .stage import Stage

# Two pixels show the same point of the photograph if the points are this near, as a share of the picture's side.
_SAME_POINT = 0.006
# Pixels that are averaged to one must move alike, within this many pixels of the oversampled picture.
_SPREAD = 3.0
_MADE_UP = 0.3  # share of a pixel's colour from which it shows nothing of the photograph
_STANDS_FOR = 0.5  # share of a made motion from which it counts as known
_SKIN_OR_BACKDROP, _EYE, _MOUTH, _PAINTED = 0, 1, 2, 3
_EYES = (Part.LEFT_EYE_SOCKET, Part.RIGHT_EYE_SOCKET, Part.LEFT_EYEBALL, Part.RIGHT_EYEBALL)


def _materials() -> np.ndarray:
    """uint8 [parts + 1], material of each `Part`; the last entry is that of the background, part -1."""
    material = np.full(max(Part) + 2, _SKIN_OR_BACKDROP, np.uint8)
    material[Part.MOUTH_SOCKET : max(Part) + 1] = _MOUTH
    material[list(_EYES)] = _EYE
    return material


_MATERIALS = _materials()


_Lid = tuple[tuple[slice, slice], np.ndarray, np.ndarray]  # window, rows by which its places move, share of that


@dataclass(frozen=True, eq=False)
class _View:
    """One picture of the set, oversampled.

    Vertices [N, 3] on screen, how far each shows the photograph from its neutral place [N, 2], raster, photograph places
    [H, W, 2], material [H, W].
    """

    vertices: np.ndarray
    shift: np.ndarray
    raster: Raster
    places: np.ndarray
    material: np.ndarray


class MotionTracer:
    """Motion between the neutral picture of a `Stage` and its other pictures."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._neutral = self._view(stage.neutral)

    def trace(self, shot: Shot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Motion of the picture rendered from a shot.

        Returns:
            backward float32 [S, S, 2] and forward float32 [S, S, 2] in pixels of the picture, valid bool [S, S]; see
            `RenderedExpression`.
        """
        stage = self._stage
        view = self._view(shot)
        lids = []
        if shot.movement is not None and not stage.eyes_shut:
            lids = lowered_lids(stage.neutral.vertices, shot.vertices, stage.posed, stage.mesh)
        down = [(lid.window, lid.backward, lid.backward_share) for lid in lids]
        backward, valid = self._between(view, self._neutral, down)
        forward, _ = self._between(self._neutral, view, [(lid.window, lid.forward, lid.forward_share) for lid in lids])
        if stage.variation.mirror:
            backward, forward = (field[:, ::-1] * np.array([-1, 1], np.float32) for field in (backward, forward))
            valid = valid[:, ::-1]
        return np.ascontiguousarray(backward), np.ascontiguousarray(forward), np.ascontiguousarray(valid)

    def _view(self, shot: Shot) -> _View:
        stage, raster = self._stage, shot.raster
        # Part -1, the background, takes the last entry.
        material = _MATERIALS[shot.part]
        places = raster.interpolate(shot.places, stage.triangles)
        for window, share, _ in stage.new_lids(shot, places):
            material[window][share > _MADE_UP] = _PAINTED
        if stage.blank_eyes and max(stage.eyes_moved(shot).values()) > 0:
            # They stretch with their lids, which the mesh does not know.
            material[material == _EYE] = _PAINTED
        return _View(shot.vertices, shot.places - stage.places, raster, places, material)

    def _between(self, target: _View, source: _View, lids: list[_Lid]) -> tuple[np.ndarray, np.ndarray]:
        """target(p) = source(p + motion(p)) where valid, at the picture's resolution."""
        stage, side = self._stage, self._stage.posed.side
        shown = source.vertices[:, :2] + target.shift - source.shift
        origin = target.raster.interpolate(shown, stage.triangles)
        x, y = origin[..., 0], origin[..., 1]
        there = cv2.remap(source.places, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        apart = there - target.places
        valid = apart[..., 0] ** 2 + apart[..., 1] ** 2 < (_SAME_POINT * side) ** 2
        material = cv2.remap(source.material, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        valid &= (material == target.material) & (target.material < _MOUTH) & (target.raster.triangle >= 0)
        valid &= (x > -0.5) & (y > -0.5) & (x < side - 0.5) & (y < side - 0.5)
        rows, columns = np.mgrid[:side, :side].astype(np.float32)
        motion = origin - np.stack([columns, rows], axis=-1)
        for window, down, share in lids:
            share = share * np.isin(target.material[window], (_SKIN_OR_BACKDROP, _PAINTED))
            motion[window] += share[..., None] * (np.dstack([np.zeros_like(down), down]) - motion[window])
            valid[window] |= share >= _STANDS_FOR
        return _averaged(motion, valid, stage.supersample)


def _averaged(motion: np.ndarray, valid: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Means over blocks of `factor` x `factor` pixels, in units of the blocks; valid where the whole block is and agrees."""
    size = motion.shape[0] // factor
    means, agree = np.empty((size, size, 2), np.float32), np.empty((size, size), np.bool_)
    _average_blocks(motion, valid, factor, means, agree)
    return means, agree


@njit(cache=True, nogil=True)
def _average_blocks(motion, valid, factor, means, agree):
    for y in range(means.shape[0]):
        for x in range(means.shape[1]):
            agree[y, x] = True
            for k in range(2):
                total = np.float32(0)
                least = most = motion[y * factor, x * factor, k]
                for v in range(y * factor, (y + 1) * factor):
                    for u in range(x * factor, (x + 1) * factor):
                        value = motion[v, u, k]
                        total += value
                        least, most = min(least, value), max(most, value)
                        agree[y, x] &= valid[v, u]
                means[y, x, k] = total / np.float32(factor * factor) / np.float32(factor)
                agree[y, x] &= most - least < _SPREAD
