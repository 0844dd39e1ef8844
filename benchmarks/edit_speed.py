"""Time of one edit, detection to finished array, beside the generator's own forward pass, and how it grows.

    python benchmarks/edit_speed.py [--model weights/sargan-motion-128] [--threads 2] [--repeats 20] [--processor-time]

Prints, as medians of one run: the eager forward pass of the published network as its authors run it (64 channels, train mode,
contiguous), one edit of a 1,024 x 1,024 portrait, of the same face in a 12-megapixel picture, and of the portrait enlarged
to 12 megapixels, each stage on its own. On a machine that others use, `--threads 1 --processor-time` counts what the process
itself computed; with more threads that would count their waiting for each other too.
"""

import argparse
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import torch
from _timing import clock, median_seconds
from skimage import data

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.editing.session import plan_output
from sargan_hf.images import load_image
from sargan_hf.images.normalize import to_tensor
from sargan_hf.inference import match_strength
from sargan_hf.inference.protocol import typical_motion_of

Stopwatch = Callable[[Callable[[], object]], float]


def reference_forward(seconds: Stopwatch) -> float:
    """The published network on one 128 x 128 face, as its authors run it."""
    torch.manual_seed(0)
    model, crop, expression = SARGAN().train(), torch.rand(1, 3, 128, 128) * 2 - 1, torch.eye(7)[3:4]
    with torch.no_grad():
        return seconds(lambda: model(crop, expression))


def stages(pipe: SARGANPipeline, array: np.ndarray, seconds: Stopwatch) -> dict[str, float]:
    """Median time of every stage of one edit."""
    image = load_image(array)
    done = pipe.open(image)
    faces = done.find_faces()
    wanted = done.requests("happy", len(faces))
    done.compose(faces, wanted)
    aligned, [output] = done.align(faces[0]), done.outputs(faces, wanted)
    crops, conditions = to_tensor(aligned.crop)[None], output.expression
    return {
        "find": seconds(lambda: pipe.open(image).find_faces()),
        "align": seconds(lambda: pipe.open(image).align(faces[0])),
        "generate": seconds(
            lambda: match_strength(pipe.generator(crops, conditions), typical_motion_of(pipe.generator))
        ),
        "plan": seconds(lambda: plan_output(aligned.crop, output, wanted[0])),
        "compose": seconds(lambda: done.compose(faces, wanted)),
        "whole call": seconds(lambda: np.asarray(pipe(array, "happy").images[0])),
    }


def portraits() -> dict[str, np.ndarray]:
    """The same portrait as one megapixel, inside a larger picture, and enlarged."""
    one = cv2.resize(data.astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    around = cv2.copyMakeBorder(one, 800, 1200, 1200, 1800, cv2.BORDER_REFLECT_101)[:3000, :4000]
    around[:800], around[1824:], around[:, :1200], around[:, 2224:] = 120, 120, 120, 120
    enlarged = cv2.resize(one, (3464, 3464), interpolation=cv2.INTER_CUBIC)
    return {"1 MP": one, "12 MP, same face": around, "12 MP, enlarged face": enlarged}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="weights/sargan-motion-128")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--processor-time", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    pipe = SARGANPipeline.from_pretrained(arguments.model)
    seconds = partial(median_seconds, repeats=arguments.repeats, clock=clock(arguments.processor_time))
    reference = reference_forward(seconds)
    print(f"reference forward pass, eager: {reference * 1000:.1f} ms")
    first = None
    for name, array in portraits().items():
        times = stages(pipe, array, seconds)
        whole = times["whole call"]
        first = first or whole
        print(f"{name}: " + ", ".join(f"{stage} {time * 1000:.1f}" for stage, time in times.items()) + " ms")
        print(f"    {whole / reference:.2f} x the reference forward, {whole / first:.2f} x the 1 MP edit")


if __name__ == "__main__":
    main()
