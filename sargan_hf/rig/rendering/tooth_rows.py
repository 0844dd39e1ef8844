"""Where the two rows of teeth stand behind the lips of a picture."""

import numpy as np

from ..face_model.mesh import RigMesh
from ..face_model.model import PART_ENDS, Part
from .pose import PosedFace
from .variation import TeethLook

_INSIDE = slice(PART_ENDS[Part.RIGHT_EYE_SOCKET], PART_ENDS[Part.TEETH])  # gums, tongue and teeth
_TEETH = slice(PART_ENDS[Part.GUMS_AND_TONGUE], PART_ENDS[Part.TEETH])
_INCISORS = 0.8  # units of the mean face from the middle
_INCISORS_SHOW = 0.42  # of the upper incisors, this many model units at least stand below the edge of the upper lip
# Model units: crowns of the face model's upper incisors, by how much its gums hide them, and the gum that a raised lip shows.
_CROWN, _GUMS_TOO_LOW, _GUM_SHOWN = 0.63, 0.22, 0.1
_HELD = 0.1  # what an opening jaw moves less than this share of the lower teeth belongs to the upper jaw
_CLENCHED = 0.4  # model units between rows that are not clenched
_ARCH_FOLLOWS, _WIDEST_ARCH = 0.5, 1.14  # share of a widening of the mouth, and its most


class ToothRows:
    """Teeth of one person: hung so that an opened jaw shows an edge of the upper ones, sized and tilted as drawn.

    Hung by the fit alone, half of them hide behind the upper lip, and a mouth that only the jaw opens is an empty hole.

    Args:
        posed: the face that they belong to.
        mesh: its mesh.
        look: the draw of teeth.
        lower: float32 [V], 1 on the lower teeth.
    """

    def __init__(self, posed: PosedFace, mesh: RigMesh, look: TeethLook, lower: np.ndarray):
        self._look, self._unit = look, posed.unit
        path = mesh.model.upper_lip_path
        self._lip, self._lip_middle = path, path[len(path) // 2]
        teeth = np.arange(_TEETH.start, _TEETH.stop)
        teeth = teeth[np.abs(mesh.model.mean[teeth, 0]) < _INCISORS]
        self._incisors, self._lower_incisors = teeth[lower[teeth] < 0.5], teeth[lower[teeth] > 0.5]
        self._upper_jaw = _upper_jaw(mesh)
        self._lower_jaw = np.setdiff1d(np.arange(_INSIDE.start, _INSIDE.stop), self._upper_jaw)
        self._upper_gums = self._upper_jaw[self._upper_jaw < _TEETH.start]
        shown = float(posed.screen[self._incisors, 1].max() - posed.screen[self._lip_middle, 1]) / posed.unit
        self._lower_by = max(0.0, _INCISORS_SHOW - shown) * posed.unit
        self._neutral_width = float(np.ptp(posed.screen[self._lip, 0]))

    def place(self, screen: np.ndarray) -> None:
        """Moves gums, tongue and teeth of `screen` float32 [V, 3]; in place."""
        look = self._look
        screen[_INSIDE, 1] += self._lower_by
        middle = screen[_INSIDE].mean(axis=0)
        width = look.width * self._arch(screen)
        screen[_INSIDE, 0] = middle[0] + (screen[_INSIDE, 0] - middle[0]) * width
        screen[_INSIDE, 1] += look.tilt * (screen[_INSIDE, 0] - middle[0])
        line = screen[_TEETH, 1].mean()
        screen[_TEETH, 1] = line + (screen[_TEETH, 1] - line) * look.length
        self._raise_gums(screen)

    def _arch(self, screen: np.ndarray) -> float:
        """Width of the rows, 1 for the fit's: they widen with a mouth that widens, else a smile ends in two black wedges."""
        wider = np.ptp(screen[self._lip, 0]) / max(self._neutral_width, 1.0) - 1
        return float(np.clip(1 + _ARCH_FOLLOWS * wider, 1.0, _WIDEST_ARCH))

    def _raise_gums(self, screen: np.ndarray) -> None:
        """Moves the upper jaw up where a raised lip bares more than a rim of the gums; in place.

        The shapes raise the lip further than lips rise. What they bare looks like a plate above a row of short teeth.
        """
        screen[self._upper_gums, 1] -= _GUMS_TOO_LOW * self._unit
        crown = (_CROWN + _GUMS_TOO_LOW + _GUM_SHOWN) * self._unit
        line = float(screen[self._incisors, 1].max()) - crown
        up = max(0.0, line - float(screen[self._lip_middle, 1]))
        apart = float(screen[self._lower_incisors, 1].min() - screen[self._incisors, 1].max()) / self._unit
        screen[self._upper_jaw, 1] -= up
        # Clenched teeth stay clenched.
        screen[self._lower_jaw, 1] -= up * float(np.clip(1 - apart / _CLENCHED, 0, 1))


def _upper_jaw(mesh: RigMesh) -> np.ndarray:
    """int, vertices of the upper teeth and gums."""
    opening = mesh.shapes[mesh.model.expression_index("jawOpen")].reshape(-1, 3)[_INSIDE]
    moved = np.linalg.norm(opening, axis=1)
    return np.arange(_INSIDE.start, _INSIDE.stop)[moved < _HELD * moved.max()]
