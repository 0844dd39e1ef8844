"""Smaller copies of pictures, and parts of them, in their own mode."""

import cv2
import numpy as np

from .load_image import LoadedImage


def shrink(picture: LoadedImage, max_side: int) -> LoadedImage:
    """The picture in its own mode, no longer than `max_side`."""
    scale = max_side / max(picture.size)
    if scale >= 1:
        return picture
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    pixels = picture.pixels
    if picture.mode not in ("LA", "RGBA"):
        smaller = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    else:  # colours count as much as they are seen, so that none comes in from where nothing is seen
        alpha = pixels[..., -1:].astype(np.float32)
        weighted = np.concatenate([pixels[..., :-1] * alpha, alpha], axis=2)
        weighted = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
        colours = weighted[..., :-1] / np.maximum(weighted[..., -1:], 1e-6)
        smaller = np.rint(np.concatenate([colours, weighted[..., -1:]], axis=2)).astype(np.uint8)
    return LoadedImage(smaller, picture.mode, picture.name, picture.info, picture.notes)


def shrink_marks(box, points, scale: np.ndarray):
    """A box and points given in the pixels of the whole picture, in those of the shrunk one."""
    if box is not None and np.shape(box) == (4,):
        box = tuple((np.reshape(box, (2, 2)) * scale).ravel().tolist())
    if points is not None and np.shape(points) == (5, 2):
        points = np.asarray(points) * scale
    return box, points  # anything of another shape is refused where faces are looked for


def cut(picture: LoadedImage, box: tuple[int, int, int, int]) -> LoadedImage:
    """The part of a picture in the box left, top, right, bottom, in whole pixels inside of it."""
    left, top, right, bottom = box
    pixels = np.ascontiguousarray(picture.pixels[top:bottom, left:right])
    return LoadedImage(pixels, picture.mode, picture.name, picture.info, picture.notes)
