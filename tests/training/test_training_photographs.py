"""Photographs of an expression beside the rendered pictures of a pair, as the rig lays real smiles over neutral portraits."""

import itertools

import pytest
from accelerate import Accelerator
from datasets import Dataset, concatenate_datasets
from PIL import Image

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.validation import Validator

PLAIN = {"base_channels": 4, "resolution": 32, "motion": True, "held_out": 0.3, "stylise": 0.0, "occluders": 0.0}
STREAMING = pytest.mark.parametrize("streaming", [False, True])


@pytest.fixture
def drawn(expression_folder, tmp_path, monkeypatch):
    """The drawn people of the tests, and the label of "happy"."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    whole = load_expression_dataset(expression_folder)
    return whole, whole.features["expression"].str2int("happy")


def prepared(dataset: Dataset, folder, streaming: bool):
    """What training makes of a set, and its first samples, several for each picture."""
    folder.mkdir()
    dataset.to_parquet(folder / "train-00000-of-00001.parquet")
    config = TrainingConfig(**PLAIN, train_data_dir=str(folder), streaming=streaming)
    data = prepare_data(config, Accelerator(cpu=True))
    endless = (
        data.samples.loader_kwargs(0, 4, 0, 1)["dataset"]
        if streaming
        else map(data.samples.__getitem__, itertools.count())
    )
    return data, list(itertools.islice(endless, 4 * len(data.faces)))


@STREAMING
def test_it_is_edited_and_never_aimed_at(drawn, tmp_path, streaming):
    whole, happy = drawn
    recipes = ["real" if label == happy else "some recipe" for label in whole["expression"]]
    data, samples = prepared(whole.add_column("recipe", recipes), tmp_path / "set", streaming)
    pairs = [(int(s["source_expression"]), int(s["target_expression"])) for s in samples if s["paired"]]
    assert len(pairs) > len(samples) / 2
    assert all(target != happy for _, target in pairs)
    assert sum(source == happy for source, _ in pairs) >= len(samples) / 5
    errors = Validator(data.held_out, tuple(f"{i}" for i in range(7)), 32)
    assert all(str(happy) not in pair for pair in errors.pairs)


@STREAMING
def test_it_is_never_edited_to_the_expression_it_shows(drawn, tmp_path, streaming):
    """A real smile (grey here, to be told by) is not to become the rendered one beside it."""
    whole, happy = drawn
    grey = [row | {"image": Image.new("RGB", row["image"].size, "grey")} for row in whole if row["expression"] == happy]
    photographs = Dataset.from_list(grey, features=whole.features).add_column("recipe", ["real"] * len(grey))
    both = concatenate_datasets([whole.add_column("recipe", ["some recipe"] * len(whole)), photographs]).sort("pair")
    _, samples = prepared(both, tmp_path / "set", streaming)
    aims = [int(sample["target_expression"]) for sample in samples]
    aims_of_photographs = [aim for aim, sample in zip(aims, samples, strict=True) if sample["source"].std() < 0.01]
    assert len(aims_of_photographs) > len(samples) / 10
    assert happy not in aims_of_photographs
    assert happy in aims
