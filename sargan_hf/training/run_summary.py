"""What a run trains, on what and how, said before its first step."""

from collections import Counter

import torch

from ..data.people import count_people
from ..expressions import NO_CLASS
from .trainer import Trainer


def run_summary(trainer: Trainer, first_step: int = 0) -> str:
    """Lines about data, networks, batch, steps and places of a run that starts at `first_step`."""
    config, accelerator, data = trainer.config, trainer.accelerator, trainer.data
    faces, processes = data.faces, accelerator.num_processes
    paired = sum(len(faces.partners(index)) > 0 for index in range(len(faces)))
    held_out = f"{len(data.held_out)} of {count_people(data.held_out.subject)}" if data.held_out else "nobody"
    batch = config.train_batch_size * config.gradient_accumulation_steps * processes
    seen = "" if data.whole else "a stream; of its rows looked at: "
    steps = f"{config.max_train_steps}" + (f", from step {first_step} on" if first_step else "")
    return (
        f"Pictures    {seen}{len(faces)} of {count_people(faces.subject)}, "
        f"{paired} of them paired, in {faces.num_pairs} pairs\n"
        f"Expressions {_counts(trainer)}\n"
        f"Held out    {held_out}\n"
        f"Generator   {_millions(trainer.generator)} M parameters\n"
        f"Adversary   {_millions(trainer.discriminator)} M parameters, objective {config.objective}\n"
        f"Batch       {batch}: {config.train_batch_size} x {config.gradient_accumulation_steps} accumulated x "
        f"{processes} processes on {accelerator.device}, precision {accelerator.mixed_precision}\n"
        f"Steps       {steps}\n"
        f"Output      {config.output_dir}, tracker {config.report_to}"
    )


def _counts(trainer: Trainer) -> str:
    counts = Counter(trainer.data.faces.expression.tolist())
    named = [f"{name} {counts[index]}" for index, name in enumerate(trainer.data.expressions)]
    return ", ".join(named + ([f"by controls alone {counts[NO_CLASS]}"] if counts[NO_CLASS] else []))


def _millions(network: torch.nn.Module) -> str:
    return f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f}"
