"""How one step changes both networks: the phases D main, D penalty and G main, one after the other."""

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from ..modeling_sargan import SARGAN, SARGANOutput
from .config import TrainingConfig
from .control_start import start_control_field
from .editor import Editor
from .finite_check import FiniteCheck, gradient_norm
from .objectives import ON_HOST, Batch, Loss, Parts
from .registry import registered
from .resuming import restore_trainer, save_trainer
from .schedule import learning_rate_factor
from .setup_data import TrainingData
from .setup_networks import build_discriminator, build_generator

Found = defaultdict[str, list[Tensor]]  # the parts of the losses of a step, one value of each micro-batch


class Trainer:
    """Both networks, their optimisers and the averaged generator, and how one step changes them.

    One all-reduce per update averages the gradients over processes, instead of DistributedDataParallel. A step runs the
    generator twice (edit and cycle) and differentiates through the discriminator's own gradient (penalty). This way two
    processes equal one process with twice the batch, including the penalty. With 3 M parameters, overlapping communication
    and computation would gain nothing.
    """

    def __init__(self, config: TrainingConfig, accelerator: Accelerator, data: TrainingData):
        self.config, self.accelerator, self.data = config, accelerator, data
        self.output_dir = Path(config.output_dir)
        generator = build_generator(config, data.expressions)
        discriminator = build_discriminator(config, data.expressions)
        self.generator = generator.to(accelerator.device).train()
        self.discriminator = discriminator.to(accelerator.device).train()
        self.generator_optimizer = self._adam(self.generator, config.learning_rate)
        self.discriminator_optimizer = self._adam(self.discriminator, config.discriminator_learning_rate)
        self.check = FiniteCheck(accelerator.device, deferred=False if accelerator.scaler else None)
        self.average = self._averaging() if config.ema_decay else None
        self.editor = Editor(self.generator, accelerator, data.expressions)
        self.objective = registered("objective", config.objective)(config, self.editor, self.discriminator)

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        betas = (self.config.adam_beta1, self.config.adam_beta2)
        # Fused: one pass over the memory of 45 M parameters instead of ten.
        optimizer = torch.optim.Adam(
            network.parameters(), lr=rate, betas=betas, eps=self.config.adam_epsilon, fused=True
        )
        return self.accelerator.prepare(optimizer)

    def _averaging(self) -> EMAModel:
        # Few launches on a GPU; on a CPU the plain form, whose rounding the runs of before have.
        several = self.accelerator.device.type == "cuda"
        return EMAModel(list(self.generator.parameters()), decay=self.config.ema_decay, foreach=several)

    def update(self, batches: list[Batch], step: int) -> Parts:
        """One step: D main and D penalty and, every `critic_steps`, G main.

        Each loss is differentiated before the next one is computed: memory has to hold one graph at a time.

        Args:
            batches: micro-batches on this process's device; their gradients are averaged.
            step: of the run, from 0. It decides rates, losses that start late, and whether the generator is trained.

        Returns:
            The mean of every part of the losses.

        Raises:
            SARGANError: a loss or a gradient is not finite; nothing was updated with it. On a GPU `check.tell` raises it.
        """
        self._set_rates(step)
        found: Found = defaultdict(list)
        trains_generator = (step + 1) % self.config.critic_steps == 0
        shared = trains_generator and self.objective.shares_edit
        outputs = [self._edit(batch) for batch in batches] if shared else []
        if self.objective.adversary_active(step):
            self._train_discriminator(batches, outputs, step, found)
        if trains_generator:
            self._train_generator(batches, outputs, step, found)
        return {name: torch.stack(values).mean() for name, values in sorted(found.items())}

    def _train_discriminator(self, batches: list[Batch], outputs: list[SARGANOutput], step: int, found: Found) -> None:
        """`outputs` are the edits of these batches, or empty where they have not been made."""
        count = len(batches)
        for number, batch in enumerate(batches):
            if outputs:
                fake = outputs[number].sample.detach()
            else:
                fake = self.editor.draft(batch["source"], batch["target_expression"], batch.get("controls"))
            self._backward(self.objective.d_main(batch, fake, step), count, step, found)
            if self.objective.penalty_apart:
                self._backward(self.objective.d_penalty(batch, fake), count, step, found)
        self._descend(self.discriminator, self.discriminator_optimizer, step)

    def _train_generator(self, batches: list[Batch], outputs: list[SARGANOutput], step: int, found: Found) -> None:
        """`outputs` as above; edits that have not been made are made and differentiated in portions."""
        portions = batches if outputs else [portion for batch in batches for portion in self._portions(batch)]
        # The generator's loss flows through the discriminator, but must leave nothing in its gradients.
        self.discriminator.requires_grad_(False)
        for number, batch in enumerate(portions):
            output = outputs[number] if outputs else self._edit(batch)
            self._backward(self.objective.g_main(batch, output, step), len(portions), step, found)
        self.discriminator.requires_grad_(True)
        self._descend(self.generator, self.generator_optimizer, step)
        self.editor.generator_changed()
        if self.average:
            self.average.step(self.generator.parameters())

    def _edit(self, batch: Batch) -> SARGANOutput:
        return self.editor(batch["source"], batch["target_expression"], batch.get("controls"))

    def _portions(self, batch: Batch) -> list[Batch]:
        """Equal parts of a batch, to be differentiated one by one.

        No layer looks beyond a picture, so the gradients add up to the same. On a CPU two pictures at a time stay closer
        to its cache, and need a fraction of the memory; a GPU is best used with all.
        """
        pictures = len(batch["source"])
        size = math.gcd(pictures, 2) if self.accelerator.device.type == "cpu" else pictures
        split = {name: value.split(size) for name, value in batch.items()}
        return [dict(zip(split, values, strict=True)) for values in zip(*split.values(), strict=True)]

    def _backward(self, loss: Loss, count: int, step: int, found: Found) -> None:
        """Adds the gradient of the loss, one of `count`, frees its graph, and notes its parts."""
        self.check.look_at_loss(loss.total, step)
        self.accelerator.backward(loss.total / count)
        for name, part in loss.parts.items():
            found[name].append(part.detach())

    def _descend(self, network: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
        """One update with the gradients of all processes."""
        self._average_gradients(network)
        self._measure_gradients(network, step)
        self.check.guard(optimizer)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)  # at once: the other network's step has better use for the memory

    def _average_gradients(self, network: nn.Module) -> None:
        if self.accelerator.num_processes == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = self.accelerator.reduce(torch.cat([g.reshape(-1) for g in gradients]), reduction="mean")
        assert isinstance(flat, Tensor)  # what went in; Accelerate reduces structures too
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def _measure_gradients(self, network: nn.Module, step: int) -> None:
        """Shortens gradients that are too long; one that is not finite, applied, would spoil the checkpoints that follow."""
        if self.accelerator.scaler and self.config.max_grad_norm:
            self.accelerator.unscale_gradients()
            gradient_norm(network, self.config.max_grad_norm)
        if self.accelerator.scaler:  # fp16: the scaler skips such updates and lowers its scale
            return
        self.check.look_at_gradients(gradient_norm(network, self.config.max_grad_norm), step)

    def _set_rates(self, step: int) -> None:
        factor = learning_rate_factor(self.config, step)
        rates = (self.config.learning_rate, self.config.discriminator_learning_rate)
        for optimizer, rate in zip((self.generator_optimizer, self.discriminator_optimizer), rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    @contextmanager
    def averaged_generator(self) -> Iterator[SARGAN]:
        """A context in which `generator` holds the averaged weights, in eval mode."""
        parameters = list(self.generator.parameters())
        if self.average:
            self.average.store(parameters)
            self.average.copy_to(parameters)
        try:
            yield self.generator.eval()
        finally:
            self.generator.train()
            if self.average:
                self.average.restore(parameters)

    def save(self, step: int, stream: list | None = None) -> Path:
        """Writes a checkpoint after `step` steps and returns its folder.

        Args:
            stream: where each process goes on in a stream, see `stream_blocks.Place`.

        Raises:
            CheckpointError: it cannot be written.
            SARGANError: something was not finite before.
        """
        self.check.tell()
        return save_trainer(self, step, stream)

    def begin(self) -> None:
        """Prepares a run that continues no other: the field of new controls starts from the motion of the set."""
        if start_control_field(self.generator, self.data.samples):
            self.editor.generator_changed()
            self.average = self.average and self._averaging()

    def resume(self, folder: Path) -> dict[str, Any]:
        """Continues from a checkpoint; the steps that follow equal those of a run that was never interrupted.

        Returns:
            The checkpoint's state; its "step" is the next one.

        Raises:
            ConfigurationError, CheckpointError: it does not fit this run, or is damaged; nothing was taken over then.
        """
        state = restore_trainer(self, folder)
        self.editor.generator_changed()
        return state


def to_device(batch: Batch, device: torch.device) -> Batch:
    """A batch on the device. What decides which losses are computed stays on the host as well, see `ON_HOST`."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return moved if device.type == "cpu" else moved | {ON_HOST: batch["paired"]}
