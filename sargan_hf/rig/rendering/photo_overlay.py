"""A real photograph of an expression as one more picture of a rendered set.

The rig moves neutral faces, so every mouth it opens is painted. Users bring pictures of real smiles, with teeth and folds that
no paint has. If the same person was photographed both ways, the rig moves the smile onto the neutral face. It fits the face
model to both photographs, and their difference in model space moves the neutral face. The moved face takes its colours from
the smiling photograph. Hair, outline and background stay those of the neutral picture, so the two differ in expression only.
Camera, light, crop and exact motion are those of every other picture of the set.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial.transform import Rotation

from ..._moved import renamed
from ...errors import RigError
from ...images.warp import smoothstep
from ..face_model.mesh import DRAWN_VERTICES, SKIN, rig_mesh
from ..face_model.model import MOUTH_CORNERS, FaceModel
from ..fitting.camera import Camera
from ..fitting.fitted_face import FittedFace
from ..landmarks.landmark_types import Landmarks
from ..portraits.reader import Portrait, fit_portrait
from .deform import sample_weights
from .recipes import Recipe

# On the mean face, model units: where the photograph of the expression takes over, and what does not move with expressions.
_MIDDLE, _EXTENT, _POWER = np.array([0.0, -1.2]), np.array([6.8, 6.6]), 3.0
_ALL, _NOTHING = 0.82, 1.02  # of that extent
_OUTLINE = (0.06, 0.22)  # of the inter-ocular distance inside of the outline: nothing, and all of the photograph
_RIGID_ABOVE, _RIGID_ACROSS = 1.0, 6.5
MAX_TURN_BETWEEN = 15.0  # degrees between the two heads
UNSURE_LIPS = 0.018  # share of the picture's side within which of an opened mouth the motion is not claimed to be known
FAINTEST = 0.2  # intensity below which a photograph joins no set: it differs from a neutral one by its fits' errors
_RIM = 3  # pixels round an opened mouth that its inside is continued from
_FACE_LIGHT = 0.9  # share of the weight from which a pixel counts for matching the exposures


@dataclass(frozen=True, eq=False)
class RealExpression:
    """A photograph of an expression, tied to the neutral fitted face of the same person.

    Attributes:
        expression: which of the seven.
        intensity: how far the corners of the mouth go the rig's way: 0 not at all, 1 as far. Real smiles are mostly fainter.
        picture: uint8 [H, W, 3], RGB.
        delta: float32 [V, 3], what moves the neutral face's vertices onto it, in model space.
        places: float32 [V, 2], where in `picture` each vertex takes its colour.
        weight: float32 [V], 1 where the photograph is shown, 0 where the neutral one stays.
    """

    expression: str
    intensity: float
    picture: np.ndarray
    delta: np.ndarray
    places: np.ndarray
    weight: np.ndarray

    def covering(self, shown: np.ndarray, places: np.ndarray, weight: np.ndarray, mouth: np.ndarray) -> np.ndarray:
        """The photograph laid over a rendered picture.

        Args:
            shown: float32 [S, S, 3], the moved face in the neutral picture's colours.
            places: float32 [S, S, 2] and weight: float32 [S, S], those of the vertices, interpolated.
            mouth: bool [S, S], the inside of the mouth.
        """
        places = _continued(places, mouth, weight)
        photo = cv2.remap(self.picture, places[..., 0], places[..., 1], cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        photo = photo.astype(np.float32)
        skin = (weight > _FACE_LIGHT) & ~mouth
        if skin.any():
            photo *= shown[skin].mean(axis=0) / np.maximum(photo[skin].mean(axis=0), 1.0)
        share = np.where(mouth, 1.0, weight)[..., None]
        return shown + share * (photo - shown)


def register_photograph(
    model: FaceModel, face: FittedFace, refound: Portrait, expressing: Portrait, recipe: Recipe
) -> RealExpression:
    """Ties the photograph of an expression to the neutral face of the same person.

    Args:
        model: the face model.
        face: the fitted neutral face.
        refound: the picture of `face`, with landmarks found the way those of `expressing` were found: what one kind of
            landmarks always misplaces then falls out of the difference.
        expressing: the photograph of the expression.
        recipe: the rig's way of the same expression.

    Raises:
        RigError: the fit is bad, the heads are turned too differently for one to be laid over the other, or the expression is
            hardly there.
    """
    own, other = fit_portrait(model, refound), fit_portrait(model, expressing)
    turn = Rotation.from_matrix(other.camera.matrix @ own.camera.matrix.T).magnitude()
    if np.degrees(turn) > MAX_TURN_BETWEEN:
        raise RigError(
            f"The head is turned {np.degrees(turn):.0f} degrees away from the neutral photograph; at most "
            f"{MAX_TURN_BETWEEN:.0f} are allowed."
        )
    from_neutral, from_other = _in_model_space(own), _in_model_space(other)
    delta = _aligned(from_other, from_neutral, _rigid(model)) - from_neutral
    # What is off in the neutral picture is as much off here, in inter-ocular distances.
    scale = other.inter_ocular_distance / own.inter_ocular_distance
    off = face.screen_vertices[:DRAWN_VERTICES, :2] - own.screen_vertices[:DRAWN_VERTICES, :2]
    places = other.screen_vertices[:DRAWN_VERTICES, :2] + scale * off
    weight = _weight(model) * _inside(other.landmarks, places)
    delta *= weight[:, None]
    mesh = rig_mesh(model)
    corners = list(MOUTH_CORNERS)
    theirs = delta[corners, :2]
    ours = (sample_weights(recipe, mesh, 1.0, None) @ mesh.shapes).reshape(-1, 3)[corners, :2]
    intensity = float((theirs * ours).sum() / (ours**2).sum())
    if intensity < FAINTEST:
        raise RigError(
            f"The photograph shows {recipe.expression} at {intensity:.2f} of the rig's; at least {FAINTEST} is needed."
        )
    return RealExpression(
        recipe.expression,
        intensity,
        other.picture,
        delta.astype(np.float32),
        places.astype(np.float32),
        weight.astype(np.float32),
    )


def _weight(model: FaceModel) -> np.ndarray:
    """[V], 1 on the middle of the face and inside of it, 0 towards outline, neck and forehead."""
    x = np.abs(model.mean[:DRAWN_VERTICES, :2] - _MIDDLE) / _EXTENT
    away = (x**_POWER).sum(axis=1) ** (1 / _POWER)
    return smoothstep((_NOTHING - away) / (_NOTHING - _ALL))


def _inside(landmarks: Landmarks, places: np.ndarray) -> np.ndarray:
    """[N], 0 outside of the face's outline and 1 well inside: a head that is turned a little shows background there."""
    outline = np.concatenate([landmarks.jaw, landmarks.hairline[::-1]]).astype(np.float32)
    distance = np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in places])
    least, most = np.array(_OUTLINE) * landmarks.inter_ocular_distance
    return np.clip((distance - least) / (most - least), 0, 1)


def _rigid(model: FaceModel) -> np.ndarray:
    """Skin vertices that an expression moves least: the nose's bridge, the eye sockets' rims and the temples."""
    x, y, z = model.mean[SKIN].T
    return np.flatnonzero((y > _RIGID_ABOVE) & (np.abs(x) < _RIGID_ACROSS) & (z > 3) & (y < 8))


def _in_model_space(face: FittedFace) -> np.ndarray:
    """[V, 3], the vertices as corrected onto the landmarks, back in model space."""
    camera: Camera = face.camera
    turned = face.model_vertices[:DRAWN_VERTICES].astype(np.float64) @ camera.matrix.T
    k = face.perspective[:DRAWN_VERTICES]
    turned[:, 0] = (face.screen_vertices[:DRAWN_VERTICES, 0] - camera.shift[0]) / k
    turned[:, 1] = -(face.screen_vertices[:DRAWN_VERTICES, 1] - camera.shift[1]) / k
    return turned @ camera.matrix


def _aligned(points: np.ndarray, onto: np.ndarray, rigid: np.ndarray) -> np.ndarray:
    """`points` after the similarity that takes its rigid vertices onto the other's (Umeyama 1991)."""
    a, b = points[rigid], onto[rigid]
    centre_a, centre_b = a.mean(axis=0), b.mean(axis=0)
    rotation = Rotation.align_vectors(b - centre_b, a - centre_a)[0]
    turned = rotation.apply(a - centre_a)
    scale = (turned * (b - centre_b)).sum() / (turned**2).sum()
    return scale * rotation.apply(points - centre_a) + centre_b


def _continued(places: np.ndarray, mouth: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The places with those inside of the mouth continued from the lips round it.

    No vertex lies on what a real mouth shows, but it lies between its lips.
    """
    if not mouth.any():
        return places
    around = cv2.dilate(mouth.astype(np.uint8), np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)) > 0
    rim = around & ~mouth & (weight > 0)
    rows, columns = np.nonzero(rim)
    inside = np.nonzero(mouth)
    found = LinearNDInterpolator(np.column_stack([columns, rows]), places[rim])(np.column_stack(inside[::-1]))
    places = places.copy()
    known = np.isfinite(found).all(axis=1)
    places[inside[0][known], inside[1][known]] = found[known]
    return places


__getattr__ = renamed(__name__, {"tie_real": "register_photograph"})
