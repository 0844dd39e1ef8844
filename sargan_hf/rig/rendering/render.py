"""Renders a fitted face under expressions: the photograph, moved, shaded, folded, with eyes and mouth behind it.

`render_set` gives all expressions of one draw of camera, light and gaze; `Stage` holds what they share, and
`Stage.render` reads as the steps of one picture.
"""

from dataclasses import dataclass, replace

import numpy as np

from ...data.photographs import PHOTOGRAPH
from ...expressions import EXPRESSIONS, resolve_expression
from ..face_model.model import FaceModel
from ..fitting.fitted_face import FittedFace
from .flow_tracer import MotionTracer
from .photo_overlay import RealExpression
from .recipes import Recipe, commonest, draw_recipes
from .stage import Stage
from .variation import RenderOptions, Variation, draw_variation


@dataclass(frozen=True, eq=False)
class RenderedExpression:
    """One picture of a set.

    Attributes:
        expression: one of the seven.
        recipe: name of the recipe that made it.
        intensity: 0 for neutral, about 1 for full strength.
        image: uint8 [S, S, 3], RGB.
        motion_backward: float32 [S, S, 2], pixels (x, y): this picture at p shows what the neutral one has at p + motion[p].
            None unless asked for, as are the next two.
        motion_forward: float32 [S, S, 2]: what the neutral picture shows at p is found at p + motion[p] here.
        motion_valid: bool [S, S], False where the neutral picture does not hold what this one shows, such as the inside of
            a newly opened mouth.
    """

    expression: str
    recipe: str
    intensity: float
    image: np.ndarray
    motion_backward: np.ndarray | None = None
    motion_forward: np.ndarray | None = None
    motion_valid: np.ndarray | None = None


def render_expression(
    face: FittedFace,
    model: FaceModel,
    recipe: Recipe | str,
    *,
    intensity: float = 1.0,
    size: int = 160,
    variation: Variation | None = None,
    options: RenderOptions | None = None,
) -> RenderedExpression:
    """One picture of a fitted face.

    Args:
        recipe: a recipe, or an expression's name for its most usual recipe.
        intensity: 0 gives the neutral photograph back.
        size: side in pixels.
        variation: camera, light and the like; the photograph's own by default.
        options: `supersample`, `recipes` and `motion` are used.

    Raises:
        ExpressionError: no such expression.
        RigError: the recipe names a shape or a fold that does not exist.
    """
    options = options or RenderOptions.plain()
    if isinstance(recipe, str):
        recipe = commonest(resolve_expression(recipe), options.recipes)
    stage = Stage(face, model, variation or Variation(), size, options.supersample)
    tracer = MotionTracer(stage) if options.motion else None
    return _one(stage, recipe, intensity, None, tracer)


def render_set(
    face: FittedFace,
    model: FaceModel,
    *,
    seed: int,
    size: int,
    options: RenderOptions,
    real: RealExpression | None = None,
) -> list[RenderedExpression]:
    """All expressions of one draw: a neutral picture first, then each other expression by one or more recipes.

    The pictures share crop, light, gaze and person; they differ in expression only. The same arguments give the same bytes.

    Args:
        seed: of this set; give every variant of a person its own.
        size: side of the pictures in pixels.
        real: a photograph of an expression, shown last, beside the rendered picture of the same expression. Eyes look where
            the photographs' do and no beard is painted then, as it shows neither.
    """
    if real is not None:
        options = replace(options, gaze=0.0, beard=0.0)
    rng = np.random.default_rng(seed)
    stage = Stage(face, model, draw_variation(options, rng.spawn(1)[0]), size, options.supersample)
    tracer = MotionTracer(stage) if options.motion else None
    pictures = []
    for expression in ("neutral", *(e for e in EXPRESSIONS if e != "neutral")):
        own = rng.spawn(1)[0]
        for recipe in draw_recipes(expression, options.recipes_per_expression, own, options.recipes):
            faint = own.random() < options.faint
            intensity = own.uniform(0.4, 0.8) if faint else own.uniform(*options.intensity)
            pictures.append(_one(stage, recipe, 0.0 if expression == "neutral" else intensity, own, tracer))
    if real is not None:
        shot = stage.shot_of_real(real)
        motion = ()
        if tracer is not None:
            backward, forward, valid = tracer.trace(shot)
            motion = backward, forward, valid & stage.sure_of_real(shot)
        pictures.append(
            RenderedExpression(real.expression, PHOTOGRAPH, real.intensity, stage.render_real(shot, real), *motion)
        )
    return pictures


def _one(stage: Stage, recipe: Recipe, intensity: float, rng, tracer: MotionTracer | None) -> RenderedExpression:
    weights = stage.weights(recipe, intensity, rng)
    wrinkles = {kind: strength * intensity for kind, strength in recipe.wrinkles.items()}
    shot = stage.shot(weights) if weights.any() else stage.rest
    motion = tracer.trace(shot) if tracer is not None else (None, None, None)
    return RenderedExpression(recipe.expression, recipe.name, intensity, stage.render(shot, wrinkles), *motion)
