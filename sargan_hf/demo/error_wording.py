"""What an error says to a visitor or a caller, who cannot do what a programmer could."""

import functools
import re
from collections.abc import Callable

import gradio as gr

from ..errors import SARGANError

TOAST = {"title": "That did not work", "duration": 12}
FOLDERS = re.compile(r"(?<![\w:/])/(?:[^/\s]+/)+")
_LIMIT = re.compile(r",? more than the ([\d,]+)(?: pixels)? that are allowed: make it smaller first\.")


# What errors say to those who write programs, and what the page says instead.
_FOR_PROGRAMS = {"use `sargan edit` for whole folders": "give one picture at a time"}


def for_visitors(sentence: str) -> str:
    """The sentence without folders of the server and advice for programs, and with this host's limit in megapixels."""
    sentence = FOLDERS.sub("", sentence)  # where files lie on the server is nobody's business
    for ours, theirs in _FOR_PROGRAMS.items():
        sentence = sentence.replace(ours, theirs)
    return _LIMIT.sub(
        lambda found: f": at most {_megapixels(found[1])} megapixels are accepted here. Shrink it first.", sentence
    )


def sentence_of(error: SARGANError) -> str:
    """An error's sentence for those who see the page, who cannot do what a programmer could."""
    return for_visitors(str(error))


def friendly(handler: Callable) -> Callable:
    """Turns an expected error into a toast that says what to do."""

    @functools.wraps(handler)
    def guarded(*arguments, **keywords):
        try:
            return handler(*arguments, **keywords)
        except SARGANError as error:
            raise gr.Error(sentence_of(error), print_exception=False, **TOAST) from None

    return guarded


def _megapixels(pixels: str) -> str:
    return f"{int(pixels.replace(',', '')) / 1e6:.3g}"
