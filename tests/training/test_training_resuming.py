"""Going on with other settings than a checkpoint was trained with: one sentence, and nothing is touched."""

import io
import json
from pathlib import Path

import pytest
import torch
from test_training_checkpoints import LATEST, content, replace_file, rewrite_state

from sargan_hf.errors import CheckpointError, ConfigurationError
from sargan_hf.training.loop import train


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_channels": 8}, "was trained with base_channels 4; this run has base_channels 8"),
        ({"motion": False}, "was trained with motion True; this run has motion False"),
        ({"num_blocks": 2}, "num_blocks 1; this run has num_blocks 2"),
        ({"attention": False}, "attention True; this run has attention False"),
        (
            {"motion": False, "ultimate_skip": False},
            "ultimate_skip True, motion True; this run has ultimate_skip False",
        ),
        ({"discriminator_channels": 8}, "discriminator_channels 4; this run has discriminator_channels 8"),
        ({"discriminator_layers": 2}, "discriminator_layers 3; this run has discriminator_layers 2"),
        ({"resolution": 48}, "resolution 32; this run has resolution 48"),
        ({"objective": "paper"}, "objective fast; this run has objective paper"),
        ({"ema_decay": 0.0}, r"ema_decay 0\.998; this run has ema_decay 0\.0"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_another_network_is_refused_and_nothing_is_touched(make_config, change, message):
    folder = train(make_config(max_train_steps=2))
    before = content(folder)
    with pytest.raises(ConfigurationError, match=message) as refusal:
        train(make_config(max_train_steps=4, **LATEST, **change))
    assert "\n" not in str(refusal.value)
    assert content(folder) == before
    train(make_config(max_train_steps=3, **LATEST))  # the lock is free


def test_an_average_cannot_begin_in_the_middle(make_config):
    train(make_config(ema_decay=0.0))
    with pytest.raises(ConfigurationError, match=r"with ema_decay 0\.0; this run has ema_decay 0\.9"):
        train(make_config(max_train_steps=6, ema_decay=0.9, **LATEST))
    train(make_config(max_train_steps=6, ema_decay=0.0, **LATEST))


def test_other_expressions_are_refused(make_config):
    folder = train(make_config())
    checkpoint = folder / "checkpoint-00000004"
    state = json.loads((checkpoint / "state.json").read_text())
    (checkpoint / "state.json").write_text(json.dumps(state | {"expressions": ["happy", "sad"]}))
    settings = {"resume_from_checkpoint": str(checkpoint), "max_train_steps": 6}
    with pytest.raises(CheckpointError, match=r"state\.json is missing or changed"):
        train(make_config(**settings))
    rewrite_state(checkpoint, expressions=["happy", "sad"])
    with pytest.raises(ConfigurationError, match="was trained on happy, sad; the data has afraid"):
        train(make_config(**settings))


def optimizers_of(checkpoint: Path) -> dict:
    return torch.load(checkpoint / "optimizers.pt", weights_only=True)


def replace_optimizers(checkpoint: Path, optimizers: object) -> None:
    buffer = io.BytesIO()
    torch.save(optimizers, buffer)
    replace_file(checkpoint, "optimizers.pt", buffer.getvalue())


def of_sgd(optimizers: dict) -> dict:
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1, momentum=0.9)
    return optimizers | {"generator": sgd.state_dict()}


def of_sgd_before_its_first_step(optimizers: dict) -> dict:
    groups = [{"params": group["params"], "lr": 0.1} for group in optimizers["generator"]["param_groups"]]
    return optimizers | {"generator": {"state": {}, "param_groups": groups}}


def of_other_shapes(optimizers: dict) -> dict:
    optimizers["discriminator"]["state"][0]["exp_avg"] = torch.zeros(3)
    return optimizers


def of_one_network(optimizers: dict) -> dict:
    return {"generator": optimizers["generator"]}


@pytest.mark.parametrize("change", [of_sgd, of_sgd_before_its_first_step, of_other_shapes, of_one_network, list])
def test_another_optimisers_state_is_one_sentence(make_config, change):
    folder = train(make_config(max_train_steps=2))
    checkpoint = folder / "checkpoint-00000002"
    replace_optimizers(checkpoint, change(optimizers_of(checkpoint)))
    before = content(folder)
    with pytest.raises(
        CheckpointError, match=r"its optimizers\.pt (does not hold Adam's state for|holds no optimisers)"
    ):
        train(make_config(max_train_steps=4, **LATEST))
    assert content(folder) == before


def test_a_file_that_is_no_optimisers_state_is_one_sentence(make_config):
    folder = train(make_config(max_train_steps=2))
    replace_file(folder / "checkpoint-00000002", "optimizers.pt", b"no pickle at all")
    with pytest.raises(CheckpointError, match="is damaged and cannot be read"):
        train(make_config(max_train_steps=4, **LATEST))


def test_settings_of_the_optimiser_may_change_and_take_effect(make_config, capsys):
    folder = train(make_config(max_train_steps=2))
    train(make_config(max_train_steps=4, adam_beta1=0.3, learning_rate=1e-5, **LATEST))
    (group,) = optimizers_of(folder / "checkpoint-00000004")["generator"]["param_groups"]
    assert group["betas"][0] == 0.3
    said = capsys.readouterr().out
    assert "Settings changed since then: learning_rate 0.0006 -> 1e-05, adam_beta1 0.5 -> 0.3." in said


def test_another_set_under_the_same_name_is_said(make_config, capsys):
    """A folder that was replaced between two parts of a run."""
    folder = train(make_config(max_train_steps=2))
    checkpoint = folder / "checkpoint-00000002"
    faces = json.loads((checkpoint / "state.json").read_text())["faces"]
    capsys.readouterr()
    train(make_config(max_train_steps=3, **LATEST))
    assert "another set" not in capsys.readouterr().out
    rewrite_state(folder / "checkpoint-00000003", faces=faces | {"pictures": faces["pictures"] + 7})
    train(make_config(max_train_steps=4, **LATEST))
    said = capsys.readouterr().out
    assert f"({faces['pictures'] + 7} pictures then, {faces['pictures']} now, or in another order)" in said


def test_the_first_steps_of_the_papers_critic_can_be_gone_on_from(make_config):
    """The generator's optimiser has no state yet: nothing is missing."""
    settings = {"objective": "paper", "critic_steps": 5, "ema_decay": 0.0, "checkpointing_steps": 2}
    train(make_config(max_train_steps=2, **settings))
    train(make_config(max_train_steps=6, **settings, **LATEST))
