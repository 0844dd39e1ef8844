"""How much faster training is than the loop it re-states, and than the paper's settings.

    python benchmarks/training_speed.py                     # everything, two threads
    python benchmarks/training_speed.py --only paper --rounds 3
    python benchmarks/training_speed.py --device cuda --batch-size 32   # real batches: images/s, busy, waiting

1. `paper`: one critic cycle (five D steps, one G step) of the trainer against a straight re-statement of the reference
   loop: fp32, contiguous memory, G run with gradients inside D's step, separate forwards of D for real, fake and mixed
   pictures. The two start from the same weights and see the same batches: their losses must agree to 1e-4 over five D
   steps and the G step after them. In float32 rounding grows from step to step (Adam's first steps take the sign of
   gradients that are rounding errors), so the agreement is also told in float64, which leaves the arithmetic alone.
   Peak memory is that of the process beyond what it had before the first step, each side in a process of its own.
2. `fast`: generator steps per second of the fast objective, full and half width, over those of the paper objective at the
   paper's size.
3. `precision` (only when asked for): the same objective in bf16 over float32. On a CPU it pays with AVX-512 BF16 or AMX alone.

Time is the processor's, so that another load on the machine does not count; sides take turns within a round, and the
medians of the rounds' ratios are printed.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from _timing import median_ratio, side_by_side
from accelerate import Accelerator
from torch import nn
from training_device import measure_device

from sargan_hf import SARGAN
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.modeling_layers import InstanceNorm
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.config_fields import PRESETS
from sargan_hf.training.setup_networks import build_discriminator, build_generator
from sargan_hf.training.trainer import Trainer, to_device

CRITIC_STEPS = 5
STEPS = 8  # of the fast objective in a round


def random_batches(count: int, batch_size: int, side: int, paired: bool) -> list[dict[str, torch.Tensor]]:
    """Batches as the loader makes them, of noise: convolutions take as long for it as for faces."""
    random = torch.Generator().manual_seed(0)

    def batch() -> dict[str, torch.Tensor]:
        source = torch.rand(batch_size, 3, side, side, generator=random) * 2 - 1
        labels = torch.randint(len(EXPRESSIONS), (2, batch_size), generator=random)
        target = (source + 0.1 * torch.randn(source.shape, generator=random)) if paired else source
        return {
            "source": source,
            "target": target,
            "source_expression": labels[0],
            "target_expression": labels[1],
            "paired": torch.full((batch_size,), float(paired)),
            "motion": torch.zeros(batch_size, 2, side, side),
            "motion_valid": torch.ones(batch_size, 1, side, side),
            "mix": torch.rand(batch_size, 1, 1, 1, generator=random),
        }

    return [batch() for _ in range(count)]


def settings(objective: str, **changes) -> TrainingConfig:
    return TrainingConfig(**PRESETS[objective] | {"objective": objective, "report_to": "none"} | changes)


def make_trainer(config: TrainingConfig) -> Trainer:
    torch.manual_seed(0)
    trainer = Trainer(
        config, Accelerator(cpu=True, mixed_precision=config.mixed_precision), SimpleNamespace(expressions=EXPRESSIONS)
    )
    paint(trainer.generator)
    return trainer


def paint(generator: SARGAN) -> None:
    """Training starts from the identity; losses are compared with a generator that does something."""
    random = torch.Generator().manual_seed(1)
    weight = generator.conv_out.weight
    weight.data.copy_(torch.randn(weight.shape, generator=random) * 0.05)


def with_plain_norms(generator: SARGAN) -> SARGAN:
    """The norm of the reference: PyTorch's own."""
    for module in generator.modules():
        if isinstance(module, InstanceNorm):
            module.forward = partial(nn.InstanceNorm2d.forward, module)
    return generator


class ReferenceLoop:
    """The reference's training loop, written down straight: one update at a time, nothing shared between its parts."""

    def __init__(self, config: TrainingConfig):
        torch.manual_seed(0)
        self.config, self.step = config, 0
        self.generator = with_plain_norms(build_generator(config, EXPRESSIONS)).train()
        paint(self.generator)
        self.discriminator = build_discriminator(config, EXPRESSIONS).train()
        betas = (config.adam_beta1, config.adam_beta2)
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), config.learning_rate, betas)
        self.discriminator_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), config.discriminator_learning_rate, betas
        )

    def edit(self, pictures: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        return self.generator(pictures, F.one_hot(expression, len(EXPRESSIONS)).to(pictures.dtype)).sample

    def update(self, batch: dict[str, torch.Tensor]) -> dict[str, float]:
        losses = self._discriminator_step(batch)
        if (self.step + 1) % self.config.critic_steps == 0:
            losses |= self._generator_step(batch)
        self.step += 1
        return losses

    def _discriminator_step(self, batch: dict[str, torch.Tensor]) -> dict[str, float]:
        real = batch["source"]
        judged = self.discriminator(real)
        loss_real = -judged.realness.mean()
        expression = F.cross_entropy(judged.expression, batch["source_expression"])
        fake = self.edit(real, batch["target_expression"])  # with gradients that nobody asks for
        loss_fake = self.discriminator(fake.detach()).realness.mean()
        mixed = (batch["mix"] * real + (1 - batch["mix"]) * fake.detach()).requires_grad_(True)
        score = self.discriminator(mixed).realness
        (slope,) = torch.autograd.grad(score, mixed, torch.ones_like(score), retain_graph=True, create_graph=True)
        penalty = ((slope.flatten(1).square().sum(dim=1).sqrt() - 1) ** 2).mean()
        loss = loss_real + loss_fake + self.config.expression_weight * expression
        loss = loss + self.config.gradient_penalty * penalty
        self._zero()
        loss.backward()
        self.discriminator_optimizer.step()
        wasserstein = (loss_real + loss_fake).item()
        return {"d_wasserstein": wasserstein, "d_expression": expression.item(), "d_penalty": penalty.item()}

    def _generator_step(self, batch: dict[str, torch.Tensor]) -> dict[str, float]:
        fake = self.edit(batch["source"], batch["target_expression"])
        judged = self.discriminator(fake)
        adversarial = -judged.realness.mean()
        expression = F.cross_entropy(judged.expression, batch["target_expression"])
        cycle = (self.edit(fake, batch["source_expression"]) - batch["source"]).abs().mean()
        self._zero()
        (adversarial + self.config.expression_weight * expression + self.config.cycle_weight * cycle).backward()
        self.generator_optimizer.step()
        return {"g_adversarial": adversarial.item(), "g_expression": expression.item(), "g_cycle": cycle.item()}

    def _zero(self) -> None:
        self.generator_optimizer.zero_grad()
        self.discriminator_optimizer.zero_grad()


def paper_sides(given: argparse.Namespace) -> dict[str, Callable[[], list[dict[str, float]]]]:
    """One critic cycle of either side; each returns the losses of its steps."""
    config = settings("paper", train_batch_size=given.batch_size, resolution=given.resolution)
    batches = random_batches(CRITIC_STEPS, given.batch_size, given.resolution, paired=False)

    def ours() -> Callable:
        trainer = make_trainer(config)
        ready = [to_device(batch, torch.device("cpu")) for batch in batches]
        return lambda: [
            {k: v.item() for k, v in trainer.update([batch], step).items()} for step, batch in enumerate(ready)
        ]

    def reference() -> Callable:
        loop = ReferenceLoop(config)
        return lambda: [loop.update(batch) for batch in batches]

    return {"ours": ours, "reference": reference}


def measure_paper(given: argparse.Namespace) -> None:
    """Prints the agreement of losses, the speed ratio and the memory ratio."""
    # First, while this process is small: Linux starts a child's record of its peak at its parent's size.
    memory = {name: asked_of_another("--memory-of", name, given) for name in ("ours", "reference")}
    share = memory["ours"] / memory["reference"]
    print(f"paper: peak memory {memory['ours']:.0f} of {memory['reference']:.0f} MB, {share:.3f} x", flush=True)
    double = asked_of_another("--agreement", "float64", argparse.Namespace(**vars(given) | {"batch_size": 2}))
    cycles = {name: make() for name, make in paper_sides(given).items()}
    single = apart({name: cycle() for name, cycle in cycles.items()})  # warms up as well
    seconds = side_by_side(cycles, given.rounds, time.process_time, warm_up=0)
    ratio = median_ratio(seconds, "reference", "ours")
    speed = CRITIC_STEPS * given.batch_size / statistics.median(seconds["ours"])
    print(f"paper: losses of {CRITIC_STEPS} D steps and a G step differ by at most", flush=True)
    print(f"paper: {double:.1e} in float64 (batch 2), {single:.1e} in float32", flush=True)
    print(f"paper: {speed:.2f} images per CPU second, {ratio:.2f} x the reference loop", flush=True)


def apart(losses: dict[str, list[dict[str, float]]]) -> float:
    """Largest difference of the two sides' losses."""
    return max(abs(a[name] - b[name]) for a, b in zip(*losses.values(), strict=True) for name in b)


def asked_of_another(flag: str, value: str, given: argparse.Namespace) -> float:
    """The number that a process of its own finds."""
    command = [sys.executable, __file__, flag, value, "--threads", str(given.threads)]
    command += ["--batch-size", str(given.batch_size), "--resolution", str(given.resolution)]
    # glibc keeps freed blocks by default, and how many is chance; give them back, on both sides.
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "65536"}
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return json.loads(output.splitlines()[-1])


def print_memory(given: argparse.Namespace) -> None:
    """MB at most during a critic cycle, beyond what libraries and pictures take."""
    make = paper_sides(given)[given.memory_of]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    make()()
    print(json.dumps((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def print_agreement(given: argparse.Namespace) -> None:
    """How far the losses of the first cycle are apart, in the precision given."""
    torch.set_default_dtype(getattr(torch, given.agreement))
    print(json.dumps(apart({name: make()() for name, make in paper_sides(given).items()})))


def measure_fast(given: argparse.Namespace) -> None:
    """Prints generator steps/s of the fast objective over the paper's, for both widths."""
    batches = random_batches(1, given.batch_size, given.resolution, paired=True)
    ready = to_device(batches[0], torch.device("cpu"))
    shared = {"train_batch_size": given.batch_size, "resolution": given.resolution}
    fast = {
        f"{width} channels": make_trainer(settings("fast", motion=True, base_channels=width, **shared))
        for width in (64, 32)
    }
    contenders: dict[str, Callable] = {"paper": paper_sides(given)["ours"]()}
    for name, trainer in fast.items():
        # Eight steps: one of them has the lazy penalty.
        contenders[name] = lambda trainer=trainer: [trainer.update([ready], step) for step in range(STEPS)]
    seconds = side_by_side(contenders, given.rounds, time.process_time, warm_up=1)
    for name in fast:
        speed, ratio = STEPS / statistics.median(seconds[name]), STEPS * median_ratio(seconds, "paper", name)
        print(f"fast, {name}: {speed:.2f} generator steps per CPU second, {ratio:.1f} x the paper objective's")


def measure_precision(given: argparse.Namespace) -> None:
    """Prints how much faster a step is in bf16; a process has one precision, so each measurement has its own."""
    seconds: dict[str, list[float]] = {"no": [], "bf16": []}
    for _ in range(given.rounds):
        for kind, taken in seconds.items():
            taken.append(asked_of_another("--precision-of", kind, given))
    step, ratio = statistics.median(seconds["bf16"]), median_ratio(seconds, "no", "bf16")
    print(f"fast in bf16: {step:.2f} CPU seconds a step, {ratio:.2f} x as fast as float32")


def print_step_seconds(given: argparse.Namespace) -> None:
    """CPU seconds of one step of the fast objective in a precision, without adversary, median of `STEPS`."""
    batch = to_device(random_batches(1, given.batch_size, given.resolution, paired=True)[0], torch.device("cpu"))
    changes = {"adversarial_weight": 0.0, "expression_weight": 0.0, "mixed_precision": given.precision_of}
    trainer = make_trainer(
        settings("fast", motion=True, train_batch_size=given.batch_size, resolution=given.resolution, **changes)
    )
    taken = side_by_side({"step": lambda: trainer.update([batch], 1)}, STEPS, time.process_time, warm_up=1)
    print(json.dumps(statistics.median(taken["step"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("paper", "fast", "precision"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of", choices=("ours", "reference"), help=argparse.SUPPRESS)
    parser.add_argument("--agreement", choices=("float32", "float64"), help=argparse.SUPPRESS)
    parser.add_argument("--precision-of", choices=("no", "bf16"), help=argparse.SUPPRESS)
    device = parser.add_argument_group("a device", "real batches instead of random ones; see training_device.py")
    device.add_argument("--device", choices=("cpu", "cuda"), help="print images/s, busy share and loader wait")
    device.add_argument("--steps", type=int, default=100)
    device.add_argument("--workers", type=int, default=8)
    device.add_argument("--people", type=int, default=40)
    device.add_argument("--base-channels", type=int, default=64)
    device.add_argument("--mixed-precision", choices=("no", "bf16"), default="no")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.device:
        measure_device(given)
        return
    if given.memory_of:
        print_memory(given)
        return
    if given.agreement:
        print_agreement(given)
        return
    if given.precision_of:
        print_step_seconds(given)
        return
    print(f"batch {given.batch_size}, {given.resolution} x {given.resolution}, {given.threads} threads")
    if given.only in (None, "paper"):
        measure_paper(given)
    if given.only in (None, "fast"):
        measure_fast(given)
    if given.only == "precision":
        measure_precision(given)


if __name__ == "__main__":
    main()
