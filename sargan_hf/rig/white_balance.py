"""Takes a colour cast off a portrait, judged by the whites of the eyes."""

from dataclasses import replace

import cv2
import numpy as np

from .portraits import Portrait

# Eye whites are a little warm by nature; below this a cast is left alone, so that most pictures are not touched at all.
MIN_CAST = 1.12  # strongest channel over the mean of the three
_CORRECTION = 0.6  # power of the cast that is taken off: eyes are small and partly reflect the skin


def without_cast(portrait: Portrait) -> Portrait:
    """The portrait with a strong colour cast taken off; unchanged where the eyes show none.

    The cast is the mean colour of the brightest fifth of the eye openings. Painted or sculpted eyes rarely pass for a cast
    because they are no brighter in one channel than in the others.
    """
    eyes = np.zeros(portrait.picture.shape[:2], np.uint8)
    for opening in (portrait.landmarks.right_eye_opening, portrait.landmarks.left_eye_opening):
        cv2.fillPoly(eyes, [np.rint(opening).astype(np.int32)], 1)
    pixels = portrait.picture[eyes > 0].astype(np.float32)
    if not len(pixels):
        return portrait
    brightness = pixels.sum(axis=1)
    white = pixels[brightness >= np.percentile(brightness, 80)].mean(axis=0)
    cast = white / max(float(white.mean()), 1.0)
    if cast.max() < MIN_CAST:
        return portrait
    gain = np.maximum(cast, 0.2) ** -_CORRECTION
    # Luminance stays: only the ratios between the channels are wrong.
    gain /= gain @ np.array([0.299, 0.587, 0.114])
    picture = np.clip(np.rint(portrait.picture * gain), 0, 255).astype(np.uint8)
    return replace(portrait, picture=picture)
