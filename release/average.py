"""Averages the weights of a model and of the same model trained further (Wortsman et al., arXiv 2109.01903).

    python release/average.py BEFORE AFTER OUT --share 0.3

A network trained further on what is rare in its set learns that and forgets some of the rest; on the straight line between the
two lies one that has most of both. Config and sub-folders are those of BEFORE.
"""

import argparse
from pathlib import Path

import torch
from folders import rebuilt, save_like

from sargan_hf import SARGAN


def average(before: SARGAN, after: SARGAN, share: float) -> SARGAN:
    """A model with (1 - share) of the weights of `before` and `share` of those of `after`.

    Raises:
        ValueError: a share outside of 0 to 1, or networks of different shapes.
    """
    ours, theirs = before.state_dict(), after.state_dict()
    if not 0 <= share <= 1:
        raise ValueError(f"A share between 0 and 1 is needed; got {share}.")
    if {name: w.shape for name, w in ours.items()} != {name: w.shape for name, w in theirs.items()}:
        raise ValueError(
            "The two models have different networks: only a model and its own further training can be averaged."
        )
    mixed = rebuilt(before)
    mixed.load_state_dict({name: torch.lerp(w, theirs[name], share) for name, w in ours.items()})
    return mixed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="folder of the model")
    parser.add_argument("after", type=Path, help="folder of the one trained further")
    parser.add_argument("out", type=Path, help="folder of the average; must not exist yet")
    parser.add_argument("--share", type=float, default=0.3, help="of the one trained further")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder.")
    mixed = average(SARGAN.from_pretrained(given.before), SARGAN.from_pretrained(given.after), given.share)
    save_like(mixed, given.before, given.out)


if __name__ == "__main__":
    main()
