"""What covers the moved picture where that has nothing to show: the inside of a mouth that opens, an eye behind a shut lid.

A generator with an occlusion layer says at its own size where that is. Enlarged like a picture, the edge of the layer would be
as soft as a crop pixel is large, with remains of the lips shining through. So it is taken for a level set: enlarged smoothly,
then cut at one half.
"""

from typing import NamedTuple

import numpy as np

from ..images.normalize import channels_last, denormalize
from ..inference.protocol import PaintedLayer
from .color_match import match_crop_colors

EDGE = 2.0  # pixels of the picture over which the layer's edge fades
SHARPEST = 0.2  # of its range: at a greater enlargement, pixels of the crop would show as steps along the edge


class CoveringLayer(NamedTuple):
    """A layer over one crop.

    Attributes:
        occlusion: float32 [S, S] in 0..1, how much of the moved picture is hidden.
        painted: float32 [S, S, 3] in 0..1, what hides it.
    """

    occlusion: np.ndarray
    painted: np.ndarray

    @classmethod
    def from_output(cls, layer: PaintedLayer, crop: np.ndarray, start: np.ndarray) -> "CoveringLayer":
        """The layer of one crop, uint8 [S, S, 3], in the colours of its face; `start` [S, S, 3] is what it covers."""
        paint = channels_last(layer.painted[0]) - start
        paint = match_crop_colors(crop, start, paint, skin=np.zeros(crop.shape[:2], np.float32))
        painted = denormalize(start + paint).astype(np.float32) / 255
        return cls(layer.occlusion[0, 0], painted)

    def over(self, edit: np.ndarray) -> np.ndarray:
        """`edit` [S, S, 3] in [-1, 1], covered as the network itself does it."""
        return edit + self.occlusion[..., None] * (2 * self.painted - 1 - edit)


def level_set(occlusion: np.ndarray, enlargement: float) -> np.ndarray:
    """The layer's share in pixels of a picture: `occlusion`, enlarged by so much, with an edge of about `EDGE` pixels.

    Its edge at the size of the crop is about two pixels wide. Where the face is as small as the crop, it stays as it is.
    """
    width = min(1.0, max(SHARPEST, EDGE / (2 * enlargement)))
    return np.clip((occlusion - np.float32(0.5)) / np.float32(width) + np.float32(0.5), 0, 1)
