"""Renders a fitted face under expressions: the photograph, moved, shaded, folded, with eyes and mouth behind it.

`render_set` gives all expressions of one draw of camera, light and gaze; `Stage` holds what they share, and
`Stage.render` reads as the steps of one picture.
"""

from dataclasses import dataclass, replace

import numpy as np

from ...controls import CONTROLS, ControlSpec, controls_vector
from ...data.photograph_rows import CONTROLLED, PHOTOGRAPH
from ...expressions import EXPRESSIONS, resolve_expression
from ..face_model.model import FaceModel
from ..fitting.fitted_face import FittedFace
from .control_draws import ControlDraw, draw_controls
from .deform import aim_lids
from .flow_tracer import MotionTracer
from .photo_overlay import RealExpression
from .recipes import Recipe, commonest, draw_recipes
from .stage import Stage
from .variation import RenderOptions, Variation, draw_variation

_LEAST = np.array([control.least for control in CONTROLS], np.float32)


@dataclass(frozen=True, eq=False)
class RenderedExpression:
    """One picture of a set.

    Attributes:
        expression: one of the seven; "" for controls on the neutral face, which are no class.
        recipe: name of the recipe that made it; `CONTROLLED` where none did.
        intensity: 0 for neutral, about 1 for full strength; without a recipe, the largest size of a control.
        image: uint8 [S, S, 3], RGB.
        controls: float32 [K], what it shows relative to the neutral picture; NaN where that is not known.
        controls_added: float32 [K], what of that was put on top of the recipe.
        motion_backward: float32 [S, S, 2], pixels (x, y): this picture at p shows what the neutral one has at p + motion[p].
            None unless requested, as are the next two.
        motion_forward: float32 [S, S, 2]: what the neutral picture shows at p is found at p + motion[p] here.
        motion_valid: bool [S, S], False where the neutral picture does not hold what this one shows, such as the inside of
            a newly opened mouth.
    """

    expression: str
    recipe: str
    intensity: float
    image: np.ndarray
    controls: np.ndarray
    controls_added: np.ndarray
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
    controls: ControlSpec | None = None,
) -> RenderedExpression:
    """One picture of a fitted face.

    Args:
        recipe: a recipe, or an expression's name for its most usual recipe.
        intensity: 0 gives the neutral photograph back.
        size: side in pixels.
        variation: camera, light and the like; the photograph's own by default.
        options: `supersample`, `recipes` and `motion` are used.
        controls: on top of the recipe, as `sargan_hf.controls.controls_vector` takes them; of the person as the picture shows
            them, so a mirrored picture's left is its own.

    Raises:
        ControlError: no such control, or a value out of its range.
        ExpressionError: no such expression.
        RigError: the recipe names a shape or a fold that does not exist.
    """
    options = options or RenderOptions.plain()
    if isinstance(recipe, str):
        recipe = commonest(resolve_expression(recipe), options.recipes)
    stage = Stage(face, model, variation or Variation(), size, options.supersample)
    tracer = MotionTracer(stage) if options.motion else None
    added = controls_vector(controls or {})
    if not added.any():
        return _one(stage, recipe, intensity, None, tracer)
    return _controlled(
        stage, ControlDraw(added, None if recipe.expression == "neutral" else recipe, intensity), None, tracer
    )


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
        options: `controls` further pictures follow the seven expressions.
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
            subtle = own.random() < options.subtle
            intensity = own.uniform(0.4, 0.8) if subtle else own.uniform(*options.intensity)
            pictures.append(_one(stage, recipe, 0.0 if expression == "neutral" else intensity, own, tracer))
    own = rng.spawn(1)[0]
    pictures += [_controlled(stage, draw, own, tracer) for draw in draw_controls(options, own)]
    if real is not None:
        pictures.append(_photograph(stage, real, tracer))
    return pictures


def _photograph(stage: Stage, real: RealExpression, tracer: MotionTracer | None) -> RenderedExpression:
    shot = stage.shot_of_real(real)
    motion = ()
    if tracer is not None:
        backward, forward, valid = tracer.trace(shot)
        motion = backward, forward, valid & stage.sure_of_real(shot)
    shown, added = stage.controls_of_real(real), np.full(len(CONTROLS), np.nan, np.float32)
    image = stage.render_real(shot, real)
    return RenderedExpression(real.expression, PHOTOGRAPH, real.intensity, image, shown, added, *motion)


def _controlled(
    stage: Stage, draw: ControlDraw, rng: np.random.Generator | None, tracer: MotionTracer | None
) -> RenderedExpression:
    """A picture of drawn controls; a recipe beneath them is varied if `rng` is given."""
    recipe, shown = draw.recipe, draw.controls
    movement = stage.movement(draw.controls, recipe, draw.intensity, rng)
    if recipe is not None:
        beneath = aim_lids(movement.recipe, recipe.aperture, stage.posed, stage.mesh, draw.intensity)
        shown = np.clip(stage.controls_of(beneath) + draw.controls, _LEAST, 1).astype(np.float32)
    shot = stage.shot_of(movement)
    motion = tracer.trace(shot) if tracer is not None else (None, None, None)
    if recipe is None:
        label = "", CONTROLLED, float(np.abs(draw.controls).max())
    else:
        label = recipe.expression, recipe.name, draw.intensity
    return RenderedExpression(*label, stage.render(shot), shown, draw.controls, *motion)


def _one(stage: Stage, recipe: Recipe, intensity: float, rng, tracer: MotionTracer | None) -> RenderedExpression:
    weights = stage.weights(recipe, intensity, rng)
    wrinkles = {kind: strength * intensity for kind, strength in recipe.wrinkles.items()}
    shot = stage.shot(weights) if weights.any() else stage.neutral
    motion = tracer.trace(shot) if tracer is not None else (None, None, None)
    shown = stage.controls_of(weights) if weights.any() else np.zeros(len(CONTROLS), np.float32)
    image, nothing = stage.render(shot, wrinkles), np.zeros(len(CONTROLS), np.float32)
    return RenderedExpression(recipe.expression, recipe.name, intensity, image, shown, nothing, *motion)
