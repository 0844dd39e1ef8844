"""How strong an edit should be, whatever face it is of."""

from collections.abc import Sequence

import numpy as np

from ..images.normalize import channels_first, channels_last
from ..images.warp import NormalizedFlow, to_crop_pixels, warp_field
from .protocol import GeneratorOutput, PaintedLayer

# If an edit needs more gain than this, the face usually shows the expression already. With a limit of 1.75, "happy" turned
# smiles into grimaces.
MAX_GAIN = 1.3


def match_strength(
    output: GeneratorOutput, typical_motion: Sequence[float] | None, reach: np.ndarray | None = None
) -> GeneratorOutput:
    """Makes weak edits as strong as edits usually are; the others stay as they are.

    Training on mean error makes edits slightly too weak. On statues, robots and drawings, of which the network has seen few,
    it moves the face half as far as it moves people. Edits whose motion is less than `typical_motion` get as much as that, but
    at most `MAX_GAIN` times their own.

    Args:
        output: for N crops.
        typical_motion: [n] as in the config of `SARGAN`; None leaves everything as it is.
        reach: [N], how far the same expressions move the faces without controls, as `rms_motion` says it; None where `output`
            has none. Controls may take motion away, as closed lips do, so the gain is that of the expression alone.
    """
    if typical_motion is None or output.motion is None:
        return output
    wanted = output.expression @ np.asarray(typical_motion)
    reach = rms_motion(output.motion) if reach is None else reach
    gains = np.clip(wanted / np.maximum(reach, 1e-9), 1, MAX_GAIN)
    layers = output.layer or [np.empty((len(gains), 0, *output.motion.shape[2:]), np.float32)] * 2
    amplified = [_amplify(*each) for each in zip(output.motion, output.residual, *layers, gains, strict=True)]
    motion, residual, *fields = (np.stack(field) for field in zip(*amplified, strict=True))
    layer = output.layer and PaintedLayer(*fields)
    return output._replace(motion=NormalizedFlow(motion), residual=residual, layer=layer)


def _amplify(
    motion: np.ndarray, residual: np.ndarray, occlusion: np.ndarray, painted: np.ndarray, gain: float
) -> tuple[np.ndarray, ...]:
    """Motion [2, S, S], residual [3, S, S] and layer, [1, S, S] and [3, S, S] or empty, of an edit `gain` times as strong.

    The edited face is moved on by the rest of the way. A motion that is only made longer fetches the inside of a mouth from
    beyond the lips, where the residual, made for other pixels, leaves it grey.
    """
    if gain == 1:
        return motion, residual, occlusion, painted
    further = ((gain - 1) * motion).astype(np.float32)
    together = np.concatenate([motion, residual, occlusion, painted])
    fields = np.ascontiguousarray(channels_last(together), dtype=np.float32)
    flow = to_crop_pixels(NormalizedFlow(channels_last(further)), motion.shape[1])
    fields = channels_first(warp_field(fields, flow))
    covering = 5 + len(occlusion)
    residual = np.clip(np.float32(gain) * fields[2:5], -1, 1)
    return further + fields[:2], residual, fields[5:covering], fields[covering:]


def rms_motion(motion: np.ndarray) -> np.ndarray:
    """[N], the root mean square length of each of the motions [N, 2, S, S], in their own units."""
    return np.sqrt(np.square(motion).sum(axis=1).mean(axis=(1, 2)))
