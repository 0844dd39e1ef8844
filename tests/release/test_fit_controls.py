"""Controls of a trained model that do less, or more, than their set shows, and the script that mends that."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from drawn_controls import moving_rows, write_controls_set

from sargan_hf import SARGAN
from sargan_hf.controls import CONTROL_NAMES, controls_vector

ROOT = Path(__file__).resolve().parents[2]
JAW, SMILE = CONTROL_NAMES.index("jaw_open"), CONTROL_NAMES.index("smile_left")
SIDE, TRUTH = 64, -4 * 2 / 64  # of the drawn faces, and how far their jaw moves, in normalised image coordinates


def model_that_reaches(share: float) -> SARGAN:
    """It moves the lower half of a face as the set does, but less far, and nothing by expressions."""
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=SIDE, motion=True, controls=CONTROL_NAMES).eval()
    with torch.no_grad():
        model.conv_out.weight.zero_()
        field = model.control_field
        field.weight[JAW, 1, field.side // 2 :] = share * TRUTH / model.config.motion_reach / field.gain
    return model


def fitted(folder: Path, model: SARGAN, *options: str) -> SARGAN:
    model.save_pretrained(folder / "trained")
    write_controls_set(folder / "set", moving_rows())
    script = [sys.executable, ROOT / "release" / "fit_controls.py", folder / "trained", folder / "out"]
    environment = os.environ | {"HF_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    subprocess.run([*script, "--set", folder / "set", *options], check=True, env=environment)
    return SARGAN.from_pretrained(folder / "out")


def moved(model: SARGAN, **controls: float) -> torch.Tensor:
    """How far the halves of a face move downwards, in units of the set's."""
    asked = torch.from_numpy(controls_vector(controls))[None]
    with torch.inference_mode():
        motion = model(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 7), controls=asked).motion[0, 1] / TRUTH
    return torch.stack([motion[: SIDE // 2 - 4].mean(), motion[SIDE // 2 + 4 :].mean()])


def test_a_weak_control_comes_to_reach_as_far_as_the_set_shows(tmp_path):
    model = model_that_reaches(0.7)
    better = fitted(tmp_path, model)
    assert float(moved(model, jaw_open=1.0)[1]) < 0.7
    torch.testing.assert_close(moved(better, jaw_open=1.0), torch.tensor([0.0, 1.0]), atol=0.12, rtol=0)
    assert torch.equal(better.conv_out.weight, model.conv_out.weight)


def test_a_control_loses_what_it_moves_beside_what_it_names(tmp_path):
    model = model_that_reaches(1.0)
    with torch.no_grad():  # the jaw takes the brows along, and the mouth's corner takes the jaw
        model.control_field.weight[JAW, 1, : model.control_field.side // 2] = (
            0.5 * model.control_field.weight[JAW, 1, 20, 0]
        )
        model.control_field.weight[SMILE] = 0.5 * model.control_field.weight[JAW]
    better = fitted(tmp_path, model, "--size", "64")
    assert better.config.control_field_size == better.control_field.side == 64
    torch.testing.assert_close(moved(better, jaw_open=1.0), torch.tensor([0.0, 1.0]), atol=0.12, rtol=0)
    torch.testing.assert_close(moved(better, smile_left=1.0), torch.tensor([0.0, 0.0]), atol=0.03, rtol=0)
