"""Pictures that lie inside something else, a video or a table, taken out once and kept in a cache folder."""

import hashlib
import os
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from datasets.utils import tqdm
from PIL import Image

from ..errors import DatasetError
from ..file_errors import whole_path
from ..file_names import escape_unprintable

THUMBNAIL = 96  # pixels; faces of clips are compared at this width
SMOOTHING = 5  # frames: a blink is not an apex
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Frame:
    """A frame of a video that shows one person from the shoulders up.

    Attributes:
        video: the file.
        which: "first", or "apex": the frame that differs most from the first, where clips start from a calm face.
        quarter_turns: clockwise turns that bring the head upright.
    """

    video: Path
    which: Literal["first", "apex"]
    quarter_turns: int = 0


def extract_frames(frames: Sequence[Frame], cache: Path) -> list[Path]:
    """Decodes the frames that are not in `cache` yet, several at a time.

    Returns:
        A JPEG file for each of `frames`.

    Raises:
        DatasetError: a video cannot be decoded, or a frame cannot be stored; names it.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the decoder works outside of Python's lock
        paths = pool.map(lambda frame: _extract(frame, cache), frames)
        return list(tqdm(paths, total=len(frames), desc="Taking frames out of videos", disable=None))


def cached_picture(cache: Path, origin: Path, part: str, suffix: str, make: Callable[[], np.ndarray]) -> Path:
    """The file with one picture out of `origin`, made if it is not there.

    The file takes over the modification time of `origin`, so that it is the same file to whoever looks at its time, also after
    the cache was emptied.

    Args:
        cache: folder.
        origin: the video or table.
        part: which picture in it.
        suffix: ".jpg" or ".png".
        make: gives the picture, uint8 [H, W, 3] or [H, W].

    Raises:
        DatasetError: the folder cannot be written to.
    """
    status = origin.stat()
    about = f" {status.st_size} {status.st_mtime_ns} {part}".encode()
    key = hashlib.sha256(os.fsencode(origin) + about).hexdigest()[:24]
    path = cache / key[:2] / f"{key}{suffix}"
    if not path.exists():
        picture = Image.fromarray(make())
        try:
            _store(picture, path, (status.st_atime_ns, status.st_mtime_ns))
        except OSError as error:
            raise DatasetError(
                f"A picture out of {escape_unprintable(origin)} cannot be stored in {cache} ({error.strerror or error}): "
                f"make room, or give another cache_dir."
            ) from error
    return path


def _store(picture: Image.Image, path: Path, times: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_path(path, path.with_name(f"{path.stem}.{uuid.uuid4().hex}{path.suffix}")) as draft:
        picture.save(draft, quality=JPEG_QUALITY)
        os.utime(draft, ns=times)


def _extract(frame: Frame, cache: Path) -> Path:
    part = f"{frame.which} {frame.quarter_turns}"
    return cached_picture(cache, frame.video, part, ".jpg", lambda: _decode(frame))


def _decode(frame: Frame) -> np.ndarray:
    try:
        import av
    except ImportError as error:
        raise DatasetError(f"{frame.video} is a video, and reading those needs PyAV: pip install av.") from error
    name = escape_unprintable(frame.video)
    try:
        str(frame.video).encode()
    except UnicodeEncodeError as error:
        raise DatasetError(f"The name of {name} is not UTF-8: rename the file.") from error
    try:
        wanted = 0 if frame.which == "first" else apex_index(_thumbnails(frame.video))
        with av.open(str(frame.video)) as container:
            for index, picture in enumerate(container.decode(video=0)):
                if index == wanted:
                    return np.ascontiguousarray(np.rot90(picture.to_ndarray(format="rgb24"), -frame.quarter_turns))
    except Exception as error:  # no video stream, frames of two sizes, damage: decoders raise anything at all
        raise DatasetError(f"{name} cannot be decoded ({error}): copy it again or remove it.") from error
    raise DatasetError(f"{name} holds no pictures: copy it again or remove it.")


def _thumbnails(video: Path) -> np.ndarray:
    """All frames of a video in grey, float32 [T, h, THUMBNAIL]."""
    import av

    with av.open(str(video)) as container:
        frames = [
            cv2.resize(
                picture.to_ndarray(format="gray"),
                (THUMBNAIL, round(THUMBNAIL * picture.height / picture.width)),
                interpolation=cv2.INTER_AREA,
            )
            for picture in container.decode(video=0)
        ]
    return np.array(frames, np.float32)


def apex_index(frames: np.ndarray) -> int:
    """Index of the frame of [T, h, w] that differs most from the first, for longer than a blink."""
    if len(frames) == 0:
        return 0
    difference = np.abs(frames - frames[0]).mean(axis=(1, 2))
    window = min(SMOOTHING, len(frames))
    # Counting a frame beyond either end as no difference keeps the apex inside the clip.
    return int(np.convolve(difference, np.ones(window), mode="same").argmax())
