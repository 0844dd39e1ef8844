"""What a person's mouth takes from the picture: exposure, colours of lips and teeth, and whether it is flesh or carved."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ...images.color_modes import LUMA
from ..face_model.mesh import RigMesh
from ..face_model.model import PART_ENDS, FaceModel, Part
from .eyes import has_iris
from .material import Material
from .pose import PosedFace
from .variation import TeethLook

# RGB under a full light; measured on open smiles by eye.
_TEETH, _YELLOW_TEETH = np.array([232, 225, 210], np.float32), np.array([222, 203, 166], np.float32)
# Under a full light: the brightest channel of a light cheek, the mean of the whites of the eyes. Both are asked, because a
# dark cheek is no dim light (teeth of dark-skinned people came out grey), and half-shut eyes show no white.
_BRIGHT_CHEEK, _BRIGHT_EYE = 205.0, 165.0
_EXPOSURE = (0.3, 1.1)
# Stone, bronze and pencil are of one colour: lips and eyes differ from the cheeks by less than this (Lab a, b). Of 129
# photographed people nobody does so with both.
_ONE_COLOUR = 6.0
_STONE_LIGHT = 150.0  # luminance of a cheek of light stone
_SKIN = np.array([1.24, 0.94, 0.82], np.float32)  # RGB of cheeks under a white light, mean 1; median of 129 people
# Least and most of a cast; blue below which cheeks are warmer than usual, and how far below fully.
_CAST, _WARM, _WARM_FULLY = (0.6, 1.3), 0.92, 0.1
_FROM_SKIN = 0.14  # share of the skin's colour in that of the teeth, where the light is warm
# Lab a and b of teeth in a light that is not warm: shares of the cheeks', and what yellow teeth have more of b. Of 44 real
# smiles, the medians are 3.0 and 5.6 beside 11.5 and 11.0 of the cheeks; shade adds the rest (`_SHADE_POWER`).
_REDNESS, _YELLOWNESS, _YELLOW = 0.27, 0.42, 6.0
# Photographed cheeks have no more of either than this. What painted ones have beyond it is in the light: without so much of
# it, teeth look blue in an orange face.
_MOST_OF_SKIN, _OF_LIGHT = 20.0, 0.75
_PALEST = np.array(
    [0.7, 0.8, 0.62], np.float32
)  # least share of the strongest channel: orange or pink ones are no teeth
_TOOTH_BESIDE_SKIN, _TOOTH_BESIDE_EYE = 0.98, 1.3  # luminance of the lightest teeth, of lightest skin and of eye white
_TOOTH_LEAST, _CAST_BESIDE_EYES = 0.88, 0.4
_GREENEST, _BLUEST = 1.02, 1.0  # of the light's colour, mean 1
# A picture goes from sharp to soft between these blurs in pixels; photographs have less. Teeth of a soft one do not
# glint: they come this far down from the lightest skin to its middle tone, and take this much more of the skin's colour.
_SOFT = (1.0, 1.5)
_SOFT_TEETH, _SOFT_FROM_SKIN = 0.4, 0.3
# Strongest over weakest channel: eyes beyond that glow or are painted, and tell nothing of the light
_WHITE_SPREAD = 1.4


@dataclass(frozen=True, eq=False)
class MouthColours:
    """What a person's mouth takes from the picture and from the draw of teeth.

    Attributes:
        exposure: brightness of the picture, about 0.3 to 1.1.
        cheek: luminance of the cheeks, 0 to 255.
        lips: float32 [3] RGB of the lower lip.
        teeth: float32 [3] RGB under full light, with the picture's white balance.
        tooth_shade: float32 [V], factor per vertex, constant on a tooth (0 outside of the teeth).
        across: float32 [V], -1 to 1 across the width of a tooth, seen from the front.
        lower: float32 [V], 1 on the lower teeth.
        look: the draw.
        picture: what the picture is made of.
        cast: float32 [3], the warm cast of the picture, mean 1.
        one_colour: the face is of one colour: a statue, a monochrome print, a pencil drawing.
        carved: it is also without irises, or known to be a statue: its mouth holds no tongue.
    """

    exposure: float
    cheek: float
    lips: np.ndarray
    teeth: np.ndarray
    tooth_shade: np.ndarray
    across: np.ndarray
    lower: np.ndarray
    look: TeethLook
    picture: Material
    cast: np.ndarray
    one_colour: bool
    carved: bool

    @property
    def darkness(self) -> float:
        """Factor on the luminance of what is made of a dark material, such as bronze; 1 for skin and light stone."""
        return min(1.0, self.cheek / _STONE_LIGHT) if self.one_colour else 1.0


def mouth_colours(
    posed: PosedFace, mesh: RigMesh, look: TeethLook, picture: Material, carved: bool = False
) -> MouthColours:
    """Reads exposure, lip colour and white balance off the posed picture.

    With `carved`, a face of one colour is sculpture even where its eyes have irises.
    """
    marks = posed.landmarks
    cheeks = _pixels(posed.texture, marks.cheeks).mean(axis=0)
    lips = _pixels(posed.texture, (marks.lower_lip_top[2:5] + marks.lower_lip_bottom[2:5]) / 2).mean(axis=0)
    white = _eye_white(posed)
    iris = has_iris(posed)
    # Pale lips and eyes do not make a print of a painted face.
    alike = _of_one_colour(cheeks, lips, white) and not (iris and picture.colourful == 1.0)
    one_colour = picture.one_tint or alike
    if white is not None and white.max() > _WHITE_SPREAD * white.min():
        white = None
    # Rouge is no warm light: the paler of the cheeks and of the face as a whole tells.
    of_face = picture.curve[int(np.clip(picture.middle, 0, 255))]
    skin = min(cheeks, of_face, key=lambda colour: float(colour.max() / max(colour.min(), 1.0)))
    cast = _cast(skin)
    light = max(cheeks.max() / _BRIGHT_CHEEK, white.mean() / _BRIGHT_EYE if white is not None else 0.0)
    mix = look.yellowness
    # The whites of the eyes show the same cast already: counted twice, teeth of brown faces came out brown.
    warmth = cast if white is None else cast**_CAST_BESIDE_EYES
    teeth = ((1 - mix) * _TEETH + mix * _YELLOW_TEETH) * (0.35 + 0.65 * _balance(white)) * warmth * look.brightness
    # Lips and cheeks throw their own light on the teeth.
    hue = np.clip(skin / max(float(skin.mean()), 1.0), *_CAST)
    soft = float(np.interp(picture.blur, _SOFT, (0, 1)))
    teeth *= 1 + (_FROM_SKIN + soft * _SOFT_FROM_SKIN) * (hue / max(float(hue @ LUMA), 1e-3) - 1)
    teeth = np.maximum(teeth, _PALEST * teeth.max()).astype(np.float32)
    if picture.colourful > 0:
        teeth = _beside_skin(teeth, skin, mix, (1 - _warmth(skin)) * (picture.colourful == 1.0))
    exposure = float(np.clip(light, *_EXPOSURE))
    teeth *= _within_the_picture(exposure * float(teeth @ LUMA), white, picture, soft)
    shade, across, lower = _per_tooth(mesh.model, look.seed)
    return MouthColours(
        exposure=exposure,
        cheek=float(cheeks @ LUMA),
        lips=lips,
        teeth=teeth,
        tooth_shade=shade,
        across=across,
        lower=lower,
        look=look,
        picture=picture,
        cast=cast,
        one_colour=one_colour,
        carved=one_colour and (carved or not iris),
    )


def _balance(white: np.ndarray | None) -> np.ndarray:
    """float32 [3], the tint that the whites of the eyes, float32 [3], give to teeth; 1 where they do not tell."""
    balance = white / max(white.mean(), 1.0) if white is not None else np.ones(3, np.float32)
    # The white of an eye is bluish in itself; beside warm skin, teeth of that colour look cyan.
    balance = np.minimum(balance, [2.0, _GREENEST, _BLUEST]).astype(np.float32)
    # Nor is it green: beside green eyes, teeth came out mint.
    balance[0] = max(balance[0], balance[1])
    return balance


def _within_the_picture(tooth: float, white: np.ndarray | None, picture: Material, soft: float) -> float:
    """By how much teeth of this brightness get lighter or darker, so that they belong to the picture.

    Args:
        tooth: their brightness, 0 to 255.
        white: float32 [3], the whites of the eyes, where they tell.
        soft: 1 for a blurred picture, 0 for a sharp one.
    """
    # No tooth is lighter than the lightest skin and the whites of the eyes.
    lightest = _TOOTH_BESIDE_SKIN * (picture.white - soft * _SOFT_TEETH * (picture.white - picture.middle))
    if white is not None:
        lightest = max(lightest, _TOOTH_BESIDE_EYE ** (1 - soft) * float(white @ LUMA))
    share = min(1.0, lightest / max(tooth, 1.0))
    # Nor are they much darker than it: wrinkled and bearded cheeks are dark in any light.
    return share * max(1.0, _TOOTH_LEAST * lightest / max(share * tooth, 1.0))


def _beside_skin(teeth: np.ndarray, skin: np.ndarray, yellowness: float, share: float) -> np.ndarray:
    """`teeth` [3] with the tint of real ones beside such skin, this share of the way; their lightness stays.

    They are no greener than real ones in any case: yellow varnish made them mint.
    """
    colours = np.stack([teeth * min(1.0, 255 / float(teeth.max())), skin]).astype(np.float32)
    lab = cv2.cvtColor(colours[None] / 255, cv2.COLOR_RGB2LAB)[0]
    cheeks = np.maximum(lab[1, 1:], 0)
    beyond = np.maximum(cheeks - _MOST_OF_SKIN, 0)
    tint = (cheeks - beyond) * (_REDNESS, _YELLOWNESS) + _OF_LIGHT * beyond + (0, _YELLOW * yellowness)
    least = _REDNESS * (cheeks - beyond)[0]
    if share == 0 and lab[0, 1] >= least:
        return teeth
    lab[0, 1:] += share * (tint - lab[0, 1:])
    lab[0, 1] = max(lab[0, 1], least)
    return 255 * cv2.cvtColor(lab[None, :1], cv2.COLOR_LAB2RGB)[0, 0]


def _cast(cheeks: np.ndarray) -> np.ndarray:
    """float32 [3], the warm cast of varnish or lamps, mean 1: the cheeks beside usual ones; 1 where they are no warmer.

    Grey or green skin is no cold light.
    """
    return (1 + _warmth(cheeks) * (_beside_usual(cheeks) - 1)).astype(np.float32)


def _warmth(cheeks: np.ndarray) -> float:
    """How sure the cheeks are of a warm light, 0 to 1."""
    return float(np.clip((_WARM - _beside_usual(cheeks)[2]) / _WARM_FULLY, 0, 1))


def _beside_usual(cheeks: np.ndarray) -> np.ndarray:
    """float [3], the colour of the cheeks as factors on that of usual ones, mean 1."""
    cast = cheeks / max(cheeks.mean(), 1.0) / _SKIN
    return np.clip(cast / cast.mean(), *_CAST)


def _of_one_colour(cheeks: np.ndarray, lips: np.ndarray, white: np.ndarray | None) -> bool:
    colours = np.stack([cheeks, lips, cheeks if white is None else white]).astype(np.float32)
    chroma = cv2.cvtColor(colours[None] / 255, cv2.COLOR_RGB2LAB)[0, :, 1:]
    return bool(np.linalg.norm(chroma[1:] - chroma[0], axis=1).max() <= _ONE_COLOUR)


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
