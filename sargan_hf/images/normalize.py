"""The one conversion between pixels and what networks take.

Pixels are uint8 with the channels last, [..., H, W, 3], as files have them. Tensors are float32 in [-1, 1] with the channels
first, [..., 3, H, W]. Both are NumPy arrays here; `torch.from_numpy` shares their memory.
"""

import numpy as np


def normalize(pixels: np.ndarray) -> np.ndarray:
    """Levels 0 to 255, in any layout, as float32 in [-1, 1]."""
    return np.asarray(pixels, dtype=np.float32) / 127.5 - 1


def denormalize(values: np.ndarray) -> np.ndarray:
    """Values in [-1, 1], in any layout, as uint8 levels, rounded; what lies beyond becomes 0 or 255."""
    return np.clip(np.rint((values + 1) * 127.5), 0, 255).astype(np.uint8)


def to_tensor(pixels: np.ndarray) -> np.ndarray:
    """Pixels [..., H, W, 3] as a tensor: float32 [..., 3, H, W] in [-1, 1], contiguous."""
    return normalize(np.ascontiguousarray(np.moveaxis(pixels, -1, -3)))


def to_pixels(tensor: np.ndarray) -> np.ndarray:
    """A tensor [..., 3, H, W] in [-1, 1] as pixels: uint8 [..., H, W, 3]."""
    return denormalize(channels_last(tensor))


def channels_last(fields: np.ndarray) -> np.ndarray:
    """A view of [..., C, H, W] as [..., H, W, C]; the values stay."""
    return np.moveaxis(fields, -3, -1)


def channels_first(fields: np.ndarray) -> np.ndarray:
    """A view of [..., H, W, C] as [..., C, H, W]; the values stay."""
    return np.moveaxis(fields, -1, -3)
