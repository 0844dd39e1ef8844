"""Gives a model the mean motion of controls that another one has.

    python release/keep_control_field.py MODEL FITTED OUT

In a few hundred steps of training, the fitted fields of `fit_controls.py` drift: more moves beside what a control names.
"""

import argparse
from pathlib import Path

import torch
from folders import rebuilt, save_like

from sargan_hf import SARGAN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("fitted", type=Path, help="folder of the model with the fields")
    parser.add_argument("out", type=Path, help="folder to write; must not exist yet")
    given = parser.parse_args()
    kept = rebuilt(SARGAN.from_pretrained(given.model))
    fields = SARGAN.from_pretrained(given.fitted).control_field
    if kept.control_field is None or fields is None:
        raise SystemExit("Both models need controls and motion.")
    with torch.no_grad():
        kept.control_field.load_state_dict(fields.state_dict())
    save_like(kept, given.model, given.out)


if __name__ == "__main__":
    main()
