"""Sets that say what each picture is made from (`before`), as a mouth refiner's: some samples go without their class."""

import pytest
import torch
from accelerate import Accelerator

from sargan_hf import SARGAN
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.mouth_pairs import make_mouths
from sargan_hf.errors import ConfigurationError
from sargan_hf.expressions import EXPRESSIONS, NO_CLASS
from sargan_hf.inference import load_generator
from sargan_hf.training.loop import train
from sargan_hf.training.setup_data import prepare_data


@pytest.fixture
def mouths(tiny_model_folder, expression_folder, tmp_path, monkeypatch) -> str:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    drawn = load_expression_dataset(expression_folder, expressions=EXPRESSIONS)
    make_mouths(drawn, load_generator(str(tiny_model_folder)), tmp_path / "mouths")
    return str(tmp_path / "mouths")


def asked_for(config, count: int = 200) -> list[int]:
    samples = prepare_data(config, Accelerator(cpu=True)).samples
    dataset = samples.loader_kwargs(0, 4, 0, 1)["dataset"]
    return [int(dataset[position]["target_expression"]) for position in range(count)]


def test_a_share_of_the_mouths_goes_without_a_class_and_all_else_stays(make_config, mouths):
    plain = asked_for(make_config(train_data_dir=mouths))
    some = asked_for(make_config(train_data_dir=mouths, class_dropout=0.3))
    assert NO_CLASS not in plain
    assert 0.2 < some.count(NO_CLASS) / len(some) < 0.4
    assert all(ours in (NO_CLASS, theirs) for ours, theirs in zip(some, plain, strict=True))


def test_a_refiner_without_classes_trains(make_config, mouths):
    folder = train(make_config(train_data_dir=mouths, class_dropout=1.0, max_train_steps=2))
    refiner = SARGAN.from_pretrained(folder)
    assert all(torch.isfinite(weight).all() for weight in refiner.parameters())


def test_faces_need_their_classes(make_config):
    with pytest.raises(ConfigurationError, match="class_dropout needs a set with a column `before`"):
        train(make_config(class_dropout=0.1))
