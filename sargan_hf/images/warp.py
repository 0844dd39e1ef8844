"""Warps of pixel grids, and the smooth steps that they fade by."""

import cv2
import numpy as np

from .._moved import renamed


def warp_field(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """`picture` [S, S, C] float32 with every pixel fetched from `flow` [S, S, 2] pixels away (bilinear, as the generator)."""
    x, y = np.meshgrid(np.arange(flow.shape[1], dtype=np.float32), np.arange(flow.shape[0], dtype=np.float32))
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def smoothstep(value: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, with a smooth rise between."""
    value = np.clip(value, 0.0, 1.0)
    return value * value * (3 - 2 * value)


__getattr__ = renamed(__name__, {"moved": "warp_field"})
