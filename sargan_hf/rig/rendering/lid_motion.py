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
from .pose import PosedFace

_LEAST_SKIN, _MOST_SKIN = 0.08, 0.28  # inter-ocular distances above the lashes that are drawn out, brow or not
_BEND = 1.25  # power by which the movement grows towards the lashes: the skin above is drawn out less
_LEAST = 0.5  # pixels that a lid has come down by
_MOST = 3.5  # as a share of that skin; beyond it, it would fold over
_FADE = 0.4  # share of that skin over which the true motion, such as a brow's, gives way
_ROUNDS = 16


@dataclass(frozen=True, eq=False)
class LoweredLid:
    """An upper lid that has come down, in a window of the oversampled picture.

    Attributes:
        window: rows and columns.
        backward: float32 [R, C], pixels by which a place of the picture takes its skin from further up; negative.
        backward_share: float32 [R, C] in [0, 1], how much of `backward` takes the place of the true motion.
        forward: float32 [R, C], pixels by which a place of the neutral picture comes down.
        forward_share: float32 [R, C], likewise.
    """

    window: tuple[slice, slice]
    backward: np.ndarray
    backward_share: np.ndarray
    forward: np.ndarray
    forward_share: np.ndarray


def lowered_lids(before: np.ndarray, now: np.ndarray, posed: PosedFace, mesh: RigMesh) -> list[LoweredLid]:
    """The lids that have come down.

    Args:
        before, now: float32 [V, 3], vertices of the neutral picture and of this one, on screen.
        posed: the face.
        mesh: of both.
    """
    found = []
    for eye in mesh.model.upper_lid_paths:
        skin = _skin_above(eye, posed, mesh)
        lid = _lowered(mesh.upper_lid(before, eye), mesh.upper_lid(now, eye), posed.side, skin)
        if lid is not None:
            found.append(lid)
    return found


def _skin_above(eye: str, posed: PosedFace, mesh: RigMesh) -> float:
    """Pixels between the lashes of an eye and its brow, which stays where it is."""
    brow = posed.landmarks.left_brow_bottom if eye == "L" else posed.landmarks.right_brow_bottom
    lid = mesh.upper_lid(posed.photo, eye)
    over = brow[(brow[:, 0] > lid[0, 0]) & (brow[:, 0] < lid[-1, 0])]
    heights = np.interp(over[:, 0], lid[:, 0], lid[:, 1]) - over[:, 1]
    skin = float(np.median(heights)) - LASHES * posed.side if len(over) else np.inf
    return float(np.clip(skin, _LEAST_SKIN * posed.iod, _MOST_SKIN * posed.iod))


def _lowered(before: np.ndarray, now: np.ndarray, side: int, skin: float) -> LoweredLid | None:
    left = int(np.clip(np.ceil(max(before[0, 0], now[0, 0])), 0, side))
    right = int(np.clip(np.floor(min(before[-1, 0], now[-1, 0])) + 1, 0, side))
    top = int(np.clip(before[:, 1].min() - LASHES * side - skin, 0, side))
    bottom = int(np.clip(np.ceil(now[:, 1].max()) + 1, 0, side))
    if right - left < 3 or bottom - top < 3:
        return None
    x, y = np.arange(left, right), np.arange(top, bottom, dtype=np.float32)[:, None]
    was, is_now = (np.interp(x, edge[:, 0], edge[:, 1]) for edge in (before, now))
    if (is_now - was).max() < _LEAST:
        return None
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
