"""Sets the painted mouth into the picture: a smooth edge of the lips, the light round the mouth, the picture's sharpness."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...images.color_modes import LUMA
from ...images.warp import smoothstep

# Of the picture's side: the mesh's lips are polygons, smoothed along their course. Smoothed across it, thin corners would
# vanish, and with them much of what makes a mouth look afraid.
_SMOOTH, _ALONG = 0.0045, 0.007
# Height of an opening as a share of its width: up to the first it keeps its outline, from the second on it is a round hole.
_FLAT, _ROUND = 0.25, 0.5
_OVAL = 0.45  # share of the way from its outline to an ellipse that a round hole goes
# The edge of carved lips: its light as a share of theirs, at the upper lip and at the lower one. It turns inwards over a share
# of the picture's side at the upper lip, and over a share of the opening's height at the lower one.
_UPPER_EDGE, _LOWER_EDGE, _UPPER_TURNS, _LOWER_TURNS = 0.25, 0.85, 0.008, 0.45
_HOLLOW_GRAIN = 0.5  # of the picture's grain at that tone: in the even dark of a hollow, all of it is dots
# Of the picture's side: what of the skin round the mouth tells how it is lit, and how far its light is carried.
_AROUND, _CARRIED, _LIPS = 0.16, 0.035, 0.025
_USUAL = 0.85  # luminance of the skin round the mouth in even light, cheeks being 1
_LEAST, _MOST = 0.3, 1.06
_LIGHT_POWER = 0.9


@dataclass(frozen=True, eq=False)
class LipOpening:
    """Where the inside of the mouth is seen.

    Attributes:
        window: rows and columns of the oversampled picture that hold all of it.
        cover: float32 [H, W] of the window, 1 inside, 0 on the lips.
    """

    window: tuple[slice, slice]
    cover: np.ndarray


def smooth_opening(inside: np.ndarray, blur: float) -> LipOpening | None:
    """The opening with a smooth edge; None if nothing of it is seen.

    Args:
        inside: bool [S, S], the pixels that the mesh shows the inside of the mouth in.
        blur: standard deviation of the picture's own blur in these pixels.
    """
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    side = len(inside)
    sigma = max(_ALONG * side, 0.6)
    pad = int(np.ceil(3 * max(sigma, blur))) + 2
    down, across = (slice(max(0, each[0] - pad), min(side, each[-1] + pad + 1)) for each in (rows, columns))
    window = down, across
    cover = _rounded(_smooth_cover(inside[window], sigma))
    if blur > 0:
        cover = cv2.GaussianBlur(cover, (0, 0), blur)
    return LipOpening(window, cover)


def _smooth_cover(inside: np.ndarray, sigma: float) -> np.ndarray:
    """float32 [H, W], share of each pixel between the two edges of `inside`, both smoothed along x, the corners held."""
    at = np.flatnonzero(inside.any(axis=0))
    columns = np.arange(at[0], at[-1] + 1)
    top = np.interp(columns, at, inside.argmax(axis=0)[at])
    bottom = np.interp(columns, at, len(inside) - inside[::-1].argmax(axis=0)[at])
    height = np.zeros(inside.shape[1], np.float32)
    middle = height.copy()
    shown = slice(columns[0], columns[-1] + 1)
    mirrored = np.r_[-(bottom - top)[::-1], 0, bottom - top, 0, -(bottom - top)[::-1]]
    height[shown] = gaussian_filter1d(mirrored, sigma)[len(columns) + 1 : -len(columns) - 1]
    middle[shown] = gaussian_filter1d((top + bottom) / 2, sigma, mode="nearest")
    rows = np.arange(len(inside), dtype=np.float32)[:, None]
    above, below = np.clip(middle + height / 2 - rows, 0, 1), np.clip(middle - height / 2 - rows, 0, 1)
    return (above - below).astype(np.float32)


def _rounded(cover: np.ndarray) -> np.ndarray:
    """`cover` float32 [H, W] without notches and sharp corners, as far as the opening is tall for its width.

    The bow of the upper lip makes a heart of a round hole, and the corners of the lips, pulled apart, a box or a half-moon.
    """
    shown = cover.any(axis=0)
    height = float(cover.sum(axis=0).max())
    share = float(smoothstep(np.asarray((height / max(int(shown.sum()), 1) - _FLAT) / (_ROUND - _FLAT))))
    if share <= 0 or height < 4:
        return cover
    at = np.flatnonzero(shown)
    columns = np.arange(at[0], at[-1] + 1)
    seen = cover[:, columns]
    rows = np.arange(len(cover), dtype=np.float32)[:, None]
    middle = (seen * (rows + 0.5)).sum(axis=0) / np.maximum(seen.sum(axis=0), 1e-6)
    top, bottom = middle - seen.sum(axis=0) / 2, middle + seen.sum(axis=0) / 2
    top, bottom = top + share * (_hull(columns, top) - top), bottom - share * (_hull(columns, -bottom) + bottom)
    whole = np.zeros_like(cover)
    whole[:, columns] = np.clip(bottom - rows, 0, 1) - np.clip(top - rows, 0, 1)
    inwards = _from_edge(whole > 0.5)
    inwards += share * _OVAL * (_from_edge(_oval(whole)) - inwards)
    return np.clip(inwards + 0.5, 0, 1).astype(np.float32)


def _oval(cover: np.ndarray) -> np.ndarray:
    """bool [H, W], the ellipse with the area, the place and the slant of `cover` float32 [H, W]."""
    moments = cv2.moments(cover)
    x, y = np.meshgrid(np.arange(cover.shape[1]), np.arange(cover.shape[0]))
    apart = np.stack([x - moments["m10"] / moments["m00"], y - moments["m01"] / moments["m00"]], axis=-1)
    spread = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]]) / moments["m00"]
    far = np.einsum("hwi,ij,hwj->hw", apart, np.linalg.inv(spread), apart)
    area = np.pi * np.sqrt(np.linalg.det(spread))
    return far <= moments["m00"] / area


def _from_edge(inside: np.ndarray) -> np.ndarray:
    """float32 [H, W], pixels from the edge of `inside`, negative outside of it."""
    within, beyond = (
        cv2.distanceTransform(each.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for each in (inside, ~inside)
    )
    return within - beyond


def _hull(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`y` [P] at the whole numbers `x` [P] without its bumps: the largest convex function beneath it."""
    kept: list[int] = []
    for each in range(len(x)):
        while len(kept) > 1:
            first, last = kept[-2], kept[-1]
            if (y[last] - y[first]) * (x[each] - x[first]) < (y[each] - y[first]) * (x[last] - x[first]):
                break
            kept.pop()
        kept.append(each)
    return np.interp(x, x[kept], y[kept])


def light_round(picture: np.ndarray, skin: np.ndarray, opening: LipOpening, cheek: float) -> np.ndarray:
    """float32 [H, W] of the opening's window: how brightly the skin round it is lit, cheeks in even light being 1.

    Args:
        picture: float32 [S, S, 3], RGB, the face without its mouth.
        skin: bool [S, S].
        cheek: luminance of the cheeks, 0 to 255.
    """
    side = len(picture)
    around = round(_AROUND * side)
    step = max(1, side // 96)
    rows, columns = (slice(max(0, each.start - around), min(side, each.stop + around)) for each in opening.window)
    luminance = picture[rows, columns][::step, ::step] @ LUMA
    counts = skin[rows, columns][::step, ::step].astype(np.uint8)
    lips = 2 * max(1, round(_LIPS * side / step)) + 1
    counts = cv2.erode(counts, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (lips, lips))).astype(np.float32)
    if counts.sum() < 20:
        return np.ones(opening.cover.shape, np.float32)
    mean = float((luminance * counts).sum() / counts.sum())
    total, weight = mean * np.float32(0.02), np.float32(0.02)
    for reach in (1, 2):
        sigma = reach * _CARRIED * side / step
        total = total + cv2.GaussianBlur(luminance * counts, (0, 0), sigma)
        weight = weight + cv2.GaussianBlur(counts, (0, 0), sigma)
    light = np.clip(total / weight / max(_USUAL * cheek, 1.0), _LEAST, _MOST) ** _LIGHT_POWER
    light = cv2.resize(light, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    top, left = opening.window[0].start - rows.start, opening.window[1].start - columns.start
    height, width = opening.cover.shape
    light = cv2.copyMakeBorder(light, 0, step, 0, step, cv2.BORDER_REPLICATE)
    return light[top : top + height, left : left + width]


def blend(
    picture: np.ndarray, inside: np.ndarray, painted: np.ndarray, opening: LipOpening, blur: float, carved: bool
) -> None:
    """Lays the painted mouth into `picture` float32 [S, S, 3]; in place.

    Args:
        inside: bool [H, W] of the opening's window, where `painted` float32 [H, W, 3] holds the mouth.
        blur: standard deviation of the picture's own blur in these pixels.
        carved: it is of stone: `painted` holds it everywhere, and the edges of the lips are rounded.
    """
    around = picture[opening.window]
    sigma = max(1.0, _SMOOTH * len(picture), blur)
    skin = np.where(inside[..., None], _continued(around, ~inside, sigma), around)
    if carved:
        mouth = _turned_inwards(painted, skin, opening.cover, len(picture))
    else:
        mouth = np.where(inside[..., None], painted, _continued(painted, inside, sigma))
    if blur > 0:
        mouth = cv2.GaussianBlur(mouth, (0, 0), blur)
    cover = opening.cover[..., None]
    around[...] = skin + cover * (mouth - skin)


def with_mouth(painted: np.ndarray, inside: np.ndarray, opening: LipOpening, carved: bool) -> np.ndarray:
    """float32 [H, W], `painted` of the opening's window with what `blend` has painted there: 1 where it needs grain."""
    if carved:
        return painted + opening.cover * (_HOLLOW_GRAIN - painted)
    return np.maximum.reduce([painted, opening.cover, inside])


def _turned_inwards(hollow: np.ndarray, lips: np.ndarray, cover: np.ndarray, side: int) -> np.ndarray:
    """float32 [H, W, 3], a carved hollow with the edges of its lips: sharp and in the shade above, a slope below.

    Turned inwards evenly all round, they are a ring.
    """
    rows = np.flatnonzero((cover > 0.5).any(axis=1))
    if not len(rows):
        return hollow
    down = np.clip((np.arange(len(cover), dtype=np.float32) - rows[0]) / max(len(rows), 1), 0, 1)[:, None]
    upper = _UPPER_TURNS * side
    width = upper + max(_LOWER_TURNS * len(rows) - upper, 0) * down**2
    turned = 1 - smoothstep(np.maximum(_from_edge(cover > 0.5), 0) / width)
    edge = _UPPER_EDGE + (_LOWER_EDGE - _UPPER_EDGE) * down
    return hollow + turned[..., None] * np.maximum(edge[..., None] * lips - hollow, 0)


def _continued(colour: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """float32 [H, W, 3], the colours of the known pixels carried into their surroundings."""
    weight = known.astype(np.float32)
    sums = cv2.GaussianBlur(colour * weight[..., None], (0, 0), sigma)
    wide = cv2.GaussianBlur(colour * weight[..., None], (0, 0), 4 * sigma)
    near, far = (cv2.GaussianBlur(weight, (0, 0), each * sigma) for each in (1, 4))
    return (sums + 1e-3 * wide) / np.maximum(near + 1e-3 * far, 1e-9)[..., None]
