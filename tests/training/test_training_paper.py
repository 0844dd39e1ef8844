"""The paper's preset follows the authors' code, each choice by a setting; and settings after diffusers' scripts."""

from collections import Counter

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from drawing import write_expression_folder

from sargan_hf.commands.train import parse_config
from sargan_hf.errors import ConfigurationError
from sargan_hf.training import TrainingConfig
from sargan_hf.training.launching import make_accelerator
from sargan_hf.training.schedule import learning_rate_factor, with_length
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.setup_networks import build_generator

NAMES = ("neutral", "happy")


@pytest.fixture
def samples(make_config, tmp_path):
    folder = write_expression_folder(tmp_path / "unpaired", paired=False)

    def make(**changes):
        config = make_config(train_data_dir=str(folder), held_out=0.0, **changes)
        return prepare_data(config, Accelerator(cpu=True)).samples

    return make


def test_the_rate_falls_over_the_last_half_as_in_the_authors_code():
    paper = TrainingConfig.preset("paper", max_train_steps=200)
    factors = [learning_rate_factor(paper, step) for step in range(200)]
    assert factors[:101] == [1.0] * 101
    assert factors[150] == pytest.approx(0.5)
    assert factors[199] == pytest.approx(0.01)


def test_other_falls_may_be_chosen():
    cosine = TrainingConfig(max_train_steps=100, decay_fraction=0.5, warmup_steps=0, lr_scheduler="cosine")
    assert learning_rate_factor(cosine, 50) == 1
    assert learning_rate_factor(cosine, 75) == pytest.approx(0.5)
    assert learning_rate_factor(cosine, 90) == pytest.approx(0.5 - 0.5 * np.cos(0.2 * np.pi))
    constant = TrainingConfig(lr_scheduler="constant", warmup_steps=0)
    assert learning_rate_factor(constant, 19_999) == 1
    with pytest.raises(ConfigurationError, match="decay_fraction has no effect with lr_scheduler constant"):
        TrainingConfig(lr_scheduler="constant", decay_fraction=0.1)


def test_labels_of_a_batch_are_dealt_anew(samples):
    dealing = samples(objective="paper")
    dealing.loader_kwargs(0, 12, 0, 1)
    own = 0
    for update in range(5):
        batch = [dealing[position] for position in range(12 * update, 12 * update + 12)]
        shown, aimed = ([int(sample[f"{which}_expression"]) for sample in batch] for which in ("source", "target"))
        assert Counter(shown) == Counter(aimed)
        own += sum(a == b for a, b in zip(shown, aimed, strict=True))
    assert own > 0  # as in the authors' code, a picture may keep its label
    uniform = samples(objective="paper", targets="uniform")
    assert all(s["source_expression"] != s["target_expression"] for s in map(uniform.__getitem__, range(30)))


def test_without_geometry_pictures_are_only_mirrored(samples):
    still = samples(objective="paper")
    sources = {}
    for position in range(84):
        picture = still._shuffled(position)
        source = still[position]["source"]
        first = sources.setdefault(picture, source)
        assert torch.equal(source, first) or torch.equal(source, first.flip(2))
    assert any(not torch.equal(still[p]["source"], sources[still._shuffled(p)]) for p in range(42, 84))


def test_a_generator_starts_as_the_identity_or_as_pytorch_makes_it():
    small = {"base_channels": 8, "resolution": 64}
    fast, paper = (build_generator(TrainingConfig.preset(objective, **small), NAMES) for objective in ("fast", "paper"))
    assert not fast.conv_out.weight.any()
    assert paper.conv_out.weight.any()


def test_a_run_may_be_counted_in_passes_and_pictures(make_config, expression_folder):
    config = make_config(max_train_steps=20_000, num_train_epochs=3, max_train_samples=15, held_out=0.0)
    faces = prepare_data(config, Accelerator(cpu=True)).faces
    assert len(faces) == 15
    assert sum(len(faces.partners(index)) == 7 for index in range(15)) == 14  # two whole pairs, and one picture
    assert with_length(config, 15, processes=2).max_train_steps == 6  # 45 pictures, 8 in a step
    with pytest.raises(ConfigurationError, match="num_train_epochs and max_train_steps both say"):
        make_config(num_train_epochs=1)
    with pytest.raises(ConfigurationError, match="max_train_samples needs a set that is counted"):
        TrainingConfig(streaming=True, max_train_samples=9)


def test_all_trackers_that_are_installed_are_used(make_config, monkeypatch, tmp_path):
    monkeypatch.setattr("sargan_hf.training.launching.get_available_trackers", lambda: ["tensorboard", "comet_ml"])
    accelerator, _ = make_accelerator(make_config(report_to="all", logging_dir=str(tmp_path / "logs")))
    assert [str(each) for each in accelerator.log_with] == ["tensorboard"]
    assert str(accelerator.logging_dir) == str(tmp_path / "logs")


def test_help_is_in_groups_and_shows_the_presets(capsys):
    with pytest.raises(SystemExit):
        parse_config(["--help"])
    shown = capsys.readouterr().out
    assert [f"\n{group}:" in shown for group in ("Data", "Network", "Objective", "Optimisation", "Run")] == [True] * 5
    assert shown.index("--streaming") < shown.index("Network:") < shown.index("--base_channels")
    assert "200000 with --objective paper" in " ".join(shown.split())
