"""Which faces of a picture are edited: those found, and boxes that a visitor draws beside them or instead of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..editing.requests import Box, FaceRequest
from ..errors import ConfigurationError, NoFaceError, SARGANError
from ..faces.detection import POINTS_IN_BOX, Face
from . import strings as texts
from .page_request import PageWish
from .page_session import Key, PageSession

SMALLEST_BOX = 40  # pixels of the shorter side, for a face that the detector does not see in it
LEAST_CONTRAST = 1.5  # of what `_detail` says; sky and walls have less, the flattest relief has more
REPLACES = 0.3  # intersection over union from which on a box means the face found there


@dataclass(frozen=True)
class Selection:
    """The faces that can be edited, in the order of their numbers on the page.

    Attributes:
        faces: id and key of each face.
        chosen: ids of those to edit.
        boxes: the boxes drawn by hand that can be used.
        problems: sentences about those that cannot.
    """

    faces: tuple[tuple[str, Key], ...]
    chosen: tuple[str, ...]
    boxes: tuple[Box, ...]
    problems: tuple[str, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Keys of the chosen faces."""
        return [key for name, key in self.faces if name in self.chosen]

    def requests(self, session: PageSession, wish: PageWish) -> list[FaceRequest]:
        """What the wish asks of each chosen face, in the order of `keys`."""
        return [session.wished(wish.of_face(name)) for name in self.chosen]

    def previewed(self, wish: PageWish) -> Key:
        """Key of the face that the page's controls are for, the first chosen one where they are for all."""
        return dict(self.faces)[wish.current or self.chosen[0]]


def focused(wish: PageWish, chosen: Sequence[str]) -> PageWish:
    """The wish with its controls for one of the chosen faces, or for all of them where there is one alone.

    Where they were for a face that is chosen no more, they are for the first one that is, with what it kept.
    """
    if not chosen or (wish.current is None and len(chosen) > 1):
        return replace(wish, current=None)
    current = wish.current
    if current is None or current not in chosen:
        if current is not None:
            wish = replace(wish, others={**wish.others, current: wish.in_hand})
        current = chosen[0]
    return wish.for_face(wish.of_face(current), current if len(chosen) > 1 else None)


def select_faces(session: PageSession, wish: PageWish, max_faces: int) -> Selection:
    """The faces of a picture and the choice among them.

    A box drawn over a face that was found takes its place and its number; others follow at the end. A box that cannot be
    used changes nothing. At least one face is always chosen: those of before where the wish chooses none, the largest where
    there was no choice.
    """
    boxes: list[Box] = []
    wanted, problems = wish.chosen or (), []
    try:
        if len(wish.boxes) > max_faces:
            raise ConfigurationError(texts.BOXES_MANY.format(count=max_faces))
        for asked in wish.boxes:
            boxes.append(draw_box(session, asked))
    except SARGANError as error:
        problems.append(str(error))
        boxes, wanted = list(session.last_boxes), session.last_chosen
    faces = _numbered(session, boxes)
    names = [name for name, _ in faces]
    chosen = [name for name in names if name in wanted] or [name for name in names if name in session.last_chosen]
    return Selection(tuple(faces), tuple(chosen or names[:1]), tuple(boxes), tuple(problems))


def _numbered(session: PageSession, boxes: list[Box]) -> list[tuple[str, Key]]:
    left = dict(enumerate(boxes))
    faces: list[tuple[str, Key]] = []
    for index, face in enumerate(session.faces):
        over = [number for number, box in left.items() if overlap(face.box, box) > REPLACES]
        faces.append((f"b{over[0]}", left.pop(over[0])) if over else (f"f{index}", index))
    return faces + [(f"b{number}", box) for number, box in left.items()]


def draw_box(session: PageSession, asked: Sequence[float] | str) -> Box:
    """A box that a visitor drew or typed, with its face put among the session's `drawn`.

    Raises:
        ConfigurationError: it is not four numbers, or too small, or nothing can be seen in it.
        NoFaceError: it lies outside of the picture.
    """
    x0, y0, x1, y1 = _four_numbers(asked)
    box = (float(min(x0, x1)), float(min(y0, y1)), float(max(x0, x1)), float(max(y0, y1)))
    session.drawn.get(box, lambda: _face_in(session, box))
    return box


def _four_numbers(asked: Sequence[float] | str) -> list[float]:
    if not isinstance(asked, str):
        return [float(side) for side in asked]
    numbers = re.findall(r"-?\d+", asked)
    if len(numbers) != 4:
        raise ConfigurationError(
            f"A box is four numbers, left, top, right and bottom, such as 120, 80, 420, 460; got {asked[:60]!r}."
        )
    return [float(number[:9]) for number in numbers]


def _face_in(session: PageSession, box: Box) -> Face:
    width, height = box[2] - box[0], box[3] - box[1]
    least = min(SMALLEST_BOX, min(session.size) / 2)
    size = f"{width:.0f} by {height:.0f} pixels"
    if min(width, height) < 8:
        raise ConfigurationError(texts.BOX_SMALL.format(size=size, least=least))
    [face] = session.edits.find_faces(box=box)
    guessed = (np.array(box[:2]) + POINTS_IN_BOX * (width, height)).astype(np.float32)
    if not np.array_equal(face.points, guessed):  # the detector sees a face there
        return face
    if min(width, height) < least:
        raise ConfigurationError(texts.BOX_SMALL.format(size=size, least=least))
    left, top, right, bottom = (max(0, round(side)) for side in box)
    if _detail(session.edits.image.rgb8((slice(top, bottom), slice(left, right)))) < LEAST_CONTRAST:
        raise NoFaceError(texts.BOX_EMPTY)
    return face


def _detail(seen: np.ndarray) -> float:
    """How much there is to see in uint8 [h, w, 3]: the standard deviation, in levels, of what is no slow change of light."""
    grey = cv2.resize(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    return float((grey - cv2.GaussianBlur(grey, (0, 0), 8)).std())


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / max(sum(areas) - common, 1e-9)
