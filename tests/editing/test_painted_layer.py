"""An occlusion layer at the picture's own size: what it hides is gone, and its edge is as sharp as the picture."""

import numpy as np
import pytest

from sargan_hf.editing.apply import apply_warp
from sargan_hf.editing.change import plan_warp
from sargan_hf.images.warp import NormalizedFlow
from sargan_hf.inference import GeneratorOutput, match_strength, one_by_one
from sargan_hf.inference.protocol import PaintedLayer

SIDE = 64
CONDITION = np.eye(7, dtype=np.float32)[3]


def disc(radius=8.0, centre=(40, 32), softness=1.0):
    """float32 [SIDE, SIDE], 1 within the radius, with an edge of some pixels of the crop."""
    y, x = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(y - centre[0], x - centre[1])
    return np.clip((radius - distance) / (2 * softness) + 0.5, 0, 1).astype(np.float32)


def layer(colour=-0.8):
    return PaintedLayer(disc()[None, None], np.full((1, 3, SIDE, SIDE), colour, np.float32))


def warp(mode="motion"):
    crop = np.full((SIDE, SIDE, 3), 160, np.uint8)
    still = NormalizedFlow(np.zeros((SIDE, SIDE, 2), np.float32))
    nothing = np.zeros((SIDE, SIDE, 3), np.float32)
    return plan_warp(crop, nothing, still, mode, expression=CONDITION, layer=layer())


def edited(enlargement, intensity=1.0, mode="motion"):
    pixels = np.full((SIDE * enlargement, SIDE * enlargement, 3), 160, np.uint8)
    middle = (1 / enlargement - 1) / 2
    transform = np.array([[1 / enlargement, 0, middle], [0, 1 / enlargement, middle]])
    apply_warp(pixels, transform, SIDE, warp(mode).at_intensity(intensity))
    return pixels


@pytest.mark.parametrize("mode", ["motion", "residual", "paste"])
def test_what_it_covers_shows_its_paint_alone(mode):
    pixels = edited(4, mode=mode)
    assert np.abs(pixels[155:168, 122:136].astype(int) - 26).max() <= 2
    assert (pixels[:100] == 160).all()


@pytest.mark.parametrize("enlargement", [2, 4, 8])
def test_its_edge_is_some_pixels_of_the_picture_at_any_size(enlargement):
    row = edited(enlargement)[40 * enlargement, :, 0].astype(int)
    between = np.count_nonzero((row > 40) & (row < 146))
    assert 2 <= between <= 2 * 5  # both sides; an enlarged pixel of the crop alone would be twice `enlargement` wide


def test_at_no_intensity_nothing_is_covered():
    assert (edited(4, intensity=0.0) == 160).all()


def test_a_weaker_edit_opens_as_dark_as_the_whole_one():
    assert np.abs(edited(4, intensity=0.5)[155:168, 122:136].astype(int) - 26).max() <= 2


def test_an_edit_that_is_made_stronger_takes_its_layer_along():
    motion = np.zeros((1, 2, SIDE, SIDE), np.float32)
    motion[:, 1] = -4 * 2 / SIDE  # everything comes from four pixels above
    output = GeneratorOutput(
        np.zeros((1, 3, SIDE, SIDE), np.float32), None, NormalizedFlow(motion), CONDITION[None], layer()
    )
    stronger = match_strength(output, (0.15,) * 7)
    gain = 1.2  # 0.15 of the 0.125 that it moves
    assert stronger.layer is not None
    moved = disc(centre=(40 + 4 * (gain - 1), 32))
    assert np.abs(stronger.layer.occlusion[0, 0] - moved).max() < 0.1
    assert match_strength(output, (0.1,) * 7).layer is not None


def test_it_is_kept_when_crops_are_edited_one_by_one():
    def run(crops, expression, controls):
        return GeneratorOutput(np.zeros_like(crops), None, None, expression, PaintedLayer(crops[:, :1], crops))

    crops = np.random.default_rng(0).uniform(size=(3, 3, 8, 8)).astype(np.float32)
    joined = one_by_one(run, crops, np.eye(7, dtype=np.float32)[:3])
    assert joined.layer is not None
    assert (joined.layer.painted == crops).all()
    assert (joined.one(1).layer.occlusion == crops[1:2, :1]).all()
    assert joined.nbytes > 2 * crops.nbytes
