"""The lips round an open mouth, without the dark line that a shut one draws at its corners, and without streaks."""

from functools import cached_property

import cv2
import numpy as np

from ...images.warp import smoothstep
from .mouth_blend import LipOpening
from .pose import PosedFace

# Shares of the inter-ocular distance: how far the line is followed inwards and outwards, how far beside it skin is healed,
# and the height of the darkest line that is taken out.
_INWARDS, _OUTWARDS, _BESIDE, _LINE = 0.14, 0.2, 0.06, 0.07
# Of the picture's side: shut lips may be this far apart in places, and an opening this high has no line left.
_SHUT, _OPEN = 0.004, 0.022
_NEAR_MOUTH = 0.12  # of the picture's side: what lies this near to an open mouth may show the line
# Pixels of the texture per pixel of the picture, down a column: from the first on skin is as it is, at the second it is drawn
# out so far that every pixel of the texture would be a streak.
_AS_IT_IS, _DRAWN_OUT = 0.5, 0.2
# Width of streaks as a share of the inter-ocular distance; share of the picture's side over which evening them out fades.
_STREAKS, _RUN_OUT = 0.04, 0.005


def openness(opening: LipOpening | None, side: int) -> np.float32:
    """0 for a shut mouth to 1 for lips that have clearly parted, in a picture of this side in pixels."""
    if opening is None:
        return np.float32(0)
    height = float(opening.cover.sum(axis=0).max()) / side
    return np.float32(smoothstep(np.asarray((height - _SHUT) / (_OPEN - _SHUT))))


class LipCorners:
    """The lips of one person, round a mouth that opens.

    Drawn out with it, the line at their corners is a slit or a whisker beside it, and the little that a shut mouth shows of
    the lips next to that line is a fringe of streaks.
    """

    def __init__(self, posed: PosedFace):
        self._posed = posed

    def heal(self, picture: np.ndarray, places: np.ndarray, opening: LipOpening | None, painted: np.ndarray) -> None:
        """Takes line and streaks from `picture` float32 [S, S, 3], the more the further the mouth opens; in place.

        Args:
            places: float32 [S, S, 2 or more], where in the texture its pixels take their colour.
            opening: of its mouth; None for a shut one.
            painted: float32 [S, S], set to 1 where the skin has lost its grain with the streaks; in place.
        """
        if opening is None:
            return
        side = self._posed.side
        share = openness(opening, side)
        reach = round(_NEAR_MOUTH * side)
        rows, columns = (slice(max(0, each.start - reach), each.stop + reach) for each in opening.window)
        x, y = (np.ascontiguousarray(places[rows, columns, axis]) for axis in (0, 1))
        healed, even = (
            cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
            for texture in (self._healed, self._even)
        )
        stretched = _stretched(x, y, _RUN_OUT * side)
        healed += stretched[..., None] * (even - healed)
        picture[rows, columns] += share * (healed - picture[rows, columns])
        painted[rows, columns] = np.maximum(painted[rows, columns], share * stretched)

    @cached_property
    def _even(self) -> np.ndarray:
        """uint8 [T, T, 3], the healed texture evened out along the lips."""
        return cv2.GaussianBlur(self._healed, (0, 0), sigmaX=max(0.5, _STREAKS * self._posed.iod), sigmaY=0.5)

    @cached_property
    def _healed(self) -> np.ndarray:
        """uint8 [T, T, 3], the posed texture without the line beyond the corners of the lips."""
        posed, texture = self._posed, self._posed.texture.copy()
        marks = posed.landmarks
        middle = (marks.upper_lip_bottom[3] + marks.lower_lip_top[3]) / 2
        for corner in marks.mouth_corners:
            _heal(texture, corner, corner - middle, posed.iod)
        return texture


def _stretched(x: np.ndarray, y: np.ndarray, fade: float) -> np.ndarray:
    """float32 [H, W], 1 where the texture is drawn out down the columns, 0 where it is not, from its places `x`, `y`."""
    step = np.hypot(np.gradient(x, axis=0), np.gradient(y, axis=0))
    drawn_out = smoothstep((_AS_IT_IS - step) / (_AS_IT_IS - _DRAWN_OUT)).astype(np.float32)
    return cv2.GaussianBlur(drawn_out, (0, 0), max(fade, 0.5))


def _heal(texture: np.ndarray, corner: np.ndarray, outwards: np.ndarray, iod: float) -> None:
    """Takes dark lines that run `outwards` [2] through `corner` [2] from `texture` uint8 [T, T, 3]; in place."""
    outwards = outwards / max(float(np.linalg.norm(outwards)), 1e-6)
    reach = int(np.ceil((_OUTWARDS + _BESIDE) * iod)) + 2
    x, y = np.round(corner).astype(int)
    rows, columns = (slice(max(0, at - reach), max(0, at + reach + 1)) for at in (y, x))
    seen = texture[rows, columns]
    if min(seen.shape[:2]) < 3:
        return
    down, across = np.mgrid[: seen.shape[0], : seen.shape[1]].astype(np.float32)
    across, down = (across + (columns.start - corner[0])) / iod, (down + (rows.start - corner[1])) / iod
    along = across * outwards[0] + down * outwards[1]
    beside = down * outwards[0] - across * outwards[1]
    share = smoothstep((along + _INWARDS) / _INWARDS) * smoothstep((_OUTWARDS - along) / (0.5 * _OUTWARDS))
    share = (share * np.exp(-((beside / _BESIDE) ** 2))).astype(np.float32)[..., None]
    height = 2 * max(1, round(_LINE * iod / 2)) + 1
    light = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((height, 1), np.uint8))
    light = cv2.GaussianBlur(light, (0, 0), max(0.5, 0.015 * iod))
    # Only what is darker than its surroundings is the line.
    texture[rows, columns] = np.round(seen + share * (np.maximum(light, seen).astype(np.float32) - seen))
