"""`--dry_run`: reports what a run would do, before it starts."""

import math
import time

import torch

from .architecture import with_architecture
from .config import TrainingConfig
from .launching import make_accelerator
from .loader import training_batches
from .progress import peak_memory
from .run_summary import run_summary
from .schedule import with_length
from .setup_data import prepare_data
from .trainer import Trainer, to_device


def print_plan(config: TrainingConfig, timed_steps: int = 3) -> None:
    """Prints the data found, the networks, and the time and memory estimated from a few real steps; saves nothing."""
    config = with_architecture(config)
    accelerator, config = make_accelerator(config, tracked=False)
    data = prepare_data(config, accelerator)
    config = with_length(config, len(data.faces), accelerator.num_processes)
    trainer = Trainer(config, accelerator, data)
    seconds = _time_steps(trainer, timed_steps)
    total = seconds * config.max_train_steps
    accelerator.print(
        f"{config.to_yaml()}\n"
        f"{run_summary(trainer)}\n"
        f"Time        {seconds:.2f} s a step, {config.max_train_steps} steps: about {total / 3600:.1f} hours\n"
        f"Memory      {peak_memory(accelerator.device):.1f} GB at most so far"
    )


def _time_steps(trainer: Trainer, least: int) -> float:
    """Seconds of a step with everything on, mean of whole cycles of `critic_steps`, `least` steps or more."""
    config, accelerator = trainer.config, trainer.accelerator
    batches = training_batches(trainer.data.samples, 0, config, accelerator, workers=0)
    cycle = config.critic_steps
    # The adversary may start late, or never.
    late = config.adversarial_start if config.adversarial_start < config.max_train_steps else 0
    first = math.ceil(late / cycle) * cycle + cycle
    steps = math.ceil(least / cycle) * cycle
    start = time.perf_counter()
    for step in range(first - 1, first + steps):
        micro_batches = [
            to_device(next(batches), accelerator.device) for _ in range(config.gradient_accumulation_steps)
        ]
        trainer.update(micro_batches, step)
        if step < first:  # it paid for memory and kernels being set up
            start = time.perf_counter()
    if accelerator.device.type == "cuda":
        torch.cuda.synchronize(accelerator.device)
    return (time.perf_counter() - start) / steps
