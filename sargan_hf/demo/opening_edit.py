"""What the page shows before anything is clicked: a finished edit of a famous face, made once when the server starts.

Its files, and the small pictures of the examples, are served as they are for as long as the server runs.
"""

import atexit
import logging
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from PIL import Image

from ..editing.pipeline_sargan import SARGANPipeline
from ..errors import SARGANError
from .example_pictures import caption, example_pictures, opening_picture
from .handlers import Handlers
from .page_request import EXAMPLE, PageWish
from .page_session import PageSession
from .settings import Settings

logger = logging.getLogger(__name__)
TILE = 176  # pixels of a small picture of an example, twice what most screens show of it


@dataclass(frozen=True)
class Opening:
    """What is ready before the first visitor comes.

    Attributes:
        answer: as the handlers give it, with the addresses of its files; None where there is no example to begin with.
        session: the opened picture, for the first touch of each visitor.
        tiles: address of the small picture of each example, by its name.
        pictures: address of each example itself, by its name.
        captions: what to write below each, by language.
        card: what a link to the page shows, see `_card`.
    """

    answer: dict[str, Any] | None = None
    session: PageSession | None = None
    tiles: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    captions: dict[str, dict[str, str]] = field(default_factory=dict)
    card: Path | None = None


def prepare_opening(pipeline: SARGANPipeline, settings: Settings, expression: str) -> Opening:
    """Edits the opening picture and makes the examples small. An example that cannot be had costs no more than itself."""
    examples = settings.find(settings.examples)
    folder = Path(tempfile.mkdtemp(prefix="sargan-page-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tiles = {}
    for number, name in enumerate(name for pictures in example_pictures(examples).values() for name in pictures):
        try:
            tiles[name] = address(_tile(examples / name, folder / f"{number}.jpg"))
        except OSError as error:
            logger.warning("The example %s is left out: %s", name, error)
    gr.set_static_paths([folder, *(examples / name for name in tiles)])
    ready = Opening(
        tiles=tiles,
        pictures={name: address(examples / name) for name in tiles},
        captions={name: caption(examples, name) for name in tiles},
    )
    first = opening_picture(examples)
    if first is None:
        return ready
    handlers = Handlers(pipeline, settings, str(folder))
    wish = PageWish(0, EXAMPLE + first, {expression: 1.0}, touched="picture")
    try:
        session = handlers.session_of(None, wish.picture or "")
        selection, wish = handlers.settled(session, wish)
        answer = handlers.page(session, selection, handlers.first_view(session, selection, wish))
    except SARGANError as error:
        logger.warning("The page opens without a picture: %s", error)
        return ready
    if answer["result"] is None:
        logger.warning("The page opens without a picture: no face was found in %s.", first)
        return ready
    card = _card([file["path"] for file in answer["result"]], folder / "card.jpg")
    return replace(ready, answer=_with_addresses(answer), session=session, card=card)


def address(path: Path | str) -> str:
    """Where the page finds a file that is served as it is, relative to the page's own address."""
    return f"gradio_api/file={quote(Path(path).resolve().as_posix())}"


def _tile(path: Path, tile: Path) -> Path:
    with Image.open(path) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 4
        square = image.convert("RGB").crop((left, top, left + side, top + side))
    square.resize((TILE, TILE), Image.Resampling.LANCZOS).save(tile, quality=82)
    return tile


def _card(paths: list[str], card: Path) -> Path:
    """The picture before and after, side by side on 1200 by 630 pixels, as pages that show links want it."""
    sheet = Image.new("RGB", (1200, 630), "#f6f4f1")
    for place, path in enumerate(paths):
        with Image.open(path) as image:
            scale = min(570 / image.width, 600 / image.height)
            size = (round(image.width * scale), round(image.height * scale))
            shown = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        sheet.paste(shown, (300 + 600 * place - size[0] // 2, (630 - size[1]) // 2))
    sheet.save(card, quality=88)
    return card


def _with_addresses(part: Any) -> Any:
    if isinstance(part, dict) and "path" in part and "orig_name" in part:
        return part | {"url": "/" + address(part["path"])}  # gradio puts the server's own address before it
    if isinstance(part, dict):
        return {name: _with_addresses(one) for name, one in part.items()}
    return [_with_addresses(one) for one in part] if isinstance(part, list) else part
