"""What a new `ControlField` starts from: how the pictures of a set move on average, for each control.

The network alone would take thousands of steps to find that out, as each control is in few samples. After 900 steps on
pictures of 128 pixels, no eye shut and no gaze turned; with this start, brows and corners of the mouth moved at once.
"""

import cv2
import numpy as np
import torch

from ..controls import mirrored_controls
from ..expressions import NO_CLASS
from ..modeling_sargan import SARGAN
from .image_cache import FaceLabels
from .map_dataset import TrainingSamples

MOST = 6000  # pictures that are looked at; a few seconds
RIDGE = 1e-4  # of as many pictures: a control that none of them shows moves nothing
SHARE = 0.85  # the network moves some by itself
LARGEST = 0.95  # of the model's reach, beyond which its tanh hardly moves


def start_control_field(generator: SARGAN, samples: object) -> bool:
    """Writes the mean motion of each control into a field that is still 0; returns whether there was anything to write.

    Args:
        generator: whose `control_field` to start, if it has one.
        samples: of the run; only sets that are not streamed and bring exact motion tell it.
    """
    field = getattr(generator, "control_field", None)  # a generator of the user's own may have none
    if field is None or not isinstance(samples, TrainingSamples) or bool(field.weight.any()):
        return False
    moved = mean_motion(samples, field.side)
    if moved is None:
        return False
    reach = float(generator.config["motion_reach"])
    before_tanh = np.arctanh(np.clip(SHARE * moved / reach, -LARGEST, LARGEST)) / field.gain
    with torch.no_grad():
        field.weight.copy_(torch.from_numpy(before_tanh))
    return True


def mean_motion(samples: TrainingSamples, side: int) -> np.ndarray | None:
    """float32 [2 K, 2, side, side] in normalised image coordinates: what each control adds to the motion from neutral.

    By least squares over the pictures that controls alone have moved and their mirror images. The first K rows are of 1, the
    others of what each lacks for -1, as `ControlField` has them. None where no picture tells.
    """
    pictures = pictures_of_controls(samples.faces, samples.neutral)
    width = 2 * (0 if samples.faces.controls is None else samples.faces.controls.shape[1])
    energy, along = np.zeros((side * side, width, width)), np.zeros((side * side, width, 2))
    count = 0
    for neutral, picture in pictures:
        exact = samples.maps.exact(neutral, picture)
        if exact is None:
            continue
        assert samples.faces.controls is not None
        controls = samples.faces.controls[picture] - samples.faces.controls[neutral]
        flow = cv2.resize(exact[0], (side, side), interpolation=cv2.INTER_AREA) * np.float32(2 / exact[0].shape[1])
        valid = cv2.resize(exact[1], (side, side), interpolation=cv2.INTER_AREA)
        for shown, moved, known in (
            (controls, flow, valid),
            (mirrored_controls(controls), flow[:, ::-1] * np.array([-1, 1]), valid[:, ::-1]),
        ):
            signed = np.concatenate([shown.clip(min=0), shown.clip(max=0)])
            weight = known.reshape(-1, 1, 1)
            energy += weight * np.outer(signed, signed)
            along += weight * signed[None, :, None] * moved.reshape(-1, 1, 2)
            count += 1
    if not count:
        return None
    found = np.linalg.solve(energy + RIDGE * count * np.eye(width), along)
    return found.transpose(1, 2, 0).reshape(width, 2, side, side).astype(np.float32)


def pictures_of_controls(faces: FaceLabels, neutral: int) -> list[tuple[int, int]]:
    """Pairs of a neutral picture and one that controls alone have moved from it, spread evenly over the set."""
    if faces.controls is None:
        return []
    known = np.isfinite(faces.controls.sum(axis=1))
    drawn = np.flatnonzero(known & (faces.expression == NO_CLASS))
    found = []
    for picture in drawn[:: max(1, -(-len(drawn) // MOST))]:
        partners = faces.partners(int(picture))
        starts = partners[(faces.expression[partners] == neutral) & known[partners] & ~faces.source_only[partners]]
        if len(starts):
            found.append((int(starts[0]), int(picture)))
    return found
