"""The picture's own grain, for what a network has painted into it: canvas, paper and film are finer than a crop's pixels.

Without it, the inside of a mouth is a smooth patch in a painting's weave. The grain is read off a cheek. Copies of it, shifted
by fixed amounts and of either sign, are added up: the sum is as strong and as fine as the grain, and no spot of the cheek
stands out in it (spot noise: J. van Wijk, SIGGRAPH 1991).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ..faces.alignment import transform_scale
from ..images.color_modes import LUMA

# Squares on both cheeks, in units of the canonical crop's side: their centres, and the side of one.
CHEEKS = ((0.335, 0.56), (0.665, 0.56))
SQUARE = 0.11
# Pixels of the square's side: fewer hold no grain, more are not needed. In steps: a face that moves a little keeps its grain.
LEAST, MOST, STEP = 16, 96, 8
FINE = 0.8  # standard deviation of the blur that leaves the grain behind, in pixels of the crop
OUTLIER = 4.0  # times the median of the detail: what stands out further is a hair or a wrinkle
FAINT = 0.1  # of 255, the mean of a cheek's detail: less is nothing but what rounding leaves
LOOKS = 2  # the first finds hairs, the second does not see them
DARK = 0.4  # share of the grain in black; white has all of it
# Shifts in shares of the square, and signs, of the copies.
SPOTS = ((0.0, 0.0, 1), (0.37, 0.61, -1), (0.71, 0.23, 1), (0.17, 0.83, 1), (0.53, 0.41, -1), (0.89, 0.67, -1))


@dataclass(frozen=True)
class Grain:
    """Attributes:
    tile: float32 [N, N], brightness to add, of 255; it repeats seamlessly from the picture's corner on.
    """

    tile: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray, transform: np.ndarray, side: int) -> "Grain | None":
        """The grain of a face; None where the face is too small, no cheek is within the picture, or one is smooth.

        Args:
            pixels: of the picture, as for `apply_warp`, before the edit.
            transform: from picture pixels to the model's crop, [2, 3].
            side: the crop's side in pixels.
        """
        pixel = 1 / transform_scale(transform)  # of the crop, in pixels of the picture
        square = min(MOST, int(SQUARE * side * pixel / STEP) * STEP)
        if square < LEAST:
            return None
        to_picture = cv2.invertAffineTransform(transform)
        found = []
        for centre in CHEEKS:
            x, y = to_picture @ np.array([*(np.array(centre) * side - 0.5), 1])
            left, top = math.floor(x - square / 2), math.floor(y - square / 2)
            part = pixels[max(0, top) : top + square, max(0, left) : left + square]
            if min(left, top) >= 0 and part.shape[:2] == (square, square):
                detail = _detail(_brightness(part) * (255 / np.iinfo(pixels.dtype).max), FINE * pixel)
                found.append((float(np.abs(detail).mean()), left, top, detail))
        strength, left, top, detail = min(found, key=lambda each: each[0], default=(0.0, 0, 0, np.empty(0)))
        if strength < FAINT:
            return None
        return cls(np.roll(_spots(detail), (top, left), axis=(0, 1)))

    def add(self, edited: np.ndarray, painted: np.ndarray, left: int, top: int, full: int) -> None:
        """Adds the grain to a part of the picture, in place: to light places in full, to dark ones less.

        Args:
            edited: float32 [H, W, 1 or 3] in 0..full, without alpha.
            painted: float32 [H, W], how much of a pixel a network has painted.
            left: of the part within the picture.
            top: the same.
            full: what white is.
        """
        ys, xs = (np.flatnonzero(painted.any(axis=axis)) for axis in (1, 0))
        if not len(ys):
            return
        part = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
        rows = np.arange(top + ys[0], top + ys[-1] + 1) % len(self.tile)
        columns = np.arange(left + xs[0], left + xs[-1] + 1) % len(self.tile)
        tone = DARK + (1 - DARK) * np.clip(_brightness(edited[part]) / full, 0, 1)
        edited[part] += (painted[part] * tone * self.tile[np.ix_(rows, columns)] * (full / 255))[..., None]


def _brightness(pixels: np.ndarray) -> np.ndarray:
    """float32 [H, W] of [H, W] or [H, W, 1 to 4]; a last channel of 2 or 4 is alpha."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    return pixels[..., 0].astype(np.float32) if pixels.shape[2] < 3 else pixels[..., :3].astype(np.float32) @ LUMA


def _detail(light: np.ndarray, sigma: float) -> np.ndarray:
    """float32 [N, N], what `light` [N, N] holds that is finer than `sigma` pixels; 0 at hairs and wrinkles."""
    kept = np.ones_like(light)
    detail = light
    for _ in range(LOOKS):
        blurred, share = (
            cv2.GaussianBlur(each, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101) for each in (kept * light, kept)
        )
        detail = light - blurred / np.maximum(share, 0.01)
        kept = (np.abs(detail) < OUTLIER * np.median(np.abs(detail))).astype(np.float32)
    return kept * detail


def _spots(detail: np.ndarray) -> np.ndarray:
    """float32 [N, N], a seamless tile of shifted copies of `detail` [N, N], of the same strength."""
    side = len(detail)
    ramp = np.sin(np.pi * (np.arange(side) + 0.5) / side)  # copies fade at the edges of the square: no seam
    window = np.outer(ramp, ramp).astype(np.float32)
    total = np.zeros_like(detail)
    power = np.zeros_like(detail)
    for x, y, sign in SPOTS:
        shift = int(y * side), int(x * side)
        total += sign * np.roll(detail * window, shift, axis=(0, 1))
        power += np.roll(window**2, shift, axis=(0, 1))
    return total / np.sqrt(np.maximum(power, 0.25))
