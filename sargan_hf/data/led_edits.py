"""A model's edits led by the exact motion of a set: lips where the true ones are, and between them what the model paints.

A refiner must see such edits in training. A model's own edits have their lips some pixels beside the true ones.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from ..images.normalize import channels_first, channels_last
from ..images.warp import NormalizedFlow, warp_field
from ..inference import Generator, GeneratorOutput
from ..inference.protocol import PaintedLayer
from .pair_flow import EncodedPairMotion, motion_between, transform_flow

# In pixels of a crop of 128:
SOFT = (0.6, 2.0)  # standard deviation of the layer's edge
RAGGED, LUMPS = 0.8, 3.0  # how far off that edge is, as models' are, and the size of its bays
SPREAD = 4.0  # the same of what the layer shows, carried on to where the true opening is wider
SURE = 1.0  # and of the border between exact motion and the model's


class LedGenerator:
    """A generator whose motion is exact where a set knows it, and whose layer covers what the source really does not hold.

    It is for one pair of pictures, and for crops cut by one transform.

    Attributes:
        expressions, sample_size: of the generator. It says nothing of `typical_motion`: exact motion is strong enough.
    """

    def __init__(
        self,
        generator: Generator,
        motion: np.ndarray,
        valid: np.ndarray,
        transform: np.ndarray,
        rng: np.random.Generator,
    ):
        """Args:
        generator: what is led.
        motion, valid: [H, W, 2] in pixels of the stored pictures and bool [H, W], as of `motion_between`.
        transform: from these pixels to those of the crop, [2, 3].
        rng: of the faults of the layer's edge.
        """
        self.expressions, self.sample_size = generator.expressions, generator.sample_size
        self._generator, self._rng, side = generator, rng, generator.sample_size
        # Beyond the stored picture nothing is known.
        self._motion, self._valid = transform_flow(motion, valid, transform, False, side)
        self._inside = cv2.warpAffine(np.ones(valid.shape, np.float32), transform, (side, side))

    def __call__(
        self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None = None
    ) -> GeneratorOutput:
        """As `Generator.__call__`."""
        output = self._generator(crops, expression, controls)
        if output.motion is None:
            return output
        side = self.sample_size
        sure = cv2.erode(self._valid, np.ones((3, 3)))
        sure = cv2.GaussianBlur(sure, (0, 0), SURE * side / 128)[..., None]
        exact = self._motion * np.float32(2 / side)
        motion = channels_first(sure * exact + (1 - sure) * channels_last(output.motion[0]))
        layer = output.layer and self._fitted(output.layer)
        return output._replace(motion=NormalizedFlow(motion[None].astype(np.float32)), layer=layer)

    def _fitted(self, layer: PaintedLayer) -> PaintedLayer:
        """The layer over the true opening: what it shows is carried on to where the model has not opened it."""
        covered, shown = layer.occlusion[0, 0], channels_last(layer.painted[0])
        spread = SPREAD * self.sample_size / 128
        known = cv2.GaussianBlur(covered, (0, 0), spread)[..., None]
        further = cv2.GaussianBlur(shown * covered[..., None], (0, 0), spread) / np.maximum(known, 1e-4)
        shown = further + covered[..., None] * (shown - further)
        opened = self._ragged((self._inside > 0.5) * (1 - self._valid))
        # Where the model covers nothing far and wide, as at a lid that has moved, its layer stays away.
        opened *= np.clip(known[..., 0] / 0.2, 0, 1)
        return PaintedLayer(opened[None, None].astype(np.float32), channels_first(shown)[None].astype(np.float32))

    def _ragged(self, opened: np.ndarray) -> np.ndarray:
        """The opening [S, S] with a soft edge, some pixels off here and there."""
        scale = self.sample_size / 128
        off = cv2.GaussianBlur(self._rng.normal(size=(*opened.shape, 2)), (0, 0), LUMPS * scale)
        off *= RAGGED * scale / off.std()
        moved = warp_field(opened.astype(np.float32), off.astype(np.float32))
        return cv2.GaussianBlur(moved, (0, 0), self._rng.uniform(*SOFT) * scale)


def led_by(
    generator: Generator,
    source: Mapping[str, Any],
    target: Mapping[str, Any],
    transform: np.ndarray,
    rng: np.random.Generator,
) -> LedGenerator | None:
    """The generator led from one row of a set to another of its pair; None where the set has no motion for them.

    Raises:
        DatasetError: the columns are damaged.
    """
    motions = [EncodedPairMotion.from_row(row) for row in (source, target)]
    if motions[0] is None or motions[1] is None:
        return None
    return LedGenerator(generator, *motion_between(motions[0], motions[1]), transform, rng)
