"""The end of a run: the finished model with its card, and the upload."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trainer import Trainer


def save_model(trainer: "Trainer") -> None:
    """Writes the averaged generator to the run's folder in Hub layout."""
    with trainer.averaged_generator() as generator:
        generator.save_pretrained(trainer.output_dir)
