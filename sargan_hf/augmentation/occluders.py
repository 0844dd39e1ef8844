"""Things in front of a face: spectacles, and shapes that stand for hands, microphones and locks of hair.

A training set of bare faces teaches a network that everything it sees moves with the skin: rising brows then bend the frame
of spectacles. So a share of the samples gets something in front that is the same in both pictures of a pair. Beneath it
nothing moves, neither in the pictures nor in the motion that supervises them.

Everything random is drawn once for both pictures. Media and conditions (see `augmentation`) come afterwards, over all of it.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from .style import clouds

SPECTACLES = 0.7  # of the occluders
FINE = 4  # pixels drawn for one, each way, so that thin frames have smooth edges
# How opaque an occluder must be to hide what moves beneath it; in between, the motion is not known.
CLEAR, OPAQUE = 0.3, 0.7


class Occluder(NamedTuple):
    """What stands in front of a picture of S pixels.

    Attributes:
        cover: float32 [S, S, 1] in 0..1, how opaque it is.
        paint: float32 [S, S, 3] in 0..1, its colour times `cover`.
    """

    cover: np.ndarray
    paint: np.ndarray

    def before(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures float32 [K, S, S, 3] in 0..1 with this in front of each."""
        clear = 1 - self.cover
        return pictures * cv2.merge((clear, clear, clear)) + self.paint

    def stills(self, flow: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flow [S, S, 2] and valid [S, S] between two pictures once this is in front of both: where it is, nothing moves."""
        cover = self.cover[..., 0]
        hidden = cover > OPAQUE
        known = np.where(hidden, 1, np.where(cover > CLEAR, 0, valid)).astype(np.float32)
        return flow * ~hidden[..., None], known


def draw_occluder(rng: np.random.Generator, size: int, eyes: np.ndarray | None) -> Occluder:
    """Spectacles or something else.

    Args:
        rng: the only source of randomness.
        size: side of the picture in pixels.
        eyes: [2, 2], x and y of the pupils in pixels; None where the picture has none, and no spectacles are drawn.
    """
    return spectacles(rng, size, eyes) if eyes is not None and rng.random() < SPECTACLES else obstacle(rng, size)


def obstacle(rng: np.random.Generator, size: int) -> Occluder:
    """An ellipse or a bar in one uneven colour, soft or hard edged, from any side."""
    angle = rng.uniform(0, 2 * math.pi)
    reach = 0.5 * size * rng.uniform(0.5, 1.0)  # distance from the centre, so that most of a face stays in sight
    centre = (int(size / 2 + reach * math.cos(angle)), int(size / 2 + reach * math.sin(angle)))
    long, short = (max(1, int(size * rng.uniform(0.06, widest))) for widest in (0.3, 0.16))
    cover = np.zeros((size, size), dtype=np.float32)
    if rng.random() < 0.6:
        cv2.ellipse(cover, centre, (long, short), rng.uniform(0, 180), 0, 360, 1.0, cv2.FILLED)
    else:
        corners = cv2.boxPoints((centre, (4 * long, short), rng.uniform(0, 180)))
        cv2.fillConvexPoly(cover, corners.astype(np.int32), 1.0)
    cover = cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.5, 3))[..., None]
    shade = 1 + 0.15 * clouds(rng, (size, size), rng.uniform(1, 6))[..., None]
    colour = rng.uniform(0, 1, 3).astype(np.float32)
    return Occluder(cover, cover * np.clip(colour * shade, 0, 1))


def spectacles(rng: np.random.Generator, size: int, eyes: np.ndarray) -> Occluder:
    """Frames of many forms, thin wire to thick horn, a few of them sunglasses, with a shadow and a glint."""
    across = eyes[1] - eyes[0]
    distance = float(np.hypot(*across))
    frame = _Frame.drawn(rng, distance)
    # From a frame of reference with the eyes at (-0.5, 0) and (0.5, 0) to fine pixels.
    turn = math.atan2(across[1], across[0]) + math.radians(rng.normal(0, 1.5))
    x_axis = FINE * distance * np.array([math.cos(turn), math.sin(turn)])
    matrix = np.column_stack([x_axis, [-x_axis[1], x_axis[0]], FINE * (eyes.mean(axis=0) + 0.5) - 0.5])
    canvas = (FINE * size, FINE * size)
    rims, glass = np.zeros(canvas, np.uint8), np.zeros(canvas, np.uint8)
    width = max(1, round(FINE * distance * frame.thickness))
    for outline in frame.lenses:
        pixels = _pixels(outline, matrix)
        cv2.fillPoly(glass, [pixels], 255)
        if frame.half_rim:
            pixels = _pixels(outline[len(outline) // 2 :], matrix)
        cv2.polylines(rims, [pixels], not frame.half_rim, 255, width)
    for line in frame.lines:
        cv2.polylines(rims, [_pixels(line, matrix)], False, 255, max(1, round(0.8 * width)))
    rims, glass = (
        cv2.resize(m, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 for m in (rims, glass)
    )

    colour = np.asarray(rng.uniform(0, 0.2) if rng.random() < 0.65 else rng.uniform(0, 0.9, 3), np.float32)
    shift = np.array([[1, 0, 0], [0, 1, distance * rng.uniform(0.02, 0.07)]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(rims, shift, (size, size)), (0, 0), 0.03 * distance)
    layers = [
        (rng.uniform(0, 0.35) * shadow, np.zeros(3)),
        (frame.tint * glass, rng.uniform(0, 0.3, 3)),
        (glass * _glint(rng, size, eyes.mean(axis=0), distance), rng.uniform(0.7, 1, 3)),
        (rims * frame.opacity, colour),
    ]
    # Channels apart: NumPy is several times slower at loops over three of them. The fourth is how opaque it is.
    planes = np.zeros((4, size, size), np.float32)
    for alpha, over in layers:
        colours = np.ones((4, 1, 1), np.float32)
        colours[:3, 0, 0] = over
        planes += alpha.astype(np.float32) * (colours - planes)
    return Occluder(planes[3][..., None], cv2.merge(tuple(planes[:3])))


class _Frame(NamedTuple):
    """The drawing of a frame, in units of the distance between the pupils, which are at (-0.5, 0) and (0.5, 0)."""

    lenses: list[np.ndarray]
    lines: list[np.ndarray]
    thickness: float
    opacity: float
    tint: float
    half_rim: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator, distance: float) -> "_Frame":
        half_width, half_height = rng.uniform(0.34, 0.47), rng.uniform(0.2, 0.4)
        drop, apart, squareness = rng.uniform(-0.02, 0.1), rng.uniform(0, 0.05), rng.uniform(2, 5)
        turned = rng.normal(0, 0.1)  # a turned head narrows the lens on the far side
        lenses, lines = [], []
        for side in (-1, 1):
            narrowed = half_width * (1 - max(0.0, side * turned))
            centre = np.array([side * (0.5 + apart), drop])
            lenses.append(centre + _rounded(narrowed, half_height, squareness))
            hinge = np.array([side * narrowed, -0.35 * half_height]) + centre
            ear = np.array([side * rng.uniform(0.15, 0.5), rng.uniform(-0.12, 0.08)]) + hinge
            lines.append(np.array([hinge, ear]))
        inner = 0.5 + apart - half_width
        lift = rng.uniform(-0.5, 0.1) * half_height
        lines.append(np.array([[-inner, drop + lift], [0, drop + lift - rng.uniform(0, 0.08)], [inner, drop + lift]]))
        wire = rng.random() < 0.4
        thickness = rng.uniform(0.02, 0.035) if wire else rng.uniform(0.035, 0.11)
        tint = rng.uniform(0.6, 0.97) if rng.random() < 0.12 else rng.uniform(0, 0.15)
        # Thinner than a pixel a wire would be all but invisible.
        return cls(lenses, lines, max(thickness, 1 / distance), rng.uniform(0.75, 1), tint, bool(rng.random() < 0.15))


def _rounded(half_width: float, half_height: float, squareness: float) -> np.ndarray:
    """A superellipse, [48, 2]: 2 is an ellipse, 5 nearly a rectangle."""
    angle = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.sign(around) * np.abs(around) ** (2 / squareness) * [half_width, half_height]


def _pixels(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.rint(points @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32)


def _glint(rng: np.random.Generator, size: int, centre: np.ndarray, distance: float) -> np.ndarray:
    """A slanting band of light, [size, size] in 0..1; in half of the draws none."""
    strength = max(0.0, rng.uniform(-0.4, 0.4))
    angle, width, shift = rng.uniform(0, math.pi), distance * rng.uniform(0.05, 0.3), rng.uniform(-0.6, 0.6)
    if strength == 0:
        return np.zeros((size, size), np.float32)
    ys, xs = np.mgrid[:size, :size].astype(np.float32) - centre[::-1, None, None].astype(np.float32)
    along = math.cos(angle) * xs + math.sin(angle) * ys - distance * shift
    return strength * np.exp(-((along / width) ** 2))
