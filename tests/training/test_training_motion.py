"""The exact motion a set brings arrives in the training samples: through storage, rotation, zoom, shift and mirror."""

import io

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as PILImage

from sargan_hf.data.pair_flow import PairMotion
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.images.warp import warp_field
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.setup_data import prepare_data

SIDE = 96  # of pictures and columns; training stores 80 and crops to 64
SHOWN = ("neutral", "happy", "surprised")


def soft_picture(rng: np.random.Generator) -> np.ndarray:
    """[SIDE, SIDE, 3] in [0, 1], so smooth that resampling it costs next to nothing."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE * 2 * np.pi
    waves = [np.sin(a * rows + b * columns + c) for a, b, c in rng.uniform((1, 1, 0), (2.5, 2.5, 6), (3, 3))]
    return (0.5 + 0.4 * np.stack(waves, axis=-1)).astype(np.float32)


def soft_motion(rng: np.random.Generator) -> PairMotion:
    """A smooth warp of up to five pixels and its inverse."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE * 2 * np.pi
    a, b, c, d = rng.uniform(0.5, 1.5, 4)
    backward = 5 * np.stack([np.sin(a * rows + b * columns), np.cos(c * rows - d * columns)], axis=-1)
    backward = backward.astype(np.float32)
    forward = np.zeros_like(backward)
    for _ in range(30):  # forward(p) = -backward(p + forward(p))
        forward = -warp_field(backward, forward)
    valid = np.ones((SIDE, SIDE), bool)
    valid[60:72, 40:56] = False
    return PairMotion(backward, forward, valid)


@pytest.fixture(scope="module")
def warped_folder(tmp_path_factory):
    """Two people as Parquet; each expression is the neutral picture, warped. Where it is not valid stands noise."""
    rng = np.random.default_rng(3)
    rows = []
    for person in ("a", "b"):
        neutral = soft_picture(rng)
        for expression in SHOWN:
            motion = PairMotion.neutral(SIDE, SIDE) if expression == "neutral" else soft_motion(rng)
            picture = warp_field(neutral, motion.backward)
            picture[~motion.valid] = rng.random((int((~motion.valid).sum()), 3))
            file = io.BytesIO()
            PILImage.fromarray((picture * 255).round().astype(np.uint8)).save(file, "PNG")
            row = {"image": {"bytes": file.getvalue(), "path": None}, "expression": expression, "subject": person}
            rows.append(row | {"pair": person} | motion.columns())
    label, binary = ClassLabel(names=list(EXPRESSIONS)), Value("binary")
    features = {"image": Image(), "expression": label, "subject": Value("string"), "pair": Value("string")}
    features |= dict.fromkeys(("motion_backward", "motion_forward"), binary)
    folder = tmp_path_factory.mktemp("warped")
    Dataset.from_list(rows, features=Features(features)).to_parquet(folder / "train.parquet")
    return folder


@pytest.fixture(params=[0.0, 1.0], ids=["as they are", "caricatures"])
def samples(warped_folder, tmp_path, monkeypatch, request):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    plain = {"held_out": 0.0, "stylise": 0.0, "occluders": 0.0}
    config = TrainingConfig(
        train_data_dir=str(warped_folder), motion=True, resolution=64, caricature=request.param, **plain
    )
    return prepare_data(config, Accelerator(cpu=True)).samples


def test_motion_of_the_columns_takes_the_source_to_the_target(samples):
    places = torch.nn.functional.affine_grid(torch.eye(2, 3)[None], (1, 3, 64, 64), align_corners=False)
    moved_errors, still_errors, shares = [], [], []
    for position in range(24):
        item = samples[position]
        source, target = item["source"][None], item["target"][None]
        # The very operation with which the generator applies its motion.
        grid = places + item["motion"][None].permute(0, 2, 3, 1)
        warp_field = torch.nn.functional.grid_sample(source, grid, padding_mode="border", align_corners=False)
        known = (item["motion_valid"] > 0.999)[0]
        known[:10], known[-10:], known[:, :10], known[:, -10:] = False, False, False, False
        moved_errors.append((warp_field - target).abs().mean(dim=1)[0][known].mean())
        still_errors.append((source - target).abs().mean(dim=1)[0][known].mean())
        shares.append(known.float().mean())
    changed = [i for i in range(24) if still_errors[i] > 0.05]
    assert len(changed) > 10  # the rest drew the same picture as source and target
    assert min(shares) > 0.3
    assert max(moved_errors) < 0.02
    assert max(moved_errors[i] / still_errors[i] for i in changed) < 0.15


def test_what_the_source_does_not_show_is_not_learned_from(samples):
    """The noise patch of a target is masked in every crop, whichever way it was turned."""
    hidden = []
    for position in range(24):
        item = samples[position]
        if item["source_expression"] != item["target_expression"]:
            hidden.append(1 - item["motion_valid"][0, 12:-12, 12:-12].mean().item())
    assert len(hidden) > 10
    assert min(hidden) > 0.01
