"""What differs between two sets of the same person: camera, head, gaze, light, background, folds, teeth and beard."""

from dataclasses import dataclass, field

import numpy as np

from ...errors import ConfigurationError
from .beard import BeardLook
from .recipes import Recipe, default_recipes
from .wrinkles import WrinkleLook

MAX_YAW = 30.0  # degrees; painted portraits are mostly three-quarter views
MAX_PITCH = 15.0


@dataclass(frozen=True)
class ControlShares:
    """What the further pictures of a set show, relative to each other.

    Attributes:
        alone: one control, or both sides of it, on the neutral face.
        several: two or three together on the neutral face.
        recipe: a recipe with a small change.
        eyes: the neutral face with another gaze, other lids, or an eye or both shut.

    Raises:
        ConfigurationError: a share is below 0, or all are 0.
    """

    alone: float = 0.35
    several: float = 0.3
    recipe: float = 0.25
    eyes: float = 0.1

    def __post_init__(self) -> None:
        shares = self.as_tuple()
        if min(shares) < 0 or sum(shares) <= 0:
            raise ConfigurationError(f"Shares of pictures with controls are 0 or more, and not all 0; got {shares}.")

    def as_tuple(self) -> tuple[float, float, float, float]:
        """alone, several, recipe, eyes."""
        return self.alone, self.several, self.recipe, self.eyes


@dataclass(frozen=True)
class RenderOptions:
    """What a set of pictures may vary in. A switch is the share of sets (0 to 1) that use it; 0 turns it off.

    Attributes:
        recipes: the table of recipes.
        recipes_per_expression: different recipes rendered for every expression.
        intensity: smallest and largest intensity of a full-strength expression.
        subtle: share of expressions that are rendered subtly instead, at intensity 0.4 to 0.8.
        jitter: crop, exposure and colour differ from set to set.
        mirror, head_turn, gaze, relight, backdrop, beard: shares of sets that use them.
        controls: further pictures of a set with drawn controls.
        control_shares: what those show.
        carved: faces of one colour are of stone or bronze, also those whose eyes have irises.
        motion: also give the exact motion between each picture and the neutral one.
        supersample: pictures are rendered this many times larger and averaged down.
    """

    recipes: tuple[Recipe, ...] = field(default_factory=default_recipes)
    recipes_per_expression: int = 1
    intensity: tuple[float, float] = (0.85, 1.1)
    subtle: float = 0.0
    jitter: bool = True
    mirror: float = 0.5
    head_turn: float = 0.0
    gaze: float = 0.5
    relight: float = 0.0
    backdrop: float = 0.0
    beard: float = 0.0
    controls: int = 0
    control_shares: ControlShares = field(default_factory=ControlShares)
    carved: bool = False
    motion: bool = False
    supersample: int = 2

    @classmethod
    def plain(cls, **changes) -> "RenderOptions":
        """Nothing varies: the photograph's own crop, light, background and gaze."""
        return cls(**({"jitter": False, "mirror": 0.0, "gaze": 0.0} | changes))


@dataclass(frozen=True)
class Light:
    """A light added by shading the fitted surface.

    Attributes:
        direction: float32 [3], unit vector towards the light (x right, y up, z to the camera).
        strength: 0 (none) to 1 (the far side of the face goes dark).
    """

    direction: np.ndarray
    strength: float


@dataclass(frozen=True)
class TeethLook:
    """Teeth of one person, relative to the model's: shade, size and evenness."""

    brightness: float = 1.0
    yellowness: float = 0.0
    length: float = 1.0
    width: float = 1.0
    gap_darkness: float = 0.2
    tilt: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Variation:
    """One draw of everything that all pictures of a set share.

    Attributes:
        scale, rotation, shift: crop relative to the canonical one: factor, degrees, share of the side.
        mirror: pictures are flipped left to right at the end.
        yaw, pitch: head turn in degrees; positive yaw turns the nose to the right of the picture, positive pitch up.
        gaze: horizontal and vertical rotation of the eyeballs in degrees, right and up.
        light: additional light, or None.
        backdrop: two RGB colours of a new background gradient (top, bottom), or None.
        gamma, gain: exposure; gain is one factor per channel.
        wrinkles: how this person folds.
        teeth: teeth of this person.
        beard: a painted one, or None.
    """

    scale: float = 1.0
    rotation: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    mirror: bool = False
    yaw: float = 0.0
    pitch: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    light: Light | None = None
    backdrop: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    gamma: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    wrinkles: WrinkleLook = field(default_factory=WrinkleLook)
    teeth: TeethLook = field(default_factory=TeethLook)
    beard: BeardLook | None = None
    carved: bool = False


def draw_variation(options: RenderOptions, rng: np.random.Generator) -> Variation:
    """Draws the variation of one set. Every switch has its own stream, so turning one off leaves the others alone."""
    names = ("crop", "colour", "mirror", "turn", "gaze", "light", "backdrop", "person", "beard")
    streams = dict(zip(names, rng.spawn(len(names)), strict=True))
    changes = _person(streams["person"])
    if options.jitter:
        changes |= _crop_jitter(streams["crop"]) | _colour_jitter(streams["colour"])
    changes["mirror"] = bool(streams["mirror"].random() < options.mirror)
    if streams["turn"].random() < options.head_turn:
        changes["yaw"] = streams["turn"].uniform(-MAX_YAW, MAX_YAW)
        changes["pitch"] = streams["turn"].uniform(-MAX_PITCH, MAX_PITCH)
    if streams["gaze"].random() < options.gaze:
        changes["gaze"] = (streams["gaze"].uniform(-16, 16), streams["gaze"].uniform(-5, 5))
    if streams["light"].random() < options.relight:
        changes["light"] = _light(streams["light"])
    if streams["backdrop"].random() < options.backdrop:
        changes["backdrop"] = _backdrop(streams["backdrop"])
    if streams["beard"].random() < options.beard:
        changes["beard"] = BeardLook.draw(streams["beard"])
    return Variation(carved=options.carved, **changes)


def _crop_jitter(rng: np.random.Generator) -> dict:
    return {
        "scale": float(np.exp(rng.uniform(-0.05, 0.05))),
        "rotation": rng.uniform(-3, 3),
        "shift": tuple(rng.uniform(-0.02, 0.02, 2)),
    }


def _colour_jitter(rng: np.random.Generator) -> dict:
    gain = (1 + rng.uniform(-0.06, 0.06)) * (1 + rng.uniform(-0.03, 0.03, 3))
    return {"gamma": float(np.exp(rng.uniform(-0.15, 0.15))), "gain": tuple(gain)}


def _light(rng: np.random.Generator) -> Light:
    around, up = rng.uniform(-1.25, 1.25), rng.uniform(-0.35, 0.9)  # radians from straight ahead
    direction = np.array([np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up)], np.float32)
    return Light(direction, rng.uniform(0.35, 0.85))


def _backdrop(rng: np.random.Generator) -> tuple:
    base = rng.uniform(15, 240)
    top = np.clip(base + rng.normal(0, 18, 3), 0, 255)
    bottom = np.clip(top * rng.uniform(0.6, 1.25), 0, 255)
    return tuple(top), tuple(bottom)


def _person(rng: np.random.Generator) -> dict:
    teeth = TeethLook(
        brightness=rng.uniform(0.84, 1.06),
        yellowness=0.7 * rng.beta(1.6, 3.0),
        length=rng.uniform(0.85, 1.12),
        width=rng.uniform(0.94, 1.06),
        gap_darkness=rng.uniform(0.2, 0.5),
        tilt=rng.normal(0, 0.015),
        seed=int(rng.integers(2**31)),
    )
    return {"wrinkles": WrinkleLook.draw(rng), "teeth": teeth}
