"""Makes a trained model's edits stronger by a factor, without training: its motion reaches further, its residual grows.

    python release/strengthen.py MODEL OUT --factor 1.25 --portraits ../shared/data/portraits

A network trained by its mean error does too little where it is unsure. `benchmarks/motion_strength.py` found the rig's exact
motion 1.14 times as large as that of `sargan-motion-128`, before this, on people trained on.
The motion is `motion_reach * tanh(...)`, so a longer reach scales it exactly; the residual is scaled before its own tanh,
which keeps it within its bounds.

With `--portraits`, how far the stronger model moves the resting faces there, held-out people left out, is written into its
config as `typical_motion`: other kinds of faces are moved as far (`sargan_hf.generators.evened`).
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from sargan_hf import EXPRESSIONS, SARGAN, SARGANPipeline
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.generators import reach_of
from sargan_hf.pictures.opening import open_picture


def strengthen(model: SARGAN, factor: float) -> SARGAN:
    """A copy of `model` whose edits are `factor` times as strong.

    Raises:
        ValueError: a factor that is not above 0, or a model without the ultimate skip, whose output is no change at all.
    """
    if factor <= 0 or not model.config.ultimate_skip:
        raise ValueError(f"A factor above 0 and a model with the ultimate skip are needed; got {factor}.")
    # Built anew, as the config of a loaded model also holds the folder it came from, which is nobody's business.
    settings = {name: value for name, value in model.config.items() if not name.startswith("_")}
    if settings["motion"]:
        settings["motion_reach"] = round(settings["motion_reach"] * factor, 6)
    if settings["typical_motion"]:
        settings["typical_motion"] = [round(length * factor, 4) for length in settings["typical_motion"]]
    stronger = SARGAN(**settings)
    stronger.load_state_dict(model.state_dict())
    with torch.no_grad():
        stronger.conv_out.weight[:3] *= factor
    return stronger.eval()


def typical_motion(model: SARGAN, portraits: str, held_out: float = 0.12) -> list[float]:
    """For each expression the median over resting faces of the root mean square length of the motion.

    Args:
        model: to be measured.
        portraits: labelled pictures, as for `sargan evaluate`.
        held_out: share of the people not to look at, those that `sargan evaluate --held-out` looks at.
    """
    pipeline, names = SARGANPipeline(model), model.config.expressions
    people = split_by_subject(load_expression_dataset(portraits), held_out=held_out)["train"]
    resting = np.flatnonzero(np.array(people["expression"]) == EXPRESSIONS.index("neutral"))
    lengths = []
    for row in resting.tolist():
        picture = open_picture(people[row]["image"])
        face = pipeline.straighten(picture, pipeline.find_faces(picture))
        every = replace(face, crops=np.repeat(face.crops, len(names), axis=0))
        lengths.append(reach_of(pipeline.generate(every, np.eye(len(names), dtype=np.float32)).motion))
    return [round(float(length), 4) for length in np.median(lengths, axis=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("out", type=Path, help="folder of the stronger one; must not exist yet")
    parser.add_argument("--factor", type=float, default=1.25)
    parser.add_argument("--portraits", help="labelled pictures of people, for `typical_motion`; left out: not written")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder, so that no model is strengthened twice.")
    stronger = strengthen(SARGAN.from_pretrained(given.model), given.factor)
    if given.portraits:
        stronger.register_to_config(typical_motion=None)  # what it does by itself is measured
        stronger.register_to_config(typical_motion=typical_motion(stronger, given.portraits))
    stronger.save_pretrained(given.out)
    for extra in ("README.md", "mouth"):
        source = given.model / extra
        if source.is_dir():
            shutil.copytree(source, given.out / extra)
        elif source.exists():
            shutil.copy(source, given.out / extra)


if __name__ == "__main__":
    main()
