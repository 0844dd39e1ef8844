"""What the JSON body of a call may hold: checked before gradio sees it, so that nonsense gets a sentence and no 500."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from . import request_scope
from .api_texts import NOT_OPENED, PARAMETERS, PICTURES, PUBLIC, SERVED

MAX_BODY = 4_194_304  # bytes; what the MCP library reads. Larger pictures are uploaded.
TOO_LARGE = "The call is too large: upload the picture and pass its path."
KEPT = ("fn_index", "session_hash", "event_data", "trigger_id")  # of a call, beside its data; the rest is gradio's own
_SCHEME = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]+:|//)", re.IGNORECASE)
_WEB = re.compile(r"^\s*(?:https?|ftp|file):", re.IGNORECASE)


class Refused(Exception):
    """A call that must not reach the app, with the sentence that says why and the parameter that it is about."""

    def __init__(self, sentence: str, about: str = "call"):
        super().__init__(sentence)
        self.about = about


def parsed(body: bytes) -> object:
    """The body's JSON; an empty body is an empty object.

    Raises:
        Refused: it is not JSON.
    """
    try:
        return json.loads(body) if body else {}
    except ValueError:
        raise Refused("The call is not valid JSON.") from None
    except RecursionError:
        raise Refused("The call is nested too deeply.") from None


def session_of(content: object) -> str:
    """The session that the call says it belongs to, "" for none."""
    session = content.get("session_hash") if isinstance(content, dict) else None
    return session if isinstance(session, str) else ""


def checked(content: object, path: str, handlers: Mapping[int, str] | None, hosts: Collection[str]) -> object:
    """The call as gradio may have it: named values in their order, own addresses as paths.

    Args:
        content: of the body.
        path: of the request.
        handlers: the name of each handler that exists, by its number; None when that is not known.
        hosts: names and ports of this server, as the caller may write them.

    Raises:
        Refused: it must not reach the app.
    """
    try:
        if "/mcp" in path:
            return _checked_tool_call(content, hosts)
        if not isinstance(content, dict):
            raise Refused('A call is a JSON object: {"data": [...]}.')
        if path.endswith(("/cancel", "/reset")):
            # A page may take an event back before its number has come; what runs is found by session and handler.
            return content if isinstance(content.get("event_id"), str) else content | {"event_id": ""}
        return _checked_call(content, path, handlers, hosts)
    except RecursionError:
        raise Refused("The call is nested too deeply.") from None


def _checked_call(
    content: dict[str, Any], path: str, handlers: Mapping[int, str] | None, hosts: Collection[str]
) -> dict[str, Any]:
    if path.endswith(("/queue/join", "/run/predict")):
        number = content.get("fn_index")
        endpoint = ""
        if handlers is not None:
            if type(number) is not int or number not in handlers:
                raise Refused("There is no such handler.")
            endpoint = handlers[number]
    else:
        endpoint = request_scope.endpoint(path) or ""
    if request_scope.is_by_names(path) and endpoint in PARAMETERS:
        content = {"data": _in_order(content, endpoint)}
    data = content.get("data")
    if not isinstance(data, list):
        names = ", ".join(PARAMETERS.get(endpoint, ("...",)))
        raise Refused(f'A call is a JSON object with a list: {{"data": [{names}]}}.')
    if not isinstance(content.get("session_hash") or "", str):
        raise Refused("session_hash must be text.")
    if endpoint in PUBLIC:
        data = _with_pictures(data, endpoint, hosts)
    if remote_file(data) is not None:
        raise Refused(NOT_OPENED, "picture")
    return {name: content[name] for name in KEPT if name in content} | {"data": data}


def _with_pictures(data: list[Any], endpoint: str, hosts: Collection[str]) -> list[Any]:
    """The values of a call with every picture as a path, or as the picture itself."""
    data = list(data)
    for place, name in enumerate(PARAMETERS[endpoint]):
        if name in PICTURES and place < len(data):
            data[place] = _as_text(data[place], hosts)
            if _is_address(data[place]):
                raise Refused(NOT_OPENED, name)
    return data


def _in_order(values: dict[str, Any], endpoint: str) -> list[Any]:
    """The values of a call by names, in the order of the parameters; those left out are None."""
    names = PARAMETERS[endpoint]
    for name in values:
        if name not in names:
            raise Refused(f"{endpoint} has no parameter {name[:40]!r}; it has {', '.join(names) or 'none'}.")
    return [values.get(name) for name in names]


def _checked_tool_call(content: object, hosts: Collection[str]) -> object:
    """gradio would fetch an address that an agent gives for a picture; only those of this server's own uploads pass."""
    if not isinstance(content, dict):
        raise Refused("Send one message of JSON-RPC at a time, as a JSON object.")
    call = content.get("params")
    given = call.get("arguments") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(given, dict):
        return content
    given = {name: value for name, value in given.items() if value is not None}  # as agents leave a parameter out
    for name in PICTURES:
        if name in given:
            given[name] = _as_text(given[name], hosts)
    if any(_WEB.match(text) for text in _texts(given)):
        raise Refused(f"{NOT_OPENED} Or give the picture itself, as data:image/jpeg;base64,...", "picture")
    return content | {"params": call | {"arguments": given}}


def _as_text(picture: object, hosts: Collection[str]) -> object:
    """A picture's path, or the picture written out, whether it came as text, as gradio's object or as an address of ours.

    Nothing but text is left for gradio, which would follow an object's path by rules of its own.
    """
    text = picture.get("path") if isinstance(picture, dict) else picture
    if not isinstance(text, str):
        return picture
    own = own_file(text, hosts)
    return text if own is None else own


def _is_address(picture: object) -> bool:
    return isinstance(picture, str) and bool(_SCHEME.match(picture)) and picture.lstrip()[:5].lower() != "data:"


def own_file(address: str, hosts: Collection[str]) -> str | None:
    """The path in an address that this server would serve a file by, None for every other text.

    Nothing is fetched: whether there is such a file among the uploads is seen later, by the path alone.
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    here = parts.netloc.lower() in hosts if parts.scheme in ("http", "https") else not (parts.scheme or parts.netloc)
    _, served, path = parts.path.partition(SERVED)
    return unquote(path) if here and served else None


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
