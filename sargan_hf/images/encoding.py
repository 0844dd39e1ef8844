"""Pictures as the bytes of a file: the one place where they are encoded, each format with what it can hold of a picture."""

import io
import logging
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v1, ImageFileDirectory_v2
from PIL.TiffTags import TAGS_V2_GROUPS

from ..errors import ImageError, SARGANError
from .color_modes import is_transparent, profile_space, to_srgb
from .metadata import as_bytes, fitting_exif, loaded_exif, merged_exif, writable_dpi
from .provenance import NOTED_FORMATS, noted_parameters

JPEGS = ("JPEG", "MPO")
FULL_JPEG = {"quality": 95, "subsampling": 0}
QUALITY = {"JPEG": FULL_JPEG, "MPO": FULL_JPEG, "WEBP": {"quality": 95}, "AVIF": {"quality": 90}}
DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
SHALLOW_FORMATS = (*JPEGS, "WEBP", "AVIF", "GIF")  # Pillow's writers clip 16 bits to white there, or refuse them
SRGB_FORMATS = ("GIF", "JPEG2000")  # without a place for a profile, as Pillow writes them
# Pixels a side. AVIF files may be larger, but the usual reader opens none that is.
LONGEST_SIDE = {"JPEG": 65_500, "MPO": 65_500, "WEBP": 16_383, "AVIF": 32_768, "GIF": 65_535}
# Bytes. JPEG: 255 segments. PNG: Pillow takes a larger profile for an attack and does not open the file.
LARGEST_PROFILE = {"JPEG": 255 * 65_519, "MPO": 255 * 65_519, "PNG": 1 << 20, "ICO": 1 << 20}
LARGEST_EXIF: dict[str, int] = dict.fromkeys(JPEGS, 65_533)
LARGEST_DPI: dict[str, int] = dict.fromkeys(JPEGS, 65_535)

log = logging.getLogger(__name__)


class _NamedBuffer(io.BytesIO):
    """A file in memory. Pillow's writers look at its name: .j2k and .jp2 are two formats."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name


def encoded(
    image: Image.Image,
    format: str,
    name: str,
    given: Mapping[str, Any],
    kept: Mapping[str, Any],
    provenance: str | None = None,
    recipe: str | None = None,
) -> bytes:
    """The file that `image` makes.

    Kept metadata that the format cannot hold is left out, and the log says so.

    Args:
        image: any Pillow image.
        format: as Pillow calls it: "JPEG", "PNG" ...
        name: of the file, for messages.
        given: the caller's parameters for Pillow's writer; they win over the defaults (JPEG: quality 95, 4:4:4).
        kept: `icc_profile`, `dpi` and `exif` of the picture, as of `kept_metadata`.
        provenance: what was done, a sentence, for the note that the picture was edited; None leaves the note out.
        recipe: of the edit, JSON, which goes with the note.

    Raises:
        ImageError: the format has no place for the note, cannot hold such pixels, or Pillow cannot write them.
    """
    if provenance is not None and format not in NOTED_FORMATS:
        raise ImageError(
            f"Cannot save {name}: {format} has no place for the note that the picture was edited. Use .png, .jpg, .webp, "
            f".tiff, .avif or .gif, or edit with provenance=False."
        )
    if given.get("append"):
        raise ImageError(f"Cannot add to {name}: save all pages at once, with save_all=True and append_images=[...].")
    _check_sides(image, format, name)
    image = _with_pixels_for(format, image, name)
    image, kept = _in_writable_colours(format, image, kept, name)
    parameters = _quality(format, given) | _writable(format, kept, given, name)
    if format == "TIFF":
        parameters["tiffinfo"] = _tiff_tags(parameters.pop("exif"), given, name)
    if provenance is not None:
        parameters |= noted_parameters(format, provenance, parameters, recipe)
    buffer = _NamedBuffer(name)
    try:
        Image.Image.save(image, buffer, format, **parameters)
    except SARGANError:  # from the pictures in a picture: an icon, or further pages
        raise
    except (
        Exception
    ) as error:  # writers raise anything at all on what they cannot write: struct.error, RuntimeError ...
        raise ImageError(f"Cannot save {name} as {format} ({error}): use another format, such as .png.") from error
    return buffer.getvalue()


def _check_sides(image: Image.Image, format: str, name: str) -> None:
    longest = LONGEST_SIDE.get(format)
    if longest is not None and max(image.size) > longest:
        width, height = image.size
        raise ImageError(
            f"Cannot save {name}: {width} x {height} pixels are more than the {longest} a side that {format} holds; use .png "
            f"or .tiff."
        )


def _with_pixels_for(format: str, image: Image.Image, name: str) -> Image.Image:
    """The image without an alpha channel that hides nothing, where the format has none."""
    if format in SHALLOW_FORMATS and image.mode in DEEP_MODES:
        raise ImageError(f"Cannot save {name}: {format} cannot hold 16-bit pixels; use .png or .tiff.")
    if format not in JPEGS or not image.has_transparency_data:
        return image
    if is_transparent(image):
        raise ImageError(f"Cannot save {name}: {format} cannot hold transparency; use .png, .webp, .tiff or .avif.")
    log.warning("%s is saved without its alpha channel, which is opaque everywhere: %s has none.", name, format)
    return image.convert("L" if image.mode in ("L", "LA", "La") else "RGB")


def _in_writable_colours(
    format: str, image: Image.Image, kept: Mapping[str, Any], name: str
) -> tuple[Image.Image, Mapping[str, Any]]:
    """The image and what is kept of it; in sRGB and without its ICC profile, where the file cannot hold that."""
    profile = kept.get("icc_profile")
    if not profile:
        return image, kept
    becomes_colour = format == "WEBP" or (format == "AVIF" and image.mode == "LA")  # where grey is written as RGB
    mismatched = becomes_colour and image.mode in ("L", "LA") and profile_space(profile) == "GRAY"
    too_large = len(profile) > LARGEST_PROFILE.get(format, len(profile))
    if not (format in SRGB_FORMATS or mismatched or too_large):
        return image, kept
    if too_large:
        log.warning("%s is saved in sRGB: %s cannot hold a colour profile of %d bytes.", name, format, len(profile))
    return to_srgb(image), {key: value for key, value in kept.items() if key != "icc_profile"}


def _quality(format: str, given: Mapping[str, Any]) -> dict[str, Any]:
    names_a_preset = isinstance(given.get("quality"), str)  # of Pillow's, with a subsampling of its own
    return {} if names_a_preset or given.get("lossless") else dict(QUALITY.get(format, {}))


def _writable(format: str, kept: Mapping[str, Any], given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The caller's parameters, and what the format can hold of the kept metadata; both EXIF in one, none if theirs is empty."""
    parameters = dict(kept)
    if "dpi" in kept:
        dpi = writable_dpi(kept["dpi"])
        if dpi is None or max(dpi) > LARGEST_DPI.get(format, max(dpi)):
            log.warning("%s is saved without its resolution: %s cannot hold %s dpi.", name, format, kept["dpi"])
            del parameters["dpi"]
    exif, own = kept.get("exif") or b"", _own_exif(given)
    if "exif" in given and not own:
        exif = b""
    if format in LARGEST_EXIF:
        exif, dropped = fitting_exif(exif, LARGEST_EXIF[format] - len(own))
        if dropped:
            log.warning("%s is saved without %s: too long for %s.", name, ", ".join(dropped), format)
    return parameters | dict(given) | {"exif": merged_exif(exif, own)}


def _own_exif(given: Mapping[str, Any]) -> bytes:
    """The caller's EXIF; empty bytes where it has no entry."""
    exif = given.get("exif") or b""
    if "exif" in given and isinstance(given["exif"], Image.Exif):  # one that has folders of tags alone counts as false
        exif = given["exif"].tobytes()
        return exif if len(loaded_exif(exif)) else b""
    return exif


def _tiff_tags(exif: bytes, given: Mapping[str, Any], name: str) -> ImageFileDirectory_v2:
    """EXIF and the caller's `tiffinfo` as one: Pillow's writer would take the latter alone."""
    own = given.get("tiffinfo")
    tags = ImageFileDirectory_v2()
    for source in (loaded_exif(exif), own.to_v2() if isinstance(own, ImageFileDirectory_v1) else own or {}):
        types = getattr(source, "tagtype", {})
        for tag in source:
            if isinstance(source, Image.Exif):
                tags[tag] = source.get_ifd(tag) if tag in TAGS_V2_GROUPS else as_bytes(source[tag])
            else:
                tags[tag] = source[tag]
            if tag in types:
                tags.tagtype[tag] = types[tag]
    if given.get("compression") not in (None, "raw") and not given.get("big_tiff"):
        folders = [tag for tag in tags if tag in TAGS_V2_GROUPS]
        for tag in folders:  # Pillow hands compressed pictures to libtiff, which refuses folders of tags
            del tags[tag]
        if folders:
            log.warning("%s is saved without data of the camera: a compressed TIFF cannot hold them.", name)
    return tags
