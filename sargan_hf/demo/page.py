"""gradio's Blocks with a sentence for every call that cannot work, where gradio would answer with nothing at all."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError

from .api_texts import BROKEN, GONE, NOT_UPLOADED, PARAMETERS, PUBLIC

logger = logging.getLogger(__name__)


class Page(gr.Blocks):
    """The whole app. What `gr.Error` says reaches the caller in any case; other exceptions become one here.

    Attributes:
        card: a picture for links to the page.
    """

    card: Path | None = None

    async def preprocess_data(self, block_fn, inputs: list[Any], *arguments, **keywords) -> list[Any]:
        """A call's values as the handler takes them; what is wrong with them is the caller's to know."""
        try:
            return await super().preprocess_data(block_fn, completed(block_fn, inputs), *arguments, **keywords)
        except gr.Error:
            raise
        except (InvalidPathError, OSError):
            sentence = NOT_UPLOADED if block_fn.api_name in PUBLIC else GONE
            raise gr.Error(sentence, print_exception=False) from None
        except Exception as error:
            logger.warning("The values of a call to %s cannot be read: %r", block_fn.name, str(error)[:300])
            raise gr.Error(_unreadable(block_fn), print_exception=False) from None

    async def process_api(self, *arguments, **keywords) -> dict[str, Any]:
        """Runs a handler; a bug in it is logged, and the caller learns that it is a bug."""
        try:
            return await super().process_api(*arguments, **keywords)
        except gr.Error:
            raise
        except Exception:
            logger.exception("A handler failed.")
            raise gr.Error(BROKEN, print_exception=False) from None


def completed(block_fn: Any, inputs: list[Any]) -> list[Any]:
    """The values of a call with the defaults of a public endpoint's parameters for those that were left out.

    Raises:
        gr.Error: there are more values than parameters.
    """
    names = PARAMETERS.get(block_fn.api_name)
    if names is None:
        return inputs
    if len(inputs) > len(names):
        raise gr.Error(
            f"{block_fn.api_name} takes {_listed(len(names), names)}; got {len(inputs)}.", print_exception=False
        )
    given = [*inputs, *[None] * (len(names) - len(inputs))]
    return [
        getattr(part, "value", None) if value is None else value
        for value, part in zip(given, block_fn.inputs, strict=True)
    ]


def _unreadable(block_fn: Any) -> str:
    listed = _listed(len(block_fn.inputs), PARAMETERS.get(block_fn.api_name, ()))
    return f"The values of this call cannot be read. It takes {listed}."


def _listed(count: int, names: Iterable[str]) -> str:
    values = "no values" if count == 0 else f"{count} value{'' if count == 1 else 's'}"
    return f"{values} ({', '.join(names)})" if names else values
