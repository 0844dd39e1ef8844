"""Fits the mean motion of each facial control of a trained model to the set that it learned from.

    python release/fit_controls.py MODEL OUT --set SET [--size 64]

A network trained by its mean error does too little where it is unsure of a place, above all at lids and irises. It also moves a
little of what a control does not name, such as the other corner of the mouth. So the model edits pictures of the set by their
controls. What its motion lacks, or has too much of, is solved for by least squares, for each end of a control and each place,
and added to the model's `ControlField`. This is done anew with the changed model. The features stay as they are: 2.5 times as
strong, they painted over eyes. Controls of 0 still change nothing, and edits by expressions stay the same.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from folders import rebuilt, save_like

from sargan_hf import SARGAN
from sargan_hf.controls import mirrored_controls
from sargan_hf.images.normalize import to_tensor
from sargan_hf.training import TrainingConfig
from sargan_hf.training.control_start import (
    before_tanh,
    coarse,
    drawn_motion,
    least_squares_field,
    mirrored_flow,
    pictures_of_controls,
)
from sargan_hf.training.map_dataset import TrainingSamples
from sargan_hf.training.setup_data import prepare_data

PICTURES, ROUNDS, BATCH = 2400, 2, 16
# A place in the eye is not covered at all while a lid comes down a little. The field of a shut lid, taken by half, brings a lid
# half down; the mean over all values would shut no eye. So pictures count by a power of their largest control.
FULL = 4


def fitted(model: SARGAN, samples: TrainingSamples, size: int, pictures: int = PICTURES, bf16: bool = False) -> SARGAN:
    """A copy of `model` whose controls move faces, on average, as the pictures of `samples` do; its field has `size`."""
    better = resized(model, size)
    pairs = pictures_of_controls(samples.faces, samples.neutral)
    stride = max(1, len(pairs) // pictures)
    for turn in range(ROUNDS):  # of others each time, where there are enough
        _fit(better, samples, pairs[turn % stride :: stride], bf16)
    return better


def resized(model: SARGAN, size: int) -> SARGAN:
    """The same model with its mean motion on a grid of another size."""
    field = model.state_dict()["control_field.weight"]
    field = F.interpolate(field, (size, size), mode="bilinear", align_corners=False)
    return rebuilt(model, {"control_field.weight": field}, control_field_size=size)


@torch.inference_mode()
def _fit(model: SARGAN, samples: TrainingSamples, pairs: list[tuple[int, int]], bf16: bool) -> None:
    """Adds to the field of `model` what its edits of the neutral pictures lack; in place."""
    shown, lacking, known, wrong, whole = [], [], [], 0.0, 0.0
    side, reach = int(model.config["sample_size"]), float(model.config["motion_reach"])
    for start in range(0, len(pairs), BATCH):
        batch = enumerate(pairs[start : start + BATCH])
        drawn = [_example(samples, pair, side, mirror=place % 2 == 1) for place, pair in batch]
        drawn = [each for each in drawn if each is not None]
        if not drawn:
            continue
        crops, asked, truth, valid = (np.stack(each) for each in zip(*drawn, strict=True))
        none = torch.zeros(len(crops), len(model.config["expressions"]))
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            motion = model(torch.from_numpy(crops), none, controls=torch.from_numpy(asked)).motion
        made = motion.float().permute(0, 2, 3, 1).numpy()
        wrong += float((valid[..., None] * (truth - made) ** 2).sum())
        whole += float((valid[..., None] * truth**2).sum())
        errors = before_tanh(truth, reach) - before_tanh(made, reach)
        for controls, error, seen in zip(asked, errors, valid, strict=True):
            small = coarse(error, np.abs(controls).max() ** FULL * seen, model.config["control_field_size"])
            shown.append(controls)
            lacking.append(small[0])
            known.append(small[1])
    print(
        f"{len(shown)} pictures: {wrong / max(whole, 1e-9):.3f} of the motion's energy is wrong; fitted anew",
        flush=True,
    )
    found = least_squares_field(np.stack(shown), np.stack(lacking), np.stack(known))
    model.control_field.weight += torch.from_numpy(found / model.control_field.gain)


def _example(
    samples: TrainingSamples, pair: tuple[int, int], side: int, mirror: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """A neutral picture, what another shows beside it, its motion [side, side, 2] and where that is known."""
    drawn = drawn_motion(samples, *pair)
    if drawn is None:
        return None
    controls, flow, valid = drawn
    crop = cv2.resize(samples.faces.picture(pair[0]), (side, side), interpolation=cv2.INTER_AREA)
    flow, valid = coarse(flow, valid, side)
    if mirror:
        crop, flow, valid = crop[:, ::-1], mirrored_flow(flow), np.ascontiguousarray(valid[:, ::-1])
        controls = mirrored_controls(controls)
    return to_tensor(np.ascontiguousarray(crop)), controls, flow, valid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("out", type=Path, help="folder of the fitted one; must not exist yet")
    parser.add_argument("--set", required=True, help="the set it was trained on, with controls and motion")
    parser.add_argument(
        "--held_out", type=float, default=0.0, help="share of its people to leave aside, as in training"
    )
    parser.add_argument("--size", type=int, help="of the grid of mean motion; as the model has it by default")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="that each round looks at")
    parser.add_argument("--bf16", action="store_true", help="faster on a processor that knows it")
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} exists already: name another folder.")
    model = SARGAN.from_pretrained(given.model)
    if model.control_field is None:
        parser.error(f"{given.model} has no controls with a field of motion: train it with --controls and --motion.")
    config = TrainingConfig(train_data_dir=given.set, motion=True, controls=True, held_out=given.held_out)
    samples = prepare_data(config, Accelerator(cpu=True)).samples
    assert isinstance(samples, TrainingSamples)  # no stream
    size = given.size or model.config["control_field_size"]
    save_like(fitted(model, samples, size, given.pictures, given.bf16), given.model, given.out)


if __name__ == "__main__":
    main()
