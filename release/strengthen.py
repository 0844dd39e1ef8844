"""Makes a trained model's edits stronger by a factor, without training.

    python release/strengthen.py MODEL OUT --factor 1.25 --portraits ../shared/data/portraits

A network trained by its mean error does too little where it is unsure. `benchmarks/motion_strength.py` found the rig's exact
motion 1.14 times as large as that of `sargan-motion-128`, before this, on people trained on.

A model with motion keeps its weights: how far it moves the neutral faces of `--portraits`, held-out people left out, times
the factor, is written into its config as `typical_motion`, and the pipeline makes edits of all faces as strong as that
(`sargan_hf.inference.match_strength`). In a model without motion the residual is scaled before its tanh, which keeps it in
bounds.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from folders import rebuilt, save_like

from sargan_hf import EXPRESSIONS, SARGAN, SARGANPipeline
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.images.normalize import to_tensor
from sargan_hf.inference import rms_motion


def strengthen(model: SARGAN, factor: float) -> SARGAN:
    """A copy of a `model` without motion whose residual is `factor` times as strong.

    Raises:
        ValueError: a factor that is not above 0, or a model without the ultimate skip, whose output is no change at all.
    """
    if factor <= 0 or not model.config.ultimate_skip:
        raise ValueError(f"A factor above 0 and a model with the ultimate skip are needed; got {factor}.")
    stronger = rebuilt(model)
    with torch.no_grad():
        stronger.conv_out.weight[:3] *= factor
    return stronger


def typical_motion(model: SARGAN, portraits: str, held_out: float = 0.12) -> list[float]:
    """For each expression the median over neutral faces of the root mean square length of the motion.

    Args:
        model: to be measured.
        portraits: labelled pictures, as for `sargan evaluate`.
        held_out: share of the people not to look at, those that `sargan evaluate --held-out` looks at.
    """
    pipeline, names = SARGANPipeline(model), model.config.expressions
    people = split_by_subject(load_expression_dataset(portraits), held_out=held_out)["train"]
    neutral = np.flatnonzero(np.array(people["expression"]) == EXPRESSIONS.index("neutral"))
    lengths = []
    for row in neutral.tolist():
        session = pipeline.open(people[row]["image"])
        crop = to_tensor(session.align(session.find_faces()[0]).crop)
        every = np.eye(len(names), dtype=np.float32)
        lengths.append(rms_motion(pipeline.generator(np.stack([crop] * len(names)), every).motion))
    return [float(length) for length in np.median(lengths, axis=0)]


def factor_of_each(expressions: Sequence[str], factor: float, others: Sequence[str]) -> list[float]:
    """`factor` for every expression but those that `others` ("sad=1.3") name.

    Raises:
        ValueError: one of `others` names no expression, or no number.
    """
    factors = dict.fromkeys(expressions, factor)
    for text in others:
        name, _, number = text.partition("=")
        if name not in factors:
            raise ValueError(f"{text}: the model's expressions are {', '.join(expressions)}.")
        factors[name] = float(number)
    return list(factors.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("out", type=Path, help="folder of the stronger one; must not exist yet")
    parser.add_argument("--factor", type=float, default=1.25)
    parser.add_argument(
        "--factor-of",
        action="append",
        default=[],
        metavar="EXPRESSION=FACTOR",
        help="another factor for one expression",
    )
    parser.add_argument("--portraits", help="labelled pictures of people, to measure a model with motion on")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder, so that no model is strengthened twice.")
    model = SARGAN.from_pretrained(given.model)
    try:
        factors = factor_of_each(model.config.expressions, given.factor, given.factor_of)
    except ValueError as error:
        parser.error(str(error))
    if model.config.motion:
        if min(factors) < 1:
            parser.error(f"The edits of a model with motion are made stronger, never weaker: not by {min(factors)}.")
        if not given.portraits:
            parser.error("A model with motion is measured on people first: --portraits names their folder.")
        stronger = rebuilt(model)
        stronger.register_to_config(typical_motion=None)  # what it does by itself is measured
        lengths = typical_motion(stronger, given.portraits)
        stronger.register_to_config(
            typical_motion=[round(factor * length, 4) for factor, length in zip(factors, lengths, strict=True)]
        )
    else:
        if given.factor_of:
            parser.error("--factor-of is for models with motion; a residual has one factor.")
        stronger = strengthen(model, given.factor)
    save_like(stronger, given.model, given.out)


if __name__ == "__main__":
    main()
