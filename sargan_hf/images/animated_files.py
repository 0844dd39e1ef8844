"""Frames as the bytes of a looping GIF, WebP or MP4, in the colours and with the transparency that they have."""

import itertools
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigurationError, ImageError
from .color_modes import profile_space, to_rgb8, to_srgb
from .encoding import encoded
from .provenance import comment_note

TRANSPARENT = 255  # the palette's entry for what a GIF does not show
OPAQUE_FROM = 128  # GIF knows no half transparency
LEAST_GIF_DURATION = 20  # milliseconds; browsers show shorter frames much longer

# Numbers of ITU-T H.273. Frames are sRGB: primaries and matrix of BT.709, and a transfer curve of its own, IEC 61966-2-1.
BT709 = 1
SRGB_TRANSFER = 13
LIMITED_RANGE = 1  # of PyAV: 16 to 235, which every player expects


def gif(frames: Sequence[Image.Image], fps: float, note: str, name: str) -> bytes:
    """A GIF in sRGB. One palette for all frames and no dithering: dithering flickers, and palettes of their own shimmer."""
    shown = _each(frames, to_srgb)
    transparent = shown[0].mode == "RGBA"
    palette = _palette(shown[:: max(1, len(shown) // 4)], TRANSPARENT if transparent else TRANSPARENT + 1)
    first, *rest = _each(shown, lambda frame: _in_palette(frame, palette))
    durations = [max(LEAST_GIF_DURATION, duration) for duration in _durations(len(frames), fps, unit=10)]
    given = {"save_all": True, "append_images": rest, "duration": durations, "loop": 0, "optimize": False}
    given |= {"transparency": TRANSPARENT} if transparent else {}
    return encoded(first, "GIF", name, given, {}, note)


def webp(frames: Sequence[Image.Image], fps: float, note: str, name: str) -> bytes:
    """A WebP with the frames' own ICC profile; WebP has neither 16 bits nor grey, so a grey profile becomes sRGB."""
    first = frames[0]
    grey_profile = first.mode in ("L", "LA") and profile_space(first.info.get("icc_profile")) == "GRAY"
    first, *rest = _each(frames, to_srgb) if grey_profile or first.mode == "I;16" else frames
    given = {"save_all": True, "append_images": rest, "duration": _durations(len(frames), fps, unit=1), "loop": 0}
    kept = {key: first.info[key] for key in ("icc_profile", "exif") if key in first.info}
    if "exif" in kept:  # Pillow takes JPEG's prefix off for stills only
        kept["exif"] = kept["exif"].removeprefix(b"Exif\0\0")
    return encoded(first, "WEBP", name, given | {"quality": 85, "method": 2}, kept, note)


def mp4(frames: Sequence[Image.Image], fps: float, note: str, name: str) -> bytes:
    """H.264 with 4:2:0 chroma, as every player wants it, converted and tagged as BT.709 with sRGB's transfer curve.

    Such chroma needs even sides: a picture with odd ones is continued by one row or column of its own border. Transparent
    parts lie on mid grey.

    Raises:
        ConfigurationError: PyAV is not installed.
        ImageError: the encoder refuses the frames.
    """
    try:
        import av
        import av.error
    except ImportError as error:
        raise ConfigurationError("An .mp4 needs PyAV: pip install -e '.[video]', or save as .webp.") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "animation.mp4")  # to put its index first, FFmpeg opens the file a second time
        try:
            with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
                container.metadata["comment"] = comment_note(note)
                _encode_h264(container, _each(frames, _even_rgb), fps)
        except (av.error.FFmpegError, ValueError) as error:
            width, height = frames[0].size
            raise ImageError(
                f"Cannot save {name}: frames of {width} x {height} pixels cannot be encoded ({error}). Lower max_side, or use "
                f".webp."
            ) from error
        return path.read_bytes()


WRITERS: dict[str, Callable[[Sequence[Image.Image], float, str, str], bytes]] = {
    ".gif": gif,
    ".webp": webp,
    ".mp4": mp4,
}


def _encode_h264(container, frames: Sequence[np.ndarray], fps: float) -> None:
    """Adds the one stream of `container`, an open file of PyAV: frames uint8 [H, W, 3] of even sides."""
    import av

    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
    stream.height, stream.width = frames[0].shape[:2]
    stream.pix_fmt, stream.options = "yuv420p", {"crf": "16"}
    context = stream.codec_context
    context.color_primaries = context.colorspace = BT709
    context.color_trc, context.color_range = SRGB_TRANSFER, LIMITED_RANGE
    for frame in frames:
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", src_color_range="JPEG", dst_color_range="MPEG"
        )
        container.mux(stream.encode(picture))
    container.mux(stream.encode())


def _each(frames: Sequence[Image.Image], change: Callable[[Image.Image], object]) -> list:
    """`change` of every frame; a frame that comes several times, as on the way back, is changed once."""
    changed = {}
    for frame in frames:
        if id(frame) not in changed:
            changed[id(frame)] = change(frame)
    return [changed[id(frame)] for frame in frames]


def _even_rgb(frame: Image.Image) -> np.ndarray:
    pixels = to_rgb8(np.asarray(to_srgb(frame)))
    return np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), mode="edge")


def _durations(count: int, fps: float, unit: int) -> list[int]:
    """Milliseconds of each frame in whole `unit`s, rounded so that the whole takes as long as it should."""
    ends = [round(index * 1000 / fps / unit) * unit for index in range(count + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]


def _palette(frames: Sequence[Image.Image], colours: int) -> Image.Image:
    """A palette image for what is seen of the frames, at most `colours` of 256."""
    seen = [np.asarray(frame)[_opaque(frame)][:, :3] for frame in frames]
    pixels = np.concatenate(seen)
    if not len(pixels):
        pixels = np.zeros((1, 3), np.uint8)
    return Image.fromarray(pixels[None]).quantize(colours, method=Image.Quantize.MEDIANCUT)


def _in_palette(frame: Image.Image, palette: Image.Image) -> Image.Image:
    indexed = frame.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    if frame.mode != "RGBA":
        return indexed
    indices = np.array(indexed)
    indices[indices == TRANSPARENT] = 0  # unused entries are filled up with some colour, here the first one
    indices[~_opaque(frame)] = TRANSPARENT
    colours = (palette.getpalette() or [])[: 3 * TRANSPARENT]
    result = Image.frombytes("P", frame.size, indices.tobytes())
    result.putpalette((colours + colours[:3] * 256)[: 3 * 256])
    return result


def _opaque(frame: Image.Image) -> np.ndarray:
    """bool [H, W], where an RGB or RGBA frame shows its own colours."""
    if frame.mode != "RGBA":
        return np.ones((frame.height, frame.width), bool)
    return np.asarray(frame.getchannel("A")) >= OPAQUE_FROM
