"""Edits of the strength that they should have, whatever face they are of."""

from collections.abc import Sequence

import numpy as np

from ..images.warp import warp_field
from .protocol import GeneratorOutput

# How many times an edit may be made as strong as the network gave it. What would need more may be a face unlike those trained
# on, but it is mostly one that shows the expression already: a smile that is to be happy became a grimace with 1.75.
MAX_GAIN = 1.3


def match_strength(edit: GeneratorOutput, typical_motion: Sequence[float] | None) -> GeneratorOutput:
    """Edits of the strength that they should have, whatever face they are of.

    A network trained by its mean error does too little where it is unsure; on statues, robots and drawings, of which it has
    seen few, it moves the face half as far as it moves people. Edits that reach less than `typical_motion` are made as strong
    as that, `MAX_GAIN` times as strong at most; others stay as they are.

    Args:
        edit: of N crops.
        typical_motion: [n] as in the config of `SARGAN`; None leaves everything as it is.
    """
    if typical_motion is None or edit.motion is None:
        return edit
    wanted = edit.expression @ np.asarray(typical_motion)
    factors = np.clip(wanted / np.maximum(rms_motion(edit.motion), 1e-9), 1, MAX_GAIN)
    stronger = [_amplify(*each) for each in zip(edit.motion, edit.residual, factors, strict=True)]
    return edit._replace(motion=np.stack([m for m, _ in stronger]), residual=np.stack([r for _, r in stronger]))


def _amplify(motion: np.ndarray, residual: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Motion [2, S, S] and residual [3, S, S] of an edit `factor` times as strong.

    The edited face is moved on by the rest of the way. A motion that is only made longer fetches the inside of a mouth from
    beyond the lips, where the residual, made for other pixels, leaves it grey.
    """
    if factor == 1:
        return motion, residual
    further = ((factor - 1) * motion).astype(np.float32)
    fields = np.ascontiguousarray(np.concatenate([motion, residual]).transpose(1, 2, 0), dtype=np.float32)
    fields = warp_field(fields, further.transpose(1, 2, 0) * (motion.shape[1] / 2)).transpose(2, 0, 1)
    return further + fields[:2], np.clip(np.float32(factor) * fields[2:], -1, 1)


def rms_motion(motion: np.ndarray) -> np.ndarray:
    """[N], the root mean square length of each of the motions [N, 2, S, S], in their own units."""
    return np.sqrt(np.square(motion).sum(axis=1).mean(axis=(1, 2)))
