"""A generator that starts from a trained one of another form."""

import pytest
import torch
import yaml

from sargan_hf import SARGAN
from sargan_hf.commands.train import parse_config
from sargan_hf.errors import ConfigurationError
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.setup_networks import build_generator
from sargan_hf.training.weight_surgery import widen, with_controls, with_occlusion, without_motion


@pytest.fixture
def faces():
    random = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 64, 64, generator=random) * 2 - 1, torch.eye(7)[:2]


@pytest.mark.parametrize(
    "settings", [{"motion": True}, {"num_blocks": 2}, {"attention": False}, {"ultimate_skip": False}]
)
@pytest.mark.parametrize("times", [2, 3])
def test_a_widened_generator_gives_the_same_output(settings, times, faces):
    torch.manual_seed(0)
    narrow = SARGAN(base_channels=8, **settings)
    wide = widen(narrow, 8 * times)
    assert wide.config.base_channels == 8 * times
    assert {name: wide.config[name] for name in settings} == settings
    torch.testing.assert_close(wide(*faces).sample, narrow(*faces).sample, atol=1e-4, rtol=0)


def test_a_widened_generator_follows_its_controls_as_before(faces):
    torch.manual_seed(0)
    narrow = SARGAN(base_channels=8, motion=True, controls=["jaw_open", "squint"])
    for modulation in narrow.modulations.values():
        torch.nn.init.normal_(modulation.weight, std=0.03)
    asked = torch.tensor([[1.0, -1.0], [-0.5, 0.3]])
    expected = narrow(*faces, controls=asked).sample
    torch.testing.assert_close(widen(narrow, 16)(*faces, controls=asked).sample, expected, atol=1e-4, rtol=0)


def test_copies_learn_different_things(faces):
    wide = widen(SARGAN(base_channels=8, motion=True), 16)
    wide(*faces).sample.square().mean().backward()
    gradient = wide.conv_in.weight.grad
    assert (gradient[:8] - gradient[8:]).abs().max() > 0.01 * gradient.abs().max()


def test_only_multiples_of_the_width():
    with pytest.raises(ConfigurationError, match="got 12"):
        widen(SARGAN(base_channels=8), 12)


def test_without_motion_a_generator_paints_what_it_painted_and_moves_nothing(faces):
    moving = SARGAN(base_channels=8, motion=True, typical_motion=[0.1] * 7)
    still = without_motion(moving)
    pictures, expression = faces
    edit = still(pictures, expression)
    assert edit.motion is None
    assert still.config.typical_motion is None
    torch.testing.assert_close(edit.residual, moving(pictures, expression).residual, atol=1e-6, rtol=0)
    torch.testing.assert_close(edit.sample, pictures + edit.residual)
    assert without_motion(still) is still


def test_the_published_network_starts_from_a_half_width_run_with_motion(tmp_path, faces):
    SARGAN(base_channels=8, motion=True).save_pretrained(tmp_path / "run")
    config = TrainingConfig(
        train_data_dir="set", init_from=str(tmp_path / "run"), init_drop_motion=True, init_widen_factor=2
    )
    generator = build_generator(config, SARGAN().config.expressions)
    published = SARGAN(base_channels=16).eval()
    published.load_state_dict(generator.state_dict())
    torch.testing.assert_close(published(*faces).sample, generator.eval()(*faces).sample)


@pytest.mark.parametrize(
    ("settings", "words"), [({}, "name it with init_from"), ({"init_from": "run", "motion": True}, "use one of them")]
)
def test_a_flow_field_cannot_be_left_out_of_nothing(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        TrainingConfig(train_data_dir="set", init_drop_motion=True, **settings)


def test_further_controls_and_an_occlusion_layer_start_as_the_model_was(faces):
    plain = SARGAN(base_channels=8, motion=True, attention_channels=8)
    torch.nn.init.normal_(plain.conv_out.weight, std=0.01)
    with torch.no_grad():
        expected = plain(*faces)
        controlled = with_controls(plain, ["jaw_open", "squint"])
        asked = torch.tensor([[1.0, -1.0]]).expand(len(faces[0]), -1)
        torch.testing.assert_close(controlled(*faces, controls=asked).sample, expected.sample, atol=1e-5, rtol=0)
        layered = with_occlusion(controlled)(*faces)
    assert float(layered.occlusion.max()) < 0.02
    torch.testing.assert_close(layered.motion, expected.motion, atol=1e-5, rtol=0)
    assert with_controls(controlled, ["jaw_open", "squint"]) is controlled
    with pytest.raises(ConfigurationError, match="or with the same"):
        with_controls(controlled, ["squint"])
    with pytest.raises(ConfigurationError, match="needs a generator with motion"):
        with_occlusion(SARGAN(base_channels=8, attention_channels=8))


class TestOldNames:
    """`still_init` and `widen_init` of files and command lines of earlier versions."""

    START = ("--train_data_dir", "set", "--init_from", "run")

    def test_old_flags_work_and_warn(self):
        with pytest.warns(
            FutureWarning, match="The setting (widen_init is now init_widen_factor|still_init is now init_drop)"
        ):
            config, _ = parse_config([*self.START, "--widen_init", "2", "--still_init"])
        assert (config.init_widen_factor, config.init_drop_motion) == (2, True)

    def test_the_settings_of_an_old_run_can_be_read_back(self, tmp_path):
        new = TrainingConfig(train_data_dir="set", init_from="run", init_widen_factor=2)
        values = yaml.safe_load(new.to_yaml())
        values |= {"widen_init": values.pop("init_widen_factor"), "still_init": values.pop("init_drop_motion")}
        (tmp_path / "training_config.yaml").write_text(yaml.safe_dump(values))
        with pytest.warns(FutureWarning, match="widen_init is now init_widen_factor"):
            config, _ = parse_config(["--config", str(tmp_path / "training_config.yaml")])
        assert config == new

    def test_a_setting_by_both_of_its_names_is_refused(self):
        with (
            pytest.raises(ConfigurationError, match="widen_init is the old name of init_widen_factor"),
            pytest.warns(FutureWarning),
        ):
            parse_config([*self.START, "--widen_init", "2", "--init_widen_factor", "3"])

    def test_help_shows_the_new_names_only(self, capsys):
        with pytest.raises(SystemExit):
            parse_config(["--help"])
        shown = capsys.readouterr().out
        assert "--init_widen_factor" in shown
        assert "--widen_init" not in shown
