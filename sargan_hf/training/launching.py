"""How a run was started: what `accelerate launch` and the machine allow, agreed with the run's own settings."""

import dataclasses
import logging
import os
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import PartialState
from accelerate.tracking import get_available_trackers
from accelerate.utils import GradientAccumulationPlugin, ProjectConfiguration, parse_flag_from_env

from ..errors import ConfigurationError
from .config import TrainingConfig
from .config_fields import PRECISIONS

SPLIT = {
    "FSDP": "ACCELERATE_USE_FSDP",
    "DeepSpeed": "ACCELERATE_USE_DEEPSPEED",
    "Megatron": "ACCELERATE_USE_MEGATRON_LM",
}
TRACKERS = ("tensorboard", "wandb", "trackio")
logger = logging.getLogger(__name__)


def make_accelerator(config: TrainingConfig, tracked: bool = True) -> tuple[Accelerator, TrainingConfig]:
    """Accelerate's view of the machine, and the settings with the precision that the run has in it.

    Args:
        tracked: whether to start the run's tracker.

    Raises:
        ConfigurationError: a setting of the run or of `accelerate launch` would have no effect, or its package is missing.
    """
    trackers = _trackers(config.report_to)
    _check_launcher()
    # The first process may prepare for longer than the ten minutes that NCCL waits.
    timeout = timedelta(seconds=config.ddp_timeout)
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"), timeout=timeout)
    precision = _precision(config, state)
    try:
        accelerator = Accelerator(
            mixed_precision=precision,
            log_with=[*trackers] if tracked and trackers else None,
            project_config=ProjectConfiguration(config.output_dir, logging_dir=config.logging_dir or config.output_dir),
            # Without it Accelerate would read a number of its own from the environment.
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        )
    except ValueError as error:
        if "already been initialized" in str(error):
            raise ConfigurationError(
                f"This process has trained in another precision than mixed_precision {precision}, and Accelerate keeps to "
                "it. Start a new process (in a notebook: restart the kernel)."
            ) from error
        raise ConfigurationError(f"mixed_precision {precision} does not work here: {error}") from error
    _warn_of_a_single_process(accelerator)
    if accelerator.device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = config.allow_tf32
        torch.backends.cudnn.benchmark = config.cudnn_benchmark
    return accelerator, dataclasses.replace(config, mixed_precision=precision)


def _trackers(name: str) -> list[str]:
    """Those that `report_to` names: one, all that are installed, or none."""
    installed = [each for each in TRACKERS if each in {str(found) for found in get_available_trackers()}]
    if name == "none" or name in installed:
        return [] if name == "none" else [name]
    if name == "all":
        if installed:
            return installed
        raise ConfigurationError(
            f"report_to all finds no tracker installed: `pip install {TRACKERS[0]}`, or train with --report_to none."
        )
    raise ConfigurationError(
        f"report_to {name} needs the package {name}, which is not installed: `pip install {name}`, or train with "
        "--report_to none."
    )


def _check_launcher() -> None:
    for name, variable in SPLIT.items():
        if os.environ.get(variable, "false").lower() == "true":
            raise ConfigurationError(
                f"Training does not run under {name} (see docs/training.md): start it with `accelerate launch --config_file "
                "docs/launch/several_gpus.yaml`."
            )
    if (backend := os.environ.get("ACCELERATE_DYNAMO_BACKEND", "no").lower()) != "no":
        raise ConfigurationError(
            f"The launcher's dynamo_backend {backend} would have no effect: networks are not compiled. Start without it."
        )
    if (steps := os.environ.get("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "1")) != "1":
        raise ConfigurationError(
            f"The launcher's gradient_accumulation_steps {steps} would have no effect: give it behind the script's name, as "
            f"train_accelerate.py --gradient_accumulation_steps {steps}."
        )


def _precision(config: TrainingConfig, state: PartialState) -> str:
    launcher = os.environ.get("ACCELERATE_MIXED_PRECISION", "no").lower()
    if config.mixed_precision is None and launcher not in PRECISIONS:
        raise ConfigurationError(
            f"The launcher's mixed_precision {launcher} is not supported: use one of {', '.join(PRECISIONS)}."
        )
    precision = config.mixed_precision or launcher
    if launcher not in ("no", precision) and state.is_main_process:
        logger.warning(
            "The launcher says mixed_precision %s and this run's own setting %s: training in %s.",
            launcher,
            precision,
            precision,
        )
    if precision == "fp16" and state.device is not None and state.device.type == "cpu":
        raise ConfigurationError("mixed_precision fp16 needs a GPU; on a CPU use bf16 or no.")
    return precision


def _warn_of_a_single_process(accelerator: Accelerator) -> None:
    launched = "ACCELERATE_MIXED_PRECISION" in os.environ
    # `accelerate launch` sets an address where several processes were asked for, and ranks where it starts them.
    asked = "MASTER_ADDR" in os.environ and not {"RANK", "WORLD_SIZE", "LOCAL_RANK"} & os.environ.keys()
    if launched and asked and accelerator.num_processes == 1:
        on_cpu = "ACCELERATE_USE_CPU=true " if accelerator.device.type == "cpu" else ""
        logger.warning(
            "You requested several processes, but Accelerate has started one. To start several, use `%saccelerate launch "
            "--config_file docs/launch/several_gpus.yaml --num_processes N train_accelerate.py ...`.",
            on_cpu,
        )
