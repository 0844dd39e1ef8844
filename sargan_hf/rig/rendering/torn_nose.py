"""The far side of a turned head's nose: a movement that uncovers it draws cracks, which are evened out.

There the skin passes in one triangle from the nose over its outline to the cheek, which `skin_rim.places_behind_nose` takes for
what is hidden. Squeezed into a pixel or two, that is a dark crack along the bridge, or a row of teeth.
"""

import cv2
import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import SKIN, RigMesh
from .pose import PosedFace
from .shot import Shot
from .skin_rim import LEAST_TURN, sideways

# Pixels of the texture per pixel of the picture: a face that moves squeezes its skin up to the first, the second is a crack.
_SQUEEZED, _CRACK = 2.2, 3.7
# Shares of the picture's side: what is evened out beside a crack, over which it fades, and how wide it is evened out.
_BESIDE, _FADE, _EVEN = 0.0065, 0.005, 0.01
# The nose on the mean face, in its units; below it are the lips.
_HALF_WIDTH, _LOW, _HIGH, _FRONT = 2.2, -2.2, 4.0, 5.0


def even_out_cracks(
    picture: np.ndarray, pixels: np.ndarray, painted: np.ndarray, shot: Shot, posed: PosedFace, mesh: RigMesh
) -> None:
    """Evens out the cracks that a movement opens at the nose of a turned head; in place.

    Args:
        picture: float32 [S, S, 3], RGB.
        pixels: float32 [S, S, 5 or more], where in the texture each pixel takes its colour, shade, place on the mean face.
        painted: float32 [S, S], set to 1 where the skin has lost its grain.
    """
    if abs(sideways(posed)) < LEAST_TURN:
        return
    x, y, z = mesh.model.mean[SKIN].T
    nose = shot.vertices[SKIN][(np.abs(x) < _HALF_WIDTH) & (y > _LOW) & (y < _HIGH) & (z > _FRONT), :2]
    low, high = np.clip([nose.min(axis=0) - 2, nose.max(axis=0) + 3], 0, posed.side).astype(int)
    window = slice(low[1], high[1]), slice(low[0], high[0])
    if min(high - low) < 3:
        return
    seen = pixels[window]
    on_nose = (np.abs(seen[..., 3]) < _HALF_WIDTH) & (seen[..., 4] > _LOW) & (seen[..., 4] < _HIGH)
    crack = smoothstep((_step(seen[..., 0], seen[..., 1]) - _SQUEEZED) / (_CRACK - _SQUEEZED)).astype(np.float32)
    beside = 2 * max(1, round(_BESIDE * posed.side / 2)) + 1
    crack = cv2.dilate(crack * on_nose, np.ones((beside, beside), np.uint8))
    crack = cv2.GaussianBlur(crack, (0, 0), max(0.5, _FADE * posed.side))
    even = cv2.GaussianBlur(picture[window], (0, 0), max(0.5, _EVEN * posed.side))
    picture[window] += crack[..., None] * (even - picture[window])
    painted[window] = np.maximum(painted[window], crack)


def _step(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float32 [H, W], how far apart neighbouring pixels take their colours, from their places `x`, `y` [H, W]."""
    return np.maximum(*(np.hypot(np.gradient(x, axis=axis), np.gradient(y, axis=axis)) for axis in (0, 1)))
