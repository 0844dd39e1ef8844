"""What the two networks are trained for.

An objective turns a batch (see `TrainingSamples`) into the losses of the phases of a step: D main, D penalty and G main. Each
loss is one number to differentiate, with the parts of it that are worth watching. `Trainer.update` runs the phases in order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..expressions import NO_CLASS
from ..modeling_discriminator import SARGANDiscriminator
from ..modeling_sargan import SARGANOutput
from . import losses
from .config import TrainingConfig
from .critic_gradient import critic_slope

Batch = dict[str, Tensor]
ON_HOST = "paired_on_host"  # `paired` where the host can read it without waiting for a GPU
Parts = dict[str, Tensor]


class Loss(NamedTuple):
    """Attributes:
    total: scalar to differentiate.
    parts: scalars by name, for the log.
    """

    total: Tensor
    parts: Parts


@dataclass
class Objective:
    """Base of both: holds the networks and the weights.

    Attributes:
        edit: `edit(pictures [B, 3, S, S], expression indices [B], controls [B, K] or None) -> SARGANOutput`, the generator
            under the run's precision.
        discriminator: the network itself.
        shares_edit: whether the discriminator's step is made with the very edit that the generator learns from. That saves
            a run of the generator, and keeps its activations for the whole batch and both steps.
        penalty_apart: whether `d_penalty` is a phase of its own. Where it is not, `d_main` holds the penalty.
        conditional: whether the discriminator sees each picture beside the one that it was made from.
    """

    config: TrainingConfig
    edit: Callable[[Tensor, Tensor, Tensor | None], SARGANOutput]
    discriminator: SARGANDiscriminator

    shares_edit: ClassVar[bool] = True
    penalty_apart: ClassVar[bool] = False
    conditional: ClassVar[bool] = False

    def adversary_active(self, step: int) -> bool:
        return step >= self.config.adversarial_start and (
            self.config.adversarial_weight > 0 or self.config.expression_weight > 0 or self.config.feature_weight > 0
        )

    def adversary_teaches(self, step: int) -> bool:
        """Whether the generator learns from the discriminator: once this has had the steps that it gets before each of it."""
        return self.adversary_active(step) and step + 1 - self.config.adversarial_start >= self.config.critic_steps

    def d_main(self, batch: Batch, fake: Tensor, step: int) -> Loss:
        """What the discriminator learns from a batch and its edits `fake` [B, 3, S, S]."""
        raise NotImplementedError

    def d_penalty(self, batch: Batch, fake: Tensor) -> Loss:
        """What keeps its slope in bounds, where `penalty_apart`."""
        raise NotImplementedError

    def g_main(self, batch: Batch, output: SARGANOutput, step: int) -> Loss:
        """What the generator learns from a batch and its edit `output`."""
        raise NotImplementedError

    def _cycle_error(self, batch: Batch, sample: Tensor) -> Tensor:
        """[B]: L1 between the source and the edit turned back to what the source shows; 0 where nobody knows that."""
        back = self.edit(sample, batch["source_expression"], batch.get("source_controls")).sample
        error = (back - batch["source"]).abs().mean(dim=(1, 2, 3))
        if "source_controls" not in batch:
            return error
        return error * ((batch["source_expression"] != NO_CLASS) | (batch["paired"] > 0))

    def _paired_error(self, batch: Batch, output: SARGANOutput) -> tuple[Tensor, Parts]:
        """[B] weighted loss to the true picture and the true motion, zero where a sample has no truth."""
        source, target, config = batch["source"], batch["target"], self.config
        weight = losses.change_weight(source, target)
        error = losses.pyramid_error(output.sample, target, weight)
        unedited = losses.pyramid_error(source, target, weight)
        paired = batch["paired"]
        parts = {"error": (error * paired).sum() / (unedited * paired).sum().clamp(min=1e-3)}
        loss = config.paired_weight * error
        if output.motion is not None:
            flow = losses.flow_error(output.motion, batch["motion"], batch["motion_valid"], weight, config.flow_focus)
            rough = losses.total_variation(output.motion)
            painted = output.residual.abs().mean(dim=(1, 2, 3))
            loss = loss + config.flow_weight * flow + config.paired_weight * (0.5 * rough + 0.05 * painted)
            if output.occlusion is not None:
                hidden = losses.occlusion_error(output.occlusion, batch["motion_valid"], weight)
                loss = loss + config.occlusion_weight * hidden
                parts["occlusion_error"] = (hidden * paired).sum() / paired.sum().clamp(min=1)
            # In pixels of the crop: half of it is one unit of motion.
            parts["flow_error"] = (flow * paired).sum() / paired.sum().clamp(min=1) * source.shape[-1] / 2
        if config.small_edits > 1:
            loss = loss * losses.small_edit_weight(unedited, config.small_edits)
        return loss * paired, parts


def _on_host(batch: Batch) -> Tensor:
    return batch.get(ON_HOST, batch["paired"])


class PaperObjective(Objective):
    """arXiv 2303.17212, section III-E: WGAN-GP, expression classification, cycle L1; the truth where data is paired."""

    shares_edit = False  # one edit in six, and the cycle's activations have to fit beside it
    penalty_apart = True  # D main's activations are gone before the penalty's are made

    def d_main(self, batch: Batch, fake: Tensor, step: int) -> Loss:
        real, config = batch["source"], self.config
        judged = self.discriminator(torch.cat([real, fake]))
        score_real, score_fake = judged.realness.chunk(2)
        expression = losses.expression_error(judged.expression[: len(real)], batch["source_expression"])
        wasserstein = score_fake.mean() - score_real.mean()
        total = config.adversarial_weight * wasserstein + config.expression_weight * expression
        return Loss(total, {"d_wasserstein": wasserstein, "d_expression": expression})

    def d_penalty(self, batch: Batch, fake: Tensor) -> Loss:
        slope = partial(critic_slope, self.discriminator)
        penalty = losses.gradient_penalty(slope, batch["source"], fake, batch["mix"])
        return Loss(self.config.gradient_penalty * penalty, {"d_penalty": penalty})

    def g_main(self, batch: Batch, output: SARGANOutput, step: int) -> Loss:
        config = self.config
        total, parts = output.sample.new_zeros(()), {}
        if self.adversary_teaches(step):
            judged = self.discriminator(output.sample)
            adversarial = -judged.realness.mean()
            expression = losses.expression_error(judged.expression, batch["target_expression"])
            total = config.adversarial_weight * adversarial + config.expression_weight * expression
            parts = {"g_adversarial": adversarial, "g_expression": expression}
        parts["g_cycle"] = self._cycle_error(batch, output.sample).mean()
        total = total + config.cycle_weight * parts["g_cycle"]
        if config.paired_weight and _on_host(batch).any():
            paired, more = self._paired_error(batch, output)
            total, parts = total + paired.mean(), parts | more
        return Loss(total, parts)


class FastObjective(Objective):
    """One discriminator step for each of the generator: logistic loss with lazy R1 (StyleGAN2, arXiv 1912.04958).

    Paired samples learn from the true picture and motion; unpaired ones from the cycle and the expression head. The
    discriminator sees each picture beside the one that was edited; beside nothing, where a sample has no truth.
    """

    conditional = True
    penalty_interval: ClassVar[int] = 8

    def d_main(self, batch: Batch, fake: Tensor, step: int) -> Loss:
        config, original = self.config, self._original(batch)
        # The truth shows the expression asked for, and what real pixels look like under this augmentation.
        real = batch["target"]
        label = torch.where(batch["paired"] > 0, batch["target_expression"], batch["source_expression"])
        with_penalty = step % self.penalty_interval == 0 and config.gradient_penalty > 0
        if with_penalty:
            real = real.detach().requires_grad_(True)
        judged_real, judged_fake = self.discriminator(real, original), self.discriminator(fake, original)
        focus = self._focus(batch, judged_real.realness)
        adversarial = F.softplus(-judged_real.realness) + F.softplus(judged_fake.realness)
        adversarial = (focus * adversarial).mean()
        expression = losses.expression_error(judged_real.expression, label)
        total = config.adversarial_weight * adversarial + config.expression_weight * expression
        parts = {"d_adversarial": adversarial, "d_expression": expression}
        if with_penalty:  # shares the pass over the real pictures
            parts["d_penalty"] = losses.r1_penalty(judged_real.realness.mean(dim=(1, 2, 3)), real)
            total = total + 0.5 * config.gradient_penalty * self.penalty_interval * parts["d_penalty"]
        return Loss(total, parts)

    def g_main(self, batch: Batch, output: SARGANOutput, step: int) -> Loss:
        config, unpaired = self.config, 1 - batch["paired"]
        total, parts = output.sample.new_zeros(()), {}
        if _on_host(batch).any():
            paired, parts = self._paired_error(batch, output)
            total = total + paired.mean()
        if (_on_host(batch) < 1).any():
            parts["g_cycle"] = (self._cycle_error(batch, output.sample) * unpaired).mean()
            total = total + config.paired_weight * config.cycle_weight * parts["g_cycle"]
        if self.adversary_teaches(step):
            judged, more = self._judge(batch, output.sample)
            total, parts = total + judged, parts | more
        return Loss(total, parts)

    def _judge(self, batch: Batch, sample: Tensor) -> Loss:
        """What the discriminator makes of an edit: how real, which expression, how far from what it sees in the truth."""
        config, original = self.config, self._original(batch)
        judged = self.discriminator(sample, original)
        parts = {
            "g_adversarial": (self._focus(batch, judged.realness) * F.softplus(-judged.realness)).mean(),
            "g_expression": losses.expression_error(judged.expression, batch["target_expression"]),
        }
        total = config.adversarial_weight * parts["g_adversarial"] + config.expression_weight * parts["g_expression"]
        if config.feature_weight and _on_host(batch).any():
            with torch.no_grad():
                truth = self.discriminator(batch["target"], original).features
            distance = losses.feature_distance(judged.features, truth) * batch["paired"]
            parts["g_features"] = distance.mean()
            total = total + config.feature_weight * parts["g_features"]
        return Loss(total, parts)

    def _focus(self, batch: Batch, realness: Tensor) -> Tensor:
        """[B, 1, h, w], mean 1: how much each patch of `realness` counts.

        About 90 % of the patches do not change with the expression. Without weights they would drown the few that show the
        mouth.
        """
        weight = losses.change_weight(batch["source"], batch["target"], self.config.adversarial_focus)
        height, width = realness.shape[-2:]
        return F.adaptive_avg_pool2d(weight, (height, width))

    @staticmethod
    def _original(batch: Batch) -> Tensor:
        return batch["source"] * batch["paired"][:, None, None, None]
