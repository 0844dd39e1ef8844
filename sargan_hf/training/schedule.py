"""The learning rate as a function of the step."""

from .config import TrainingConfig


def learning_rate_factor(config: TrainingConfig, step: int) -> float:
    """The schedule as a function of the step alone: warm-up, constant, linear fall to zero over the last share."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    decay_steps = config.decay_fraction * config.max_train_steps
    decay = min(1.0, (config.max_train_steps - step) / decay_steps) if decay_steps else 1.0
    return warmup * decay
