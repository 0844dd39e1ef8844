"""What an error says to a visitor or a caller, who cannot do what a programmer could."""

import re

FOLDERS = re.compile(r"(?<![\w:/])/(?:[^/\s]+/)+")
_MEGAPIXELS = re.compile(r",? more than the (\d+) million\b[^.]*\.")
_BOMB = re.compile(r"is too large: Image size \((\d+) pixels\).*", re.DOTALL)


def for_visitors(sentence: str) -> str:
    """The sentence without folders of the server, and with this host's limit where it advises to raise one."""
    sentence = FOLDERS.sub("", sentence)  # where files lie on the server is nobody's business
    sentence = _MEGAPIXELS.sub(r": at most \1 megapixels are accepted here. Shrink it first.", sentence)
    return _BOMB.sub(
        lambda found: f"has {int(found[1]) / 1e6:,.0f} megapixels, more than can be opened here. Shrink it first.",
        sentence,
    )
