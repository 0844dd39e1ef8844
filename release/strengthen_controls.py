"""Makes each facial control of a trained model as strong as in the set that it learned from.

    python release/strengthen_controls.py MODEL OUT --set SET

A network trained by its mean error does too little where it is unsure of a place, above all at lids and irises. For pictures
that one control has moved nearly alone, the motion of the model's edit is laid over the true one. A control that reaches less
than the whole way gets a stronger field of motion, in three rounds. The features stay as they are: 2.5 times as strong, they
painted over eyes. Controls of 0 still change nothing, and edits by expressions stay the same.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from folders import rebuilt, save_like

from sargan_hf import SARGAN
from sargan_hf.images.normalize import to_tensor
from sargan_hf.training import TrainingConfig
from sargan_hf.training.control_start import drawn_motion, pictures_of_controls
from sargan_hf.training.map_dataset import TrainingSamples
from sargan_hf.training.setup_data import prepare_data

EACH = 16  # pictures of an end of a control
BESIDE = 0.2  # the largest other control in them
LEAST = 0.4  # and the least of the control itself
MOST, ROUNDS = 2.0, 3
# Lids and irises lie elsewhere in every face, so their mean motion is the faintest. At 4, irises smear.
MOST_OF_EYES = {"eye_wide": 4.0, "gaze": 3.0}


def ends_of(samples: TrainingSamples) -> dict[int, list[tuple[int, int]]]:
    """For each end of a control, as `ControlField` numbers them, pairs of a neutral picture and one that it has moved."""
    found: dict[int, list[tuple[int, int]]] = {}
    controls = samples.faces.controls
    assert controls is not None
    for neutral, picture in pictures_of_controls(samples.faces, samples.neutral):
        shown = controls[picture] - controls[neutral]
        largest = int(np.abs(shown).argmax())
        if abs(shown[largest]) >= LEAST and np.abs(np.delete(shown, largest)).max() <= BESIDE:
            end = largest + (len(shown) if shown[largest] < 0 else 0)
            found.setdefault(end, []).append((neutral, picture))
    return {end: pairs[:: max(1, len(pairs) // EACH)][:EACH] for end, pairs in found.items()}


@torch.inference_mode()
def reached(model: SARGAN, samples: TrainingSamples, pairs: list[tuple[int, int]]) -> float:
    """How far the model moves faces along the true motion: 1 is all the way."""
    side, made, whole = int(model.config["sample_size"]), 0.0, 0.0
    for neutral, picture in pairs:
        drawn = drawn_motion(samples, neutral, picture)
        if drawn is None:
            continue
        crop = cv2.resize(samples.faces.picture(neutral), (side, side), interpolation=cv2.INTER_AREA)
        asked = torch.from_numpy(drawn[0])[None]
        none = torch.zeros(1, len(model.config["expressions"]))
        motion = model(torch.from_numpy(to_tensor(crop))[None], none, controls=asked).motion[0].numpy()
        truth, valid = (cv2.resize(each, (side, side), interpolation=cv2.INTER_AREA) for each in drawn[1:])
        truth = truth.transpose(2, 0, 1) * valid
        made, whole = made + float((motion * truth).sum()), whole + float((truth**2).sum())
    return made / max(whole, 1e-9)


def strengthened(model: SARGAN, samples: TrainingSamples) -> SARGAN:
    """A copy of `model` whose controls reach as far as the pictures of `samples` do."""
    stronger, ends = rebuilt(model), ends_of(samples)
    names = [f"{name} {sign}1" for sign in "+-" for name in model.config["controls"]]
    total = dict.fromkeys(ends, 1.0)
    for _ in range(ROUNDS):
        for end, pairs in sorted(ends.items()):
            share = reached(stronger, samples, pairs)
            most = next((most for part, most in MOST_OF_EYES.items() if names[end].startswith(part)), MOST)
            wanted = float(np.clip(total[end] / max(share, 0.1), 1, most))
            factor, total[end] = wanted / total[end], wanted
            _scale(stronger, end, factor)
            print(f"{names[end]:24} {len(pairs):3} pictures, reaches {share:.2f}, now times {wanted:.2f}")
    return stronger


def _scale(model: SARGAN, end: int, factor: float) -> None:
    with torch.no_grad():
        if model.control_field is not None:
            model.control_field.weight[end] *= factor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("out", type=Path, help="folder of the stronger one; must not exist yet")
    parser.add_argument("--set", required=True, help="the set it was trained on, with controls and motion")
    parser.add_argument(
        "--held_out", type=float, default=0.0, help="share of its people to leave aside, as in training"
    )
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder.")
    model = SARGAN.from_pretrained(given.model)
    config = TrainingConfig(train_data_dir=given.set, motion=True, controls=True, held_out=given.held_out)
    samples = prepare_data(config, Accelerator(cpu=True)).samples
    assert isinstance(samples, TrainingSamples)  # no stream
    save_like(strengthened(model, samples), given.model, given.out)


if __name__ == "__main__":
    main()
