"""The inside of the mouth, which no neutral picture shows: teeth, gums, tongue and the dark behind them."""

import cv2
import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import INSIDE_MOUTH, RigMesh
from ..face_model.model import INNER_LIPS, Part
from .mouth_blend import LipOpening
from .mouth_colours import MouthColours
from .pose import PosedFace
from .shading import brightness

# RGB under a full light; measured on open smiles by eye.
_SOCKET, _SOCKET_FLOOR = np.array([96, 40, 42], np.float32), np.array([46, 20, 21], np.float32)
_GUMS, _TONGUE = np.array([168, 92, 94], np.float32), np.array([150, 80, 81], np.float32)
_DRAWN_TONGUE = 1.9  # lighter in a print: without its red, it would be one flat dark with the throat
# A tongue lies on the floor of an opening this high, as shares of the picture's side: none of it is seen, and all of it.
_TONGUE_FROM, _TONGUE_ALL = 0.035, 0.09
_THROAT_DARK = 0.32  # how much darker the middle of a wide mouth is
# The lower side teeth of an opened jaw stand in the dark; lit, they show as slivers in the corners of the mouth.
_LOWER_TEETH_LIT, _LOWER_TEETH_FADE = 0.9, 0.55  # units of the mean face, from the middle
_UNDER_LIP = 0.55  # light just beneath the upper lip, the floor of the mouth having 1
_CORNER_LIGHT, _CORNER = 0.45, 0.045  # share of the lips' colour where an opening is lower than this, of the side
_MELT = 0.014  # of the picture's side, over which the parts of the hollow run into each other
_RIM, _RIM_WIDTH = 0.7, 0.016  # light at the edge of the lips, and the share of the picture's side over which it rises
# How far the floor of a carved hollow comes out of the dark towards the light of a cheek, and where in its height it begins to.
_STONE_FLOOR, _STONE_RISES = 0.32, 0.3
_BITE = 0.022  # lower teeth this near to upper ones, as a share of the picture's side, are seen with them
# Light on the teeth: at the edge of the upper lip, whose shadow ends this share of the picture's side below it; on lower teeth
# that no upper ones are near; on those of prints and drawings, and in their hollows; and on the
# sides of the arch, which fade from `_FRONT` units on.
_LIP_SHADOW, _SHADOW_ENDS = 0.76, 0.022
_LOWER_TEETH, _DRAWN_TEETH, _DRAWN_HOLLOW = 0.65, 0.9, 0.75
_SHADE_POWER = np.array([-0.06, 0.1, 0.16], np.float32)  # by channel
_FRONT, _ARCH_FADE, _ARCH_LEAST = 0.75, 1.35, 0.3


def paint_mouth(
    part: np.ndarray,
    depth: np.ndarray,
    surface: np.ndarray,
    lips_depth: float,
    posed: PosedFace,
    colours: MouthColours,
    light: np.ndarray,
    opening: LipOpening,
) -> np.ndarray:
    """Colours of a window of the picture that shows the inside of the mouth.

    Args:
        part: int [H, W], `Part` per pixel; pixels of other parts get no meaningful colour.
        depth: float32 [H, W], depth of the surface in pixels towards the camera; lips_depth: that of the lips.
        surface: float32 [H, W, 7], interpolated: normal in picture axes, x on the mean face, tooth shade, place across
            the tooth, 1 on the lower teeth.
        light: float32 [H, W], how brightly the skin round the mouth is lit there, cheeks being 1.
        opening: what of the window will show the inside of the mouth: about what the mesh shows of it.

    Returns:
        float32 [H, W, 3], RGB in 0-255, in the picture's tones and tint. A carved mouth has a meaningful colour everywhere.
    """
    behind = np.clip((lips_depth - depth) / posed.unit, 0, 8)
    normal = surface[..., :3] / np.maximum(np.linalg.norm(surface[..., :3], axis=2, keepdims=True), 1e-6)
    facing = (brightness(normal) - 0.45) / 0.55
    inside = np.isin(part, INSIDE_MOUTH)
    if colours.carved:
        stone = _carved(opening.cover > 0.5, posed.side, colours, light)
        return colours.picture.tinted(stone).astype(np.float32)
    colour = _hollow(part, inside, behind, facing, posed, colours)
    under_lip = _LIP_SHADOW + (1 - _LIP_SHADOW) * smoothstep(_below_lip(inside) / (_SHADOW_ENDS * posed.side))
    colour = _with_teeth(colour, part, behind, facing, under_lip, surface, posed, colours)
    rim_shadow = np.clip(_RIM + (1 - _RIM) * _to_rim(opening.cover > 0.5) / (_RIM_WIDTH * posed.side), _RIM, 1)
    return colours.picture.toned(colour * (rim_shadow * light)[..., None], one_colour=colours.one_colour)


def _hollow(part, inside, behind, facing, posed: PosedFace, colours: MouthColours) -> np.ndarray:
    """Colours of all but the teeth: a hollow that is darkest under the upper lip, with a tongue on its floor.

    Its parts run into each other: on a turned head their edges were facets beside a black wedge.
    """
    height = _height_in_opening(inside, posed.side)
    colour = _SOCKET * np.exp(-np.clip(behind - 0.3, 0, 9) / 2.2)[..., None] + _SOCKET_FLOOR
    lit = ((0.35 + 0.65 * facing) * np.exp(-np.clip(behind - 0.8, 0, 9) / 3.6))[..., None]
    colour = np.where((part == Part.GUMS_AND_TONGUE)[..., None], _GUMS * lit, colour)
    seen = inside & (part != Part.TEETH)
    colour = _spread(colour, seen, posed.side * _MELT)
    tongue = _TONGUE * (_DRAWN_TONGUE if colours.one_colour else 1)
    colour = _with_tongue(colour, inside, height, posed.side, tongue) * colours.cast
    near_lips = 0.8 * np.exp(-behind / 0.35)
    # In the narrow corners light comes through the lips: black, they are wedges.
    corners = _CORNER_LIGHT * (1 - smoothstep(_tall(inside) / (_CORNER * posed.side)))
    near_lips = np.maximum(near_lips, corners)[..., None]
    colour = colour * (_UNDER_LIP + (1 - _UNDER_LIP) * smoothstep(1.2 * height))[..., None] * colours.exposure
    if colours.one_colour:
        colour = colour * _DRAWN_HOLLOW
    return (colour * (1 - near_lips) + 0.75 * colours.exposure * colours.lips * near_lips) * colours.darkness


def _carved(opening: np.ndarray, side: int, colours: MouthColours, light: np.ndarray) -> np.ndarray:
    """float32 [H, W], luminance of a hollow cut into stone: in the deepest shade of the face under its upper lip.

    Darker, it is a hole in the picture. Its floor comes out into the `light`: of one tone, the hollow is a disc or a plug.
    Teeth, without a colour of their own, are a plug or a second lip.
    """
    dark = colours.picture.deepest
    height = (_height_in_opening(opening, side) - _STONE_RISES) / (1 - _STONE_RISES)
    return dark + _STONE_FLOOR * np.maximum(colours.cheek * light - dark, 0.0) * smoothstep(height)


def _to_rim(inside: np.ndarray) -> np.ndarray:
    """float32 [H, W], pixels from the edge of the opening."""
    padded = cv2.copyMakeBorder(inside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]


def _with_tongue(
    colour: np.ndarray, inside: np.ndarray, height: np.ndarray, side: int, tongue: np.ndarray
) -> np.ndarray:
    """A tongue on the floor of a wide opening, and the dark of the throat above it: evenly coloured, it looks plugged."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return colour
    tall = float(np.clip((len(rows) / side - _TONGUE_FROM) / (_TONGUE_ALL - _TONGUE_FROM), 0, 1))
    half = max((columns[-1] - columns[0]) / 2, 1.0)
    across = ((np.arange(inside.shape[1]) - (columns[-1] + columns[0]) / 2) / half)[None]
    throat = np.exp(-((across / 0.62) ** 2) - ((height - 0.36) / 0.34) ** 2)
    colour = colour * (1 - _THROAT_DARK * tall * throat)[..., None]
    dome = 1 - (across / 0.74) ** 2 - ((height - 1.2) / 0.95) ** 2
    share = tall * np.clip(dome, 0, 1)
    # Its top is turned to the light, its sides and its root are not; a groove runs along its middle.
    lit = 0.45 + 0.5 * np.clip(dome, 0, 1)
    lit = lit * (1 - 0.13 * np.exp(-((across / 0.07) ** 2)) * smoothstep((1.02 - height) / 0.3))
    return colour + share[..., None] * (tongue * lit[..., None] - colour)


def _below_lip(inside: np.ndarray) -> np.ndarray:
    """float32 [H, W], pixels below the upper edge of the opening in each column."""
    top = np.where(inside.any(axis=0), inside.argmax(axis=0), 0)
    rows = np.arange(len(inside), dtype=np.float32)[:, None]
    return np.maximum(rows - top, 0)


def _tall(inside: np.ndarray) -> np.ndarray:
    """float32 [1, W], how high the opening is in each column, in pixels."""
    return inside.sum(axis=0, dtype=np.float32)[None]


def _height_in_opening(inside: np.ndarray, side: int) -> np.ndarray:
    """float32 [H, W], 0 at the upper edge of the opening in each column, 1 at the lower one."""
    shown = inside.any(axis=0)
    if not shown.any():
        return np.zeros(inside.shape, np.float32)
    top = np.where(shown, inside.argmax(axis=0), np.nan)
    bottom = np.where(shown, len(inside) - 1 - inside[::-1].argmax(axis=0), np.nan)
    at = np.flatnonzero(shown)
    columns = np.arange(inside.shape[1])
    width = (max(3, round(0.03 * side)) | 1, 1)
    top, bottom = (
        cv2.blur(np.interp(columns, at, edge[at]).astype(np.float32)[None], width)[0] for edge in (top, bottom)
    )
    rows = np.arange(len(inside), dtype=np.float32)[:, None]
    return np.clip((rows - top) / np.maximum(bottom - top, 0.05 * side), 0, 1)


def _spread(colour: np.ndarray, shown: np.ndarray, sigma: float) -> np.ndarray:
    """`colour` smoothed within `shown` and continued beyond it."""
    weight = shown.astype(np.float32)
    sums, total = colour * weight[..., None], weight
    smooth = np.zeros(colour.shape, np.float32)
    filled = np.zeros(weight.shape, np.float32)
    for each in (sigma, 3 * sigma):
        near = cv2.GaussianBlur(total, (0, 0), each)
        share = np.minimum(near / 0.02, 1) * (1 - filled)
        mean = cv2.GaussianBlur(sums.astype(np.float32), (0, 0), each) / np.maximum(near, 1e-6)[..., None]
        smooth += share[..., None] * mean
        filled += share
    mean = sums.reshape(-1, 3).sum(axis=0) / max(float(total.sum()), 1.0)
    return smooth + (1 - filled)[..., None] * mean


def _with_teeth(
    colour, part, behind, facing, under_lip, surface, posed: PosedFace, colours: MouthColours
) -> np.ndarray:
    teeth = part == Part.TEETH
    if not teeth.any():
        return colour
    look = colours.look
    sideways = np.clip(np.abs(surface[..., 3]) - _FRONT, 0, 9)
    arch = _ARCH_LEAST + (1 - _ARCH_LEAST) * np.exp(-((sideways / _ARCH_FADE) ** 2))
    seen = arch * _bite_shadow(teeth, surface, posed.side)
    light = 1.02 * (0.64 + 0.36 * facing) * np.exp(-np.clip(behind - 1.3, 0, 9) / 3.5) * seen * under_lip
    light = light * surface[..., 4] * (1 - 0.5 * look.gap_darkness * surface[..., 5] ** 6)
    full = colours.teeth * colours.exposure * colours.darkness * (_DRAWN_TEETH if colours.one_colour else 1)
    # What light reaches teeth in the shade comes from lips and gums: greyed, they look green beside those.
    warm = np.clip(light, 1e-3, 1)[..., None] ** (np.zeros(3) if colours.one_colour else _SHADE_POWER)
    enamel = np.where(teeth[..., None], full * light[..., None] * warm, 0)
    # Between neighbouring teeth one would see the dark behind, which reads as fangs: close the gaps with shaded enamel.
    wide, high = max(3, int(posed.side * 0.018) | 1), max(1, int(posed.side * 0.004) | 1)
    closed = cv2.morphologyEx(teeth.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((high, wide), np.uint8)).astype(bool)
    closed &= np.isin(part, INSIDE_MOUTH)
    spread = posed.side * 0.012
    weight = cv2.GaussianBlur(teeth.astype(np.float32), (0, 0), spread)
    around = cv2.GaussianBlur(enamel, (0, 0), spread) / np.maximum(weight, 1e-3)[..., None]
    # Teeth that stand in the dark are part of it.
    shown = smoothstep((seen - 0.15) / 0.5)
    shown = np.where(
        teeth, shown, cv2.GaussianBlur(np.where(teeth, shown, 0), (0, 0), spread) / np.maximum(weight, 1e-3)
    )
    enamel = np.where(teeth[..., None], enamel, (1 - look.gap_darkness) * around)
    colour = np.where(closed[..., None], colour + shown[..., None] * (enamel - colour), colour)
    soft = cv2.GaussianBlur(colour.astype(np.float32), (0, 0), posed.side * 0.0015)
    return np.where(closed[..., None], soft, colour)


def _bite_shadow(teeth: np.ndarray, surface: np.ndarray, side: int) -> np.ndarray:
    """float32 [H, W], factor on the light of the teeth: dark lower side teeth where no upper ones are near them."""
    upper = (teeth & (surface[..., 6] < 0.5)).astype(np.uint8)
    beneath = cv2.dilate(upper, np.ones((2 * max(1, round(side * _BITE)) + 1, 1), np.uint8)).astype(np.float32)
    beneath = cv2.GaussianBlur(beneath, (0, 0), side * _BITE / 2)
    aside = np.clip(np.abs(surface[..., 3]) - _LOWER_TEETH_LIT, 0, 9) / _LOWER_TEETH_FADE
    lit = np.maximum(np.exp(-(aside**2)), beneath) * (_LOWER_TEETH + (1 - _LOWER_TEETH) * beneath)
    return np.where(upper > 0, 1.0, lit).astype(np.float32)


def lip_opening(screen: np.ndarray, mesh: RigMesh, side: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """bool [side, side], the area between the lips with a margin of 2 pixels, and its bounding window."""
    path = np.concatenate([mesh.model.upper_lip_path, mesh.model.lower_lip_path[-2:0:-1]])
    polygon = screen[path, :2]
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], 1, shift=4)
    mask = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    low = np.clip(np.floor(polygon.min(axis=0)).astype(int) - 4, 0, side)
    high = np.clip(np.ceil(polygon.max(axis=0)).astype(int) + 5, 0, side)
    return mask.astype(bool), (slice(low[1], high[1]), slice(low[0], high[0]))


def lips_depth(screen: np.ndarray) -> float:
    """Depth of the line between the lips in pixels."""
    return float(np.median(screen[INNER_LIPS, 2]))
