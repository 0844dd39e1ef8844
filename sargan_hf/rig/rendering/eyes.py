"""The eyes' own texture: what a lid hides has to be there when the lid opens or the eye turns."""

import cv2
import numpy as np

from ...images.color_modes import LUMA
from ..face_model.mesh import DRAWN_VERTICES, RigMesh
from ..face_model.model import PART_ENDS, Part
from .pose import PosedFace

# Sizes as shares of the picture's side.
_LID_RIM = 0.006  # this close to the lids a pixel of the opening is skin, lash or shadow
_SOFTNESS = 0.003
_EYEBALL_RADIUS = 1.5  # model units
# An iris is darker than the white round it by at least this share of the white (.29 and more on 60 photographs).
_IRIS_CONTRAST = 0.25
# Heights between the lids' edges, upper 0 and lower 1, at which an eye is looked at; a shut one has its dark line at
# `_LOW_LINE` or lower. Shares of the lid's luminance: darkness at the upper edge, and of the line.
_HEIGHTS = np.linspace(-0.6, 1.6, 45)
_LOW_LINE, _NO_LINE, _CLEAR_LINE = 0.4, 0.06, 0.15
_LID_BLUR = 0.004


def has_iris(posed: PosedFace) -> bool:
    """Whether the eyes show irises: those of most statues are blank."""
    marks = posed.landmarks
    found = [
        _iris_contrast(posed, opening, iris)
        for opening, iris in (
            (marks.right_eye_opening, marks.right_iris),
            (marks.left_eye_opening, marks.left_iris),
        )
    ]
    return float(np.mean(found)) >= _IRIS_CONTRAST


def _iris_contrast(posed: PosedFace, opening: np.ndarray, iris: np.ndarray) -> float:
    """How much darker the middle of the iris is than the white round it, as a share of the white; 0 if one is hidden."""
    middle = iris.mean(axis=0)
    radius = np.linalg.norm(iris - middle, axis=1).mean()
    left, top = np.maximum(np.floor(opening.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(opening.max(axis=0)).astype(int) + 1
    luminance = posed.texture[top:bottom, left:right].astype(np.float32) @ LUMA
    seen = np.zeros(luminance.shape, np.uint8)
    cv2.fillPoly(seen, [np.round(opening - [left, top]).astype(np.int32)], 1)
    rows, columns = np.nonzero(seen)
    away = np.hypot(columns + left - middle[0], rows + top - middle[1]) / max(radius, 1.0)
    inner, outer = (luminance[rows, columns][which] for which in (away < 0.75, away > 1.15))
    if min(len(inner), len(outer)) < 8:
        return 0.0
    return float(1 - np.median(inner) / max(np.median(outer), 1.0))


def eyes_shut(posed: PosedFace) -> bool:
    """Whether both eyes are shut, or look down so far that hardly anything of them is seen.

    Landmarks lay an opening over a shut eye as well. Its one dark line is then where the lower lid should be, with lid above
    it; in an open eye the upper lid or the iris is darkest.
    """
    marks = posed.landmarks
    pairs = (
        (marks.right_upper_lid, marks.right_lower_lid),
        (marks.left_upper_lid, marks.left_lower_lid),
    )
    return all(_line_is_below(posed, upper, lower) for upper, lower in pairs)


def _line_is_below(posed: PosedFace, upper: np.ndarray, lower: np.ndarray) -> bool:
    along, corners = np.linspace(0.2, 0.8, 13), np.linspace(0, 1, len(upper))
    top, bottom = (np.stack([np.interp(along, corners, line[:, k]) for k in (0, 1)], axis=1) for line in (upper, lower))
    places = top[:, None] + (bottom - top)[:, None] * _HEIGHTS[None, :, None]
    low = np.maximum(np.floor(places.min(axis=(0, 1))).astype(int) - 8, 0)
    right, bottom_row = np.ceil(places.max(axis=(0, 1))).astype(int) + 9
    luminance = posed.texture[low[1] : bottom_row, low[0] : right].astype(np.float32) @ LUMA
    luminance = cv2.GaussianBlur(luminance, (0, 0), max(0.5, posed.side * _LID_BLUR))
    where = (places - low).astype(np.float32)
    profile = cv2.remap(
        luminance, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).mean(axis=0)

    def between(least: float, most: float) -> np.ndarray:
        return profile[(least <= _HEIGHTS) & (most >= _HEIGHTS)]

    lid = max(float(np.median(between(-0.6, -0.3))), 1.0)
    above = (min(lid, between(0.3, 0.6).max()) - between(-0.2, 0.35).min()) / lid
    below = (between(0.0, 0.6).max() - between(0.6, 1.3).min()) / lid
    within = between(-0.25, 1.3)
    darkest = _HEIGHTS[_HEIGHTS >= -0.25][within.argmin()]
    return bool(darkest >= _LOW_LINE and above < _NO_LINE and below > _CLEAR_LINE)


def eye_texture(posed: PosedFace, blank: bool = False) -> np.ndarray:
    """uint8 [T, T, 3]: the posed texture with iris and sclera continued behind the lids.

    Args:
        posed: the posed face.
        blank: the eyes show no iris, and get none.
    """
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
            patch[...] = _continued(patch, opening - offset, iris - offset, pupil - offset, posed.side, blank)
    return texture


def _continued(
    patch: np.ndarray, opening: np.ndarray, iris: np.ndarray, pupil: np.ndarray, side: int, blank: bool
) -> np.ndarray:
    seen = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillPoly(seen, [np.round(opening * 16).astype(np.int32)], 1, shift=4)
    rim = 2 * max(1, round(side * _LID_RIM)) + 1
    seen = cv2.erode(seen, np.ones((rim, rim), np.uint8)).astype(bool)
    pixels = patch.astype(np.float32)
    middle = (iris.mean(axis=0) + pupil) / 2
    radius = 1.03 * np.linalg.norm(iris - iris.mean(axis=0), axis=1).max()
    rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]]
    distance = np.hypot(columns - middle[0], rows - middle[1])
    if blank:
        filled = _nearest(pixels, seen, side)
    else:
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
    colour = 0.5 * _nearest(pixels, sclera, side) + 0.5 * np.percentile(pixels[sclera], 65, axis=0)
    outside_iris = np.clip((distance - radius) / (side * 0.006) + 0.5, 0, 1)[..., None]
    filled = filled.copy()
    filled[~seen] = ((1 - outside_iris) * filled + outside_iris * colour)[~seen]
    return filled


def _nearest(pixels: np.ndarray, seen: np.ndarray, side: int) -> np.ndarray:
    """float32 [H, W, 3], every pixel in the colour of the nearest one of `seen`, softened."""
    if not seen.any():
        return pixels
    away = (~seen).astype(np.uint8)
    labels = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)[1].astype(np.int64)
    colours = np.zeros((labels.max() + 1, 3), np.float32)
    colours[labels[seen]] = pixels[seen]
    return cv2.GaussianBlur(colours[labels], (0, 0), side * 0.006)


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
