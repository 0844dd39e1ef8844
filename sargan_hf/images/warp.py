"""Warps of pixel grids, and the smooth steps that they fade by.

A flow says for each place where its content is fetched from, relative to itself. Three units are in use, so the type names the
unit.
"""

from typing import NewType

import cv2
import numpy as np

from .._moved import renamed

# x and y; 2.0 is the full width. What networks give.
NormalizedFlow = NewType("NormalizedFlow", np.ndarray)
# x and y in pixels of the model's crop. What an edit is planned in.
CropFlow = NewType("CropFlow", np.ndarray)
# x and y in pixels of the image. What an edit is made in.
ImageFlow = NewType("ImageFlow", np.ndarray)


def to_crop_pixels(flow: NormalizedFlow, side: int) -> CropFlow:
    """A flow over a crop of `side` pixels, in these pixels."""
    return CropFlow(flow.astype(np.float32) * (side / 2))


def to_image_pixels(flow: CropFlow, transform: np.ndarray) -> ImageFlow:
    """A flow [H, W, 2] over a crop in pixels of the image, whose pixels `transform` [2, 3] maps to the crop's."""
    linear = np.linalg.inv(transform[:, :2]).astype(np.float32)
    return ImageFlow(flow @ linear.T)


def warp_field(field: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """`field` with every place fetched from elsewhere, bilinearly, as the generator does it.

    Args:
        field: float32 [H, W] or [H, W, C].
        flow: float32 [H, W, 2], where each place is fetched from, relative to itself, in pixels of `field`.
    """
    x, y = np.meshgrid(np.arange(flow.shape[1], dtype=np.float32), np.arange(flow.shape[0], dtype=np.float32))
    return cv2.remap(field, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def fetched(field: np.ndarray, places: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """`field` at places of its own pixels, bilinearly.

    Args:
        field: float32 or uint8 [H, W] or [H, W, C].
        places: float32 [h, w, 2], x and y.
        border: what lies beyond the border, as OpenCV names it.

    Returns:
        [h, w] or [h, w, C], of the type of `field`.
    """
    return cv2.remap(  # pyright: ignore[reportCallIssue]
        field,
        places,
        None,  # pyright: ignore[reportArgumentType]  (both coordinates are in `places`, as OpenCV's types do not know)
        cv2.INTER_LINEAR,
        borderMode=border,
    )


def smoothstep(value: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, with a smooth rise between."""
    value = np.clip(value, 0.0, 1.0)
    return value * value * (3 - 2 * value)


__getattr__ = renamed(__name__, {"moved": "warp_field"})
