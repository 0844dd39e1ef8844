"""What a visitor wants of the page, as it comes from a browser, which may send anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from gradio_client.utils import is_file_obj_with_meta

from ..controls import CONTROLS, Control
from ..editing.masks import REGIONS
from ..expressions import MAX_INTENSITY
from ..presets import Preset, shipped_presets
from .strings import PARTS_OF_FACE, REGION_WHOLE, VIEW_WHOLE, VIEWS

EXAMPLE = "example:"  # what the name of an example begins with where an uploaded picture has its path
MOST_FACES = 128  # found and drawn: no visitor has chosen more
MOST_BOXES = 64  # far more than faces that can be edited: a longer list is no visitor's


@dataclass(frozen=True)
class FaceWish:
    """What is wanted of a face, in the page's words.

    Attributes:
        blend: expressions and their weights in 0..1, without those of weight 0; empty where all were 0.
        intensity: 0 to 1.5.
        region: the part of the face to change, one of the names in strings.py.
        controls: facial controls and their values in -1..1, without those of value 0.
    """

    blend: Mapping[str, float]
    intensity: float = 1.0
    region: str = REGION_WHOLE
    controls: Mapping[str, float] = field(default_factory=dict)

    @property
    def area(self) -> str | None:
        """The region as the pipeline calls it."""
        return self.region.lower() if self.region.lower() in REGIONS else None

    def to_json(self) -> dict[str, object]:
        """As the page keeps it."""
        return {
            "blend": dict(self.blend),
            "controls": dict(self.controls),
            "intensity": self.intensity,
            "region": self.region,
        }


@dataclass(frozen=True)
class PageWish:
    """Everything that the page's picture depends on; two equal wishes get equal answers.

    What `blend`, `intensity`, `region` and `controls` say is meant for every chosen face, or for `current` alone.

    Attributes:
        number: of the wish, counted by the page; its answer carries it too.
        picture: path of an upload, or `EXAMPLE` and the name of an example; None for no picture.
        blend: expressions and their weights in 0..1, without those of weight 0; empty where all were 0.
        intensity: 0 to 1.5.
        region: the part of the face to change, one of the names in strings.py.
        view: what to show of it, one of the names in strings.py.
        boxes: drawn around faces by hand: left, top, right and bottom in pixels, or that as a visitor typed it.
        chosen: faces to edit, "f0" for the first that was found and "b0" for the first box; None for the largest.
        touched: what the visitor touched last.
        controls: facial controls and their values in -1..1, without those of value 0.
        current: the face that the page's controls are for; None for all that are chosen, which are then edited alike.
        others: what the other faces keep, by their ids.
    """

    number: int
    picture: str | None
    blend: Mapping[str, float]
    intensity: float = 1.0
    region: str = REGION_WHOLE
    view: str = VIEW_WHOLE
    boxes: tuple[Sequence[float] | str, ...] = ()
    chosen: tuple[str, ...] | None = None
    touched: str = ""
    controls: Mapping[str, float] = field(default_factory=dict)
    current: str | None = None
    others: Mapping[str, FaceWish] = field(default_factory=dict)

    @property
    def in_hand(self) -> FaceWish:
        """What the page's controls say."""
        return FaceWish(self.blend, self.intensity, self.region, self.controls)

    def of_face(self, name: str) -> FaceWish:
        """What is wanted of the face with that id."""
        if self.current in (None, name):
            return self.in_hand
        return self.others.get(name, self.in_hand)

    def for_face(self, wanted: FaceWish, current: str | None) -> "PageWish":
        """The wish with something else in hand, for another face or for all."""
        parts = {part.name: getattr(wanted, part.name) for part in fields(FaceWish)}
        return replace(self, current=current, **parts)


def known_presets(expressions: Sequence[str], controls: Sequence[str]) -> dict[str, Preset]:
    """The shipped presets that a model with these expressions and controls can follow, by name."""
    return {
        name: preset
        for name, preset in shipped_presets().items()
        if set(preset.expression) <= set(expressions) and set(preset.controls) <= set(controls)
    }


def first_wish(expression: str) -> dict[str, object]:
    """What the page begins with: no picture, and one expression."""
    return state_of(PageWish(0, None, {expression: 1.0}))


def state_of(wish: PageWish) -> dict[str, object]:
    """A wish as the page keeps it."""
    return {
        "picture": wish.picture,
        **wish.in_hand.to_json(),
        "view": wish.view,
        "boxes": [box if isinstance(box, str) else list(box) for box in wish.boxes],
        "chosen": None if wish.chosen is None else list(wish.chosen),
        "current": wish.current,
        "others": {name: wanted.to_json() for name, wanted in wish.others.items()},
    }


def read_wish(sent: object, expressions: Sequence[str], controls: Sequence[str] = ()) -> PageWish:
    """The wish in what a browser sent; whatever is not as it must be becomes what the page begins with.

    Args:
        expressions, controls: those that the model knows.
    """
    sent = sent if isinstance(sent, dict) else {}
    chosen, current = sent.get("chosen"), sent.get("current")
    number = sent.get("number")
    first = PageWish(
        number=number if isinstance(number, int) else 0,
        picture=_picture(sent),
        blend={},
        view=sent["view"] if sent.get("view") in VIEWS else VIEW_WHOLE,
        boxes=tuple(box for box in _list(sent.get("boxes")) if _is_box(box))[:MOST_BOXES],
        chosen=tuple(str(one)[:8] for one in chosen[:MOST_BOXES]) if isinstance(chosen, list) else None,
        touched=str(sent.get("touched", ""))[:20],
        others=_others(sent.get("others"), expressions, controls),
    )
    return first.for_face(
        read_face_wish(sent, expressions, controls), current[:8] if isinstance(current, str) else None
    )


def read_face_wish(sent: Mapping[str, Any], expressions: Sequence[str], controls: Sequence[str]) -> FaceWish:
    """What is wanted of a face, as `read_wish` reads it."""
    return FaceWish(
        _blend(sent.get("blend"), expressions),
        _intensity(sent.get("intensity")),
        sent["region"] if sent.get("region") in PARTS_OF_FACE else REGION_WHOLE,
        _controls(sent.get("controls"), controls),
    )


def uploaded(file: Any) -> str | None:
    """The path of a file that gradio has found among the uploads, which it asks of those that say they are; None for others."""
    try:
        return file["path"] if is_file_obj_with_meta(file) else None
    except AttributeError:  # its meta is no dictionary
        return None


def _picture(sent: dict[str, Any]) -> str | None:
    picture = sent.get("picture")
    if not isinstance(picture, str):
        return None
    return picture if picture.startswith(EXAMPLE) else uploaded(sent.get("file"))


def _others(sent: object, expressions: Sequence[str], controls: Sequence[str]) -> dict[str, FaceWish]:
    """What faces keep; one that would keep no expression of a model that knows nothing else keeps nothing."""
    given = list(sent.items())[:MOST_FACES] if isinstance(sent, dict) else []
    read = {
        str(name)[:8]: read_face_wish(wanted, expressions, controls)
        for name, wanted in given
        if isinstance(wanted, dict)
    }
    return {name: wanted for name, wanted in read.items() if wanted.blend or controls}


def _blend(sent: object, expressions: Sequence[str]) -> dict[str, float]:
    sent = sent if isinstance(sent, dict) else {}
    shares = {name: _share(sent.get(name)) for name in expressions}
    return {name: share for name, share in shares.items() if share > 0}


def _share(weight: Any) -> float:
    """A number from 0 to 1; 0 for anything else."""
    known = isinstance(weight, int | float) and 0 <= weight <= 1  # false for what is not a number
    return float(weight) if known else 0.0


def _controls(sent: object, controls: Sequence[str]) -> dict[str, float]:
    sent = sent if isinstance(sent, dict) else {}
    values = {control.name: _value(sent.get(control.name), control) for control in CONTROLS if control.name in controls}
    return {name: value for name, value in values.items() if value != 0}


def _value(sent: Any, control: Control) -> float:
    """A number in the control's range; 0 for anything else."""
    known = isinstance(sent, int | float) and not isinstance(sent, bool) and control.least <= sent <= 1
    return float(sent) if known else 0.0


def _intensity(sent: Any) -> float:
    if isinstance(sent, bool) or not isinstance(sent, int | float) or sent != sent:
        return 1.0
    return float(min(max(sent, 0), MAX_INTENSITY))


def _list(sent: object) -> list:
    return sent if isinstance(sent, list) else []


def _is_box(box: object) -> bool:
    if isinstance(box, str):
        return True
    return isinstance(box, list) and len(box) == 4 and all(_is_pixel(side) for side in box)


def _is_pixel(side: object) -> bool:
    return isinstance(side, int | float) and not isinstance(side, bool) and abs(side) < 1e9
