"""The inside of the mouth, which no neutral photograph shows: teeth, gums, tongue and the dark behind them."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ...faces.colours import LUMA
from ..face_model.mesh import RigMesh
from ..face_model.model import INNER_LIPS, PART_ENDS, FaceModel, Part
from .pose import PosedFace
from .shading import brightness
from .variation import TeethLook

# RGB under a full light; measured on open smiles by eye.
_SOCKET, _SOCKET_FLOOR = np.array([96, 40, 42], np.float32), np.array([34, 15, 16], np.float32)
_GUMS = np.array([168, 92, 94], np.float32)
_TEETH, _YELLOW_TEETH = np.array([232, 225, 210], np.float32), np.array([222, 203, 166], np.float32)
# Under a full light: the brightest channel of a light cheek, the mean of the whites of the eyes. Both are asked, because a
# dark cheek is no dim light (teeth of dark-skinned people came out grey), and half-shut eyes show no white.
_BRIGHT_CHEEK, _BRIGHT_EYE = 205.0, 165.0
# Stone, bronze and pencil are of one colour: lips and eyes differ from the cheeks by less than this (Lab a, b). Of 129
# photographed people nobody does so with both.
_ONE_COLOUR = 6.0
_STONE_LIGHT = 150.0  # luminance of a cheek of light stone
# The lower side teeth of an opened jaw stand in the dark; lit, they show as slivers in the corners of the mouth.
_LOWER_TEETH_LIT, _LOWER_TEETH_FADE = 0.9, 0.55  # units of the mean face, from the middle
_BITE = 0.022  # lower teeth this near to upper ones, as a share of the picture's side, are seen with them


@dataclass(frozen=True, eq=False)
class MouthColours:
    """What a person's mouth takes from the photograph and from the draw of teeth.

    Attributes:
        exposure: brightness of the picture, about .6 to 1.1.
        cheek: luminance of the cheeks, 0 to 255.
        lips: float32 [3] RGB of the lower lip.
        teeth: float32 [3] RGB under full light, with the photograph's white balance.
        tooth_shade: float32 [V], factor per vertex, constant on a tooth (0 outside of the teeth).
        across: float32 [V], -1 to 1 across the width of a tooth, seen from the front.
        lower: float32 [V], 1 on the lower teeth.
        look: the draw.
        material: float32 [3], RGB of what the whole face is made of, per luminance, dark materials below 1; None for skin.
    """

    exposure: float
    cheek: float
    lips: np.ndarray
    teeth: np.ndarray
    tooth_shade: np.ndarray
    across: np.ndarray
    lower: np.ndarray
    look: TeethLook
    material: np.ndarray | None = None


def mouth_colours(posed: PosedFace, mesh: RigMesh, look: TeethLook) -> MouthColours:
    """Reads exposure, lip colour and white balance off the posed photograph."""
    marks = posed.landmarks
    cheeks = _pixels(posed.texture, marks.cheeks).mean(axis=0)
    lips = _pixels(posed.texture, (marks.lower_lip_top[2:5] + marks.lower_lip_bottom[2:5]) / 2).mean(axis=0)
    white = _eye_white(posed)
    balance = white / max(white.mean(), 1.0) if white is not None else np.ones(3, np.float32)
    light = max(cheeks.max() / _BRIGHT_CHEEK, white.mean() / _BRIGHT_EYE if white is not None else 0.0)
    mix = look.yellowness
    teeth = ((1 - mix) * _TEETH + mix * _YELLOW_TEETH) * (0.35 + 0.65 * balance) * look.brightness
    shade, across, lower = _per_tooth(mesh.model, look.seed)
    material = _material(cheeks, lips, white)
    exposure = float(np.clip(light, 0.6, 1.1))
    return MouthColours(exposure, float(cheeks @ LUMA), lips, teeth, shade, across, lower, look, material)


def _material(cheeks: np.ndarray, lips: np.ndarray, white: np.ndarray | None) -> np.ndarray | None:
    """What a face of one colour is made of, as `MouthColours.material`: a statue's mouth is carved, not pink."""
    colours = np.stack([cheeks, lips, cheeks if white is None else white]).astype(np.float32)
    chroma = cv2.cvtColor(colours[None] / 255, cv2.COLOR_RGB2LAB)[0, :, 1:]
    if np.linalg.norm(chroma[1:] - chroma[0], axis=1).max() > _ONE_COLOUR:
        return None
    luminance = max(float(cheeks @ LUMA), 1.0)
    return cheeks / luminance * min(1.0, luminance / _STONE_LIGHT)


def _pixels(texture: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.clip(points.astype(int), 0, texture.shape[0] - 1).T
    return texture[y, x].astype(np.float32)


def _eye_white(posed: PosedFace) -> np.ndarray | None:
    """float32 [3] RGB of the whites of the eyes: the brightest fifth of the eye openings; None for shut or tiny eyes."""
    mask = np.zeros(posed.texture.shape[:2], np.uint8)
    for opening in (posed.landmarks.right_eye_opening, posed.landmarks.left_eye_opening):
        cv2.fillPoly(mask, [np.round(opening).astype(np.int32)], 1)
    pixels = posed.texture[mask > 0].astype(np.float32)
    if len(pixels) <= 20:
        return None
    total = pixels.sum(axis=1)
    return pixels[total >= np.percentile(total, 80)].mean(axis=0)


def _per_tooth(model: FaceModel, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    teeth = slice(PART_ENDS[Part.GUMS_AND_TONGUE], PART_ENDS[Part.TEETH])
    triangles = model.faces[model.triangle_part == Part.TEETH] - teeth.start
    links = (np.concatenate([triangles[:, 0], triangles[:, 1]]), np.concatenate([triangles[:, 1], triangles[:, 2]]))
    count = teeth.stop - teeth.start
    number, tooth = connected_components(
        coo_matrix((np.ones(len(links[0])), links), shape=(count, count)), directed=False
    )
    shade, across, lower = np.zeros((3, PART_ENDS[Part.RIGHT_EYEBALL]), np.float32)
    shade[teeth] = rng.normal(1.0, 0.025, number)[tooth]
    x, y = model.mean[teeth, :2].T
    is_lower = np.bincount(tooth, y, number) / np.bincount(tooth, minlength=number) < (y.min() + y.max()) / 2
    lower[teeth] = is_lower[tooth]
    for t in range(number):
        own = np.flatnonzero(tooth == t)
        middle, half = (x[own].max() + x[own].min()) / 2, np.ptp(x[own]) / 2
        across[teeth.start + own] = (x[own] - middle) / max(half, 1e-3)
    return shade, across, lower


def shape_teeth(screen: np.ndarray, look: TeethLook) -> None:
    """Sizes the teeth and gums of `screen` float32 [V, 3] as drawn for this person; in place."""
    inside = slice(PART_ENDS[Part.RIGHT_EYE_SOCKET], PART_ENDS[Part.TEETH])
    teeth = slice(PART_ENDS[Part.GUMS_AND_TONGUE], PART_ENDS[Part.TEETH])
    middle = screen[inside].mean(axis=0)
    screen[inside, 0] = middle[0] + (screen[inside, 0] - middle[0]) * look.width
    screen[inside, 1] += look.tilt * (screen[inside, 0] - middle[0])
    line = screen[teeth, 1].mean()
    screen[teeth, 1] = line + (screen[teeth, 1] - line) * look.length


def paint_mouth(
    part: np.ndarray, depth: np.ndarray, surface: np.ndarray, lips_depth: float, posed: PosedFace, colours: MouthColours
) -> np.ndarray:
    """Colours of a window of the picture that shows the inside of the mouth.

    Args:
        part: int [H, W], `Part` per pixel; pixels of other parts get no meaningful colour.
        depth: float32 [H, W], depth of the surface in pixels towards the camera; lips_depth: that of the lips.
        surface: float32 [H, W, 7], interpolated: normal in picture axes, x on the mean face, tooth shade, place across
            the tooth, 1 on the lower teeth.

    Returns:
        float32 [H, W, 3], RGB in 0-255.
    """
    behind = np.clip((lips_depth - depth) / posed.unit, 0, 8)
    normal = surface[..., :3] / np.maximum(np.linalg.norm(surface[..., :3], axis=2, keepdims=True), 1e-6)
    facing = (brightness(normal) - 0.45) / 0.55
    colour = _SOCKET * np.exp(-np.clip(behind - 0.3, 0, 9) / 2.2)[..., None] + _SOCKET_FLOOR
    near_lips = 0.8 * np.exp(-behind / 0.35)[..., None]
    colour = colour * (1 - near_lips) + 0.75 * colours.lips * near_lips
    gums = _GUMS * ((0.35 + 0.65 * facing) * np.exp(-np.clip(behind - 0.8, 0, 9) / 3.6))[..., None]
    colour = np.where((part == Part.GUMS_AND_TONGUE)[..., None], gums, colour)
    colour = _with_teeth(colour, part, behind, facing, surface, posed, colours)
    inside = np.isin(part, [Part.MOUTH_SOCKET, Part.GUMS_AND_TONGUE, Part.TEETH]).astype(np.uint8)
    to_rim = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 5)[
        1:-1, 1:-1
    ]
    rim_shadow = np.clip(0.55 + 0.45 * to_rim / (0.012 * posed.side), 0.55, 1)
    colour = colour * (colours.exposure * rim_shadow)[..., None]
    return colour if colours.material is None else (colour @ LUMA)[..., None] * colours.material


def _with_teeth(colour, part, behind, facing, surface, posed: PosedFace, colours: MouthColours) -> np.ndarray:
    teeth = part == Part.TEETH
    if not teeth.any():
        return colour
    sideways = np.clip(np.abs(surface[..., 3]) - 1.35, 0, 9)
    light = (
        (0.62 + 0.38 * facing) * np.exp(-np.clip(behind - 1.3, 0, 9) / 3.5) * np.exp(-((sideways / 1.05) ** 2)) * 0.96
    )
    light = light * surface[..., 4] * (1 - 0.5 * colours.look.gap_darkness * surface[..., 5] ** 6)
    light = light * _bite_shadow(teeth, surface, posed.side)
    enamel = np.where(teeth[..., None], colours.teeth * light[..., None], 0)
    # Between neighbouring teeth one would see the dark behind, which reads as fangs: close the gaps with shaded enamel.
    wide, high = max(3, int(posed.side * 0.018) | 1), max(1, int(posed.side * 0.004) | 1)
    closed = cv2.morphologyEx(teeth.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((high, wide), np.uint8)).astype(bool)
    closed &= np.isin(part, [Part.MOUTH_SOCKET, Part.GUMS_AND_TONGUE, Part.TEETH])
    spread = posed.side * 0.012
    weight = cv2.GaussianBlur(teeth.astype(np.float32), (0, 0), spread)
    around = cv2.GaussianBlur(enamel, (0, 0), spread) / np.maximum(weight, 1e-3)[..., None]
    colour = np.where(teeth[..., None], enamel, colour)
    colour = np.where((closed & ~teeth)[..., None], (1 - colours.look.gap_darkness) * around, colour)
    soft = cv2.GaussianBlur(colour.astype(np.float32), (0, 0), posed.side * 0.0015)
    return np.where(closed[..., None], soft, colour)


def _bite_shadow(teeth: np.ndarray, surface: np.ndarray, side: int) -> np.ndarray:
    """float32 [H, W], factor on the light of the teeth: dark lower side teeth where no upper ones are near them."""
    upper = (teeth & (surface[..., 6] < 0.5)).astype(np.uint8)
    beneath = cv2.dilate(upper, np.ones((2 * max(1, round(side * _BITE)) + 1, 1), np.uint8)).astype(np.float32)
    beneath = cv2.GaussianBlur(beneath, (0, 0), side * _BITE / 2)
    aside = np.clip(np.abs(surface[..., 3]) - _LOWER_TEETH_LIT, 0, 9) / _LOWER_TEETH_FADE
    return np.where(upper > 0, 1.0, np.maximum(np.exp(-(aside**2)), beneath)).astype(np.float32)


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
