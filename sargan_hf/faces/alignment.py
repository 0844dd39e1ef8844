"""The canonical crop: every face upright, its eyes and mouth in the same place, at the model's resolution."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..errors import ConfigurationError
from ..images.color_modes import to_rgb8

# The crop that training pictures are rendered in, in units of its side; chin at about 0.92, hairline at about 0.04.
EYE_DISTANCE = 0.30
EYES_TO_MOUTH = 0.306
EYES_CENTRE = (0.5, 0.385)


@dataclass(frozen=True)
class AlignedFace:
    """A face cut out of an image as the generator wants it.

    Attributes:
        transform: float64 [2, 3], from pixels of the image to pixels of the crop.
        crop: uint8 RGB [S, S, 3].
    """

    transform: np.ndarray
    crop: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return self.transform.nbytes + self.crop.nbytes


def align(pixels: np.ndarray, transform: np.ndarray, size: int) -> AlignedFace:
    """Cuts a face out of an image.

    Args:
        pixels: uint8 or uint16 [H, W] or [H, W, C], as in `LoadedImage`.
        transform: [2, 3], from these to the crop, see `canonical_transform`.
        size: side of the crop in pixels.
    """
    return AlignedFace(transform, to_rgb8(crop_face(pixels, transform, size)))


def canonical_eyes(size: int) -> np.ndarray:
    """Where the canonical crop of `size` pixels has the pupils: float64 [2, 2], x and y in pixels, from left to right."""
    offsets = np.array([[-EYE_DISTANCE / 2, 0], [EYE_DISTANCE / 2, 0]])
    return (EYES_CENTRE + offsets) * size - 0.5


def canonical_mouth(size: int) -> np.ndarray:
    """Where the canonical crop of `size` pixels has the centre of the mouth: float64 [2], x and y in pixels."""
    return (EYES_CENTRE + np.array([0, EYES_TO_MOUTH])) * size - 0.5


def canonical_transform(points: np.ndarray, size: int, margin: float = 0.0) -> np.ndarray:
    """The similarity that maps picture pixels to pixels of the canonical crop.

    The scale is the mean of two: one puts the pupils `0.30 size` apart, the other puts the mouth `0.306 size` below them. The
    pupils lie level, with their midpoint at (0.5, 0.385) of the crop. Pixel centres have whole coordinates, as in OpenCV.

    Args:
        points: [5, 2], x and y in pixels: the subject's right eye (left in the picture), left eye, nose tip, right and left
            corner of the mouth.
        size: side of the crop in pixels.
        margin: how much more the crop shows on each side, as a fraction of the canonical crop's side.

    Returns:
        float64 [2, 3] for `cv2.warpAffine`.

    Raises:
        ConfigurationError: points of another shape, not finite, or with eyes or eyes and mouth in one place.
    """
    points = checked_points(points)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across = points[1] - points[0]
    by_eyes = EYE_DISTANCE / np.hypot(*across)
    by_mouth = EYES_TO_MOUTH / np.hypot(*(mouth - eyes))
    scale = (by_eyes + by_mouth) / 2 * size / (1 + 2 * margin)
    angle = np.arctan2(across[1], across[0])
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = (np.asarray(EYES_CENTRE) + margin) / (1 + 2 * margin) * size - 0.5
    return np.column_stack([turn, centre - turn @ eyes])


def checked_points(points: np.ndarray) -> np.ndarray:
    """`points` as float64 [5, 2]; raises `ConfigurationError` where they cannot be a face."""
    try:
        points = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"Face points must be five pairs of numbers; got {points!r}.") from error
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ConfigurationError(
            f"A face needs five finite points (x, y): right eye, left eye, nose tip, right and left corner of the mouth; "
            f"got shape {points.shape}."
        )
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    if np.hypot(*(points[1] - points[0])) < 2 or np.hypot(*(mouth - eyes)) < 2:
        raise ConfigurationError(
            "The two eyes, or the eyes and the mouth, lie in one place: they must be 2 pixels apart."
        )
    return points


def crop_face(pixels: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Cuts the crop that `transform` describes out of uint8 or uint16 pixels: [H, W(, C)] -> [size, size(, C)].

    If the face is larger than the crop, every source pixel counts (area filter). A smaller face is enlarged by cubic
    interpolation. Beyond the picture's border, the picture is mirrored.
    """
    ratio = 1 / transform_scale(transform)  # picture pixels per crop pixel
    if ratio <= 1:
        return _warp(pixels, transform, size, cv2.INTER_CUBIC)
    # Area filters only exist for upright whole ratios: shrink the surroundings by a whole number first, turn at twice the
    # resolution, and let the last halving average four pixels.
    part, offset = _surroundings(pixels, transform, size)
    factor = max(1, int(ratio / 2))
    to_part = np.vstack([transform, [0, 0, 1]]) @ np.array([[1, 0, offset[0]], [0, 1, offset[1]], [0, 0, 1.0]])
    if factor > 1:
        height, width = part.shape[0] // factor, part.shape[1] // factor
        part = cv2.resize(part[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)
        to_part = to_part @ np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
    doubled = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1.0]]) @ to_part
    return cv2.resize(_warp(part, doubled[:2], 2 * size, cv2.INTER_LINEAR), (size, size), interpolation=cv2.INTER_AREA)


def transform_scale(transform: np.ndarray) -> float:
    """Crop pixels per picture pixel of a similarity."""
    return float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))


def crop_corners(transform: np.ndarray, size: int) -> np.ndarray:
    """The crop's corners in picture pixels, float64 [4, 2]: top left, top right, bottom right, bottom left."""
    edge = np.array([[0, 0], [size, 0], [size, size], [0, size]], dtype=np.float64) - 0.5
    return cv2.transform(edge[None], cv2.invertAffineTransform(transform))[0]


def _surroundings(pixels: np.ndarray, transform: np.ndarray, size: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The part of the picture the crop looks at (a view) and its offset, at least one pixel large."""
    height, width = pixels.shape[:2]
    corners = crop_corners(transform, size)
    spare = 2 / transform_scale(transform)
    left, top = np.clip(np.floor(corners.min(axis=0) - spare), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0) + spare), (left + 1, top + 1), (width, height)).astype(int)
    return pixels[top:bottom, left:right], (left, top)


def _warp(pixels: np.ndarray, transform: np.ndarray, size: int, interpolation: int) -> np.ndarray:
    return cv2.warpAffine(pixels, transform, (size, size), flags=interpolation, borderMode=cv2.BORDER_REFLECT_101)
