"""Colour modes: what a file holds, turned into what can be edited and saved again."""

import contextlib
from io import BytesIO
from typing import Any, cast

import cv2
import numpy as np
from PIL import Image, ImageCms

from ..errors import ImageError

MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
BACKDROP = 128  # what shows through transparent pixels when a detector or the generator looks at them


def as_editable(image: Image.Image, name: str) -> tuple[np.ndarray, str, bool, list[str]]:
    """Pixels of a decoded image in one of the modes L, LA, RGB, RGBA and I;16.

    Returns:
        pixels, their mode, whether the file's ICC profile still describes them, and notes for the user.

    Raises:
        ImageError: 32-bit pixels outside the range that a picture can have.
    """
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16), "I;16", True, []
    if image.mode in ("I", "F"):
        pixels, mode = _from_32_bit(np.asarray(image), name)
        return pixels, mode, True, []
    if image.mode == "CMYK":
        return np.array(_cmyk_to_srgb(image)), "RGB", False, [f"{name} was CMYK: the edit is sRGB."]
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return np.array(ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")), "RGB", False, []
    target = _editable_mode(image)
    return np.array(image.convert(target)), target, True, []


def holds_16_bit_colour(image: Image.Image) -> bool:
    """Whether a file that is not decoded yet has 16 bits a colour, of which Pillow hands on 8 without a word."""
    settings = [str(tile[3]) for tile in getattr(image, "tile", ())]
    wide = any(
        ";16" in text or ", 65535)" in text for text in settings
    )  # raw modes such as RGB;16B; PPM's largest value
    return wide and not image.mode.startswith("I")


def _editable_mode(image: Image.Image) -> str:
    if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return image.mode
    if image.mode in ("1", "L", "LA", "La"):
        return "LA" if "transparency" in image.info or image.mode in ("LA", "La") else "L"
    return "RGBA" if "transparency" in image.info or image.mode in ("PA", "RGBA", "RGBa") else "RGB"


def _cmyk_to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return cast("Image.Image", converted)  # None only in place
        except (OSError, ImageCms.PyCMSError):
            pass  # a damaged profile: the plain formula below is close enough to look right
    return image.convert("RGB")


def to_srgb(image: Image.Image) -> Image.Image:
    """`image` as 8-bit RGB, or RGBA where it has alpha, in the colours its ICC profile stands for, and without the profile.

    Args:
        image: of an editable mode. A profile that is damaged, or describes no picture of this kind, is left out of account.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    grey = image.mode in ("L", "LA", "I;16")
    colour = _to_8_bit_grey(image) if grey else image.convert("RGB")
    profile = _opened_profile(image.info.get("icc_profile"))
    if profile is not None:
        if grey and _space(profile) == "RGB":
            colour = colour.convert("RGB")
        with contextlib.suppress(ImageCms.PyCMSError, ValueError, TypeError):
            srgb = ImageCms.createProfile("sRGB")
            colour = cast("Image.Image", ImageCms.profileToProfile(colour, profile, srgb, outputMode="RGB"))
    colour = colour.convert("RGB")
    if alpha is not None:
        colour.putalpha(alpha)
    colour.info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    return colour


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel lets something show through; an alpha channel that is opaque everywhere does not."""
    if not image.has_transparency_data:
        return False
    alpha = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    least, _ = cast("tuple[float, float]", alpha.getchannel("A").getextrema())
    return least < 255


def profile_space(profile: bytes | None) -> str | None:
    """The colour space of an ICC profile, such as "RGB" or "GRAY"; None where there is none, or a damaged one."""
    opened = _opened_profile(profile)
    return None if opened is None else _space(opened)


def _space(profile: ImageCms.ImageCmsProfile) -> str:
    described: Any = profile.profile  # of the C extension
    return described.xcolor_space.strip()


def _opened_profile(profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(BytesIO(profile)) if profile else None
    except (OSError, TypeError, ImageCms.PyCMSError):
        return None


def _to_8_bit_grey(image: Image.Image) -> Image.Image:
    if image.mode != "I;16":
        return image.getchannel("L")
    return Image.fromarray(_upper_8_bits(np.asarray(image)))


def _upper_8_bits(pixels: np.ndarray) -> np.ndarray:
    return (pixels >> 8).astype(np.uint8)


def _from_32_bit(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    if values.dtype == np.int32 and values.size and values.min() >= 0 and values.max() <= 65535:
        return values.astype(np.uint16), "I;16"
    if values.dtype == np.float32:
        return from_array(values)
    raise ImageError(
        f"{name} holds 32-bit values from {values.min()} to {values.max()}: convert it to 8 or 16 bits (0 to 65535)."
    )


def from_array(array: np.ndarray) -> tuple[np.ndarray, str]:
    """Pixels and mode of an array [H, W] or [H, W, 1 to 4]: uint8, uint16, bool, or floating point in 0..1.

    Raises:
        ImageError: any other shape or type, values out of range, NaN or infinity.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in MODE_OF_CHANNELS or not array.size:
        hint = (
            " Move the channels last: array.transpose(1, 2, 0)."
            if array.ndim == 3 and array.shape[0] in (1, 3, 4)
            else ""
        )
        raise ImageError(
            f"An array needs the shape [height, width] or [height, width, 1 to 4]; got {array.shape}.{hint}"
        )
    if array.dtype == np.uint16 and channels == 1:
        return np.ascontiguousarray(array), "I;16"
    return np.ascontiguousarray(_to_uint8(array)), MODE_OF_CHANNELS[channels]


def _to_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:  # Pillow, and so the result, has no 16-bit colour
        return ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if array.dtype.kind != "f":
        raise ImageError(
            f"An array of {array.dtype} is ambiguous: use uint8 (0 to 255), uint16 (0 to 65535) or floating point (0 to 1)."
        )
    if not np.isfinite(array).all():
        raise ImageError(
            "The array holds NaN or infinite values: replace them first, for example with numpy.nan_to_num."
        )
    if array.min() < 0 or array.max() > 1:
        raise ImageError(
            f"A floating-point array needs values from 0 to 1; these go from {array.min():.3g} to {array.max():.3g}: scale it."
        )
    return np.rint(array * 255).astype(np.uint8)


def to_rgb8(pixels: np.ndarray) -> np.ndarray:
    """What a viewer shows for pixels of any editable mode: uint8 [H, W, 3]; transparency lies on mid grey."""
    if pixels.dtype == np.uint16:
        pixels = _upper_8_bits(pixels)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 3:
        return pixels
    colour = pixels[:, :, :-1] if pixels.shape[2] == 4 else np.repeat(pixels[:, :, :1], 3, axis=2)
    alpha = pixels[:, :, -1:]
    if alpha.min() == 255:
        return np.ascontiguousarray(colour)
    blended = colour.astype(np.uint16) * alpha + BACKDROP * (255 - alpha.astype(np.uint16)) + 127
    return (blended // 255).astype(np.uint8)


# Rec. 601 luma: what "grey" means to the eye, on the gamma-encoded values that pictures hold.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
