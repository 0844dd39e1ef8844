"""What the scripts of this folder share: a model built anew, and a model's folder with what lies beside its weights."""

import shutil
from pathlib import Path

from sargan_hf import SARGAN


def rebuilt(model: SARGAN) -> SARGAN:
    """Built anew, as the config of a loaded model also holds the folder it came from, which is nobody's business."""
    copy = SARGAN(**{name: value for name, value in model.config.items() if not name.startswith("_")})
    copy.load_state_dict(model.state_dict())
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
