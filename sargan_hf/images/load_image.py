"""Opens the pictures people have: any usual format, colour mode and bit depth, upright, and never a surprise."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from .._moved import renamed
from ..errors import ImageError, one_line
from ..file_names import escape_unprintable
from .color_modes import as_editable, from_array, holds_16_bit_colour, to_rgb8
from .metadata import kept_metadata, orientation_transpose
from .recognition import HEAD_BYTES, is_camera_raw, is_heif, unreadable_kind

MAX_PIXELS = 89_478_485  # Pillow's own threshold for a suspected decompression bomb, 256 MiB of RGB
MIN_SIDE = 16
MAX_NAME = 100  # characters of a file's name in a message
# Pillow knows many more; these are what people have, without the formats that start other programs or guess by name only.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "JPEG2000", "ICO", "PPM")


@dataclass(frozen=True)
class LoadedImage:
    """An upright picture in the mode it will be saved in.

    Attributes:
        pixels: uint8 [H, W] (L), [H, W, 2] (LA), [H, W, 3] (RGB) or [H, W, 4] (RGBA), or uint16 [H, W] (I;16).
        mode: the Pillow mode that goes with `pixels`.
        name: what messages call it, usually the file name.
        info: what the saved edit keeps: `icc_profile`, `dpi`, `exif` without location, serial numbers and thumbnail.
        notes: sentences about what had to change on the way in, such as "only the first frame is used".
    """

    pixels: np.ndarray
    mode: str
    name: str
    info: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def rgb8(self, region: tuple[slice, slice] = (slice(None), slice(None))) -> np.ndarray:
        """The picture, or the `(rows, columns)` region of it, as a viewer sees it: uint8 [h, w, 3]."""
        return to_rgb8(self.pixels[region])

    def to_image(self, pixels: np.ndarray | None = None) -> Image.Image:
        """A Pillow image of `pixels` (default: its own) in this picture's mode, with its `info`."""
        image = Image.fromarray(self.pixels if pixels is None else pixels)
        image.info.update(self.info)
        return image


ImageSource = str | os.PathLike | bytes | BinaryIO | Image.Image | np.ndarray | LoadedImage


def load_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> LoadedImage:
    """Opens a picture from a path, bytes, a binary file, a Pillow image or an array; a `LoadedImage` is returned as it is.

    Arrays: uint8 0-255, uint16 0-65535, bool, or floating point 0-1, shape [H, W] or [H, W, 1 to 4] in RGB(A) order.
    The EXIF orientation is applied, and an animation gives its first frame. Palettes become RGB(A), and CMYK becomes sRGB
    through its profile. 16-bit grey stays 16-bit grey, and 16-bit colour becomes 8-bit colour. `notes` says what changed.

    Raises:
        ImageError: `source` is missing, unreadable, not a picture, damaged, smaller than 16 pixels a side, or has more than
            `max_pixels` pixels.
    """
    if isinstance(source, LoadedImage):
        _check_size(source.size, source.name, max_pixels)
        return source
    if isinstance(source, np.ndarray):
        pixels, mode = from_array(source)
        _check_size(pixels.shape[1::-1], "The array", max_pixels)
        reduced = source.dtype == np.uint16 and mode != "I;16"
        return LoadedImage(pixels, mode, "the array", notes=(_eight_bits("The array"),) if reduced else ())
    if isinstance(source, Image.Image):
        name = _name(getattr(source, "filename", "") or "the image")
        return _from_image(source, name, max_pixels)
    with _binary_file(source) as (file, name):
        return _from_image(_identify(file, name, max_pixels), name, max_pixels)


def identify_image(source: str | os.PathLike) -> None:
    """Looks at the first bytes of a file only, to tell whether it is a picture that `load_image` knows.

    Raises:
        ImageError: it is missing, unreadable, or not a picture. Damage further in is not found.
    """
    with _binary_file(source) as (file, name):
        _identify(file, name, MAX_PIXELS)


@contextmanager
def _binary_file(source: str | os.PathLike | bytes | BinaryIO) -> Iterator[tuple[BinaryIO, str]]:
    """A readable binary file and its name for a path, bytes or an open file, which is left open."""
    if isinstance(source, bytes | bytearray):
        yield BytesIO(source), "the data"
    elif isinstance(source, str | os.PathLike):
        with _open_regular_file(source) as file:
            yield file, _name(source)
    elif hasattr(source, "read"):
        yield source, _name(str(getattr(source, "name", "the file")))
    else:
        raise ImageError(
            f"Cannot open a {type(source).__name__} as a picture: give a path, a Pillow image, bytes, an open binary file "
            f"or an array [height, width, 3]."
        )


def _name(path: str | os.PathLike) -> str:
    """The file's name as messages and notes print it."""
    name = escape_unprintable(os.path.basename(os.fsdecode(path)))
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME // 2]}...{name[-MAX_NAME // 4 :]}"


def _open_regular_file(source: str | os.PathLike) -> BinaryIO:
    if str(source).lower().startswith(("http://", "https://")):
        raise ImageError(f"{source} is an address: download the picture first and give its path.")
    shown = escape_unprintable(os.fsdecode(source))
    try:
        # Looked at before opening, because opening a FIFO blocks until somebody writes to it.
        complaint = _unfit(os.stat(source))
        if complaint is None:
            return open(source, "rb")
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {shown}: check the path.") from error
    except PermissionError as error:
        raise ImageError(f"{shown} may not be read: check its permissions.") from error
    except (OSError, ValueError) as error:  # loops of symbolic links, names that are too long or hold a NUL byte
        raise ImageError(f"{str(source)!r} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    raise ImageError(f"{shown} {complaint}")


def _unfit(status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "is a folder: give a picture file, or use `sargan edit` for whole folders."
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file but a pipe, socket or device: give a picture file."
    if status.st_size == 0:
        return "is empty (0 bytes): copy or download it again."
    return None


def _identify(file: BinaryIO, name: str, max_pixels: int) -> Image.Image:
    try:
        Image.init()  # Pillow loads its rarer decoders only on demand
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        file.seek(0)
        head = file.read(HEAD_BYTES)
        if is_heif(head):
            return _open_heif(file, name)
        raise ImageError(_not_a_picture(head, name)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        allowed = min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or max_pixels))  # Pillow itself opens nothing beyond that
        raise ImageError(
            f"{name} is too large, more than the {allowed:,} pixels that are allowed: make it smaller first."
        ) from error
    except (
        Exception
    ) as error:  # decoders raise anything at all on hostile files: SyntaxError, struct.error, IndexError ...
        raise ImageError(f"{name} is damaged and cannot be opened ({one_line(error)}): export it again.") from error
    if is_camera_raw(image, name):
        raise ImageError(_unreadable(name, "a camera raw file"))
    return image


def _open_heif(file: BinaryIO, name: str) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise ImageError(
            f"{name} is a HEIC photo, which needs pillow-heif: pip install -e '.[heif]', or save it as JPEG or PNG first."
        ) from error
    file.seek(0)
    try:
        return HeifImageFile(file)
    except Exception as error:  # as above
        raise ImageError(
            f"{name} is a HEIC photo that is damaged and cannot be opened ({one_line(error)}): copy or export it again."
        ) from error


def _not_a_picture(head: bytes, name: str) -> str:
    if not head:
        return f"{name} is empty (0 bytes): copy or download it again."
    kind = unreadable_kind(head, name)
    if kind:
        return _unreadable(name, kind)
    return f"{name} is not a picture that can be read: use JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or JPEG 2000."


def _unreadable(name: str, kind: str) -> str:
    return f"{name} is {kind}, which cannot be read here: save it as JPEG, PNG or TIFF first."


def _from_image(image: Image.Image, name: str, max_pixels: int) -> LoadedImage:
    _check_size(image.size, name, max_pixels)
    notes = []
    # The second picture in an MPO is a gain map or the other eye of a stereo pair, nothing to tell the user about; a HEIC
    # photo says itself which of its pictures is the one to show.
    animated = getattr(image, "is_animated", False)
    if animated and image.format not in ("MPO", "HEIF"):
        notes.append(f"{name} is animated: only its first frame is used.")
    bits = 16 if holds_16_bit_colour(image) else image.info.get("bit_depth", 8) if image.format == "HEIF" else 8
    if bits > 8:
        notes.append(_eight_bits(name, bits))
    try:
        if animated and image.format != "HEIF":
            image.seek(0)
        image.load()
        _check_size(image.size, name, max_pixels)  # an icon file learns its real size only now
        pixels, mode, keeps_profile, mode_notes = as_editable(image, name)
    except ImageError:
        raise
    except Exception as error:  # as above: one clear error whatever a decoder says
        raise ImageError(
            f"{name} is damaged or incomplete and cannot be decoded ({one_line(error)}): copy or export it again."
        ) from error
    pixels = np.ascontiguousarray(orientation_transpose(image, pixels))
    info, metadata_notes = kept_metadata(image, keeps_profile, name)
    return LoadedImage(pixels, mode, name, info, (*notes, *mode_notes, *metadata_notes))


def _eight_bits(name: str, bits: int = 16) -> str:
    return f"{name} has {bits} bits a colour: the edit has 8."


def _check_size(size: tuple[int, ...], name: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{name} has {width} x {height} pixels, more than the {max_pixels:,} that are allowed: make it smaller first."
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"{name} has only {width} x {height} pixels: a picture needs at least {MIN_SIDE} a side, a face about 40."
        )


__getattr__ = renamed(
    __name__,
    {
        "Picture": "LoadedImage",
        "PictureSource": "ImageSource",
        "identify_picture": "identify_image",
        "open_picture": "load_image",
    },
)
