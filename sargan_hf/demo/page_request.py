"""What a visitor wants of the page, as it comes from a browser, which may send anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradio_client.utils import is_file_obj_with_meta

from ..controls import CONTROLS, Control
from ..editing.masks import REGIONS
from ..expressions import MAX_INTENSITY
from ..presets import Preset, shipped_presets
from .strings import PARTS_OF_FACE, REGION_WHOLE, VIEW_WHOLE, VIEWS

EXAMPLE = "example:"  # what the name of an example begins with where an uploaded picture has its path
MOST_BOXES = 64  # far more than faces that can be edited: a longer list is no visitor's


@dataclass(frozen=True)
class Wish:
    """Everything that the page's picture depends on; two equal wishes get equal answers.

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

    @property
    def area(self) -> str | None:
        """The region as the pipeline calls it."""
        return self.region.lower() if self.region.lower() in REGIONS else None


def known_presets(expressions: Sequence[str], controls: Sequence[str]) -> dict[str, Preset]:
    """The shipped presets that a model with these expressions and controls can follow, by name."""
    return {
        name: preset
        for name, preset in shipped_presets().items()
        if set(preset.expression) <= set(expressions) and set(preset.controls) <= set(controls)
    }


def first_wish(expression: str) -> dict[str, object]:
    """What the page begins with: no picture, and one expression."""
    return state_of(Wish(0, None, {expression: 1.0}))


def state_of(wish: Wish) -> dict[str, object]:
    """A wish as the page keeps it."""
    return {
        "picture": wish.picture,
        "blend": dict(wish.blend),
        "controls": dict(wish.controls),
        "intensity": wish.intensity,
        "region": wish.region,
        "view": wish.view,
        "boxes": [box if isinstance(box, str) else list(box) for box in wish.boxes],
        "chosen": None if wish.chosen is None else list(wish.chosen),
    }


def read_wish(sent: object, expressions: Sequence[str], controls: Sequence[str] = ()) -> Wish:
    """The wish in what a browser sent; whatever is not as it must be becomes what the page begins with.

    Args:
        expressions, controls: those that the model knows.
    """
    sent = sent if isinstance(sent, dict) else {}
    chosen = sent.get("chosen")
    number = sent.get("number")
    return Wish(
        number=number if isinstance(number, int) else 0,
        picture=_picture(sent),
        blend=_blend(sent.get("blend"), expressions),
        intensity=_intensity(sent.get("intensity")),
        region=sent["region"] if sent.get("region") in PARTS_OF_FACE else REGION_WHOLE,
        view=sent["view"] if sent.get("view") in VIEWS else VIEW_WHOLE,
        boxes=tuple(box for box in _list(sent.get("boxes")) if _is_box(box))[:MOST_BOXES],
        chosen=tuple(str(one)[:8] for one in chosen[:MOST_BOXES]) if isinstance(chosen, list) else None,
        touched=str(sent.get("touched", ""))[:20],
        controls=_controls(sent.get("controls"), controls),
    )


def _picture(sent: dict[str, Any]) -> str | None:
    """A path is only taken from a file that gradio has found among the uploads, which it asks of those that say they are."""
    picture = sent.get("picture")
    file: Any = sent.get("file")
    if not isinstance(picture, str):
        return None
    if picture.startswith(EXAMPLE):
        return picture
    try:
        return file["path"] if is_file_obj_with_meta(file) else None
    except AttributeError:  # its meta is no dictionary
        return None


def _blend(sent: object, expressions: Sequence[str]) -> dict[str, float]:
    sent = sent if isinstance(sent, dict) else {}
    shares = {name: _share(sent.get(name)) for name in expressions}
    return {name: share for name, share in shares.items() if share > 0}


def _share(weight: Any) -> float:
    """A number from 0 to 1 in hundredths; 0 for anything else."""
    known = isinstance(weight, int | float) and 0 <= weight <= 1  # false for what is not a number
    return round(float(weight), 2) if known else 0.0


def _controls(sent: object, controls: Sequence[str]) -> dict[str, float]:
    sent = sent if isinstance(sent, dict) else {}
    values = {control.name: _value(sent.get(control.name), control) for control in CONTROLS if control.name in controls}
    return {name: value for name, value in values.items() if value != 0}


def _value(sent: Any, control: Control) -> float:
    """A number in the control's range, in hundredths; 0 for anything else."""
    known = isinstance(sent, int | float) and not isinstance(sent, bool) and control.least <= sent <= 1
    return round(float(sent), 2) if known else 0.0


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
