"""The fast objective's discriminator: what it learns to tell apart, and what its features teach the generator."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sargan_hf.errors import CheckpointError, ConfigurationError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.modeling_discriminator import SARGANDiscriminator
from sargan_hf.modeling_sargan import SARGANOutput
from sargan_hf.training.checkpoints import save_checkpoint
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.losses import feature_distance
from sargan_hf.training.objectives import FastObjective
from sargan_hf.training.setup_networks import build_discriminator

SIDE = 32


def make_objective(**changes) -> FastObjective:
    torch.manual_seed(0)
    changes = {"resolution": SIDE, "discriminator_channels": 16, "discriminator_layers": 3} | changes
    config = TrainingConfig(**changes)

    def no_cycle(*_):
        raise AssertionError("Paired samples need no cycle.")

    return FastObjective(config, no_cycle, build_discriminator(config, EXPRESSIONS))


def make_batch(seed: int, size: int = 8) -> dict[str, Tensor]:
    """Grainy pictures; the target is the source in a slightly other light."""
    random = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.randn(size, 3, 4, 4, generator=random), size=SIDE, mode="bicubic")
    source = (0.4 * coarse + 0.2 * torch.randn(size, 3, SIDE, SIDE, generator=random)).clamp(-1, 1)
    labels = torch.randint(len(EXPRESSIONS), (2, size), generator=random)
    return {
        "source": source,
        "target": (0.9 * source + 0.05).clamp(-1, 1),
        "source_expression": labels[0],
        "target_expression": labels[1],
        "paired": torch.ones(size),
        "motion": torch.zeros(size, 2, SIDE, SIDE),
        "motion_valid": torch.ones(size, 1, SIDE, SIDE),
    }


def blurred(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def test_within_a_few_steps_it_tells_blurred_pictures_from_real_ones():
    objective = make_objective()
    optimizer = torch.optim.Adam(objective.discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))
    for step in range(25):
        batch = make_batch(step)
        loss, _ = objective.d_main(batch, blurred(batch["target"]), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    batch = make_batch(1000, 32)
    with torch.no_grad():
        real, fake = (
            objective.discriminator(pictures, batch["source"]).realness.mean(dim=(1, 2, 3))
            for pictures in (batch["target"], blurred(batch["target"]))
        )
    assert (real > fake).float().mean() > 0.9


def test_it_judges_a_picture_beside_its_original():
    discriminator, batch = make_objective().discriminator, make_batch(0)
    beside_its_own = discriminator(batch["target"], batch["source"]).realness
    beside_another = discriminator(batch["target"], batch["source"].roll(1, 0)).realness
    assert (beside_its_own - beside_another).abs().mean() > 0.01


def test_it_starts_at_a_scale_that_it_can_learn_from():
    batch = make_batch(0)
    ours = make_objective().discriminator(batch["target"], batch["source"]).features[-1].std()
    plain = SARGANDiscriminator(sample_size=SIDE, base_channels=16, num_layers=3)(batch["target"]).features[-1].std()
    assert 0.1 < ours < 1.0  # of pictures whose own is .4
    assert ours > 2 * plain


def test_features_of_the_truth_are_at_no_distance_and_blur_moves_them_away():
    discriminator, batch = make_objective().discriminator, make_batch(0)
    truth = discriminator(batch["target"], batch["source"]).features
    half, full = (
        feature_distance(discriminator(pictures, batch["source"]).features, truth)
        for pictures in (batch["target"].lerp(blurred(batch["target"]), 0.5), blurred(batch["target"]))
    )
    assert feature_distance(truth, truth).abs().max() == 0
    assert (half > 0.05).all()
    assert (full > half).all()


@pytest.mark.parametrize("focus", [0.0, 30.0])
def test_it_looks_where_the_expression_changes_something(focus):
    """A flaw in the mouth must not drown in a hundred places that are as they were."""
    objective, batch = (
        make_objective(adversarial_focus=focus, expression_weight=0.0, discriminator_layers=2),
        make_batch(0),
    )
    batch["target"] = batch["source"].clone()
    batch["target"][..., 20:28, 12:20] *= -1
    sample = batch["target"].clone().requires_grad_(True)
    loss, _ = objective.g_main(batch, SARGANOutput(sample=sample, residual=sample * 0), step=0)
    loss.backward()  # of the adversary alone: the edit is the truth
    force = sample.grad.abs().mean(dim=(0, 1))
    changed, elsewhere = force[20:28, 12:20].mean(), force[:12].mean()
    assert (changed > 2.5 * elsewhere) == (focus > 0)


@pytest.mark.parametrize("paired", [0.0, 1.0])
def test_the_feature_loss_reaches_the_edit_where_its_truth_is_known(paired):
    objective = make_objective(feature_weight=5.0, adversarial_weight=0.0, expression_weight=0.0, paired_weight=0.0)
    objective.edit = lambda pictures, *_: SARGANOutput(sample=pictures * 0, residual=pictures * 0)
    objective.discriminator.requires_grad_(False)  # as the trainer does for the generator's step
    batch = make_batch(0) | {"paired": torch.full((8,), paired)}
    sample = blurred(batch["target"]).requires_grad_(True)
    loss, parts = objective.g_main(batch, SARGANOutput(sample=sample, residual=sample * 0), step=0)
    assert ("g_features" in parts) == bool(paired)
    loss.backward()
    assert bool(sample.grad.abs().sum() > 0) == bool(paired)
    assert all(weight.grad is None for weight in objective.discriminator.parameters())


def test_following_the_feature_loss_alone_brings_an_edit_to_the_truth():
    objective = make_objective(feature_weight=1.0, adversarial_weight=0.0, expression_weight=0.0, paired_weight=0.0)
    objective.discriminator.requires_grad_(False)
    batch = make_batch(0)
    edit = blurred(batch["target"]).requires_grad_(True)
    before = (edit - batch["target"]).abs().mean().item()
    optimizer = torch.optim.Adam([edit], lr=0.01)
    for _ in range(30):
        loss, _ = objective.g_main(batch, SARGANOutput(sample=edit, residual=edit * 0), step=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (edit - batch["target"]).abs().mean() < 0.85 * before


class TestDiscriminatorOfAnotherRun:
    """A short run may start with a discriminator that has learned already."""

    SETTINGS = {"resolution": SIDE, "discriminator_channels": 16, "discriminator_layers": 3}

    @pytest.fixture
    def run(self, tmp_path):
        torch.manual_seed(5)
        self.learned = build_discriminator(TrainingConfig(**self.SETTINGS), EXPRESSIONS).state_dict()
        save_checkpoint(tmp_path, 7, {"discriminator": self.learned}, {}, {}, keep=1)
        return tmp_path

    @pytest.mark.parametrize("named", ["run", "checkpoint"])
    def test_it_is_taken_from_a_run_or_a_checkpoint(self, run, named):
        source = run if named == "run" else run / "checkpoint-00000007"
        config = TrainingConfig(**self.SETTINGS, discriminator_from=str(source))
        taken = build_discriminator(config, EXPRESSIONS).state_dict()
        for name, value in self.learned.items():
            torch.testing.assert_close(taken[name], value, rtol=0, atol=0)

    def test_another_network_is_refused(self, run):
        config = TrainingConfig(**self.SETTINGS | {"discriminator_channels": 8}, discriminator_from=str(run))
        with pytest.raises(ConfigurationError, match="discriminator_channels"):
            build_discriminator(config, EXPRESSIONS)

    def test_a_folder_without_a_checkpoint_is_refused(self, tmp_path):
        config = TrainingConfig(**self.SETTINGS, discriminator_from=str(tmp_path))
        with pytest.raises(CheckpointError, match="no complete checkpoint"):
            build_discriminator(config, EXPRESSIONS)
