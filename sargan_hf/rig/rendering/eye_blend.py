"""Sets moved eyes into the picture: lids as sharp as the picture, carved eyes that stretch instead of being painted anew."""

from collections.abc import Iterator

import cv2
import numpy as np

from ..face_model.mesh import RigMesh
from ..face_model.model import Part

EYES = (Part.LEFT_EYE_SOCKET, Part.RIGHT_EYE_SOCKET, Part.LEFT_EYEBALL, Part.RIGHT_EYEBALL)
_LEAST_SOFT = 0.7  # oversampled pixels: the edge between lid and eye is one of triangles
_SOFT_BAND = 1.5  # half width of what is softened along a lid, in standard deviations of the blur
_LEAST_HIGH = 1.5  # pixels; an opening that is lower is taken for so high
_SHADOW = 0.28  # of an upper lid on the eye
_SHADOW_DOWN, _SHADOW_SOFT = 0.008, 0.004  # of the picture's side


def lid_shadow(part: np.ndarray) -> np.ndarray:
    """float32 [S, S], factor on the colour of the eyeballs by the shadow of the upper lids; `part` int [S, S]."""
    side = part.shape[1]
    skin = (part == Part.FACE).astype(np.float32)
    down = max(1, int(side * _SHADOW_DOWN))
    shadow = np.zeros_like(skin)
    shadow[down:] = skin[:-down]
    return 1 - _SHADOW * cv2.GaussianBlur(shadow, (0, 0), side * _SHADOW_SOFT)


def lid_edges(vertices: np.ndarray, mesh: RigMesh) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Side and the upper and lower edge [N, 2] of each eye in the picture, from left to right."""
    for side, upper in mesh.model.upper_lid_paths.items():
        above, below = vertices[upper, :2], vertices[mesh.model.lower_lid_paths[side], :2]
        yield side, above[np.argsort(above[:, 0])], below[np.argsort(below[:, 0])]


def soften_lids(picture: np.ndarray, vertices: np.ndarray, mesh: RigMesh, blur: float, moved: dict[str, float]) -> None:
    """Makes the edges of moved lids as soft as the picture; in place.

    Args:
        picture: float32 [S, S, 3].
        vertices: float32 [V, 3], in the picture.
        blur: standard deviation of the picture's own blur in these pixels.
        moved: by side, 0 for lids that are where they were to 1.
    """
    sigma = max(_LEAST_SOFT, blur)
    pad = int(np.ceil(4 * sigma)) + 1
    for side, upper, lower in lid_edges(vertices, mesh):
        if moved[side] <= 0:
            continue
        outline = np.concatenate([upper, lower[::-1]])
        low = np.clip(np.floor(outline.min(axis=0)).astype(int) - pad, 0, len(picture))
        high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + pad, 0, len(picture))
        if (high - low < 3).any():
            continue
        window = slice(low[1], high[1]), slice(low[0], high[0])
        band = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
        lines = [np.round((edge - low) * 16).astype(np.int32) for edge in (upper, lower)]
        cv2.polylines(band, lines, False, 1.0, max(1, round(2 * _SOFT_BAND * sigma)), cv2.LINE_8, 4)
        band = np.clip(1.5 * cv2.GaussianBlur(band, (0, 0), sigma), 0, 1)
        soft = cv2.GaussianBlur(picture[window], (0, 0), sigma)
        picture[window] += moved[side] * band[..., None] * (soft - picture[window])


def stretched_eyes(before: np.ndarray, now: np.ndarray, mesh: RigMesh, rows: slice, side: int) -> np.ndarray:
    """float32 [R, side, 2], where in the neutral picture each pixel of some rows lies if eyes stretch with their lids.

    An eye without an iris holds nothing that a lid could hide. Painted anew where it opens, it is a flat disc in the stone.

    Args:
        before, now: float32 [V, 3], vertices of the neutral picture and of this one.
    """
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(rows.start, rows.stop, dtype=np.float32))
    places = np.stack([x, y], axis=-1)
    middle = _between_eyes(now, mesh)
    pairs = zip(lid_edges(before, mesh), lid_edges(now, mesh), strict=True)
    for (_, upper, lower), (_, upper_now, lower_now) in pairs:
        columns = np.arange(side)
        own = (columns > middle) == (upper_now[:, 0].mean() > middle)
        top, bottom, top_now, bottom_now = (
            np.interp(columns, edge[:, 0], edge[:, 1]) for edge in (upper, lower, upper_now, lower_now)
        )
        share = (y - top_now) / np.maximum(bottom_now - top_now, _LEAST_HIGH)
        stretched = top + np.clip(share, 0, 1) * np.maximum(bottom - top, _LEAST_HIGH)
        places[:, own, 1] = stretched[:, own]
    return places


def _between_eyes(vertices: np.ndarray, mesh: RigMesh) -> float:
    return float(np.mean([upper[:, 0].mean() for _, upper, _ in lid_edges(vertices, mesh)]))
