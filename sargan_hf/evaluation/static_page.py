"""Pages that open from a file, with no server and nothing fetched: a folder with one HTML file and its pictures."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigurationError
from ..images import EditedImage

PAGE = "index.html"
_ASSETS = Path(__file__).parent / "assets"
# The same words for every edit: which model made it must not be read from the file.
_PROVENANCE = "A trained model changed the expression of the face, for an evaluation."


def new_folder(path: str | Path) -> Path:
    """An empty folder at `path`.

    Raises:
        ConfigurationError: something lies there already.
    """
    folder = Path(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} is there already. Name a new folder: answers belong to the page they were given on."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def encoded(pixels: np.ndarray, edited: bool) -> bytes:
    """A picture uint8 RGB [H, W, 3] as JPEG without visible loss; an edit says in its metadata that it is one."""
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    settings = {"format": "JPEG", "quality": 95, "subsampling": 0}
    if edited:
        EditedImage.from_image(image, _PROVENANCE).save(buffer, **settings)
    else:
        image.save(buffer, **settings)
    return buffer.getvalue()


def write_page(folder: Path, name: str, task: Mapping[str, object], **values: object) -> Path:
    """Renders the page `name` ("compare" or "faults") into `folder`.

    Args:
        folder: where its pictures lie.
        name: of the template and the script among the assets.
        task: what the script works on; JSON-ready.
        values: for the template.

    Returns:
        The path of the page.
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    environment = Environment(loader=FileSystemLoader(_ASSETS), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.get_template(f"{name}.html.j2").render(
        css=Markup(_asset("form.css")),
        form_js=Markup(_asset("form.js")),
        page_js=Markup(_asset(f"{name}.js")),
        task=Markup(json.dumps(task, ensure_ascii=True).replace("<", "\\u003c")),
        **values,
    )
    path = folder / PAGE
    path.write_text(page, encoding="utf-8")
    return path


def read_answers(path: str | Path, form: str) -> dict:
    """What a page saved.

    Args:
        path: of the JSON file.
        form: which page it must come from, "compare" or "count-faults".

    Raises:
        ConfigurationError: it cannot be read, or is no such file.
    """
    try:
        saved = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as JSON: {error}. Give the file that the page saved."
        ) from error
    if not isinstance(saved, dict) or saved.get("form") != form or not isinstance(saved.get("answers"), dict):
        what = saved.get("form", "something else") if isinstance(saved, dict) else "something else"
        raise ConfigurationError(
            f"{path} holds {what!r}, not the answers of a {form!r} page. Give the file that the page saved."
        )
    return saved


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
