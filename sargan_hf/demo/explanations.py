"""Pictures of what the network saw and did, for the page's views and its "How it works"."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from ..editing.requests import FaceRequest
from ..images.normalize import channels_last
from .face_views import to_srgb
from .page_request import FaceWish
from .page_session import Key, PageSession

HEAT = 0.7  # how much of the picture the strongest attention covers
FEATHER = 0.12  # of the crop's side: over this width the map fades into the picture


def explanation(session: PageSession, key: Key, wanted: FaceWish) -> list[tuple[Image.Image, str]]:
    """What the network saw and did to one face, as pictures with captions."""
    edits, face = session.edits, session.face(key)
    crop = Image.fromarray(edits.align(face).crop)
    crop = np.asarray(to_srgb(crop, edits.image.info.get("icc_profile")).convert("RGB"))
    [output] = edits.outputs([face], [session.wished(wanted)])
    panels = [(_enlarged(crop), "The face, straightened")]
    if output.motion is not None:
        panels.append((_enlarged(_motion_colours(output.motion[0])), "Where skin moves"))
    residual = np.clip(127.5 + 255 * channels_last(output.residual[0]), 0, 255).astype(np.uint8)
    panels.append((_enlarged(residual), "What is painted on"))
    if output.attention is not None:
        attention = _spread(output.attention[0, 0], crop.shape[0])
        heat = 0.35 * crop + 0.65 * _colours(attention)
        panels.append((_enlarged(heat.astype(np.uint8)), "Where it looked"))
    return panels


def attention_overlay(
    session: PageSession, keys: Sequence[Key], requests: Sequence[FaceRequest], picture: Image.Image
) -> Image.Image | None:
    """The attention map of each face of `keys`, for what is asked of it, over `picture`, the session's picture at any size.

    Returns:
        An RGB picture of the same size, dark violet where the network looked least and yellow where it looked most;
        None for a model without attention.
    """
    pixels = np.asarray(picture.convert("RGB")).astype(np.float32)
    size = picture.size
    shrunk = size[0] / session.size[0]
    faces = [session.face(key) for key in keys]
    for face, output in zip(faces, session.edits.outputs(faces, requests), strict=True):
        if output.attention is None:
            return None
        aligned = session.edits.align(face)
        side = len(aligned.crop)
        to_crop = aligned.transform @ np.diag([1 / shrunk, 1 / shrunk, 1])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        spread = cv2.warpAffine(_spread(output.attention[0, 0], side), to_crop, size, flags=flags)
        cover = cv2.warpAffine(_feathered(side), to_crop, size, flags=flags)
        cover = (HEAT * cover * (0.35 + 0.65 * spread))[..., None]
        pixels = (1 - cover) * pixels + cover * _colours(spread)
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


def _enlarged(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC)


def _motion_colours(motion: np.ndarray) -> np.ndarray:
    length, angle = cv2.cartToPolar(np.ascontiguousarray(motion[0]), np.ascontiguousarray(motion[1]))
    strength = np.clip(length / max(float(length.max()), 1e-4), 0, 1)
    hsv = np.stack([angle * 90 / np.pi, 255 * strength, np.full_like(strength, 255)], axis=-1)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def _spread(attention: np.ndarray, side: int) -> np.ndarray:
    """The map from its least to its greatest value as 0 to 1, float32 [side, side]."""
    spread = (attention - attention.min()) / max(float(np.ptp(attention)), 1e-6)
    return np.clip(cv2.resize(spread.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)


def _feathered(side: int) -> np.ndarray:
    """1 inside the crop, fading to 0 at its edges, float32 [side, side]."""
    distance = np.minimum(np.arange(side), np.arange(side)[::-1]) / (FEATHER * side)
    ramp = np.clip(distance, 0, 1).astype(np.float32)
    return np.minimum.outer(ramp, ramp)


def _colours(values: np.ndarray) -> np.ndarray:
    """Values in 0 to 1 as RGB from dark violet to yellow, uint8."""
    return cv2.applyColorMap((255 * values).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
