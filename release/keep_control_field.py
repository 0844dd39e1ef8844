"""Gives a model the mean motion of controls that another one has.

    python release/keep_control_field.py MODEL FITTED OUT

In a few hundred steps of training, the fitted fields of `fit_controls.py` drift: more moves beside what a control names.
"""

import argparse
from pathlib import Path

from folders import rebuilt, save_like

from sargan_hf import SARGAN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("fitted", type=Path, help="folder of the model with the fields")
    parser.add_argument("out", type=Path, help="folder to write; must not exist yet")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder.")
    fields = SARGAN.from_pretrained(given.fitted).control_field
    if fields is None:
        parser.error(f"{given.fitted} has no facial controls with motion.")
    weights = {f"control_field.{name}": weight for name, weight in fields.state_dict().items()}
    save_like(rebuilt(SARGAN.from_pretrained(given.model), weights), given.model, given.out)


if __name__ == "__main__":
    main()
