"""Takes a magenta cast off a portrait, judged by the whites of the eyes.

Flash and fluorescent light leave faces pink: green is weak. Nothing natural does that to eye whites, while a warm light, old
varnish or painted skin moves red against blue. So only green is looked at and changed, and paintings stay as they are.
"""

from dataclasses import replace

import cv2
import numpy as np

from .reader import Portrait

# Green over the mean of red and blue in the eye whites: .96 in the London Set (91 people, .93 to 1.0), .86 to .88 in the
# photographs with a cast.
NATURAL_GREEN, CAST_BELOW = 0.97, 0.92
MAX_SPREAD = 1.4  # strongest over weakest channel: beyond that the eyes are painted, not white
_CORRECTION = 0.75  # power of the deficit that is made up for: the eyes also reflect the skin


def without_cast(portrait: Portrait) -> Portrait:
    """The portrait with a magenta cast taken off; unchanged where the eye whites show none.

    Eye white is the mean colour of the brightest fifth of the eye openings.
    """
    eyes = np.zeros(portrait.picture.shape[:2], np.uint8)
    for opening in (portrait.landmarks.right_eye_opening, portrait.landmarks.left_eye_opening):
        cv2.fillPoly(eyes, [np.rint(opening).astype(np.int32)], 1)
    pixels = portrait.picture[eyes > 0].astype(np.float32)
    if not len(pixels):
        return portrait
    brightness = pixels.sum(axis=1)
    red, green, blue = np.maximum(pixels[brightness >= np.percentile(brightness, 80)].mean(axis=0), 1.0)
    weakness = 2 * green / (red + blue)
    if weakness >= CAST_BELOW or max(red, green, blue) > MAX_SPREAD * min(red, green, blue):
        return portrait
    gain = np.array([1.0, (NATURAL_GREEN / weakness) ** _CORRECTION, 1.0])
    gain /= gain @ np.array([0.299, 0.587, 0.114])  # brightness stays
    picture = np.clip(np.rint(portrait.picture * gain), 0, 255).astype(np.uint8)
    return replace(portrait, picture=picture)
