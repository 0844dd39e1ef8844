"""What an error says to a visitor or a caller, who cannot do what a programmer could."""

import re

FOLDERS = re.compile(r"(?<![\w:/])/(?:[^/\s]+/)+")
_LIMIT = re.compile(r",? more than the ([\d,]+)(?: pixels)? that are allowed: make it smaller first\.")


def for_visitors(sentence: str) -> str:
    """The sentence without folders of the server, and with this host's limit in megapixels."""
    sentence = FOLDERS.sub("", sentence)  # where files lie on the server is nobody's business
    return _LIMIT.sub(
        lambda found: f": at most {_megapixels(found[1])} megapixels are accepted here. Shrink it first.", sentence
    )


def _megapixels(pixels: str) -> str:
    return f"{int(pixels.replace(',', '')) / 1e6:.3g}"
