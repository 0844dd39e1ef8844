"""From typing `sargan edit` on one picture to the saved file: a fresh process each time.

    python benchmarks/edit_cold_start.py [--model weights/sargan-motion-128] [--rounds 5] [--onnx]

`--onnx` exports the model to a temporary folder first and times `--backend onnx` too. Every round starts each contender once,
so that all meet the same load of the machine; `import torch` alone and an empty Python are there to compare with.
Processor seconds (of all threads) say what a busy machine hides.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from _timing import seconds_of
from PIL import Image
from skimage import data


def started(arguments: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a Python process, which must succeed."""
    before = os.times()
    run = partial(subprocess.run, [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = seconds_of(run, time.perf_counter), os.times()
    children = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return wall, children


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="weights/sargan-motion-128")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--onnx", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        portrait = Path(folder, "portrait.jpg")
        Image.fromarray(data.astronaut()).save(portrait, quality=92)
        edit = ["-m", "sargan_hf.cli", "edit", str(portrait)]
        contenders = {
            "python": ["-c", ""],
            "import torch": ["-c", "import torch"],
            "sargan edit": [*edit, "--model", arguments.model],
        }
        if arguments.onnx:
            subprocess.run([sys.executable, "-m", "sargan_hf.cli", "export", arguments.model, folder], check=True)
            contenders["sargan edit --backend onnx"] = [*edit, "--model", folder, "--backend", "onnx"]
        times = {name: [] for name in contenders}
        for number in range(arguments.rounds + 1):  # the first round brings the files into the page cache
            for name, command in contenders.items():
                output = ["--output", str(Path(folder, f"{name} {number}"))] if "edit" in name else []
                times[name].append(started(command + output))
    for name, rounds in times.items():
        walls, processor = zip(*rounds[1:], strict=True)
        print(
            f"{name:27s} {statistics.median(walls):.2f} s (best {min(walls):.2f} s), "
            f"processor {statistics.median(processor):.2f} s"
        )


if __name__ == "__main__":
    main()
