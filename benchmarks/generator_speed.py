"""Bare generator: this project's, against the reference implementation's eager module, side by side.

    python benchmarks/generator_speed.py [--batch-sizes 1 8] [--size 128] [--threads 2] [--rounds 15]
        [--processor-time]

Every round runs each contender once, so that all meet the same load of the machine; printed are the median over the
rounds of the time, and of the ratio to the reference within a round. Results must agree to 1e-4.
On a machine that others use, `--threads 1 --processor-time` counts what the process itself computed.

`ReferenceGenerator` restates the arithmetic of the reference (arXiv 2303.17212) the way it ships: eager, float32,
contiguous, in training mode, with running statistics tracked in the instance norms of the trunk.
"""

import argparse
import statistics

import torch
import torch.nn.functional as F
from _timing import Clock, clock, median_ratio, side_by_side
from torch import Tensor, nn

from sargan_hf import SARGAN
from sargan_hf.convert import from_reference_state_dict
from sargan_hf.inference.cpu_generator import FastGenerator


class ReferenceConv(nn.Module):
    """Reflection padding, convolution, instance norm and activation as modules of their own; may up-sample first."""

    def __init__(self, wide: int, narrow: int, stride: int = 1, scale: int = 1, norm: bool = True, relu: bool = True):
        super().__init__()
        self.scale = scale
        self.pad = nn.ReflectionPad2d(1)
        self.conv2d = nn.Conv2d(wide, narrow, 3, stride, bias=not norm)
        self.norm = nn.ModuleDict({"norm": nn.InstanceNorm2d(narrow, affine=True)}) if norm else None
        self.relu = nn.ReLU(inplace=True) if relu else None

    def forward(self, hidden: Tensor) -> Tensor:
        if self.scale > 1:
            hidden = F.interpolate(hidden, scale_factor=self.scale, mode="nearest")
        hidden = self.conv2d(self.pad(hidden))
        hidden = self.norm["norm"](hidden) if self.norm else hidden
        return self.relu(hidden) if self.relu else hidden


class ReferenceAttention(nn.Module):
    def __init__(self, wide: int, narrow: int = 64):
        super().__init__()
        self.b1_2 = ReferenceConv(wide, narrow)
        self.b2_2 = ReferenceConv(wide, narrow, stride=2)
        self.b1_1 = ReferenceConv(narrow, narrow)
        self.b2_1 = ReferenceConv(narrow, narrow, stride=2)
        self.b2_plus_1 = ReferenceConv(narrow, narrow)
        self.b3_1 = ReferenceConv(narrow, narrow, scale=2)
        self.b3_2 = ReferenceConv(narrow, narrow, scale=2)
        self.out_block = nn.Sequential(ReferenceConv(narrow, 1, norm=False, relu=False), nn.Sigmoid())

    def forward(self, change: Tensor) -> Tensor:
        outer = self.b2_2(change)
        inner = self.b1_1(outer) + self.b3_1(self.b2_plus_1(self.b2_1(outer)))
        return change * self.out_block(self.b1_2(change) + self.b3_2(inner))


class ReferenceBlock(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = ReferenceConv(channels, channels)
        self.conv2 = ReferenceConv(channels, channels, relu=False)
        self.att_func = ReferenceAttention(channels)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.att_func(self.conv2(self.conv1(hidden)))


class ReferenceGenerator(nn.Module):
    """Its `state_dict()` has the names of a reference checkpoint."""

    def __init__(self, width: int = 64, expressions: int = 7):
        super().__init__()

        def normed(conv: nn.Module) -> list[nn.Module]:
            norm = nn.InstanceNorm2d(conv.out_channels, affine=True, track_running_stats=True)
            return [conv, norm, nn.ReLU(inplace=True)]

        self.main = nn.Sequential(
            *normed(nn.Conv2d(3 + expressions, width, 7, padding=3, bias=False)),
            *normed(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False)),
            *normed(nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False)),
            ReferenceBlock(4 * width),
            *normed(nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False)),
            *normed(nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False)),
            nn.Conv2d(width, 3, 7, padding=3, bias=False),
            nn.Tanh(),
        )

    def forward(self, picture: Tensor, expression: Tensor) -> Tensor:
        planes = expression[:, :, None, None].repeat(1, 1, *picture.shape[2:])
        return picture + self.main(torch.cat([picture, planes], dim=1))


@torch.inference_mode()
def compare(
    reference: ReferenceGenerator, model: SARGAN, batch_size: int, size: int, rounds: int, clock: Clock
) -> None:
    """Prints times, ratios and the largest difference from the reference at one batch size."""
    fast = FastGenerator(model)
    generator = torch.Generator().manual_seed(batch_size)
    pictures = torch.rand(batch_size, 3, size, size, generator=generator) * 2 - 1
    expression = F.one_hot(torch.arange(batch_size) % 7, 7).float()
    contenders = {
        "reference": lambda: reference(pictures, expression),
        "SARGAN": lambda: model(pictures, expression).sample,
        "FastGenerator": lambda: fast(pictures, expression).sample,
    }
    wanted = contenders["reference"]()
    seconds = side_by_side(contenders, rounds, clock)
    for name, run in contenders.items():
        ratio = median_ratio(seconds, "reference", name)
        print(
            f"batch {batch_size}  {name:14s} {statistics.median(seconds[name]) * 1e3:8.1f} ms"
            f"  {ratio:5.2f} x  largest difference {(run() - wanted).abs().max():.1e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    reference = ReferenceGenerator().train()
    model = from_reference_state_dict(reference.state_dict())
    for batch_size in options.batch_sizes:
        compare(reference, model, batch_size, options.size, options.rounds, clock(options.processor_time))


if __name__ == "__main__":
    main()
