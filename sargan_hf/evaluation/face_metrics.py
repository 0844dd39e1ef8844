"""What is measured on a face before and after an edit. Every function is pure: arrays in, numbers out.

Pictures are uint8 RGB arrays [H, W, 3]; "canonical crop" means the crop of `sargan_hf.faces.alignment`.
"""

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    import torch

# Ellipse (centre x, centre y, radius x, radius y, as shares of a canonical crop's side) that holds brows, eyes, nose,
# cheeks, mouth and a dropped chin. What lies outside it - hair, ears, neck, background - should not change.
FACE_ELLIPSE = (0.5, 0.6, 0.34, 0.42)
_CHEEKS = ((0.33, 0.58), (0.67, 0.58))
_CHEEK_RADIUS = 0.045
_GREY_CHROMA = 5.0

# Upper bounds of the individual typology angle in degrees (Del Bino & Bernerd 2013).
SKIN_TONES = ((-30, "dark"), (10, "brown"), (28, "tan"), (41, "intermediate"), (55, "light"), (np.inf, "very light"))


def mean_change(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute change where `mask` ([H, W] bool) is true, in levels of 255; NaN where it is empty."""
    if not mask.any():
        return float("nan")
    return float(cv2.absdiff(before, after)[mask].mean())


def colour_shift(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """Distance between the mean colours where `mask` is true, in CIELAB units (delta E 1976).

    A model that repaints tints what it should leave alone; grain that only moves has no shift.
    """
    if not mask.any():
        return float("nan")
    shift = _lab(after)[mask].mean(axis=0) - _lab(before)[mask].mean(axis=0)
    return float(np.linalg.norm(shift))


def away_from_face(side: int) -> np.ndarray:
    """Mask [side, side] of the canonical crop's hair, ears, neck and background: all outside `FACE_ELLIPSE`."""
    x, y = np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2)
    centre_x, centre_y, radius_x, radius_y = FACE_ELLIPSE
    return ((x - centre_x) / radius_x) ** 2 + ((y - centre_y) / radius_y) ** 2 > 1


def sharpness(face: np.ndarray) -> float:
    """Standard deviation of the Laplacian of the grey face inside `FACE_ELLIPSE`; blur lowers it."""
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[~away_from_face(face.shape[0])].std())


def skin_tone(face: np.ndarray) -> tuple[float, str]:
    """Individual typology angle of the cheeks of a canonical crop, in degrees, and the name of its group.

    ITA = atan2(L* - 50, b*), taken at the median colour of two cheek discs. Without colour (bust, old photograph;
    chroma below 5) the angle says nothing and the group is "without colour". Light and camera move the angle:
    groups are coarse and describe pictures, not people.
    """
    lab, side = _lab(face), face.shape[0]
    cheeks = np.zeros((side, side), np.uint8)
    for x, y in _CHEEKS:
        cv2.circle(cheeks, (round(x * side), round(y * side)), max(1, round(_CHEEK_RADIUS * side)), 1, -1)
    lightness, red, yellow = np.median(lab[cheeks > 0], axis=0)
    angle = float(np.degrees(np.arctan2(lightness - 50, yellow)))
    if np.hypot(red, yellow) < _GREY_CHROMA:
        return angle, "without colour"
    return angle, next(name for bound, name in SKIN_TONES if angle <= bound)


def fidelity(edit: np.ndarray, reference: np.ndarray, source: np.ndarray) -> dict[str, float]:
    """How close an edit comes to the reference, the true picture of the same person with that expression.

    Returns:
        `psnr` in dB, `ssim` (Wang et al. 2004) in [-1, 1], `error` relative to leaving the picture unchanged (0 is
        perfect, 1 is no better than no edit; NaN where reference and source agree) and `sharpness_of_truth`, edit / reference.
    """
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    first, second = (torch.from_numpy(image.astype(np.float32).transpose(2, 0, 1)[None]) for image in (edit, reference))
    unchanged = float(cv2.absdiff(source, reference).mean())
    error = float(cv2.absdiff(edit, reference).mean())
    # With the settings of here it is a tensor alone.
    ssim = cast("torch.Tensor", structural_similarity_index_measure(first, second, data_range=255.0))
    return {
        "psnr": float(peak_signal_noise_ratio(first, second, data_range=255.0)) if error else float("inf"),
        "ssim": float(ssim),
        "error": error / unchanged if unchanged else float("nan"),
        "sharpness_of_truth": sharpness(edit) / max(sharpness(reference), 1e-6),
    }


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Kernel inception distance (Binkowski et al. 2018): unbiased squared MMD with the cubic kernel.

    Args:
        real, fake: features float32 [N, D] and [M, D], N, M >= 2. The value has meaning only beside the features' name.
    """
    size = len(real[0])
    inside_real, inside_fake = _kernel(real, real, size), _kernel(fake, fake, size)
    n, m = len(real), len(fake)
    within = (inside_real.sum() - np.trace(inside_real)) / (n * (n - 1))
    within += (inside_fake.sum() - np.trace(inside_fake)) / (m * (m - 1))
    return float(within - 2 * _kernel(real, fake, size).mean())


def nearest_is_own(embedding: np.ndarray, gallery: np.ndarray, people: np.ndarray, own: str) -> bool:
    """Whether the nearest of the originals (`gallery` [N, D], who they show in `people` [N]) shows `own`."""
    return bool(people[np.linalg.norm(gallery - embedding, axis=1).argmin()] == own)


def _kernel(first: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
    return (first.astype(np.float64) @ second.T / size + 1) ** 3


def _lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
