"""What the JSON body of a call may hold: checked before gradio sees it, so that nonsense gets a sentence and no 500."""

import json
import re
from collections.abc import Collection

_SCHEME = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]+:|//)", re.IGNORECASE)
_WEB = re.compile(r"^\s*(?:https?|ftp|file):", re.IGNORECASE)


def refused(body: bytes, path: str, numbers: Collection[int] | None = None) -> str | None:
    """Why a call must not reach the app, None when it may.

    Args:
        body: the whole body; empty is allowed.
        path: of the request.
        numbers: the handlers that exist, None when that is not known.
    """
    try:
        content = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return "The call is not valid JSON."
    try:
        if "/mcp" in path:
            return _refused_tool_call(content)
        return _refused_call(content, numbers if path.endswith(("/queue/join", "/run/predict")) else None)
    except RecursionError:
        return "The call is nested too deeply."


def _refused_call(content: object, numbers: Collection[int] | None) -> str | None:
    if not isinstance(content, dict):
        return 'A call is a JSON object: {"data": [...]}.'
    if remote_file(content.get("data")) is not None:
        return "Addresses are not opened: upload the picture and pass its path."
    number = content.get("fn_index")
    if numbers is not None and (isinstance(number, bool) or not isinstance(number, int) or number not in numbers):
        return "There is no such handler."
    return None


def _refused_tool_call(content: object) -> str | None:
    """gradio would fetch an address that an agent gives for a picture; the picture itself is what we take."""
    calls = content if isinstance(content, list) else [content]
    for call in calls:
        arguments = call.get("params") if isinstance(call, dict) else None
        if any(_WEB.match(text) for text in _texts(arguments)):
            return "Addresses are not opened: give the picture itself, as data:image/jpeg;base64,..."
    return None


def remote_file(value: object) -> str | None:
    """The first file in a call's data that is given by an address instead of an upload, None where there is none."""
    if isinstance(value, dict):
        path = value.get("path")
        if isinstance(path, str) and (_SCHEME.match(path) or "\0" in path):
            return path
        value = list(value.values())
    if isinstance(value, list):
        return next((found for part in value if (found := remote_file(part)) is not None), None)
    return None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]
