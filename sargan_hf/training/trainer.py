"""The training loop: one class that knows how an update is made, and `train`, which runs it from start to finish."""

import math
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from ..errors import SARGANError
from ..inference.cpu_generator import FastGenerator
from ..modeling_sargan import SARGANOutput
from .config import TrainingConfig
from .objectives import OBJECTIVES, Batch, Parts
from .resuming import restore_trainer, save_trainer
from .schedule import learning_rate_factor
from .setup_data import TrainingData
from .setup_networks import build_discriminator, build_generator


class Trainer:
    """Both networks, their optimisers and the averaged generator, and how one step changes them.

    Gradients are averaged over processes by one all-reduce per update, by hand, instead of by wrapping the networks in
    DistributedDataParallel: a step runs the generator twice (edit and cycle) and differentiates through the
    discriminator's own gradient (penalty), and this way two processes equal one process with twice the batch, penalty
    included. With 3 M parameters there is nothing to gain from overlapping communication and computation.
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
        self.average = EMAModel(list(self.generator.parameters()), decay=config.ema_decay) if config.ema_decay else None
        self.objective = OBJECTIVES[config.objective](config, self.edit, self.discriminator)
        self._snapshot: FastGenerator | None = None
        self.step = 0

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        betas = (self.config.adam_beta1, self.config.adam_beta2)
        # Fused: one pass over the memory of 45 M parameters instead of ten.
        optimizer = torch.optim.Adam(network.parameters(), lr=rate, betas=betas, fused=True)
        return self.accelerator.prepare(optimizer)

    def edit(self, pictures: Tensor, expression: Tensor) -> SARGANOutput:
        """The generator under the run's precision. pictures [B, 3, S, S], expression int64 [B]."""
        with self.accelerator.autocast():
            output = self.generator(pictures, self._conditions(expression, pictures.dtype))
        return SARGANOutput(**{name: value.to(pictures.dtype) for name, value in output.items()})

    def _conditions(self, expression: Tensor, dtype: torch.dtype) -> Tensor:
        return nn.functional.one_hot(expression, len(self.data.expressions)).to(dtype)

    def update(self, micro_batches: list[Batch]) -> Parts:
        """One step: the discriminator on these batches and, every `critic_steps`, the generator. Returns mean parts."""
        self._set_rates()
        train_generator = (self.step + 1) % self.config.critic_steps == 0
        adversary = self.objective.adversary_active(self.step)
        shared = train_generator and self.objective.shares_edit
        outputs = [self._edit_source(batch) for batch in micro_batches] if shared else []
        parts: Parts = {}
        if adversary:
            fakes = (output.sample.detach() for output in outputs) if shared else map(self._draft, micro_batches)
            losses = chain.from_iterable(
                self.objective.discriminator_losses(batch, fake, self.step)
                for batch, fake in zip(micro_batches, fakes, strict=True)
            )
            parts |= self._descend(losses, len(micro_batches), self.discriminator, self.discriminator_optimizer)
        if train_generator:
            parts |= self._generator_step(micro_batches, outputs)
        self.step += 1
        return parts

    def _generator_step(self, micro_batches: list[Batch], outputs: list[SARGANOutput]) -> Parts:
        """`outputs` are the edits of these batches, or empty where they have not been made yet."""
        if outputs:
            batches, edits = micro_batches, iter(outputs)
        else:
            batches = [portion for batch in micro_batches for portion in self._portions(batch)]
            edits = map(self._edit_source, batches)
        # The generator's loss flows through the discriminator, but must leave nothing in its gradients.
        self.discriminator.requires_grad_(False)
        losses = (
            self.objective.generator_loss(batch, output, self.step)
            for batch, output in zip(batches, edits, strict=True)
        )
        parts = self._descend(losses, len(batches), self.generator, self.generator_optimizer)
        self.discriminator.requires_grad_(True)
        self._snapshot = None
        if self.average:
            self.average.step(self.generator.parameters())
        return parts

    def _edit_source(self, batch: Batch) -> SARGANOutput:
        return self.edit(batch["source"], batch["target_expression"])

    @torch.no_grad()
    def _draft(self, batch: Batch) -> Tensor:
        """The edit without gradients: on a CPU, of the rearranged copy, which is made anew when the generator changes."""
        if self.accelerator.device.type != "cpu" or self.accelerator.mixed_precision != "no":
            return self._edit_source(batch).sample
        if self._snapshot is None:
            self._snapshot = FastGenerator(self.generator)
        source = batch["source"]
        conditions = self._conditions(batch["target_expression"], source.dtype)
        return self._snapshot(source, conditions).sample.clone()  # autograd takes no inference tensors

    def _portions(self, batch: Batch) -> list[Batch]:
        """Equal parts of a batch, to be differentiated one by one.

        No layer looks beyond a picture, so the gradients add up to the same. On a CPU two pictures at a time stay closer
        to its cache, and need a fraction of the memory; a GPU is best used with all.
        """
        pictures = len(batch["source"])
        size = math.gcd(pictures, 2) if self.accelerator.device.type == "cpu" else pictures
        split = {name: value.split(size) for name, value in batch.items()}
        return [dict(zip(split, values, strict=True)) for values in zip(*split.values(), strict=True)]

    def _descend(
        self, losses: Iterable[tuple[Tensor, Parts]], count: int, network: nn.Module, optimizer: torch.optim.Optimizer
    ) -> Parts:
        """One update with the sum of `losses` over `count`, each freed before the next one is asked for. Returns mean parts."""
        found: dict[str, list[Tensor]] = {}
        for loss, parts in losses:
            if not math.isfinite(loss.item()):
                raise SARGANError(
                    f"The loss became {loss.item()} at step {self.step}; nothing was updated with it. Resume from the "
                    "last checkpoint with a lower learning_rate, or with mixed_precision=no."
                )
            self.accelerator.backward(loss / count)
            for name, value in parts.items():
                found.setdefault(name, []).append(value.detach())
            del loss, parts
        self._average_gradients(network)
        self._check_gradients(network)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)  # at once: the other network's step has better use for the memory
        return {name: torch.stack(values).mean() for name, values in sorted(found.items())}

    def _average_gradients(self, network: nn.Module) -> None:
        if self.accelerator.num_processes == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = self.accelerator.reduce(torch.cat([g.reshape(-1) for g in gradients]), reduction="mean")
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def _check_gradients(self, network: nn.Module) -> None:
        """A finite loss can have gradients that are not; applied, they would spoil the checkpoints that follow."""
        if self.accelerator.scaler:  # fp16: the scaler skips such updates and lowers its scale
            return
        norm = nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None]).item()
        if not math.isfinite(norm):
            raise SARGANError(
                f"The gradient became {norm} at step {self.step}; nothing was updated with it. Resume from the last "
                "checkpoint with a lower learning_rate, or with mixed_precision=no."
            )

    def _set_rates(self) -> None:
        factor = learning_rate_factor(self.config, self.step)
        rates = (self.config.learning_rate, self.config.discriminator_learning_rate)
        for optimizer, rate in zip((self.generator_optimizer, self.discriminator_optimizer), rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def averaged_generator(self):
        """A context in which `self.generator` holds the averaged weights, in eval mode."""
        return _Averaged(self.generator, self.average)

    def save(self) -> Path:
        """Writes a checkpoint and returns its folder; raises CheckpointError where that cannot be done."""
        return save_trainer(self)

    def resume(self, folder: Path) -> dict[str, Any]:
        """Continues from a checkpoint; the steps that follow equal those of a run that was never interrupted.

        Returns:
            The checkpoint's state.

        Raises:
            ConfigurationError, CheckpointError: it does not fit this run, or is damaged; nothing was taken over then.
        """
        state = restore_trainer(self, folder)
        self._snapshot = None
        return state


class _Averaged:
    def __init__(self, generator: nn.Module, average: EMAModel | None):
        self.generator, self.average = generator, average

    def __enter__(self) -> nn.Module:
        if self.average:
            self.average.store(self.generator.parameters())
            self.average.copy_to(self.generator.parameters())
        return self.generator.eval()

    def __exit__(self, *_) -> None:
        self.generator.train()
        if self.average:
            self.average.restore(self.generator.parameters())


def to_device(batch: Batch, device: torch.device) -> Batch:
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}
