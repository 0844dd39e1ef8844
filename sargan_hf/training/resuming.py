"""A trainer and its checkpoints: what is saved, what fits another trainer, and how a run resumes."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import yaml
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from ..errors import CheckpointError, ConfigurationError
from ..modeling_discriminator import SARGANDiscriminator
from ..modeling_sargan import SARGAN
from .checkpoints import Weights, load_checkpoint, save_checkpoint
from .config import TrainingConfig
from .config_fields import ARCHITECTURE, OLD_NAMES
from .setup_data import TrainingData

# Settings that make another network, or another objective for it.
OF_THE_NETWORKS = (
    *ARCHITECTURE,
    "controls",
    "resolution",
    "generator",
    "objective",
    "discriminator_channels",
    "discriminator_layers",
)
# Settings that may differ between a run and its continuation without a word: they train nothing.
OF_THE_PROCESS = {
    *(f"{name}_steps" for name in ("checkpointing", "validation", "logging", "max_train")),
    *("train_data_dir", "cache_dir", "output_dir", "resume_from_checkpoint", "dataloader_num_workers", "report_to"),
    *("checkpoints_total_limit", "push_to_hub", "hub_model_id", "hub_private", "init_from", "discriminator_from"),
    *("zero_output", "logging_dir", "tracker_project_name", "ddp_timeout", "num_train_epochs", "max_damaged"),
}
# What earlier versions trained with where their settings do not say.
BEFORE = {"geometry": 1.0, "targets": "uniform", "class_dropout": 0.0}
NETWORKS = ("generator", "discriminator")
MOMENTS = ("exp_avg", "exp_avg_sq")


class Resumable(Protocol):
    """What the next step depends on; a `Trainer` has it."""

    config: TrainingConfig
    accelerator: Accelerator
    data: TrainingData
    output_dir: Path
    generator: SARGAN
    discriminator: SARGANDiscriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    average: EMAModel | None


def save_trainer(trainer: Resumable, step: int, stream: list | None = None) -> Path:
    """Writes a checkpoint, after `step` steps, of everything that the next one depends on.

    Args:
        stream: where each process goes on in a stream.

    Raises:
        CheckpointError: it cannot be written.
    """
    networks = {"generator": trainer.generator.state_dict(), "discriminator": trainer.discriminator.state_dict()}
    state = {
        "expressions": list(trainer.data.expressions),
        "config": trainer.config.to_yaml(),
        "generator": _form(trainer),
        "faces": _faces(trainer),
    }
    if stream is not None:
        state["stream"] = stream
    if trainer.average:
        names = [name for name, _ in trainer.generator.named_parameters()]
        networks["ema"] = dict(zip(names, trainer.average.shadow_params, strict=True))
        state["ema_steps"] = trainer.average.optimization_step
    optimizers = {
        "generator": trainer.generator_optimizer.state_dict(),
        "discriminator": trainer.discriminator_optimizer.state_dict(),
    }
    if trainer.accelerator.scaler:
        optimizers["scaler"] = trainer.accelerator.scaler.state_dict()
    keep = trainer.config.checkpoints_total_limit
    return save_checkpoint(trainer.output_dir, step, networks, optimizers, state, keep)


def restore_trainer(trainer: Resumable, folder: Path) -> dict[str, Any]:
    """Takes everything over from a checkpoint, or nothing where any part of it does not fit.

    Returns:
        The checkpoint's state; its "step" is the next one.

    Raises:
        ConfigurationError: the checkpoint is of another network, or averages where this run does not, or the reverse.
        CheckpointError: the checkpoint is damaged.
    """
    networks, optimizers, state = load_checkpoint(folder)
    _check_expressions(trainer, folder, state)
    _check_settings(trainer, folder, state)
    _check_weights(trainer, folder, networks, state)
    for name in NETWORKS:
        _check_optimizer(folder, name, optimizers.get(name), getattr(trainer, name))
    for name in NETWORKS:
        getattr(trainer, name).load_state_dict(networks[name])
        optimizer = getattr(trainer, f"{name}_optimizer")
        optimizer.load_state_dict(optimizers[name])
        for group in optimizer.param_groups:  # the settings of this run count, not those that were saved
            group["betas"] = (trainer.config.adam_beta1, trainer.config.adam_beta2)
    # A run that changes to fp16 starts with a scale of its own.
    if trainer.accelerator.scaler and "scaler" in optimizers:
        trainer.accelerator.scaler.load_state_dict(optimizers["scaler"])
    if trainer.average:
        names = [name for name, _ in trainer.generator.named_parameters()]
        device = trainer.accelerator.device
        trainer.average.shadow_params = [networks["ema"][name].to(device) for name in names]
        trainer.average.optimization_step = state["ema_steps"]
    return state


def changed_settings(trainer: Resumable, state: dict[str, Any]) -> str:
    """Which settings differ from those that a checkpoint was trained with; empty where none do."""
    saved, ours = _saved_settings(state), vars(trainer.config)
    names = [name for name in saved if name in ours and name not in OF_THE_PROCESS and saved[name] != ours[name]]
    return ", ".join(f"{name} {saved[name]} -> {ours[name]}" for name in names)


def changed_faces(trainer: Resumable, state: dict[str, Any]) -> str:
    """How the pictures differ from those that a checkpoint was trained on; empty where they do not, or it is not known."""
    saved, ours = state.get("faces"), _faces(trainer)
    if not isinstance(saved, dict) or saved == ours:
        return ""
    return f"{saved.get('pictures')} pictures then, {ours['pictures']} now, or in another order"


def _faces(trainer: Resumable) -> dict[str, int]:
    """What tells the pictures trained on from others: how many there are, and a checksum of their expressions in order."""
    labels = trainer.data.faces.expression
    return {"pictures": len(labels), "checksum": zlib.crc32(np.ascontiguousarray(labels, np.int64).tobytes())}


def _saved_settings(state: dict[str, Any]) -> dict[str, Any]:
    try:
        saved = yaml.safe_load(state.get("config") or "")
    except (yaml.YAMLError, AttributeError):
        saved = None
    if not isinstance(saved, dict):
        return {}
    return BEFORE | {OLD_NAMES.get(str(name), str(name)): value for name, value in saved.items()}


def _form(trainer: Resumable) -> dict[str, Any]:
    """What the generator was made with, as JSON gives it back; expressions, controls and size are checked elsewhere."""
    config = getattr(trainer.generator, "config", {})
    elsewhere = ("expressions", "controls", "sample_size")
    form = {name: value for name, value in config.items() if not name.startswith("_") and name not in elsewhere}
    return json.loads(json.dumps(form))


def _check_expressions(trainer: Resumable, folder: Path, state: dict[str, Any]) -> None:
    saved = state.get("expressions")
    if not isinstance(saved, list) or not all(isinstance(name, str) for name in saved):
        raise CheckpointError(f"{folder} is damaged: its state.json names no expressions.")
    if tuple(saved) != trainer.data.expressions:
        raise ConfigurationError(
            f"{folder} was trained on {', '.join(saved)}; the data has {', '.join(trainer.data.expressions)}. "
            "Train on the same expressions, or give this run another output_dir."
        )


def _check_settings(trainer: Resumable, folder: Path, state: dict[str, Any]) -> None:
    saved, form = _saved_settings(state), getattr(trainer.generator, "config", {})
    ours = vars(trainer.config) | {name: form[name] for name in ARCHITECTURE if name in form}
    names = [name for name in OF_THE_NETWORKS if saved.get(name) is not None]
    if isinstance(state.get("generator"), dict):
        saved, ours = saved | state["generator"], ours | _form(trainer)
        names = list(dict.fromkeys([*names, *state["generator"]]))
    elif saved.get("init_from"):  # versions before wrote down what was asked for, and trained what init_from was
        names = [name for name in names if name not in ARCHITECTURE]
    odd = [name for name in names if saved[name] != ours.get(name)]
    if not odd and "ema_decay" in saved and bool(saved["ema_decay"]) != bool(ours["ema_decay"]):
        odd = [
            "ema_decay"
        ]  # the average of steps that nobody averaged is not to be had, and one that is there not dropped
    if odd:
        theirs, here = (", ".join(f"{name} {values.get(name)}" for name in odd) for values in (saved, ours))
        raise ConfigurationError(
            f"{folder} was trained with {theirs}; this run has {here}. Resume with the settings that it was trained with, "
            "or give this run another output_dir."
        )


def _check_weights(trainer: Resumable, folder: Path, networks: dict[str, Weights], state: dict[str, Any]) -> None:
    wanted = {name: getattr(trainer, name).state_dict() for name in NETWORKS}
    if trainer.average:
        wanted["ema"] = dict(trainer.generator.named_parameters())
        if type(state.get("ema_steps")) is not int:
            raise CheckpointError(f"{folder} is damaged: its state.json does not say how many steps were averaged.")
    for name, weights in wanted.items():
        if name not in networks:
            raise CheckpointError(f"{folder} has no {name}.safetensors: resume from another checkpoint.")
        if odd := next(_differences(networks[name], weights), None):
            raise ConfigurationError(
                f"The {name} of {folder} is another network than this run's ({odd}). Resume with the settings that it was "
                "trained with, or give this run another output_dir."
            )


def _differences(saved: Weights, wanted: Weights) -> Iterator[str]:
    for name in sorted(saved.keys() | wanted.keys()):
        shapes = [tuple(of[name].shape) if name in of else None for of in (saved, wanted)]
        if shapes[0] != shapes[1]:
            yield f"{name}: {shapes[0]}, wanted {shapes[1]}"


def _check_optimizer(folder: Path, name: str, saved: Any, network: nn.Module) -> None:
    """Adam's moments have to be those of this network: PyTorch loads any others, and fails in the first step."""
    parameters = list(network.parameters())
    try:
        (group,) = saved["param_groups"]
        shapes = dict(zip(group["params"], (each.shape for each in parameters), strict=True))
        states: dict[int, dict[str, Tensor]] = saved["state"]  # empty before the first step
        fits = {"betas", "eps"} <= group.keys() and all(
            "step" in moments and moments[name].shape == shapes[index]
            for index, moments in states.items()
            for name in MOMENTS
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise CheckpointError(
            f"{folder} is not this run's: its optimizers.pt does not hold Adam's state for the {name}. Resume from "
            "another checkpoint, or give this run another output_dir."
        )
