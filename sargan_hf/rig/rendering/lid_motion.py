"""Where the skin of a lowered upper lid comes from, as far as the neutral picture can tell.

The true skin of a shut lid is folded away in the neutral picture, so no exact motion leads there. But an edit has to show some
skin, and what the neutral picture has between brow and lashes is made of the right stuff. So the motion draws it out down to
the lashes, the more the closer to them. The lashes themselves move as they are.
"""

from dataclasses import dataclass

import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import RigMesh
from .lid_skin import LASHES

_ABOVE = 0.28  # inter-ocular distances above the lashes from which skin is drawn out: about where a brow ends
_BEND = 1.5  # power by which the movement grows towards the lashes; a brow hardly moves
_LEAST = 0.5  # pixels that a lid has come down by
_MOST = 1.4  # as a share of that skin; beyond it, it would fold over
_FADE = 0.4  # share of that skin over which the true motion, such as a brow's, gives way
_ROUNDS = 16


@dataclass(frozen=True, eq=False)
class LoweredLid:
    """An upper lid that has come down, in a window of the oversampled picture.

    Attributes:
        window: rows and columns.
        backward: float32 [R, C], pixels by which a place of the picture takes its skin from further up in the neutral one; negative.
        backward_share: float32 [R, C] in [0, 1], how much of `backward` takes the place of the true motion.
        forward: float32 [R, C], pixels by which a place of the neutral picture comes down.
        forward_share: float32 [R, C], likewise.
    """

    window: tuple[slice, slice]
    backward: np.ndarray
    backward_share: np.ndarray
    forward: np.ndarray
    forward_share: np.ndarray


def lowered_lids(before: np.ndarray, now: np.ndarray, mesh: RigMesh, side: int, iod: float) -> list[LoweredLid]:
    """The lids that have come down.

    Args:
        before, now: float32 [V, 3], vertices of the neutral picture and of this one, on screen.
        mesh: of both.
        side: of the picture in pixels.
        iod: inter-ocular distance in pixels.
    """
    found = []
    for path in mesh.model.upper_lid_paths.values():
        edges = [points[path][np.argsort(points[path, 0])] for points in (before, now)]
        lid = _lowered(*edges, side, iod)
        if lid is not None:
            found.append(lid)
    return found


def _lowered(before: np.ndarray, now: np.ndarray, side: int, iod: float) -> LoweredLid | None:
    left = int(np.clip(np.ceil(max(before[0, 0], now[0, 0])), 0, side))
    right = int(np.clip(np.floor(min(before[-1, 0], now[-1, 0])) + 1, 0, side))
    top = int(np.clip(before[:, 1].min() - LASHES * side - _ABOVE * iod, 0, side))
    bottom = int(np.clip(np.ceil(now[:, 1].max()) + 1, 0, side))
    if right - left < 3 or bottom - top < 3:
        return None
    x, y = np.arange(left, right), np.arange(top, bottom, dtype=np.float32)[:, None]
    was, is_now = (np.interp(x, edge[:, 0], edge[:, 1]) for edge in (before, now))
    if (is_now - was).max() < _LEAST:
        return None
    skin = _ABOVE * iod
    lashes, down = was - LASHES * side, np.clip(is_now - was, 0, _MOST * skin)

    def along(place: np.ndarray) -> np.ndarray:
        """0 where skin begins to be drawn out, 1 at the lashes, in the picture."""
        return np.clip((place - lashes + skin) / (skin + down), 0, 1)

    forward = np.zeros(np.broadcast_shapes(y.shape, x.shape))
    for _ in range(_ROUNDS):  # the place that shows what lies at y
        forward = down * along(y + forward) ** _BEND
    share, lowered = along(y), down >= _LEAST
    return LoweredLid(
        (slice(top, bottom), slice(left, right)),
        (-down * share**_BEND).astype(np.float32),
        (smoothstep(share / _FADE) * (y <= is_now) * lowered).astype(np.float32),
        forward.astype(np.float32),
        (smoothstep(along(y + forward) / _FADE) * (y <= was) * lowered).astype(np.float32),
    )
