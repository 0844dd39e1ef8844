"""An occlusion layer in training: what it learns, which settings it goes with, and that a trained model starts it."""

import pytest
import torch
import torch.nn.functional as F

from sargan_hf import SARGAN
from sargan_hf.errors import ConfigurationError
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.loop import train
from sargan_hf.training.losses import occlusion_error
from sargan_hf.training.objectives import FastObjective
from sargan_hf.training.setup_networks import build_generator


def opening(side=64):
    """A batch of one face whose mouth opens: `motion_valid` is 0 in the opening, which is dark in the target."""
    source = torch.full((1, 3, side, side), 0.4)
    source[..., 40:42, 24:40] = -0.4  # the closed lips
    target, valid = source.clone(), torch.ones(1, 1, side, side)
    target[..., 36:46, 24:40] = -0.9
    valid[..., 36:46, 24:40] = 0
    return {
        "source": source,
        "target": target,
        "motion": torch.zeros(1, 2, side, side),
        "motion_valid": valid,
        "paired": torch.ones(1),
        "source_expression": torch.zeros(1, dtype=torch.long),
        "target_expression": torch.ones(1, dtype=torch.long),
    }


def test_the_loss_wants_the_layer_where_the_motion_has_no_origin():
    valid = opening()["motion_valid"]
    weight = torch.ones_like(valid)
    right, wrong = occlusion_error(1 - valid, valid, weight), occlusion_error(valid, valid, weight)
    assert right.shape == (1,)
    assert right.item() < 0.001 < 1 < wrong.item()
    layer = torch.full_like(valid, 0.5, requires_grad=True)
    occlusion_error(layer, valid, weight).sum().backward()
    assert ((layer.grad < 0) == (valid == 0)).all()


def test_a_generator_learns_what_is_hidden_and_what_hides_it():
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True, occlusion=True)
    config = TrainingConfig(
        train_data_dir="set", motion=True, occlusion=True, adversarial_weight=0, expression_weight=0
    )

    def edit(pictures, expression, controls=None):
        return model(pictures, F.one_hot(expression, 7).float())

    objective, batch = FastObjective(config, edit, torch.nn.Identity()), opening()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(60):
        loss = objective.g_main(batch, edit(batch["source"], batch["target_expression"]), step)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
    output = edit(batch["source"], batch["target_expression"])
    hidden = batch["motion_valid"] == 0
    assert output.occlusion[hidden].mean() > 0.8 > 0.2 > output.occlusion[~hidden].mean()
    assert (output.painted - batch["target"])[:, :, 38:44, 27:37].abs().mean() < 0.25
    assert "occlusion_error" in loss.parts


def test_a_run_adds_the_layer_to_a_trained_model(make_config, tmp_path):
    torch.manual_seed(0)
    trained = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True)
    trained.save_pretrained(tmp_path / "trained")
    form = dict.fromkeys(("base_channels", "num_blocks", "attention"))
    config = make_config(**form, init_from=str(tmp_path / "trained"), occlusion=True, max_train_steps=1)
    started = build_generator(config, tuple(trained.config.expressions))
    assert started.config.occlusion
    assert torch.equal(started.conv_out.weight[:5], trained.conv_out.weight)
    train(config)
    again = SARGAN.from_pretrained(tmp_path / "run")
    assert again.config.occlusion
    assert again.conv_out.weight[5:].abs().max() > 0
    # A run from that model keeps the layer without being told.
    kept = build_generator(make_config(**form, init_from=str(tmp_path / "run")), tuple(trained.config.expressions))
    assert kept.config.occlusion


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"occlusion": True}, "occlusion says where motion finds nothing"),
        ({"motion": True, "occlusion_weight": 3.0}, "occlusion_weight has no effect without occlusion"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        TrainingConfig(train_data_dir="set", **settings)
