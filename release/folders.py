"""What the scripts of this folder share: a model built anew, and a model's folder with what lies beside its weights."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sargan_hf import SARGAN


def rebuilt(model: SARGAN, weights: Mapping[str, Tensor] | None = None, **settings: object) -> SARGAN:
    """Built anew, as the config of a loaded model also holds the folder it came from, which is nobody's business.

    Args:
        weights: that take the place of the model's own of these names.
        settings: likewise, of its config.
    """
    copy = SARGAN(**{name: value for name, value in model.config.items() if not name.startswith("_")} | settings)
    copy.load_state_dict(model.state_dict() | dict(weights or {}))
    return copy.eval()


def save_like(model: SARGAN, original: Path, out: Path) -> None:
    """Saves `model` in the folder `out`, with the card and the mouth refiner of the folder `original`."""
    model.save_pretrained(out)
    for extra in ("README.md", "mouth"):
        source = original / extra
        if source.is_dir():
            shutil.copytree(source, out / extra)
        elif source.exists():
            shutil.copy(source, out / extra)
