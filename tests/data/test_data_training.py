"""What `sargan train` says of its data before it starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from accelerate import Accelerator
from datasets import Dataset
from drawing import draw_face, embed
from PIL import Image

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.setup_data import prepare_data

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "--resolution 32 --base_channels 4 --discriminator_channels 4 --discriminator_layers 3 --train_batch_size 2".split()
)


@pytest.fixture
def class_folders(tmp_path) -> Path:
    """Two pictures of nobody known in each class."""
    for index in range(14):
        file = tmp_path / "set" / EXPRESSIONS[index % 7] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        draw_face(EXPRESSIONS[index % 7], index).save(file)
    return tmp_path / "set"


@pytest.mark.launch
def test_a_plan_counts_the_unknown_as_nobody_and_says_that_nothing_pairs(class_folders, tmp_path):
    command = [sys.executable, str(ROOT / "train_accelerate.py"), "--train_data_dir", str(class_folders), "--dry_run"]
    run = subprocess.run([*command, *SMALL, "--output_dir", str(tmp_path / "run")], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "Pictures    12 of unknown people, 0 of them paired" in run.stdout
    assert "Held out    2 of unknown people" in run.stdout
    assert "No two pictures with different expressions share a pair" in run.stderr
    assert "14 of 14 pictures have no name in the column subject" in run.stderr


@pytest.mark.parametrize("streaming", [False, True])
def test_a_damaged_picture_of_a_training_set_is_named(class_folders, tmp_path, monkeypatch, streaming):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    whole = embed(load_expression_dataset(class_folders))
    rows = [row | {"subject": f"person {index}"} for index, row in enumerate(whole)]
    rows[9]["image"] = Image.new("RGB", (64, 20))
    (tmp_path / "shards").mkdir()
    Dataset.from_list(rows, features=whole.features).to_parquet(tmp_path / "shards" / "train.parquet")
    config = TrainingConfig(
        train_data_dir=str(tmp_path / "shards"),
        resolution=32,
        held_out=0.0,
        streaming=streaming,
        stylise=0.0,
        **{"max_damaged": 0} if streaming else {},
    )
    named = r"train\.parquet, row 9" if streaming else "Picture 9 of the data set"
    with pytest.raises(DatasetError, match=rf"{named} \(embedded\) has 64 x 20 pixels"):
        read_all(config)


def read_all(config: TrainingConfig) -> None:
    data = prepare_data(config, Accelerator(cpu=True))
    list(zip(range(14), data.samples.loader_kwargs(0, 1, 0, 1)["dataset"], strict=False))
