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

MOST = 6000  # pictures that are looked at; half a minute where motion is not decoded yet
RIDGE = 1e-4  # of as many pictures: a control that none of them shows moves nothing
SHARE = 0.85  # the network moves some by itself
LARGEST = 0.97  # of the model's reach, beyond which its tanh hardly moves


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
    with torch.no_grad():
        field.weight.copy_(torch.from_numpy(before_tanh(SHARE * moved, reach) / field.gain))
    return True


def mean_motion(samples: TrainingSamples, side: int) -> np.ndarray | None:
    """float32 [2 K, 2, side, side] in normalised image coordinates: what each control adds to the motion from neutral.

    Over the pictures that controls alone have moved and their mirror images, as `least_squares_field` says. None where no
    picture tells.
    """
    shown, moved, known = [], [], []
    for neutral, picture in pictures_of_controls(samples.faces, samples.neutral):
        drawn = drawn_motion(samples, neutral, picture)
        if drawn is None:
            continue
        controls, flow, valid = drawn
        flow, valid = coarse(flow, valid, side)
        shown += [controls, mirrored_controls(controls)]
        moved += [flow, mirrored_flow(flow)]
        known += [valid, valid[:, ::-1]]
    return least_squares_field(np.stack(shown), np.stack(moved), np.stack(known)) if shown else None


def least_squares_field(shown: np.ndarray, moved: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 [2 K, 2, side, side]: what each control adds to fields, at each place by itself.

    The first K rows are of 1, the others of what each lacks for -1, as `ControlField` has them.

    Args:
        shown: float32 [N, K], controls.
        moved: float32 [N, side, side, 2], fields under them.
        known: float32 [N, side, side], how much of each value counts.
    """
    signed = np.hstack([shown.clip(min=0), shown.clip(max=0)])
    (count, width), side = signed.shape, moved.shape[1]
    weight = known.reshape(count, -1)
    # For each place, the controls' products with one another and with the motion there, weighted by what is known of it.
    energy = weight.T @ (signed[:, :, None] * signed[:, None]).reshape(count, -1)
    along = signed.T @ (weight[..., None] * moved.reshape(count, -1, 2)).reshape(count, -1)
    ridge = RIDGE * count * np.eye(width)
    found = np.linalg.solve(energy.reshape(-1, width, width) + ridge, along.reshape(width, -1, 2).transpose(1, 0, 2))
    return found.transpose(1, 2, 0).reshape(width, 2, side, side).astype(np.float32)


def before_tanh(motion: np.ndarray, reach: float) -> np.ndarray:
    """What the last layer of a model gives for this motion; its tanh bounds motion by `reach`."""
    return np.arctanh(np.clip(motion / reach, -LARGEST, LARGEST))


def mirrored_flow(flow: np.ndarray) -> np.ndarray:
    """The motion [H, W, 2] of a mirrored face."""
    return np.ascontiguousarray(flow[:, ::-1] * np.array([-1, 1], np.float32))


def coarse(flow: np.ndarray, valid: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of a field [H, W, 2] where it is known [H, W], and the share that is, both at `side` x `side`."""
    valid = valid.astype(np.float32)
    share = cv2.resize(valid, (side, side), interpolation=cv2.INTER_AREA)
    total = cv2.resize(flow * valid[..., None], (side, side), interpolation=cv2.INTER_AREA)
    return total / np.maximum(share, 1e-6)[..., None], share


def drawn_motion(
    samples: TrainingSamples, neutral: int, picture: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What one of `pictures_of_controls` shows: float32 [K]; its motion [H, W, 2] in normalised image coordinates, and where
    that is known, [H, W]. None without exact motion."""
    exact, controls = samples.maps.exact(neutral, picture), samples.faces.controls
    if exact is None or controls is None:
        return None
    flow, valid = exact
    return controls[picture] - controls[neutral], flow * np.float32(2 / flow.shape[1]), valid


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
