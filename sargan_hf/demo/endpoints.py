"""The public endpoints, and the parts that gradio derives their parameters from; the page does not show them.

Each hands over what came, as it came, so that `arguments` can say in a sentence what is wrong with it.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.components import Component
from gradio.context import get_blocks_context
from gradio.data_classes import ImageData
from gradio.processing_utils import save_file_to_cache

from ..errors import ImageError
from .api import PublicAPI
from .api_texts import DEFAULTS, FILM_DEFAULT, PARAMETERS, RESULTS, SERVED, described, limits
from .arguments import read_picture
from .settings import Settings

EXAMPLE = "photos/eileen-collins.jpg"  # in the folder of examples


class PictureArgument(gr.Image):
    """An uploaded file, or one written out as text."""

    is_template = True
    data_model = None  # gradio would check against it before we can say anything

    def __init__(self, description: str, example: Path, label: str):
        super().__init__(label=label)
        self._description = description  # what has the very name of an argument goes to the browser
        self._example = self._kept(example)

    def _kept(self, example: Path) -> str:
        """The example's copy among the uploads, where it may be fetched and named, and is not deleted in time."""
        if not example.is_file():
            return example.name  # of a file that the caller has
        copy = save_file_to_cache(example, self.GRADIO_CACHE)
        self.keep_in_cache.add(copy)
        return f"{SERVED}{quote(copy)}"

    def preprocess(self, payload: Any) -> str | bytes | None:
        """The path of the upload, or the file itself."""
        try:
            return read_picture(payload, Path(self.GRADIO_CACHE))
        except ImageError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def api_info(self) -> dict[str, Any]:
        """A file, as for any other image, with our description."""
        return _file_schema() | {"additional_description": self._description}

    def example_payload(self) -> Any:
        """A picture on this very server, which a caller may fetch or name."""
        address = self._example
        return {"path": address, "meta": {"_type": "gradio.FileData"}, "orig_name": Path(address).name, "url": address}


class PictureResult(gr.Image):
    """A file that was made here."""

    is_template = True

    def __init__(self, description: str, label: str):
        super().__init__(label=label, format="png", interactive=False)
        self._description = description

    def api_info_as_output(self) -> dict[str, Any]:
        """A file, with our description."""
        return _file_schema() | {"description": self._description}


class FileResult(gr.File):
    """A file that was made here and is no picture, or not always one."""

    is_template = True

    def __init__(self, description: str, label: str):
        super().__init__(label=label, interactive=False)
        self._description = description

    def api_info_as_output(self) -> dict[str, Any]:
        """A file, with our description."""
        return _file_schema() | {"title": "FileData", "description": self._description}


class MappingResult(gr.JSON):
    """A JSON object."""

    is_template = True

    def __init__(self, description: str, label: str):
        super().__init__(label=label)
        self._description = description

    def api_info_as_output(self) -> dict[str, Any]:
        """An object, with our description."""
        return {"type": "object", "description": self._description}


class TextArgument(gr.Textbox):
    """Text, or what JSON has instead of it: a list, a mapping."""

    is_template = True

    def __init__(self, value: str, description: str, label: str):
        super().__init__(value, label=label)
        self._description = description

    def preprocess(self, payload: Any) -> Any:
        """What came, as it came."""
        return payload

    def api_info(self) -> dict[str, Any]:
        """Text with our description."""
        return {"type": "string", "additional_description": self._description}

    def example_payload(self) -> Any:
        """The default."""
        return self.value


class NumberArgument(gr.Number):
    """A number, unchecked."""

    is_template = True

    def __init__(self, value: float, description: str, label: str):
        super().__init__(value, label=label)
        self._description = description

    def preprocess(self, payload: Any) -> Any:
        """What came, as it came."""
        return payload

    def api_info(self) -> dict[str, Any]:
        """A number with our description."""
        return {"type": "number", "additional_description": self._description}

    def example_payload(self) -> Any:
        """The default."""
        return self.value


RESULT_PARTS = {"edit": PictureResult, "animate": FileResult, "edit_all": FileResult, "sprites": FileResult}


def add_api(api: PublicAPI, settings: Settings) -> None:
    """Adds the public endpoints to the page that is being built."""
    work = {"concurrency_id": "edit", "concurrency_limit": settings.concurrency, "api_visibility": "public"}
    values = limits(settings)
    example = settings.find(settings.examples) / EXAMPLE
    _give_way()
    parts: dict[tuple[str, str], Component] = {}  # one that says the same serves several endpoints
    with gr.Group(visible=False):
        trigger = gr.Button("call")
        for name, parameters in PARAMETERS.items():
            inputs = []
            for parameter, text in parameters.items():
                told = text.format(**values)
                if (parameter, told) not in parts:
                    parts[parameter, told] = _argument(name, parameter, told, example)
                inputs.append(parts[parameter, told])
            result = RESULT_PARTS.get(name, MappingResult)(RESULTS[name].format(**values), label=f"result of {name}")
            trigger.click(described(getattr(api, name), name, values), inputs or None, result, api_name=name, **work)


def _give_way() -> None:
    """Renames the page's own handlers that are called as a public endpoint, which gradio would number otherwise."""
    page = get_blocks_context()
    for handler in page.fns.values() if page is not None else ():
        if handler.api_name in PARAMETERS:
            handler.api_name = f"page_{handler.api_name}"


def _argument(endpoint: str, parameter: str, description: str, example: Path) -> Component:
    if parameter == "picture":
        return PictureArgument(description, example, label=parameter)
    default = FILM_DEFAULT if (endpoint, parameter) == ("animate", "format") else DEFAULTS[parameter]
    if isinstance(default, str):
        return TextArgument(default, description, label=parameter)
    return NumberArgument(default, description, label=parameter)


def _file_schema() -> dict[str, Any]:
    """gradio's schema of an image without its words, which promise that addresses are opened."""
    schema = ImageData.model_json_schema()
    kept = {
        name: {key: part[key] for key in part if key != "description"} for name, part in schema["properties"].items()
    }
    return {"title": schema["title"], "type": "object", "properties": kept}
