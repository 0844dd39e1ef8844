"""Training inside one process: exactness, checkpoints, objectives."""

import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from sargan_hf import SARGAN
from sargan_hf.commands.train import parse_config
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.pair_flow import transform_flow
from sargan_hf.errors import ConfigurationError, DatasetError, SARGANError
from sargan_hf.images.warp import warp_field
from sargan_hf.modeling_discriminator import SARGANDiscriminator
from sargan_hf.training.checkpoints import list_checkpoints
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.critic_gradient import critic_slope
from sargan_hf.training.loop import train
from sargan_hf.training.losses import change_weight, gradient_penalty
from sargan_hf.training.objectives import Loss
from sargan_hf.training.optical_flow import MotionMaps
from sargan_hf.training.schedule import learning_rate_factor
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.setup_networks import build_generator
from sargan_hf.training.stream_blocks import START
from sargan_hf.training.trainer import Trainer
from sargan_hf.training.validation import Validator


def networks_of(folder, step: int) -> dict[str, torch.Tensor]:
    tensors = {}
    for name in ("generator", "ema", "discriminator"):
        for key, value in load_file(folder / f"checkpoint-{step:08d}" / f"{name}.safetensors").items():
            tensors[f"{name}.{key}"] = value
    return tensors


def test_a_run_leaves_a_model_samples_and_checkpoints(make_config, tmp_path):
    folder = train(make_config(max_train_steps=4))
    model = SARGAN.from_pretrained(folder)
    assert model.config.motion
    assert model.config.sample_size == 32
    assert (folder / "README.md").read_text().startswith("---")
    assert sorted(path.name for path in (folder / "samples").iterdir()) == ["step-00000002.png", "step-00000004.png"]
    assert [path.name for path in list_checkpoints(folder)] == ["checkpoint-00000002", "checkpoint-00000004"]
    averaged = load_file(folder / "checkpoint-00000004" / "ema.safetensors")
    assert all(torch.equal(averaged[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("objective", "critic_steps"), [("fast", 1), ("paper", 2)])
def test_interrupting_and_resuming_changes_nothing(make_config, tmp_path, objective, critic_steps):
    # The paper's objective is interrupted between two steps of the critic that belong to one of the generator.
    changes = {"objective": objective, "max_train_steps": 6, "critic_steps": critic_steps, "ema_decay": 0.998}
    train(make_config("whole", **changes))
    train(make_config("parts", **changes | {"max_train_steps": 3}))
    train(make_config("parts", **changes, resume_from_checkpoint="latest"))
    whole, parts = networks_of(tmp_path / "whole", 6), networks_of(tmp_path / "parts", 6)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.fixture
def shards(expression_folder, tmp_path, monkeypatch):
    """The drawn people as Parquet shards with the pictures inside, to be streamed."""
    # datasets waits this long for Arrow's threads at the end of every shuffled epoch.
    monkeypatch.setattr("datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)
    whole = load_expression_dataset(expression_folder)
    folder = tmp_path / "shards"
    folder.mkdir()
    for index in range(3):
        whole.shard(3, index).to_parquet(folder / f"train-{index:05}-of-00003.parquet")
    return {"train_data_dir": str(folder), "streaming": True}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stream_is_trained_on_and_resumed_as_if_never_interrupted(make_config, shards, tmp_path, workers):
    # 28 to 35 pictures: eleven steps of four end in the second epoch, and so does the interruption after ten.
    train(make_config("whole", **shards, max_train_steps=11, checkpointing_steps=50))
    changes = shards | {"dataloader_num_workers": workers, "checkpointing_steps": 50}
    train(make_config("parts", **changes, max_train_steps=10))
    train(make_config("parts", **changes, max_train_steps=11, resume_from_checkpoint="latest"))
    whole, parts = networks_of(tmp_path / "whole", 11), networks_of(tmp_path / "parts", 11)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert (tmp_path / "parts" / "samples" / "step-00000010.png").exists()


def test_a_stream_finds_pairs_and_keeps_people_aside(make_config, shards):
    data = prepare_data(make_config(**shards), Accelerator(cpu=True))
    assert data.held_out is not None
    assert not set(data.faces.subject) & set(data.held_out.subject)
    share = iter(data.samples.loader_kwargs(0, 4, 0, 1)["dataset"])
    epoch = [next(share) for _ in range(len(data.faces))]
    counted = np.bincount([int(sample["target_expression"]) for sample in epoch if sample["paired"]], minlength=7)
    assert counted.sum() >= len(epoch) / 2  # the first picture of a pair that comes along has no partner yet
    assert all(sample["paired"] == 1 or torch.equal(sample["source"], sample["target"]) for sample in epoch)


def test_processes_share_a_stream_between_them(make_config, shards):
    data = prepare_data(make_config(**shards), Accelerator(cpu=True))
    shares = [data.samples.loader_kwargs(0, 4, rank, 2)["dataset"] for rank in range(2)]
    rows = [
        [(row["subject"], row["expression"]) for row in block.rows]
        for block in (next(share.order.share.blocks(START)) for share in shares)
    ]
    labels = zip(data.faces.subject, data.faces.expression.tolist(), strict=True)
    assert sorted(rows[0] + rows[1]) == sorted(labels)


def test_a_stream_without_names_is_not_split_by_them(make_config, shards):
    folder = Path(shards["train_data_dir"])
    nameless = load_expression_dataset(folder).map(lambda row: {"subject": ""})
    for file in folder.iterdir():
        file.unlink()
    nameless.to_parquet(folder / "train-00000-of-00001.parquet")
    with pytest.raises(DatasetError, match=r"42 of 42 pictures have none in the column subject.*--held_out 0"):
        prepare_data(make_config(**shards), Accelerator(cpu=True))


@pytest.fixture
def fresh_accelerate():
    """Accelerate keeps one precision per process; this lets go of it."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_half_precision_trains_on_a_cpu_too(make_config, tmp_path, fresh_accelerate):
    train(make_config("half", mixed_precision="bf16", max_train_steps=1))
    AcceleratorState._reset_state(reset_partial_state=True)
    train(make_config("full", max_train_steps=1))
    half, full = networks_of(tmp_path / "half", 1), networks_of(tmp_path / "full", 1)
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in half.values())
    assert any(not torch.equal(half[name], full[name]) for name in half)  # it did compute in another precision


def test_accumulating_equals_the_large_batch(make_config, tmp_path):
    train(make_config("large", train_batch_size=4, max_train_steps=1))
    train(make_config("small", train_batch_size=2, gradient_accumulation_steps=2, max_train_steps=1))
    large, small = networks_of(tmp_path / "large", 1), networks_of(tmp_path / "small", 1)
    assert max((large[name] - small[name]).abs().max() for name in large) < 1e-6


def test_generator_step_leaves_nothing_in_the_discriminator(make_config):
    config = make_config()
    trainer = Trainer(config, Accelerator(cpu=True), prepare_data(config, Accelerator(cpu=True)))
    batch = {k: v[None].repeat(4, *[1] * v.ndim) for k, v in trainer.data.samples[0].items()}
    left_over = []
    step = trainer.generator_optimizer.step
    trainer.generator_optimizer.step = lambda: (
        left_over.extend(p.grad for p in trainer.discriminator.parameters()),
        step(),
    )
    trainer.update([batch], step=0)
    assert left_over
    assert all(gradient is None for gradient in left_over)


def test_a_loss_that_is_not_finite_stops_before_it_is_applied(make_config):
    config = make_config()
    trainer = Trainer(config, Accelerator(cpu=True), prepare_data(config, Accelerator(cpu=True)))
    batch = {k: v[None].repeat(4, *[1] * v.ndim) for k, v in trainer.data.samples[0].items()}
    before = {name: value.clone() for name, value in trainer.generator.state_dict().items()}
    batch["source"][0] = float("nan")
    with pytest.raises(SARGANError, match=r"loss became nan at step 0.*Resume from the last checkpoint"):
        trainer.update([batch], step=0)
    assert all(torch.equal(before[name], value) for name, value in trainer.generator.state_dict().items())


def test_a_gradient_that_is_not_finite_stops_before_it_is_applied(make_config):
    config = make_config()
    trainer = Trainer(config, Accelerator(cpu=True), prepare_data(config, Accelerator(cpu=True)))
    batch = {k: v[None].repeat(4, *[1] * v.ndim) for k, v in trainer.data.samples[0].items()}
    # The square root's slope at zero, the usual way to a gradient that is not finite under a finite loss.
    trainer.objective.g_main = lambda batch, output, step: Loss((output.sample.sum() * 0).sqrt(), {})
    before = {name: value.clone() for name, value in trainer.generator.state_dict().items()}
    with pytest.raises(SARGANError, match=r"gradient became nan at step 0.*Resume from the last checkpoint"):
        trainer.update([batch], step=0)
    assert all(torch.equal(before[name], value) for name, value in trainer.generator.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": 100}, "multiple of 16"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be"),
        ({"train_batch_size": 0}, "train_batch_size must be >= 1"),
        ({"train_batch_size": "8"}, "train_batch_size must be int"),
        ({"objective": "best"}, "objective must be one of fast, paper"),
        ({"push_to_hub": True}, "hub_model_id"),
        ({"resolution": 48, "discriminator_layers": 6}, "cannot be halved 6 times"),
        ({"motion": True, "ultimate_skip": False}, "ultimate_skip"),
        ({"learnig_rate": 1e-4}, "Unknown settings: learnig_rate"),
    ],
)
def test_wrong_settings_are_refused_at_the_start(change, message):
    with pytest.raises(ConfigurationError, match=message):
        TrainingConfig.from_dict(change)


def test_settings_survive_a_file_and_flags_win(tmp_path):
    TrainingConfig(train_data_dir="faces", learning_rate=3e-4, motion=True).save(tmp_path / "settings.yaml")
    config, dry_run = parse_config(
        ["--config", str(tmp_path / "settings.yaml"), "--learning_rate", "1e-5", "--no-motion"]
    )
    assert (config.learning_rate, config.motion, config.train_data_dir, dry_run) == (1e-5, False, "faces", False)


def test_the_paper_objective_brings_the_papers_settings():
    config, _ = parse_config(["--train_data_dir", "faces", "--objective", "paper"])
    assert (config.critic_steps, config.learning_rate, config.adam_beta2) == (5, 1e-4, 0.999)
    assert config.paired_weight == 0
    assert (config.gradient_penalty, config.discriminator_layers, config.max_train_steps) == (10.0, 6, 200_000)


def test_the_grid_shows_people_with_their_truth_and_one_face_in_other_domains(make_config):
    config = make_config()
    data = prepare_data(config, Accelerator(cpu=True))
    held_out = Validator(data.held_out, data.expressions, config.resolution)
    grid = held_out.grid(build_generator(config, data.expressions), torch.device("cpu"))
    people = len(set(data.held_out.subject))
    assert grid.size == (32 * (1 + len(data.expressions)), 32 * (2 * people + 3))
    tops = [np.asarray(grid.crop((0, 32 * row, 32, 32 * row + 32)), np.float32) for row in range(2 * people + 3)]
    assert np.array_equal(tops[0], tops[1])
    assert all(np.abs(styled - tops[0]).mean() > 3 for styled in tops[-3:])


def test_samples_depend_on_nothing_but_their_position(make_config):
    data = prepare_data(make_config(stylise=1.0), Accelerator(cpu=True))
    first = [data.samples[position] for position in range(6)]
    again = [data.samples[position] for position in reversed(range(6))][::-1]
    assert all(torch.equal(a[name], b[name]) for a, b in zip(first, again, strict=True) for name in a)


def test_without_their_weight_pairs_are_drawn_as_single_pictures(make_config):
    samples = prepare_data(make_config(paired_weight=0.0), Accelerator(cpu=True)).samples
    for position in range(20):
        sample = samples[position]
        assert sample["paired"] == 0
        assert sample["source_expression"] != sample["target_expression"]


def test_every_epoch_aims_at_every_picture_once(make_config):
    data = prepare_data(make_config(), Accelerator(cpu=True))
    n = len(data.faces)
    assert sorted(data.samples._shuffled(position) for position in range(n)) == list(range(n))
    assert [data.samples._shuffled(p) for p in range(n)] != [data.samples._shuffled(p) for p in range(n, 2 * n)]


def test_nobody_is_both_trained_on_and_held_out(make_config):
    data = prepare_data(make_config(), Accelerator(cpu=True))
    assert not set(data.faces.subject) & set(data.held_out.subject)


def test_schedule_warms_up_stays_and_falls():
    config = TrainingConfig(warmup_steps=10, max_train_steps=100, decay_fraction=0.4)
    rates = [learning_rate_factor(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:61] == [1.0] * 52
    assert all(a > b for a, b in itertools.pairwise(rates[60:]))


def test_estimated_flow_finds_a_known_shift():
    rng = np.random.default_rng(0)
    noise = torch.nn.functional.interpolate(
        torch.from_numpy(rng.random((1, 3, 16, 16), np.float32)), size=80, mode="bicubic"
    )
    picture = noise[0].permute(1, 2, 0).clamp(0, 1).numpy()
    source, target = picture[8:72, 8:72], picture[5:69, 10:74]
    flow, valid = MotionMaps().estimated(np.ascontiguousarray(source), np.ascontiguousarray(target))
    inside = (slice(8, -8), slice(8, -8))
    assert np.abs(np.median(flow[inside], axis=(0, 1)) - [2, -3]).max() < 0.2
    assert valid[inside].mean() > 0.9


@pytest.mark.parametrize("flip", [False, True])
def test_flow_turns_with_its_pictures(flip):
    import cv2

    size = 64
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32)
    source = np.sin(xs / 5) + np.cos(ys / 7)
    flow = np.stack([3 * np.sin(ys / 11), 2 * np.cos(xs / 13)], axis=-1).astype(np.float32)
    target = warp_field(source, flow)
    matrix = cv2.getRotationMatrix2D((31.5, 31.5), 20, 1.1)
    warp = lambda p: cv2.warpAffine(p, matrix, (size, size))[:, :: -1 if flip else 1]  # noqa: E731
    turned, valid = transform_flow(flow, np.ones((size, size)), matrix, flip, size)
    error = np.abs(warp_field(np.ascontiguousarray(warp(source)), turned) - warp(target))
    assert error[16:-16, 16:-16][valid[16:-16, 16:-16] > 0.99].max() < 0.05


def test_gradient_penalty_is_zero_where_the_slope_is_one():
    real, fake = torch.rand(3, 3, 8, 8), torch.rand(3, 3, 8, 8)
    direction = torch.nn.functional.normalize(torch.rand(1, 3 * 64), dim=1)
    slope = direction.reshape(1, 3, 8, 8).expand(3, -1, -1, -1)
    assert gradient_penalty(lambda _: slope, real, fake, torch.rand(3, 1, 1, 1)) < 1e-6
    assert gradient_penalty(lambda _: 3 * slope, real, fake, torch.rand(3, 1, 1, 1)) == pytest.approx(4)


def test_the_critics_slope_and_its_own_gradient_are_those_of_autograd():
    torch.manual_seed(0)
    discriminator = SARGANDiscriminator(sample_size=32, base_channels=8, num_layers=3)
    real, fake, mix = torch.randn(3, 3, 32, 32), torch.randn(3, 3, 32, 32), torch.rand(3, 1, 1, 1)

    def by_autograd(pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.requires_grad_(True)
        return torch.autograd.grad(discriminator(pictures).realness.sum(), pictures, create_graph=True)[0]

    torch.testing.assert_close(critic_slope(discriminator, real), by_autograd(real.clone()))
    weights = [conv.weight for conv in (*discriminator.trunk, discriminator.source_head)]
    ours, autograds = (
        torch.autograd.grad(gradient_penalty(slope, real, fake, mix), weights)
        for slope in (partial(critic_slope, discriminator), by_autograd)
    )
    torch.testing.assert_close(ours, autograds)


def test_change_weight_looks_where_something_changes():
    source = torch.zeros(1, 3, 32, 32)
    target = source.clone()
    target[..., 20:28, 10:22] = 1.0
    weight = change_weight(source, target)
    assert weight.mean() == pytest.approx(1.0)
    assert weight[0, 0, 24, 16] > 5 * weight[0, 0, 4, 4]
