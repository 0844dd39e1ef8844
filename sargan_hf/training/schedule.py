"""How long a run is, and the learning rate as a function of the step."""

import dataclasses
import math

from .config import TrainingConfig


def learning_rate_factor(config: TrainingConfig, step: int) -> float:
    """The schedule as a function of the step alone: warm-up, constant, and a fall to zero over the last share."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    decay_steps = 0 if config.lr_scheduler == "constant" else config.decay_fraction * config.max_train_steps
    decay = min(1.0, (config.max_train_steps - step) / decay_steps) if decay_steps else 1.0
    if config.lr_scheduler == "cosine":
        decay = 0.5 - 0.5 * math.cos(math.pi * decay)
    return warmup * decay


def with_length(config: TrainingConfig, pictures: int, processes: int) -> TrainingConfig:
    """The settings with `num_train_epochs` turned into `max_train_steps`."""
    if not config.num_train_epochs:
        return config
    batch = config.train_batch_size * config.gradient_accumulation_steps * processes
    steps = math.ceil(config.num_train_epochs * pictures / batch)
    return dataclasses.replace(config, num_train_epochs=None, max_train_steps=steps)
