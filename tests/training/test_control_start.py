"""Where a new field of motion for facial controls starts: how the pictures of a set move on average."""

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from drawn_controls import control_rows, moving_rows, write_controls_set

from sargan_hf import SARGAN
from sargan_hf.controls import CONTROL_NAMES, controls_vector
from sargan_hf.training.control_start import mean_motion, start_control_field
from sargan_hf.training.loop import train
from sargan_hf.training.setup_data import prepare_data

JAW, SMILE = CONTROL_NAMES.index("jaw_open"), CONTROL_NAMES.index("smile_left")


@pytest.fixture
def moving_set(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = write_controls_set(tmp_path / "moving", moving_rows())
    return {"train_data_dir": str(folder), "motion": True, "controls": True}


def test_each_control_has_the_motion_that_it_causes(make_config, moving_set):
    data = prepare_data(make_config(**moving_set), Accelerator(cpu=True))
    moved = mean_motion(data.samples, 8)
    expected = -4 * 2 / control_rows(1)[0]["image"].height
    np.testing.assert_allclose(moved[JAW, 1, 5:], expected, rtol=0.05)
    np.testing.assert_allclose(moved[JAW, 1, :3], 0, atol=abs(expected) / 20)
    np.testing.assert_allclose(moved[SMILE], 0, atol=abs(expected) / 20)


def test_a_field_starts_once_and_moves_the_models_faces(make_config, moving_set):
    data = prepare_data(make_config(**moving_set), Accelerator(cpu=True))
    model = SARGAN(base_channels=8, attention_channels=8, motion=True, controls=CONTROL_NAMES).eval()
    torch.nn.init.zeros_(model.conv_out.weight)
    assert start_control_field(model, data.samples)
    assert not start_control_field(model, data.samples)
    asked = torch.from_numpy(controls_vector({"jaw_open": 1.0}))[None]
    with torch.no_grad():
        motion = model(torch.zeros(1, 3, 64, 64), torch.zeros(1, 7), controls=asked).motion[0]
    assert float(motion[1, 40:].mean()) < -0.02
    assert float(motion[1, :24].abs().mean()) < 0.005


def test_a_set_without_motion_starts_nothing(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = write_controls_set(tmp_path / "plain", control_rows())
    data = prepare_data(make_config(train_data_dir=str(folder), motion=True, controls=True), Accelerator(cpu=True))
    model = SARGAN(base_channels=8, attention_channels=8, motion=True, controls=CONTROL_NAMES)
    assert not start_control_field(model, data.samples)
    assert not model.control_field.weight.any()


def test_a_run_begins_with_it(make_config, moving_set):
    folder = train(make_config(**moving_set, max_train_steps=1, learning_rate=1e-9, ema_decay=0.5))
    field = SARGAN.from_pretrained(folder).control_field.weight.detach()
    assert float(field[JAW, 1, 20:].mean()) < -0.001
