"""What a face shows, as a condition of the model: the expression of another picture, to be given to a face.

The network itself reads it. Asked for each expression, it moves a face by what that face lacks: a smiling face is hardly moved
to happy, and far to neutral. Let m_k be its motion to expression k. From a neutral face, the way to k is m_k - m_neutral, and
the way back from what is shown is -m_neutral. So the weights are the non-negative solution of

    -m_neutral = sum of w_k (m_k - m_neutral).

They are those of the model's own edits: an edit to happy reads as happy. A model with controls is then asked for what the
expressions leave, such as one shut eye, with the motions of its controls. Expressions come first: controls start from whatever
the face shows, so a broad smile has no control that leads to it. No landmarks are needed, so paintings and statues can be
read as photographs can.
"""

from collections.abc import Sequence

import numpy as np

from ..controls import CONTROLS
from ..errors import ConfigurationError, NoFaceError
from ..faces.detection import Face
from ..inference import GeneratorOutput
from ..inference.protocol import controls_of
from .requests import FaceRequest, Intensities, Wish
from .session import EditSession

NEUTRAL = "neutral"
FAINTEST = 0.03  # weights below are the noise of a neutral face
RIDGE = 3e-3  # share of the mean energy: of two expressions that move a face alike, no large weights of either
SWEEPS = 200
_PAINT = 0.1  # how much paint counts beside motion; for a model without motion, it is all there is


def expression_like(session: EditSession, intensity: Intensities = 1.0) -> Wish:
    """What the largest face of a picture shows, as arguments of `EditSession.requests`.

    Args:
        session: of the picture.
        intensity: how much of it is wanted; 1 is as much as the picture shows.

    Raises:
        NoFaceError: there is no face in it.
        ConfigurationError: the model has no neutral expression, or an intensity is out of range.
    """
    try:
        face = session.find_faces()[0]
    except NoFaceError:
        raise NoFaceError(
            f"No face was found in {session.image.name}, whose expression is wanted: give a picture that shows one larger."
        ) from None
    names = session.models.generator.expressions
    if NEUTRAL not in names:
        raise ConfigurationError(f"like needs a model that knows {NEUTRAL!r}; this one knows {', '.join(names)}.")
    weights, left = _read_expressions(session, face)
    rest = 1 - sum(weights.values())
    controls = _read_controls(session, face, left) if controls_of(session.models.generator) else None
    return Wish(expression=weights | ({NEUTRAL: rest} if rest > 0 else {}), controls=controls, intensity=intensity)


def _read_expressions(session: EditSession, face: Face) -> tuple[dict[str, float], np.ndarray]:
    """The weight of each expression but neutral that the face shows, and what these leave of it, as a row of `_changes`."""
    names = session.models.generator.expressions
    changes = _changes(session, face, [session.requests({name: 1.0})[0] for name in names])
    back = changes[names.index(NEUTRAL)]
    others = [index for index, name in enumerate(names) if name != NEUTRAL]
    ways = changes[others] - back
    weights = non_negative_solution(ways, -back)
    read = {names[index]: float(weight) for index, weight in zip(others, weights, strict=True) if weight > FAINTEST}
    return read, -back - weights @ ways


def _read_controls(session: EditSession, face: Face, wanted: np.ndarray) -> dict[str, float]:
    """The value of each control that leads to `wanted`, a row of `_changes`."""
    names = controls_of(session.models.generator)
    one_way = {control.name for control in CONTROLS if control.least == 0}
    ends = [(name, sign) for name in names for sign in (1.0, -1.0) if sign > 0 or name not in one_way]
    moved = _changes(session, face, [session.requests(None, controls={name: sign})[0] for name, sign in ends])
    values = dict.fromkeys(names, 0.0)
    for (name, sign), value in zip(ends, non_negative_solution(moved, wanted), strict=True):
        values[name] += sign * min(1.0, float(value))
    return {name: value for name, value in values.items() if abs(value) > FAINTEST}


def _changes(session: EditSession, face: Face, requests: Sequence[FaceRequest]) -> np.ndarray:
    """float64 [requests, n], what the generator does to the face for each, as one row of numbers."""
    return np.stack([_row(output) for output in session.outputs([face] * len(requests), requests)])


def _row(output: GeneratorOutput) -> np.ndarray:
    paint = output.residual.ravel().astype(np.float64)
    if output.motion is None:
        return paint
    return np.concatenate([output.motion.ravel().astype(np.float64), _PAINT * paint])


def non_negative_solution(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The weights [n], all >= 0, with which the sum of `rows` [n, m] comes nearest to `wanted` [m]; a ridge keeps them small.

    By coordinate descent, which needs no more than the rows' products with one another.
    """
    gram = rows @ rows.T
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    along, weights = rows @ wanted, np.zeros(len(rows))
    for _ in range(SWEEPS):
        for index in range(len(rows)):
            if gram[index, index] > 0:
                step = (along[index] - gram[index] @ weights) / gram[index, index]
                weights[index] = max(0.0, weights[index] + step)
    return weights
