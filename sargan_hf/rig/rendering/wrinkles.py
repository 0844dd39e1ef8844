"""Painted folds: the texture of a neutral face has none of the lines that an expression makes.

The folds of `wrinkles.toml` are drawn once per set on a chart of the mean face seen from the front. Each picture then looks
up its pixels in the chart, by their place on the mean face.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import cv2
import numpy as np
from numba import njit

from ...errors import RigError

# The chart: pixels per model unit, and the model x of its left and y of its top edge.
_RESOLUTION, _LEFT, _TOP, _WIDTH, _HEIGHT = 24.0, -7.0, 11.5, 14.0, 18.5
_MIN_FACTOR, _MAX_FACTOR = 0.68, 1.12


@dataclass(frozen=True)
class WrinkleLook:
    """How one person folds: overall strength, a factor per kind of fold, and a seed for the course of the lines."""

    strength: float = 0.7
    kinds: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "WrinkleLook":
        """A random person."""
        kinds = {kind: rng.uniform(0.6, 1.3) for kind in _table()}
        return cls(rng.uniform(0.35, 1.1), kinds, int(rng.integers(2**31)))


@cache
def _table() -> dict[str, dict]:
    return tomllib.loads((files(str(__package__)) / "wrinkles.toml").read_text(encoding="utf-8"))


def wrinkle_charts(look: WrinkleLook) -> dict[str, np.ndarray]:
    """One float32 chart [444, 336] per kind of fold: relative darkening at strength 1 (negative on the light rims)."""
    rng = np.random.default_rng(look.seed)
    charts = {}
    for kind, entry in _table().items():
        chart = np.zeros((int(_HEIGHT * _RESOLUTION), int(_WIDTH * _RESOLUTION)), np.float32)
        for line in entry["lines"]:
            points = np.array(line, np.float32)
            for side in (1, -1) if entry["mirror"] else (1,):
                course = _personal(points * [side, 1], entry["width"], rng)
                fade = rng.uniform(0.75, 1.1)
                _draw_fold(chart, _to_chart(course), entry["width"] * _RESOLUTION, entry["depth"] * fade)
        charts[kind] = chart * look.strength * look.kinds.get(kind, 1.0)
    return charts


def chart_columns() -> np.ndarray:
    """float64 [336], model x of the columns of a chart."""
    return _LEFT + np.arange(int(_WIDTH * _RESOLUTION)) / _RESOLUTION


def _personal(points: np.ndarray, width: float, rng: np.random.Generator) -> np.ndarray:
    """The line, smooth, with a shift and a wobble of its own."""
    steps = np.linspace(0, len(points) - 1, 8 * len(points))
    smooth = np.stack([np.interp(steps, np.arange(len(points)), points[:, k]) for k in (0, 1)], axis=1)
    smooth = cv2.blur(smooth, (1, 5), borderType=cv2.BORDER_REPLICATE)
    phase = rng.uniform(0, 2 * np.pi, (2, 2))
    along = np.linspace(0, 1, len(smooth))[:, None]
    wobble = 0.5 * width * np.sin(2 * np.pi * along * 1.1 + phase[0]) + 0.2 * width * np.sin(
        2 * np.pi * along * 2.7 + phase[1]
    )
    return smooth + wobble + rng.normal(0, 0.6 * width, 2)


def _to_chart(points: np.ndarray) -> np.ndarray:
    return ((points - [_LEFT, _TOP]) * [_RESOLUTION, -_RESOLUTION]).astype(np.float32)


@njit(cache=True, fastmath=True)
def _draw_fold(chart, course, width, depth):
    reach = 5.0 * width
    x0 = max(0, int(course[:, 0].min() - reach))
    x1 = min(chart.shape[1] - 1, int(course[:, 0].max() + reach))
    y0 = max(0, int(course[:, 1].min() - reach))
    y1 = min(chart.shape[0] - 1, int(course[:, 1].max() + reach))
    segments = course.shape[0] - 1
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            nearest, along = 1e9, 0.0
            for s in range(segments):
                dx, dy = course[s + 1, 0] - course[s, 0], course[s + 1, 1] - course[s, 1]
                t = ((x - course[s, 0]) * dx + (y - course[s, 1]) * dy) / (dx * dx + dy * dy + 1e-9)
                t = min(max(t, 0.0), 1.0)
                px, py = x - course[s, 0] - t * dx, y - course[s, 1] - t * dy
                distance = px * px + py * py
                if distance < nearest:
                    nearest, along = distance, (s + t) / segments
            d = np.sqrt(nearest) / width
            valley = np.exp(-0.5 * d * d)
            rim = np.exp(-0.5 * ((d - 2.2) / 1.3) ** 2)
            taper = np.sin(np.pi * along) ** 0.8 if 0.0 < along < 1.0 else 0.0
            chart[y, x] += depth * taper * (valley - 0.35 * rim)


def wrinkle_factor(
    charts: Mapping[str, np.ndarray], strengths: Mapping[str, float], places: np.ndarray
) -> np.ndarray | None:
    """Factor on the skin's colour at pixels whose places on the mean face are `places` [H, W, 2] (model x, y).

    Returns:
        float32 [H, W] in about 0.7 to 1.1, or None if no fold shows.

    Raises:
        RigError: a strength for a kind of fold that does not exist.
    """
    unknown = set(strengths) - set(charts)
    if unknown:
        raise RigError(f"Unknown wrinkles {sorted(unknown)}; wrinkles.toml has {sorted(charts)}.")
    strengths = {kind: strength for kind, strength in strengths.items() if strength > 0.02}
    if not strengths:
        return None
    chart = sum(strength * charts[kind] for kind, strength in strengths.items())
    chart = np.clip(1 - chart, _MIN_FACTOR, _MAX_FACTOR).astype(np.float32)
    x = (places[..., 0] - _LEFT) * _RESOLUTION
    y = (_TOP - places[..., 1]) * _RESOLUTION
    return cv2.remap(chart, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1.0)
