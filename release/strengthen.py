"""Makes a trained model's edits stronger by a factor, without training: its motion reaches further, its residual grows.

    python release/strengthen.py MODEL OUT --factor 1.25

A network trained by its mean error does too little where it is unsure. `benchmarks/motion_strength.py` found the rig's exact
motion 1.12 times as large as that of `sargan-motion-128` on people trained on, 1.10 times on people held out.
The motion is `motion_reach * tanh(...)`, so a longer reach scales it exactly; the residual is scaled before its own tanh,
which keeps it within its bounds.
"""

import argparse
import shutil
from pathlib import Path

import torch

from sargan_hf import SARGAN


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
    stronger = SARGAN(**settings)
    stronger.load_state_dict(model.state_dict())
    with torch.no_grad():
        stronger.conv_out.weight[:3] *= factor
    return stronger.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("out", type=Path, help="folder of the stronger one; must not exist yet")
    parser.add_argument("--factor", type=float, default=1.25)
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder, so that no model is strengthened twice.")
    strengthen(SARGAN.from_pretrained(given.model), given.factor).save_pretrained(given.out)
    for extra in ("README.md", "mouth"):
        source = given.model / extra
        if source.is_dir():
            shutil.copytree(source, given.out / extra)
        elif source.exists():
            shutil.copy(source, given.out / extra)


if __name__ == "__main__":
    main()
