"""Takes the irises away, as most busts have none."""

import cv2
import numpy as np

BLANK_EYES = 0.6
"""Share of the draws of stone and bronze that take the irises away."""


def without_irises(pictures: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Most busts have bare eyeballs: this share of the draws takes iris and pupil away and leaves lids and lashes.

    The eyes are looked for where canonical crops have them. What is darker than its surroundings, wider than a lash and
    no wider than an iris (0.19 of the distance between the pupils) is filled with the eye's white.
    """
    if rng.random() > share:
        return pictures
    height, width = pictures.shape[1:3]
    mask = np.zeros((height, width), dtype=np.float32)
    for x in (0.35, 0.65):
        axes = (round(0.085 * width), round(0.05 * height))
        cv2.ellipse(mask, (round(x * width), round(0.385 * height)), axes, 0, 0, 360, 1.0, cv2.FILLED)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.012 * width)
    lash, iris = max(2, round(0.02 * width)), max(2, round(0.085 * width))
    looked_at = np.flatnonzero(mask.any(axis=1))
    rows = slice(max(0, looked_at[0] - iris), looked_at[-1] + iris + 1)  # closing reaches as far as the disc is wide
    mask = cv2.merge((mask[rows],) * 3)
    carved = pictures.copy()
    for picture in carved[:, rows]:
        picture += mask * (_closed(picture, iris) - _closed(picture, lash))
    return carved


def _closed(picture: np.ndarray, diameter: int) -> np.ndarray:
    """The picture without dark spots and lines narrower than `diameter` pixels."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    return cv2.morphologyEx(picture, cv2.MORPH_CLOSE, disc)
