"""Exact motion between the pictures of a pair: columns of a dataset, and maps between any two expressions.

The rig writes two columns per picture, both relative to the pair's neutral picture, in the picture's own pixels:

* `motion_backward`: picture(p) = neutral(p + backward(p)) up to shading, where valid: False where the neutral picture does not
  hold what the picture shows, such as the inside of an opened mouth
* `motion_forward`: neutral(p) = picture(p + forward(p))

Each is a PNG of three 16-bit channels as in the KITTI flow benchmark (Menze & Geiger, 2015): u and v in 1/64 pixel, 2^15 for
0, and 1 where valid. Any reader of KITTI's flow reads them: `cv2.imdecode(data, cv2.IMREAD_UNCHANGED)` gives valid, v, u.
Sets of before had a packing of their own, in 1/16 pixel, with the mask in a third column `motion_valid`; they are still read.
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
from ..images.warp import fetched

try:
    from kornia_rs.io import decode_image_png_u16
except ImportError:  # not installed without the extra `train`
    decode_image_png_u16 = None

STEP = 1 / 64  # pixels; what the columns are rounded to
COLUMNS = ("motion_backward", "motion_forward")
MASK_COLUMN = "motion_valid"  # of sets of before
_ZERO = 1 << 15
_REACH = (_ZERO - 1) * STEP
_PNG = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
_SIZE = struct.Struct(">16x2I")  # of a PNG: where its header has width and height
_MOST_PIXELS = 1 << 30  # what OpenCV refuses beyond
_COMPRESSION = [cv2.IMWRITE_PNG_COMPRESSION, 4]  # 9 is a fifth smaller and takes a hundred times as long
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # one filter for all rows: smaller, and read in two thirds of the time
    _COMPRESSION += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
_HEADER = struct.Struct("<4sHH")
_OLD_FIELD, _OLD_MASK, _OLD_STEP = b"SMF1", b"SMV1", 1 / 16
_LONGEST_NEUTRAL = 4096  # bytes: nothing compresses well, at any size of picture
_RETURN = 1.0  # pixels within which going there and back must end where it began


def encode_motion(motion: np.ndarray, valid: np.ndarray | None = None) -> bytes:
    """A motion field as KITTI's 16-bit PNG, rounded to 1/64 pixel; some 30 kilobytes at 160 x 160.

    Args:
        motion: [H, W, 2], x and y in pixels.
        valid: [H, W]; everywhere by default.

    Raises:
        DatasetError: other shapes, or values that are not finite or reach further than 511 pixels.
    """
    motion = np.asarray(motion, np.float32)
    if motion.ndim != 3 or motion.shape[2] != 2 or 0 in motion.shape:
        raise DatasetError(f"A motion field has shape [H, W, 2]; got {list(motion.shape)}.")
    if not np.isfinite(motion).all() or np.abs(motion).max(initial=0) > _REACH:
        raise DatasetError(f"A motion field must be finite and within +-{_REACH:.0f} pixels.")
    valid = np.ones(motion.shape[:2], bool) if valid is None else np.asarray(valid, bool)
    if valid.shape != motion.shape[:2]:
        raise DatasetError(f"The mask of a motion field of {list(motion.shape)} has shape {list(valid.shape)}.")
    x, y = (np.rint(motion[..., k] / STEP).astype(np.int32) + _ZERO for k in (0, 1))
    channels = np.dstack([valid, y, x]).astype(np.uint16)  # OpenCV writes blue first, KITTI's red is u
    return cv2.imencode(".png", channels, _COMPRESSION)[1].tobytes()


def decode_motion(data: bytes) -> np.ndarray:
    """float32 [H, W, 2], the field of a motion column, x and y in pixels.

    Raises:
        DatasetError: the bytes are something else, or damaged.
    """
    if bytes(data[:4]) == _OLD_FIELD:
        return _old_motion(data)
    return _field(_decode_png(data))


def _field(channels: np.ndarray) -> np.ndarray:
    # In this order: NumPy is three times slower at a loop over two channels of three.
    steps = np.empty((*channels.shape[:2], 2), np.uint16)
    cv2.mixChannels([channels], [steps], [0, 0, 1, 1])
    field = steps * np.float32(STEP)
    field -= np.float32(_ZERO * STEP)
    return field


def decode_valid(data: bytes) -> np.ndarray:
    """bool [H, W], the mask of a motion column, or of the column `motion_valid` of sets of before.

    Raises:
        DatasetError: the bytes are something else, or damaged.
    """
    if bytes(data[:4]) == _OLD_MASK:
        return _old_valid(data)
    return _mask(_decode_png(data))


def _mask(channels: np.ndarray) -> np.ndarray:
    return cv2.extractChannel(channels, 2) > 0


def _decode_png(data: bytes) -> np.ndarray:
    """uint16 [H, W, 3]: u, v and valid."""
    data = bytes(data)
    if not data.startswith(_PNG):
        raise DatasetError(
            f"A motion column holds a 16-bit PNG as KITTI's flow; got {data[:8]!r}. Was it made by `sargan rig --motion`?"
        )
    channels = _decode_quickly(data)
    if channels is not None:
        return channels
    try:
        channels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        channels = None
    if channels is None or not data.endswith(_END):
        raise DatasetError("A motion column is damaged: make the data set again.")
    if channels.dtype != np.uint16 or channels.ndim != 3 or channels.shape[2] != 3:
        raise DatasetError(
            f"A motion column has three channels of 16 bits; got {channels.dtype} {list(channels.shape)}: that is a picture."
        )
    return cv2.cvtColor(channels, cv2.COLOR_BGR2RGB)


def _decode_quickly(data: bytes) -> np.ndarray | None:
    """As `_decode_png`, in half of OpenCV's time; None where that has to tell what is wrong with the data."""
    if decode_image_png_u16 is None or len(data) < _SIZE.size or not data.endswith(_END):
        return None
    width, height = _SIZE.unpack_from(data)
    if width * height > _MOST_PIXELS:
        return None
    try:
        return decode_image_png_u16(data, (height, width), "rgb")
    except Exception:  # it has one class for all that can be wrong
        return None


def _old_motion(data: bytes) -> np.ndarray:
    height, width, raw = _unpacked(data)
    if len(raw) != height * width * 4:
        raise DatasetError(
            f"A motion column of {height} x {width} holds {len(raw)} bytes instead of {height * width * 4}."
        )
    differences = np.frombuffer(raw, "<i2").reshape(2, height, width)
    steps = np.cumsum(differences, axis=2, dtype=np.int16)
    return cv2.merge((steps[0], steps[1])) * np.float32(_OLD_STEP)


def _old_valid(data: bytes) -> np.ndarray:
    height, width, raw = _unpacked(data)
    if len(raw) != (height * width + 7) // 8:
        raise DatasetError(f"A validity column of {height} x {width} holds {len(raw)} bytes.")
    return np.unpackbits(np.frombuffer(raw, np.uint8), count=height * width).reshape(height, width).astype(bool)


def _unpacked(data: bytes) -> tuple[int, int, bytes]:
    data = bytes(data)
    try:
        _, height, width = _HEADER.unpack_from(data)
        return height, width, zlib.decompress(data[_HEADER.size :])
    except (zlib.error, struct.error) as error:
        raise DatasetError(f"A motion column is damaged ({error}); make the data set again.") from error


class MotionOfPicture:
    """What can be said of motion by its three arrays, wherever they are."""

    backward: np.ndarray
    forward: np.ndarray
    valid: np.ndarray

    @cached_property
    def is_neutral(self) -> bool:
        """Whether this is the neutral picture: nothing moves and all of it is seen."""
        return not self.backward.any() and bool(self.valid.all())

    def columns(self) -> dict[str, bytes]:
        """The columns of a dataset row."""
        return {
            "motion_backward": encode_motion(self.backward, self.valid),
            "motion_forward": encode_motion(self.forward),
        }


@dataclass(frozen=True, eq=False)
class PairMotion(MotionOfPicture):
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
class EncodedPairMotion(MotionOfPicture):
    """The same, out of a dataset row: each array is decoded when it is first used, as a training sample rarely needs all.

    Attributes:
        encoded: the bytes of the columns, by name; `motion_valid` among them in sets of before.
    """

    encoded: Mapping[str, bytes]

    @classmethod
    def from_row(cls, row: Mapping) -> "EncodedPairMotion | None":
        """The motion of a row; None where the row has none. Damaged columns raise `DatasetError` when they are decoded.

        Raises:
            DatasetError: a column is missing.
        """
        encoded = {column: row[column] for column in (*COLUMNS, MASK_COLUMN) if row.get(column) is not None}
        if not encoded:
            return None
        if not encoded.keys() >= set(COLUMNS):
            raise DatasetError(f"A row with motion has all of {', '.join(COLUMNS)}; one is empty.")
        return cls(encoded)

    @cached_property
    def backward(self) -> np.ndarray:
        return self._backward[0]

    @cached_property
    def _backward(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The field, and its mask where both are in one picture: decoding takes most of the time."""
        data = self.encoded["motion_backward"]
        if bytes(data[:4]) == _OLD_FIELD:
            return _old_motion(data), None
        channels = _decode_png(data)
        return _field(channels), _mask(channels)

    @cached_property
    def forward(self) -> np.ndarray:
        return decode_motion(self.encoded["motion_forward"])

    @cached_property
    def valid(self) -> np.ndarray:
        valid = None if MASK_COLUMN in self.encoded else self._backward[1]
        return decode_valid(self.encoded.get(MASK_COLUMN, b"")) if valid is None else valid

    @cached_property
    def is_neutral(self) -> bool:
        data, mask = self.encoded["motion_backward"], self.encoded.get(MASK_COLUMN, b"")
        if len(data) > _LONGEST_NEUTRAL:
            return not self.backward.any() and bool(self.valid.all())
        return _neutral_columns(bytes(data), bytes(mask))


@lru_cache(maxsize=64)
def _neutral_columns(backward: bytes, mask: bytes) -> bool:
    """Whether short columns are those of a neutral picture; a set has few different ones."""
    return bool(not decode_motion(backward).any() and decode_valid(mask or backward).all())


AnyPairMotion = MotionOfPicture


def motion_between(source: AnyPairMotion, target: AnyPairMotion) -> tuple[np.ndarray, np.ndarray]:
    """Motion between two expressions of a pair, through the neutral picture.

    Returns:
        motion float32 [H, W, 2] and valid bool [H, W]: target(p) = source(p + motion(p)) up to shading, where valid.
    """
    if source.is_neutral:
        return target.backward, target.valid
    places = _places(source.forward.shape[:2])
    if target.is_neutral:  # the same as below, without decoding that nothing moves
        in_neutral, in_source, valid = places, places + source.forward, np.True_
    else:
        in_neutral, valid = places + target.backward, target.valid
        in_source = in_neutral + fetched(source.forward, in_neutral)
    # The source shows the neutral picture's point only if its own map leads back there.
    missed = in_source + fetched(source.backward, in_source) - in_neutral
    returns = np.square(missed[..., 0]) + np.square(missed[..., 1]) < _RETURN**2
    seen = fetched(source.valid.astype(np.float32), in_source) > 0.99
    return in_source - places, valid & seen & returns


def transform_flow(
    flow: np.ndarray, valid: np.ndarray, matrix: np.ndarray, flip: bool, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The flow between two pictures after both went through the similarity `matrix` [2, 3] and, if `flip`, a mirror."""
    # A displacement turns and scales with the picture: new(q) = A old(A^-1 (q - t)).
    flow = cv2.warpAffine(flow, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    turn = np.diag([-1, 1]) @ matrix[:, :2] if flip else matrix[:, :2]
    flow = cv2.transform(flow, turn.astype(np.float32))
    valid = cv2.warpAffine(valid.astype(np.float32), matrix, (size, size), flags=cv2.INTER_LINEAR)
    return (cv2.flip(flow, 1), cv2.flip(valid, 1)) if flip else (flow, valid)


@lru_cache(maxsize=4)
def _places(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.stack([columns, rows], axis=-1)
