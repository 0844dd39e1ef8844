"""Exact motion between the pictures of a pair: compact columns of a dataset, and maps between any two expressions.

The rig writes three columns per picture, all relative to the pair's neutral picture, in the picture's own pixels:

* `motion_backward`, float32 [H, W, 2] (x, y) when decoded: picture(p) = neutral(p + backward(p)) up to shading
* `motion_forward`: neutral(p) = picture(p + forward(p))
* `motion_valid`, bool [H, W]: False where the neutral picture does not hold what the picture shows, such as the inside of
  an opened mouth
"""

import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from ..errors import DatasetError

STEP = 1 / 16  # pixels; what the columns are rounded to
COLUMNS = ("motion_backward", "motion_forward", "motion_valid")
_HEADER = struct.Struct("<4sHH")
_FIELD, _MASK = b"SMF1", b"SMV1"
_REACH = 32767 * STEP
_RETURN = 1.0  # pixels within which going there and back must end where it began


def encode_motion(motion: np.ndarray) -> bytes:
    """Packs a motion field [H, W, 2] in pixels, rounded to 1/16 pixel; a few kilobytes at 160 x 160.

    Raises:
        DatasetError: another shape, or values that are not finite or reach further than 2047 pixels.
    """
    motion = np.asarray(motion, np.float32)
    if motion.ndim != 3 or motion.shape[2] != 2 or max(motion.shape) > 65535:
        raise DatasetError(f"A motion field has shape [H, W, 2]; got {list(motion.shape)}.")
    if not np.isfinite(motion).all() or np.abs(motion).max(initial=0) > _REACH:
        raise DatasetError(f"A motion field must be finite and within +-{_REACH:.0f} pixels.")
    steps = np.round(motion / STEP).astype(np.int16).transpose(2, 0, 1)
    # Neighbours move alike, so that differences along the rows are small numbers.
    differences = np.diff(steps, axis=2, prepend=np.int16(0))
    return _HEADER.pack(_FIELD, *motion.shape[:2]) + zlib.compress(differences.astype("<i2").tobytes(), 6)


def decode_motion(data: bytes) -> np.ndarray:
    """float32 [H, W, 2], the field that `encode_motion` packed.

    Raises:
        DatasetError: the bytes are something else, or damaged.
    """
    height, width, raw = _unpack(data, _FIELD)
    if len(raw) != height * width * 4:
        raise DatasetError(
            f"A motion column of {height} x {width} holds {len(raw)} bytes instead of {height * width * 4}."
        )
    differences = np.frombuffer(raw, "<i2").reshape(2, height, width)
    steps = np.cumsum(differences, axis=2, dtype=np.int16)
    return cv2.merge((steps[0], steps[1])) * np.float32(STEP)


def encode_valid(valid: np.ndarray) -> bytes:
    """Packs a mask [H, W].

    Raises:
        DatasetError: another shape.
    """
    valid = np.asarray(valid, bool)
    if valid.ndim != 2:
        raise DatasetError(f"A validity mask has shape [H, W]; got {list(valid.shape)}.")
    return _HEADER.pack(_MASK, *valid.shape) + zlib.compress(np.packbits(valid).tobytes(), 6)


def decode_valid(data: bytes) -> np.ndarray:
    """bool [H, W], the mask that `encode_valid` packed.

    Raises:
        DatasetError: the bytes are something else, or damaged.
    """
    height, width, raw = _unpack(data, _MASK)
    if len(raw) != (height * width + 7) // 8:
        raise DatasetError(f"A validity column of {height} x {width} holds {len(raw)} bytes.")
    return np.unpackbits(np.frombuffer(raw, np.uint8), count=height * width).reshape(height, width).astype(bool)


def _unpack(data: bytes, kind: bytes) -> tuple[int, int, bytes]:
    data = bytes(data)
    if len(data) < _HEADER.size or data[:4] != kind:
        raise DatasetError(
            f"A motion column starts with {kind!r}; got {data[:4]!r}. Was it made by `sargan rig --motion`?"
        )
    _, height, width = _HEADER.unpack_from(data)
    try:
        return height, width, zlib.decompress(data[_HEADER.size :])
    except zlib.error as error:
        raise DatasetError(f"A motion column is damaged ({error}); make the data set again.") from error


class _MotionOfPicture:
    """What can be said of motion by its three arrays, wherever they are."""

    backward: np.ndarray
    forward: np.ndarray
    valid: np.ndarray

    @property
    def is_neutral(self) -> bool:
        """Whether this is the neutral picture: nothing moves and all of it is seen."""
        return not self.backward.any() and bool(self.valid.all())

    def columns(self) -> dict[str, bytes]:
        """The three columns of a dataset row."""
        packed = encode_motion(self.backward), encode_motion(self.forward), encode_valid(self.valid)
        return dict(zip(COLUMNS, packed, strict=True))


@dataclass(frozen=True, eq=False)
class PairMotion(_MotionOfPicture):
    """Motion between one picture and the neutral picture of its pair.

    Attributes:
        backward, forward: float32 [H, W, 2] in pixels, as in the module's description.
        valid: bool [H, W], likewise.
    """

    backward: np.ndarray
    forward: np.ndarray
    valid: np.ndarray

    @classmethod
    def neutral(cls, height: int, width: int) -> "PairMotion":
        """The motion of the neutral picture itself: none."""
        zero = np.zeros((height, width, 2), np.float32)
        return cls(zero, zero.copy(), np.ones((height, width), bool))

    @classmethod
    def still(cls, height: int, width: int) -> "PairMotion":
        """The old name of `neutral`."""
        warnings.warn("PairMotion.still is now PairMotion.neutral.", FutureWarning, stacklevel=2)
        return cls.neutral(height, width)

    @staticmethod
    def from_columns(row: Mapping) -> "EncodedPairMotion | None":
        """See `EncodedPairMotion.from_row`."""
        return EncodedPairMotion.from_row(row)


@dataclass(frozen=True, eq=False)
class EncodedPairMotion(_MotionOfPicture):
    """The same, out of a dataset row: each array is decoded when it is first used, as a training sample rarely needs all.

    Attributes:
        encoded: the bytes of the three columns, by name.
    """

    encoded: Mapping[str, bytes]

    @classmethod
    def from_row(cls, row: Mapping) -> "EncodedPairMotion | None":
        """The motion of a row; None where the row has none. Damaged columns raise `DatasetError` when they are decoded.

        Raises:
            DatasetError: a column is missing.
        """
        encoded = {column: row[column] for column in COLUMNS if row.get(column) is not None}
        if not encoded:
            return None
        if len(encoded) < len(COLUMNS):
            raise DatasetError(f"A row with motion has all of {', '.join(COLUMNS)}; one is empty.")
        return cls(encoded)

    @cached_property
    def backward(self) -> np.ndarray:
        return decode_motion(self.encoded["motion_backward"])

    @cached_property
    def forward(self) -> np.ndarray:
        return decode_motion(self.encoded["motion_forward"])

    @cached_property
    def valid(self) -> np.ndarray:
        return decode_valid(self.encoded["motion_valid"])


AnyPairMotion = PairMotion | EncodedPairMotion


def motion_between(source: AnyPairMotion, target: AnyPairMotion) -> tuple[np.ndarray, np.ndarray]:
    """Motion between two expressions of a pair, through the neutral picture.

    Returns:
        motion float32 [H, W, 2] and valid bool [H, W]: target(p) = source(p + motion(p)) up to shading, where valid.
    """
    if source.is_neutral:
        return target.backward, target.valid
    places = _places(target.backward.shape[:2])
    in_neutral = places + target.backward
    in_source = in_neutral + _at(source.forward, in_neutral)
    # The source shows the neutral picture's point only if its own map leads back there.
    back = in_source + _at(source.backward, in_source)
    returns = np.linalg.norm(back - in_neutral, axis=2) < _RETURN
    seen = _at(source.valid.astype(np.float32), in_source) > 0.99
    return in_source - places, target.valid & seen & returns


@lru_cache(maxsize=4)
def _places(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.stack([columns, rows], axis=-1)


def _at(field: np.ndarray, places: np.ndarray) -> np.ndarray:
    x, y = places[..., 0], places[..., 1]
    return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
