"""Faces of other proportions, as avatars, drawings and statues have them: large eyes, a small mouth, a narrow chin.

A training set of people teaches where brows, lids and lips go on people. So a share of the samples gets other proportions,
both pictures of a pair alike, together with the motion between them.
"""

from typing import NamedTuple

import cv2
import numpy as np

from .._moved import renamed
from ..images.warp import warp_field
from .style import clouds

# How large the parts become, as the range of the logarithm of a factor.
EYES, NOSE, MOUTH = (-0.1, 0.5), (-0.4, 0.25), (-0.35, 0.3)
# How far each part reaches, the standard deviation of its bump in units of the distance between the pupils.
EYE_REACH, NOSE_REACH, MOUTH_REACH = 0.28, 0.22, 0.42
NOSE_PLACE = 0.62  # of the way from the eyes to the mouth
TAPER = 0.22  # by how much of its width the jaw, and the forehead, may become wider or narrower
UNEVEN, UNEVEN_WIDTH = 0.02, 0.3  # standard deviation and width of a random bending, in units of the pupils' distance
STEPS = 12  # of the fixed point that inverts the bending; it halves the error each time at least


class Proportions(NamedTuple):
    """A smooth bending of a picture of S pixels that folds nowhere.

    Attributes:
        offsets: float32 [S, S, 2], x and y in pixels: what is at p afterwards was at p + offsets(p).
    """

    offsets: np.ndarray

    def places(self) -> np.ndarray:
        """float32 [S, S, 2], where in the picture before the bending each pixel is taken from."""
        return _grid(len(self.offsets)) + self.offsets

    def bent(self, flow: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flow [S, S, 2] and valid [S, S] between two pictures once both are bent."""
        aims = self.places() + warp_field(flow, self.offsets)
        return self._afterwards(aims) - _grid(len(flow)), warp_field(valid, self.offsets)

    def points(self, points: np.ndarray) -> np.ndarray:
        """Where points [K, 2] of the picture lie once it is bent."""
        return self._afterwards(np.asarray(points, np.float32)[None])[0].astype(np.float64)

    def _afterwards(self, places: np.ndarray) -> np.ndarray:
        """Inverts the bending: for places [H, W, 2] before it the q with q + offsets(q) = place."""
        q = places
        for _ in range(STEPS):
            x, y = np.moveaxis(q.astype(np.float32), 2, 0)
            q = places - cv2.remap(self.offsets, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return q


def draw_proportions(rng: np.random.Generator, size: int, eyes: np.ndarray, mouth: np.ndarray) -> Proportions:
    """A face with parts of other sizes.

    Args:
        rng: the only source of randomness.
        size: side of the picture in pixels.
        eyes: [2, 2], x and y of the pupils in pixels, the left one in the picture first.
        mouth: [2], the centre of the mouth.
    """
    unit = float(np.hypot(*(eyes[1] - eyes[0])))
    centre = eyes.mean(axis=0)
    across = (eyes[1] - eyes[0]) / unit
    down = np.array([-across[1], across[0]])
    grid = _grid(size)
    offsets = np.zeros_like(grid)
    larger = np.exp(rng.uniform(*EYES))
    for eye in eyes:
        offsets += _scaled(grid, eye, EYE_REACH * unit, across, down, (larger, larger))
    nose = centre + NOSE_PLACE * (mouth - centre)
    offsets += _scaled(grid, nose, NOSE_REACH * unit, across, down, np.exp(rng.uniform(*NOSE, 2)))
    offsets += _scaled(grid, mouth, MOUTH_REACH * unit, across, down, np.exp(rng.uniform(*MOUTH, 2)))
    beside, below = (grid - centre) @ across, (grid - centre) @ down / unit
    jaw, forehead = rng.uniform(-TAPER, TAPER, 2)
    taper = beside * (jaw * np.clip(below, 0, 1.3) + forehead * np.clip(-below, 0, 1))
    offsets += taper[..., None] * across
    uneven = [clouds(rng, (size, size), UNEVEN_WIDTH * unit) for _ in range(2)]
    return Proportions((offsets + UNEVEN * unit * np.stack(uneven, axis=2)).astype(np.float32))


def _scaled(grid, place, reach, across, down, factors) -> np.ndarray:
    """Offsets [S, S, 2] that make what is around `place` `factors` times as large, across and down."""
    away = grid - place
    bump = np.exp(-0.5 * np.square(away).sum(axis=2) / reach**2)
    wide, tall = ((1 / factor - 1) * bump for factor in factors)
    return (wide * (away @ across))[..., None] * across + (tall * (away @ down))[..., None] * down


def _grid(size: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=2).astype(np.float32)


__getattr__ = renamed(__name__, {"Caricature": "Proportions", "draw_caricature": "draw_proportions"})
