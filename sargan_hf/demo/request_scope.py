"""What a request says of itself, and which of gradio's doors it knocks at."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
from gradio.route_utils import get_root_url
from starlette.requests import Request
from starlette.types import Scope

PAGE = "/run/predict"  # where the page itself calls what does not queue, by number
_NAMED = re.compile(r"/(?:call|run|api)/(?:v\d+/)?([^/]+)")
_BY_NAMES = re.compile(r"/call/v\d+/")
_EVENT = re.compile(r"/call/(?:v\d+/)?[^/]+/([^/]+)$")
_DESCRIPTION = re.compile(r"/gradio_api/(?:info/?|openapi\.json)$")
_CALLS = re.compile(r"/(queue/join|run/|call/|api/|mcp|cancel$|reset$)")


def header(scope: Scope, name: bytes) -> str:
    """The first header of that name, "" for none."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _door(path: str) -> str:
    """A path without the name of a file that is fetched, which may hold any words."""
    return path.partition("/file=")[0]


def is_call(scope: Scope) -> bool:
    """Whether the body is a call in JSON."""
    return scope["method"] == "POST" and not is_upload(scope) and bool(_CALLS.search(scope["path"]))


def endpoint(path: str) -> str | None:
    """The endpoint that a path names, None for a path that names none, such as that by which a page calls by number."""
    named = _NAMED.search(_door(path))
    return None if named is None or path.endswith(PAGE) else named[1]


def is_by_names(path: str) -> bool:
    """Whether the body gives the values of a call by their names."""
    return bool(_BY_NAMES.search(path))


def by_position(scope: Scope) -> Scope:
    """The same request as a call by position."""
    path = _BY_NAMES.sub("/call/", scope["path"])
    return scope if path == scope["path"] else dict(scope) | {"path": path, "raw_path": path.encode()}


def event(scope: Scope) -> str | None:
    """The number of the call whose answer is fetched, None for every other request."""
    found = _EVENT.search(_door(scope["path"])) if scope["method"] == "GET" else None
    return None if found is None else found[1]


def is_description(scope: Scope) -> bool:
    """Whether the request is for the endpoints' description."""
    return bool(_DESCRIPTION.search(scope["path"]))


def is_agents(scope: Scope) -> bool:
    """Whether this is the agents' door."""
    return "/mcp" in scope["path"]


def is_upload(scope: Scope) -> bool:
    """Whether the body is a file."""
    return scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/upload")


def is_page_upload(scope: Scope) -> bool:
    """Whether the page itself uploads: it follows the progress by a number, and shows the text of a refusal as it is."""
    return is_upload(scope) and b"upload_id=" in scope["query_string"]


def origin(scope: Scope) -> str:
    """This server's address as the client sees it, before any proxy, without a slash at its end; "" for nonsense."""
    root = getattr(scope.get("app"), "root_path", "")
    try:
        return get_root_url(Request(scope), scope["path"], root)
    except (httpx.InvalidURL, ValueError):
        return ""


def own_hosts(scope: Scope) -> set[str]:
    """Every form of this server's name and port that a client may write in an address."""
    names = {urlsplit(origin(scope)).netloc.lower(), header(scope, b"host").lower()} - {""}
    return names | {f"{name}{port}" for name in names if ":" not in name for port in (":80", ":443")}


def handlers(scope: Scope) -> Mapping[int, str] | None:
    """The name of each of the app's handlers by its number, those in the browser left out; None outside of an app."""
    if "app" not in scope:
        return None
    known = scope["app"].get_blocks().fns.items()
    return {number: str(handler.api_name) for number, handler in known if handler.fn is not None}


def is_awaited(scope: Scope, event: str) -> bool:
    """Whether a call's answer is still to be fetched; true outside of an app, where that is not known."""
    if "app" not in scope:
        return True
    queue = scope["app"].get_blocks()._queue  # gradio itself answers 200 with "404: Not Found", or never
    waiting = queue.pending_event_ids_session
    if event in queue.event_ids_to_events or event in waiting.get(event, ()):  # a call without a session is its own
        return True
    return any(event in events for events in waiting.values())
