"""The generator and the discriminator: size, arithmetic, shapes, and what people do to torch modules."""

import inspect
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sargan_hf import EXPRESSIONS, SARGAN, SARGANDiscriminator, SARGANOutput
from sargan_hf.inference.cpu_generator import FastGenerator
from sargan_hf.modeling_sargan import warp


def small(**config) -> SARGAN:
    torch.manual_seed(0)
    return SARGAN(**({"base_channels": 8, "attention_channels": 8} | config)).eval()


def batch(count=2, height=64, width=64):
    generator = torch.Generator().manual_seed(1)
    pictures = torch.rand(count, 3, height, width, generator=generator) * 2 - 1
    return pictures, F.one_hot(torch.arange(count) % 7, 7).float()


@pytest.mark.parametrize(
    ("config", "parameters"),
    [({}, 3_014_145), ({"attention": False}, 2_533_440), ({"motion": True}, 3_014_145 + 2 * 64 * 49)],
)
def test_parameter_counts_are_those_of_the_paper(config, parameters):
    assert sum(p.numel() for p in SARGAN(**config).parameters()) == parameters


def test_default_expressions_are_the_packages():
    assert inspect.signature(SARGAN.__init__).parameters["expressions"].default == EXPRESSIONS


@pytest.mark.parametrize(
    "config", [{}, {"attention": False}, {"motion": True}, {"ultimate_skip": False}, {"num_blocks": 3, "motion": True}]
)
def test_output_fields_and_ranges(config):
    model = small(**config)
    output = model(*batch(2, 64, 96))
    assert isinstance(output, SARGANOutput)
    assert output.sample.shape == output.residual.shape == (2, 3, 64, 96)
    assert output.residual.abs().max() <= 1
    if model.config.attention:
        assert output.attention.shape == (2, 1, 16, 24)
        assert output.attention.min() >= 0
        assert output.attention.max() <= 1
    else:
        assert output.attention is None
    if model.config.motion:
        assert output.motion.shape == (2, 2, 64, 96)
        assert output.motion.abs().max() <= model.config.motion_reach
    else:
        assert output.motion is None
    expected = [output[name] for name in ("sample", "residual", "attention", "motion") if output.get(name) is not None]
    as_tuple = model(*batch(2, 64, 96), return_dict=False)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(as_tuple, expected, strict=True))


def test_train_and_eval_give_the_same_output():
    model, inputs = small(motion=True), batch()
    assert torch.equal(model.train()(*inputs).sample, model.eval()(*inputs).sample)


def test_every_picture_is_edited_on_its_own():
    model, (pictures, expression) = small(motion=True), batch(3)
    together = model(pictures, expression).sample
    alone = torch.cat([model(*one).sample for one in zip(pictures.split(1), expression.split(1), strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_without_motion_the_skip_is_a_sum():
    model, (pictures, expression) = small(), batch()
    output = model(pictures, expression)
    assert torch.equal(output.sample, pictures + output.residual)


def test_without_ultimate_skip_the_network_paints_the_picture():
    model, (pictures, expression) = small(ultimate_skip=False), batch()
    output = model(pictures, expression)
    assert torch.equal(output.sample, output.residual)
    assert torch.equal(model(pictures, expression, 0.0).sample, pictures)


@pytest.mark.parametrize("config", [{}, {"motion": True}, {"ultimate_skip": False}])
@pytest.mark.parametrize("intensity", [0, 0.0, torch.zeros(2)])
def test_intensity_zero_is_the_input_bit_for_bit(config, intensity):
    pictures, expression = batch(2, 48, 80)
    assert torch.equal(small(**config)(pictures, expression, intensity).sample, pictures)


def test_intensity_scales_each_picture_on_its_own():
    model, (pictures, expression) = small(), batch(3)
    output = model(pictures, expression, torch.tensor([0.0, 0.5, 1.5]))
    scale = torch.tensor([0.0, 0.5, 1.5]).view(3, 1, 1, 1)
    torch.testing.assert_close(output.sample, pictures + scale * output.residual)


def test_warp_by_nothing_is_the_identity():
    pictures, _ = batch(2, 64, 128)
    assert torch.equal(warp(pictures, torch.zeros(2, 2, 64, 128)), pictures)


def test_warp_fetches_from_where_motion_points():
    """On a ramp f(x, y) = a x + b y, fetching at p + d gives f(p) + a dx + b dy (bilinear is exact there)."""
    ys, xs = torch.meshgrid(torch.arange(48.0), torch.arange(80.0), indexing="ij")
    picture = (0.3 * xs + 0.7 * ys).expand(1, 3, -1, -1)
    shift_x, shift_y = 2.5, -1.25  # pixels
    motion = torch.tensor([2 * shift_x / 80, 2 * shift_y / 48]).view(1, 2, 1, 1).expand(1, 2, 48, 80)
    moved = warp(picture, motion)
    inside = (..., slice(2, -2), slice(3, -3))
    torch.testing.assert_close(moved[inside], (picture + 0.3 * shift_x + 0.7 * shift_y)[inside], atol=1e-4, rtol=0)


def test_warp_repeats_the_border():
    pictures, _ = batch(1, 32, 32)
    far_left = torch.zeros(1, 2, 32, 32)
    far_left[:, 0] = -4
    assert torch.equal(warp(pictures, far_left), pictures[..., :1].expand(-1, -1, -1, 32))


def test_a_blend_differs_from_its_ends():
    model, (pictures, expression) = small(), batch()
    blend = 0.5 * expression + 0.5 * expression.roll(1, dims=1)
    outputs = [model(pictures, c).sample for c in (expression, blend, expression.roll(1, dims=1))]
    assert (outputs[0] - outputs[1]).abs().max() > 1e-4
    assert (outputs[1] - outputs[2]).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("pixel_shape", "expression_shape", "message"),
    [
        ((1, 3, 60, 64), (1, 7), "multiples of 16"),
        ((1, 3, 16, 64), (1, 7), "32 or more"),
        ((3, 64, 64), (1, 7), r"\[3, 64, 64\]"),
        ((1, 1, 64, 64), (1, 7), r"\[batch, 3, height, width\]"),
        ((0, 3, 64, 64), (0, 7), "multiples of 16"),
        ((2, 3, 64, 64), (1, 7), r"must be \[2, 7\]"),
        ((1, 3, 64, 64), (1, 5), "afraid, angry"),
        ((1, 3, 64, 64), (7,), r"got \[7\]"),
    ],
)
def test_shapes_that_do_not_fit_are_named(pixel_shape, expression_shape, message):
    with pytest.raises(ValueError, match=message):
        small()(torch.zeros(pixel_shape), torch.zeros(expression_shape))


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="ultimate_skip"):
        SARGAN(motion=True, ultimate_skip=False)
    with pytest.raises(ValueError, match="num_blocks"):
        SARGAN(num_blocks=0)


@pytest.mark.parametrize("size", [(32, 32), (48, 160)])
def test_any_multiple_of_16(size):
    assert small(motion=True)(*batch(1, *size)).sample.shape == (1, 3, *size)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiles_in_one_graph():
    model, inputs = small(motion=True), batch()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*inputs).sample, model(*inputs).sample, atol=1e-5, rtol=0)


def test_channels_last_gives_the_same():
    model, (pictures, expression) = small(motion=True), batch()
    expected = model(pictures, expression).sample
    model = model.to(memory_format=torch.channels_last)
    actual = model(pictures.to(memory_format=torch.channels_last), expression).sample
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_bfloat16_stays_close_and_keeps_its_type():
    model, (pictures, expression) = small(motion=True), batch()
    smooth = F.avg_pool2d(pictures, 9, stride=1, padding=4)
    expected = model(smooth, expression).sample
    actual = model.bfloat16()(smooth.bfloat16(), expression).sample
    assert actual.dtype == torch.bfloat16
    assert (actual.float() - expected).abs().mean() < 0.01


def test_bfloat16_does_not_move_what_stands_still():
    pictures, _ = batch(1, 64, 128)
    assert torch.equal(warp(pictures.bfloat16(), torch.zeros(1, 2, 64, 128).bfloat16()), pictures.bfloat16())


def test_gradients_reach_every_parameter():
    model, inputs = small(motion=True), batch()
    model(*inputs).sample.square().mean().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert without == []


def test_motion_can_start_from_the_identity():
    model, (pictures, expression) = small(motion=True), batch()
    torch.nn.init.zeros_(model.conv_out.weight)
    output = model(pictures, expression)
    torch.testing.assert_close(output.sample, pictures, atol=1e-5, rtol=0)
    (output.sample - pictures.flip(-1)).abs().mean().backward()
    assert (model.conv_out.weight.grad.flatten(1).abs().sum(1) > 0).all()


def test_save_and_load_give_the_same_model(tmp_path):
    model, inputs = small(motion=True, motion_reach=0.1, expressions=["neutral", "happy", *"abcde"]), batch()
    model.save_pretrained(tmp_path)
    loaded = SARGAN.from_pretrained(tmp_path)
    assert torch.equal(loaded(*inputs).sample, model(*inputs).sample)
    assert not loaded.training
    assert list(loaded.config.expressions) == ["neutral", "happy", *"abcde"]
    assert loaded.config.motion_reach == 0.1
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["auto_map"] == {"AutoModel": "modeling_sargan.SARGAN"}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"motion": True},
        {"attention": False},
        {"ultimate_skip": False},
        {"num_blocks": 2, "motion": True, "base_channels": 16},
    ],
)
def test_fast_generator_agrees(config):
    model, (pictures, expression) = small(**config), batch(3, 64, 96)
    pictures, expression = F.avg_pool2d(pictures, 5, stride=1, padding=2), 0.5 * (expression + expression.roll(1, 1))
    intensity = torch.tensor([0.0, 0.7, 1.3])
    expected, actual = model(pictures, expression, intensity), FastGenerator(model)(pictures, expression, intensity)
    assert expected.keys() == actual.keys()
    for name in expected:
        torch.testing.assert_close(actual[name], expected[name], atol=1e-4, rtol=0)


def test_fast_generator_agrees_at_full_width():
    torch.manual_seed(0)
    model, inputs = SARGAN(), batch(1, 128, 128)
    with torch.no_grad():
        expected = model(*inputs).sample
    torch.testing.assert_close(FastGenerator(model)(*inputs).sample, expected, atol=1e-4, rtol=0)


def test_fast_generator_runs_in_bfloat16():
    model, (pictures, expression) = small(motion=True), batch()
    smooth = F.avg_pool2d(pictures, 9, stride=1, padding=4)
    expected = model(smooth, expression).sample
    actual = FastGenerator(model.bfloat16())(smooth.bfloat16(), expression).sample
    assert (actual.float() - expected).abs().mean() < 0.01


def test_fast_generator_is_a_snapshot_and_refuses_the_same_shapes():
    model, inputs = small(), batch()
    fast = FastGenerator(model)
    before = fast(*inputs).sample
    with torch.no_grad():
        model.conv_out.weight.zero_()
    assert torch.equal(fast(*inputs).sample, before)
    with pytest.raises(ValueError, match="multiples of 16"):
        fast(torch.zeros(1, 3, 60, 64), torch.zeros(1, 7))


def test_discriminator_heads():
    discriminator = SARGANDiscriminator(base_channels=8)
    output = discriminator(torch.zeros(2, 3, 128, 128))
    assert output.realness.shape == (2, 1, 2, 2)
    with pytest.warns(FutureWarning, match=r"\.source is now \.realness"):
        assert output.source is output.realness
    assert output.expression.shape == (2, 7)
    with pytest.raises(ValueError, match="128, 128"):
        discriminator(torch.zeros(2, 3, 64, 64))
    with pytest.raises(ValueError, match="multiple of 64"):
        SARGANDiscriminator(sample_size=100)


def test_discriminator_has_the_published_size():
    assert sum(p.numel() for p in SARGANDiscriminator().parameters()) == _published_discriminator_size()


def _published_discriminator_size() -> int:
    widths = np.array([3, 64, 128, 256, 512, 1024, 2048])
    trunk = (16 * widths[:-1] * widths[1:] + widths[1:]).sum()
    return int(trunk + 9 * 2048 + 4 * 2048 * 7)


def test_where_the_occlusion_is_one_only_the_painted_layer_shows():
    model, (pictures, expression) = small(motion=True, occlusion=True), batch()
    with torch.no_grad():
        output = model(pictures, expression)
    assert output.occlusion.shape == (2, 1, 64, 64)
    assert 0 <= output.occlusion.min() <= output.occlusion.max() <= 1
    whole = model.compose(pictures, output.residual, output.motion, 1.0, torch.ones(2, 1, 64, 64), output.painted)
    assert torch.equal(whole, output.painted)
    none = model.compose(pictures, output.residual, output.motion, 1.0, torch.zeros(2, 1, 64, 64), output.painted)
    assert torch.equal(none, model.compose(pictures, output.residual, output.motion))
    assert torch.equal(model(pictures, expression, 0.0).sample, pictures)


def test_occlusion_needs_motion():
    with pytest.raises(ValueError, match="needs motion=True"):
        small(occlusion=True)
