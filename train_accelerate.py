"""Trains SARGAN: `accelerate launch train_accelerate.py --train_data_dir DATA --output_dir RUN`.

Runs as plain `python train_accelerate.py` too. `--help` lists every setting; `docs/training.md` explains them.
"""

import sys

from sargan_hf.commands.train import main
from sargan_hf.errors import SARGANError

if __name__ == "__main__":
    try:
        main()
    except SARGANError as error:
        sys.exit(f"error: {error}")
