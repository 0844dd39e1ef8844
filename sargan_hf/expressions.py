"""The expressions a model knows: names, what people call them, and the vectors the network is conditioned on.

The order below is that of the reference implementation. A model carries its own order in its config
(`model.config.expressions`); pass that order wherever a model is involved.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .errors import ExpressionError

EXPRESSIONS = ("afraid", "angry", "disgusted", "happy", "neutral", "sad", "surprised")
MAX_INTENSITY = 1.5  # how far an edit may be exaggerated; 1 is the expression as trained
SUMS_TO_ONE = 1e-6  # how far from 1 the rounded weights of a blend may be together
NO_CLASS = -1  # where a column of labels has none: what hubs store for a label that is withheld

# What data sets and people call the seven; the two-letter codes are those of KDEF, also with S as its
# frontal view has them in the reference implementation's folders; the other three-letter ones are CREMA-D's.
ALIASES = {
    "afraid": ("fear", "fearful", "scared", "fright", "af", "afs", "fea"),
    "angry": ("anger", "mad", "an", "ans", "ang"),
    "disgusted": ("disgust", "di", "dis"),
    "happy": ("happiness", "joy", "joyful", "smile", "smiling", "ha", "has", "hap"),
    "neutral": ("neutrality", "calm", "none", "ne", "nes", "neu"),
    "sad": ("sadness", "unhappy", "sorrow", "sa", "sas"),
    "surprised": ("surprise", "su", "sur", "sus"),
}
_CANONICAL = {alias: name for name, aliases in ALIASES.items() for alias in (name, *aliases)}

ExpressionSpec = str | Mapping[str, float] | Sequence[float] | np.ndarray


def resolve_expression(name: str | None, expressions: Sequence[str] = EXPRESSIONS) -> str:
    """Returns the name in `expressions` that `name` means, ignoring case: "Joy" -> "happy".

    A name that `expressions` itself holds wins over an alias, so a model may know expressions beyond the seven.

    Raises:
        ExpressionError: `name` is not a string, or is neither in `expressions` nor an alias of one of them.
    """
    if isinstance(name, str):
        wanted = name.strip().lower()
        known = {expression.lower(): expression for expression in expressions}
        for candidate in (wanted, _CANONICAL.get(wanted)):
            if candidate in known:
                return known[candidate]
    accepted = ", ".join(_describe(expression) for expression in expressions)
    raise ExpressionError(f"{name!r} is not an expression this model knows. Use one of: {accepted}.")


def parse_expression(text: str) -> str | dict[str, float]:
    """Reads an expression as people type it: "happy" stays a name; "happy=0.6, surprised=0.4" becomes a blend.

    Names are not looked up here; `expression_vector` does that with the names a model knows.

    Raises:
        ExpressionError: a part of the blend is not a name, "=" and a number, or names an expression a second time.
    """
    if "=" not in text:
        return text.strip()
    blend: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = (piece.strip() for piece in part.partition("="))
        try:
            number = float(weight)
            if not name or name in blend or not math.isfinite(number):
                raise ValueError
            blend[name] = number
        except ValueError:
            raise ExpressionError(
                f"{part.strip()[:40]!r} is not a weight in a blend: write each expression once, with a number, as in "
                "happy=0.6, surprised=0.4."
            ) from None
    return blend


def expression_vector(spec: ExpressionSpec, expressions: Sequence[str] = EXPRESSIONS) -> np.ndarray:
    """Turns a name, a blend or a ready vector into the condition vector of a model.

    Args:
        spec: a name or alias ("happy"); a blend of names with weights >= 0 (`{"happy": 0.6, "surprised": 0.4}`), which is
            normalised to sum 1; or one number >= 0 for each of `expressions`, taken as it is.
        expressions: the model's order, `model.config.expressions`.

    Returns:
        float32 array [len(expressions)].

    Raises:
        ExpressionError: an unknown name, a weight that is negative or not finite, weights that are all zero, or a
            vector of another length.
    """
    if isinstance(spec, str):
        spec = {spec: 1.0}
    if isinstance(spec, Mapping):
        return _blend(spec, expressions)
    return _checked(np.asarray(spec, dtype=np.float32), spec, expressions)


def _blend(weights: Mapping[str, float], expressions: Sequence[str]) -> np.ndarray:
    vector = np.zeros(len(expressions), dtype=np.float32)
    for name, weight in weights.items():
        if isinstance(weight, str) or not hasattr(weight, "__float__"):
            raise ExpressionError(f"{name} has the weight {weight!r}; a number >= 0 was expected.")
        vector[list(expressions).index(resolve_expression(name, expressions))] += weight
    vector = _checked(vector, dict(weights), expressions)
    # What has been normalised once stays as it is, bit for bit: a recipe holds the weights of a vector.
    return vector if abs(vector.sum() - 1) < SUMS_TO_ONE else vector / vector.sum()


def _checked(vector: np.ndarray, spec: object, expressions: Sequence[str]) -> np.ndarray:
    if vector.shape != (len(expressions),):
        raise ExpressionError(
            f"An expression vector needs {len(expressions)} numbers, one for each of {', '.join(expressions)}; "
            f"got shape {vector.shape}."
        )
    if not np.isfinite(vector).all() or (vector < 0).any() or vector.sum() == 0:
        raise ExpressionError(f"Expression weights must be finite, >= 0 and not all zero; got {spec!r}.")
    return vector


def _describe(expression: str) -> str:
    aliases = ALIASES.get(expression, ())
    return f"{expression} ({', '.join(aliases[:3])})" if aliases else expression
