"""Speed of the rig on one core, by phase, and how well the fits are.

    OMP_NUM_THREADS=1 python benchmarks/rig_speed.py PORTRAITS [--size 160] [--people 20] [--no-landmark-files]

Prints CPU seconds (median over people) for reading, landmarks, fit with correction, staging (crop, normals, textures) and each
rendered picture, and the residuals of the fits in percent of the inter-ocular distance. The first person is not counted: numba
compiles on it.
"""

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import typer
from _timing import timed

from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.model import load_face_model
from sargan_hf.rig.portraits.reader import PortraitReader, find_portraits, fit_portrait, read_picture
from sargan_hf.rig.rendering.render import render_set
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import RenderOptions, Variation


def main(
    portraits: list[Path],
    size: int = 160,
    people: int = 20,
    landmark_files: bool = True,
    motion: bool = False,
    model: Path | None = None,
) -> None:
    """Measures and prints."""
    cv2.setNumThreads(1)
    face_model, reader = load_face_model(model), PortraitReader()
    paths = find_portraits(portraits)
    paths = paths[:: max(1, len(paths) // (people + 1))][: people + 1]
    seconds, residuals, refused = defaultdict(list), [], []
    for number, path in enumerate(paths):
        try:
            spent, residual = measure(path, reader, face_model, size, landmark_files, motion)
        except RigError as error:
            refused.append(f"{path.name}: {error}")
            continue
        residuals.append((residual.mean, residual.maximum))
        if number:
            for phase, value in spent.items():
                seconds[phase].append(value)
    for phase, values in seconds.items():
        print(f"{phase:28s} {np.median(values):.3f} s  (90 %: {np.percentile(values, 90):.3f})")
    mean, worst = np.array(residuals).T
    print(f"residual: mean {mean.mean():.2f} %, largest mean {mean.max():.2f} %, largest single {worst.max():.1f} %")
    print(f"{len(residuals)} fitted, {len(refused)} refused", *refused, sep="\n  ")


def measure(path, reader, face_model, size, landmark_files, motion):
    """CPU seconds of each phase for one person, and the fit's residual."""
    spent: dict[str, float] = {}
    with timed(spent, "read, find landmarks"):
        portrait = reader.read(path) if landmark_files else reader.find(read_picture(path), path.stem)
    with timed(spent, "fit and correction"):
        face = fit_portrait(face_model, portrait)
    with timed(spent, "staging, per set"):
        Stage(face, face_model, Variation(), size)
    options = RenderOptions(motion=motion)
    with timed(spent, "picture, staging included"):
        pictures = render_set(face, face_model, seed=0, size=size, options=options)
    spent["picture, staging included"] /= len(pictures)
    return spent, face.residual


if __name__ == "__main__":
    typer.run(main)
