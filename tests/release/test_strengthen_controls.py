"""Controls of a trained model that do less than their set shows, and the script that mends that."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from drawn_controls import moving_rows, write_controls_set

from sargan_hf import SARGAN
from sargan_hf.controls import CONTROL_NAMES

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


def strengthened(folder: Path, model: SARGAN) -> SARGAN:
    model.save_pretrained(folder / "trained")
    write_controls_set(folder / "set", moving_rows())
    script = [sys.executable, ROOT / "release" / "strengthen_controls.py", folder / "trained", folder / "out"]
    environment = os.environ | {"HF_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    subprocess.run([*script, "--set", folder / "set"], check=True, env=environment)
    return SARGAN.from_pretrained(folder / "out")


def test_a_weak_control_comes_to_reach_as_far_as_the_set_shows(tmp_path):
    model = model_that_reaches(0.7)
    stronger = strengthened(tmp_path, model)
    fields = [each.control_field.weight[JAW, 1, 20:].detach() for each in (stronger, model)]
    factor = fields[0] / fields[1]
    assert 1.3 < float(factor.mean()) < 1.6  # 1 / 0.7, and the tanh of a larger motion is flatter
    assert torch.equal(stronger.control_field.weight[SMILE], model.control_field.weight[SMILE])
    assert torch.equal(stronger.conv_out.weight, model.conv_out.weight)
