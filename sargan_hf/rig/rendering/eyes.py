"""The eyes' own texture: what a lid hides has to be there when the lid opens or the eye turns."""

import cv2
import numpy as np

from ..face_model.mesh import DRAWN_VERTICES, RigMesh
from ..face_model.model import PART_ENDS, Part
from .pose import PosedFace

# Sizes as shares of the picture's side.
_LID_RIM = 0.006  # this close to the lids a pixel of the opening is skin, lash or shadow
_SOFTNESS = 0.003
_EYEBALL_RADIUS = 1.5  # model units


def eye_texture(posed: PosedFace) -> np.ndarray:
    """uint8 [T, T, 3]: the posed texture with iris and sclera continued behind the lids."""
    texture = posed.texture.copy()
    marks = posed.landmarks
    eyes = (
        (marks.right_eye_opening, marks.right_iris, marks.right_pupil),
        (marks.left_eye_opening, marks.left_iris, marks.left_pupil),
    )
    for opening, iris, pupil in eyes:
        reach = 0.05 * posed.side
        left, top = np.maximum(np.floor(opening.min(axis=0) - reach).astype(int), 0)
        right, bottom = np.ceil(opening.max(axis=0) + reach).astype(int)
        patch = texture[top:bottom, left:right]
        if patch.size:
            offset = np.array([left, top])
            patch[...] = _continued(patch, opening - offset, iris - offset, pupil - offset, posed.side)
    return texture


def _continued(patch: np.ndarray, opening: np.ndarray, iris: np.ndarray, pupil: np.ndarray, side: int) -> np.ndarray:
    seen = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillPoly(seen, [np.round(opening * 16).astype(np.int32)], 1, shift=4)
    rim = 2 * max(1, round(side * _LID_RIM)) + 1
    seen = cv2.erode(seen, np.ones((rim, rim), np.uint8)).astype(bool)
    pixels = patch.astype(np.float32)
    middle = (iris.mean(axis=0) + pupil) / 2
    radius = 1.03 * np.linalg.norm(iris - iris.mean(axis=0), axis=1).max()
    rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]]
    distance = np.hypot(columns - middle[0], rows - middle[1])
    filled = _with_iris(pixels, seen, distance, middle, radius, rows, columns)
    filled = _with_sclera(filled, pixels, seen, distance, radius, side)
    keep = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), side * _SOFTNESS)[..., None]
    mixed = keep * pixels + (1 - keep) * cv2.GaussianBlur(filled, (0, 0), side * 0.0025)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _with_iris(pixels, seen, distance, middle, radius, rows, columns) -> np.ndarray:
    """Hidden iris from its mirror image in the horizontal through the middle, else the colour of its outer ring."""
    filled = pixels.copy()
    hidden = (distance < radius) & ~seen
    mirrored = np.clip(np.round(2 * middle[1] - rows).astype(int), 0, len(pixels) - 1)
    from_mirror = hidden & seen[mirrored, columns]
    filled[from_mirror] = pixels[mirrored, columns][from_mirror]
    ring = (distance < radius) & seen & (distance > 0.55 * radius)
    if ring.any():
        filled[hidden & ~from_mirror] = np.median(pixels[ring], axis=0)
    return filled


def _with_sclera(filled, pixels, seen, distance, radius, side) -> np.ndarray:
    """Hidden sclera from the nearest seen sclera, half-way to its usual colour so that no shadow is dragged along."""
    sclera = seen & (distance > 1.12 * radius)
    if sclera.sum() <= 5:
        return filled
    labels = cv2.distanceTransformWithLabels(
        (~sclera).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    colours = np.zeros((labels.max() + 1, 3), np.float32)
    colours[labels[sclera]] = pixels[sclera]
    nearest = cv2.GaussianBlur(colours[labels], (0, 0), side * 0.006)
    colour = 0.5 * nearest + 0.5 * np.percentile(pixels[sclera], 65, axis=0)
    outside_iris = np.clip((distance - radius) / (side * 0.006) + 0.5, 0, 1)[..., None]
    filled = filled.copy()
    filled[~seen] = ((1 - outside_iris) * filled + outside_iris * colour)[~seen]
    return filled


def lid_openings(screen: np.ndarray, mesh: RigMesh, side: int) -> np.ndarray:
    """bool [side, side], the areas between the lids of both eyes with a margin of a pixel."""
    mask = np.zeros((side, side), np.uint8)
    for eye, upper in mesh.model.upper_lid_paths.items():
        outline = np.concatenate([upper, mesh.model.lower_lid_paths[eye][-2:0:-1]])
        cv2.fillPoly(mask, [np.round(screen[outline, :2] * 16).astype(np.int32)], 1, shift=4)
    return cv2.dilate(mask, np.ones((3, 3), np.uint8)).astype(bool)


def looking(photo: np.ndarray, posed: PosedFace, gaze: tuple[float, float]) -> np.ndarray:
    """float32 [V, 2], places in the eye texture that the vertices show when the eyes look `gaze` degrees right and up.

    A small turn of an eyeball moves what it shows sideways; its own outline stays.
    """
    places = photo[:, :2].copy()
    eyes = (
        slice(PART_ENDS[Part.MOUTH_SOCKET], PART_ENDS[Part.RIGHT_EYE_SOCKET]),
        slice(PART_ENDS[Part.TEETH], DRAWN_VERTICES),
    )
    right, up = np.sin(np.radians(gaze)) * _EYEBALL_RADIUS * posed.unit
    for part in eyes:
        places[part] += np.array([-right, up], np.float32)
    return places
