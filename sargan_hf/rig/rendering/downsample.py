"""The square that a picture shows of a face, and how to cut it out of the photograph."""

import cv2
import numpy as np

from ...faces.alignment import canonical_transform
from .variation import Variation


def crop_matrix(points: np.ndarray, size: int, variation: Variation) -> np.ndarray:
    """float64 [2, 3], photograph to crop of side `size`: the canonical crop with the variation's jitter.

    Args:
        points: [5, 2], subject's right eye, left eye, nose tip, right and left mouth corner, in pixels.
    """
    matrix = np.asarray(canonical_transform(points, size), np.float64)
    # The jitter is about the eyes, which the canonical crop holds in place.
    eyes = matrix[:, :2] @ points[:2].mean(axis=0) + matrix[:, 2]
    turn = np.radians(variation.rotation)
    jitter = variation.scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = jitter @ matrix
    matrix[:, 2] += eyes - jitter @ eyes + np.array(variation.shift) * size
    return matrix


def oversampled(matrix: np.ndarray, factor: int) -> np.ndarray:
    """The same crop at `factor` times the resolution; pixel centres lie at whole numbers in both."""
    matrix = matrix * factor
    matrix[:, 2] += (factor - 1) / 2
    return matrix


def cut_out(picture: np.ndarray, matrix: np.ndarray, side: int) -> np.ndarray:
    """uint8 [side, side, 3], `picture` under `matrix`, without aliasing; mirrored beyond its border."""
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 1.6:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.42 * shrink)
    return cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def average_down(picture: np.ndarray, factor: int) -> np.ndarray:
    """Mean over blocks of `factor` x `factor` pixels."""
    if factor == 1:
        return picture
    size = picture.shape[0] // factor
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
