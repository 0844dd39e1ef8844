"""Training of both networks: settings, batches, objectives, checkpoints and the loop.

    from sargan_hf.training import TrainingConfig, train

    train(TrainingConfig.preset("fast", output_dir="runs/first"), dataset=faces)

The names below are loaded when first used: settings alone need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

_HOME = {
    "FastObjective": "objectives",
    "Loss": "objectives",
    "Objective": "objectives",
    "PaperObjective": "objectives",
    "TrainingConfig": "config",
    "register_generator": "registry",
    "register_objective": "registry",
    "train": "loop",
}

__all__ = [
    "FastObjective",
    "Loss",
    "Objective",
    "PaperObjective",
    "TrainingConfig",
    "register_generator",
    "register_objective",
    "train",
]

if TYPE_CHECKING:
    from .config import TrainingConfig
    from .loop import train
    from .objectives import FastObjective, Loss, Objective, PaperObjective
    from .registry import register_generator, register_objective


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
