"""What the ONNX variants cost in accuracy on real faces, and what they save.

    python benchmarks/onnx_error.py [--model weights/sargan-motion-128] [PICTURE...]

Exports the model to a temporary folder, edits every face in every expression with torch and with each file, and prints the
file's size, the difference of the edited crop (in levels of 255; PSNR against torch's), that of the motion in pixels of the
crop, and the time of one pass beside torch's. Without pictures, scikit-image's astronaut and matplotlib's Grace Hopper.
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.cbook
import numpy as np
from _timing import seconds_of
from skimage import data

from sargan_hf import SARGANPipeline
from sargan_hf.hub import load_model
from sargan_hf.images.normalize import channels_last, to_tensor
from sargan_hf.images.warp import NormalizedFlow, to_crop_pixels, warp_field
from sargan_hf.inference.onnx_backend import FILES, ONNXGenerator
from sargan_hf.inference.onnx_export import export_onnx
from sargan_hf.inference.protocol import Generator, GeneratorOutput


def face_inputs(pipe: SARGANPipeline, sources: list) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crop [1, 3, S, S] and condition [1, n] of every face in every expression."""
    inputs = []
    for source in sources:
        session = pipe.open(source)
        [face] = session.find_faces()
        crop = to_tensor(session.align(face).crop)[None]
        inputs += [(crop, condition[None]) for condition in np.eye(len(pipe.generator.expressions), dtype=np.float32)]
    return inputs


def timed(generator: Generator, inputs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[GeneratorOutput], float]:
    """All edits, and the processor time of the fastest, which other programs disturb least."""
    generator(*inputs[0])
    edits, times = [], []
    for crop, condition in inputs:
        times.append(seconds_of(lambda crop=crop, condition=condition: edits.append(generator(crop, condition))))
    return edits, min(times)


def edited(crop: np.ndarray, edit: GeneratorOutput) -> np.ndarray:
    """The crop as the edit makes it, in levels from 0 to 255: [S, S, 3]."""
    picture = channels_last(crop[0])
    if edit.motion is not None:
        flow = to_crop_pixels(NormalizedFlow(channels_last(edit.motion[0])), crop.shape[-1])
        picture = warp_field(picture, flow)
    return (np.clip(picture + channels_last(edit.residual[0]), -1, 1) + 1) * 127.5


def report(inputs: list, expected: list[GeneratorOutput], edits: list[GeneratorOutput]) -> str:
    """Largest and mean difference, PSNR, and the largest difference of motion."""
    pairs = [(edited(crop, a), edited(crop, b)) for (crop, _), a, b in zip(inputs, expected, edits, strict=True)]
    difference = np.abs(np.stack([a - b for a, b in pairs]))
    text = f"levels: largest {difference.max():.2f}, mean {difference.mean():.3f}; "
    text += f"PSNR {10 * np.log10(255**2 / np.square(difference).mean()):.1f} dB"
    if expected[0].motion is not None:
        scale = inputs[0][0].shape[-1] / 2
        motion = max(np.abs(a.motion - b.motion).max() for a, b in zip(expected, edits, strict=True))
        text += f"; motion: largest {motion * scale:.3f} pixels"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("--model", default="weights/sargan-motion-128")
    arguments = parser.parse_args()
    hopper = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    pipe = SARGANPipeline.from_pretrained(arguments.model)
    inputs = face_inputs(pipe, arguments.pictures or [data.astronaut(), hopper])
    expected, torch_seconds = timed(pipe.generator, inputs)
    print(f"{len(inputs)} edits; torch {torch_seconds * 1000:.0f} ms of processor time each")
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(load_model(arguments.model), Path(folder))
        for dtype, name in FILES.items():
            edits, seconds = timed(ONNXGenerator.from_pretrained(folder, dtype=dtype, threads=1), inputs)
            size = Path(folder, "onnx", name).stat().st_size / 1e6
            ratio = seconds / torch_seconds
            print(f"{dtype:5s} {size:.1f} MB, {ratio:.2f} x torch's time; {report(inputs, expected, edits)}")


if __name__ == "__main__":
    main()
