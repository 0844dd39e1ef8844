"""Leaves the facial controls out of a trained model: its edits by expressions stay the same.

    python release/without_controls.py MODEL OUT

For a run that learned its expressions, and too little of its controls to show sliders for them.
"""

import argparse
from pathlib import Path

from folders import save_like

from sargan_hf import SARGAN


def without_controls(model: SARGAN) -> SARGAN:
    """The generator without controls; where all of these are 0, that changes nothing."""
    settings = {name: value for name, value in model.config.items() if not name.startswith("_")}
    plain = SARGAN(**settings | {"controls": None})
    plain.load_state_dict({name: weight for name, weight in model.state_dict().items() if name in plain.state_dict()})
    return plain.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("out", type=Path, help="folder of the one without; must not exist yet")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder.")
    save_like(without_controls(SARGAN.from_pretrained(given.model)), given.model, given.out)


if __name__ == "__main__":
    main()
