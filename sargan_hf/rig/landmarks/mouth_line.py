"""Puts the line between closed lips on the dark valley in the picture.

Dense landmarks miss the mouth line by about 1.4 % of the inter-ocular distance. That is enough to draw a second lip when the
mouth opens. The shadow between closed lips shows the true line; following it halves the error (0.7 % on 129 portraits).
"""

from dataclasses import replace

import cv2
import numpy as np

from .landmark_types import Landmarks

# All lengths are shares of the inter-ocular distance.
REACH = 0.06  # how far from the guess the line may lie
BLUR = 0.012
MAX_GAP = 0.04  # lips further apart than this are open: there is no single line to follow
VALLEY_TO_LINE = 0.006  # people mark the line this far below the darkest pixels
_STATIONS, _OFFSETS = 33, 33
_BEND_COST, _DISTANCE_COST = 3000.0, 0.5


def follow_mouth_line(picture: np.ndarray, landmarks: Landmarks) -> Landmarks:
    """Moves the lips of `landmarks` so that their inner edges follow the valley between them.

    The inner edges take the full shift, the outer ones half of it; the corners stay. An open mouth is left alone.

    Args:
        picture: uint8 [H, W, 3], RGB.
        landmarks: in pixels of `picture`.
    """
    iod = landmarks.inter_ocular_distance
    upper, lower = landmarks.upper_lip_bottom, landmarks.lower_lip_top
    if np.linalg.norm(lower[3] - upper[3]) > MAX_GAP * iod:
        return landmarks
    line = (upper + lower) / 2
    across = line[-1] - line[0]
    downward = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    stations = points_along(line, np.linspace(0.0, lengths_along(line)[-1], _STATIONS))
    offsets = np.linspace(-REACH, REACH, _OFFSETS)
    darkness = _profile(picture, stations, offsets * iod, downward, BLUR * iod)
    shift = (_valley(darkness, offsets) + VALLEY_TO_LINE) * iod

    at = np.linspace(0.0, 1.0, _STATIONS)
    moves = np.interp([0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9], at, shift)[:, None] * downward
    moves[[0, -1]] = 0.0
    return replace(
        landmarks,
        upper_lip_bottom=upper + moves,
        lower_lip_top=lower + moves,
        upper_lip_top=landmarks.upper_lip_top + 0.5 * moves,
        lower_lip_bottom=landmarks.lower_lip_bottom + 0.5 * moves,
    )


def lengths_along(line: np.ndarray) -> np.ndarray:
    """[N], length of the polyline [N, 2] up to each of its points."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])


def points_along(line: np.ndarray, at: np.ndarray) -> np.ndarray:
    """[M, 2], the points of the polyline at these lengths [M] from its start."""
    length = lengths_along(line)
    return np.stack([np.interp(at, length, line[:, 0]), np.interp(at, length, line[:, 1])], axis=1)


def _profile(
    picture: np.ndarray, stations: np.ndarray, offsets: np.ndarray, direction: np.ndarray, blur: float
) -> np.ndarray:
    """Standardised brightness [stations, offsets] along `direction` at each station."""
    where = stations[:, None] + offsets[None, :, None] * direction
    margin = int(4 * blur) + 2
    low = np.maximum(np.floor(where.min(axis=(0, 1))).astype(int) - margin, 0)
    high = np.ceil(where.max(axis=(0, 1))).astype(int) + margin
    region = cv2.cvtColor(picture[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY).astype(np.float32)
    region = cv2.GaussianBlur(region, (0, 0), max(blur, 0.3))
    where = (where - low).astype(np.float32)
    sampled = cv2.remap(region, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sampled = cv2.GaussianBlur(sampled, (0, 0), sigmaX=0.1, sigmaY=1.0)
    return (sampled - sampled.mean()) / max(float(sampled.std()), 3.0)


def _valley(brightness: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The darkest smooth path through [stations, offsets] by dynamic programming; returns its offset at each station."""
    cost = brightness + _DISTANCE_COST * (offsets / REACH) ** 2
    bend = _BEND_COST * (offsets[:, None] - offsets[None, :]) ** 2
    best, came_from = cost[0], []
    for row in cost[1:]:
        through = best[None, :] + bend
        came_from.append(through.argmin(axis=1))
        best = through.min(axis=1) + row
    path = [int(best.argmin())]
    for back in came_from[::-1]:
        path.append(int(back[path[-1]]))
    return offsets[path[::-1]]
