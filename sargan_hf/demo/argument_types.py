"""What JSON a parameter of the API may be: for agents, and for those who read the OpenAPI description."""

import re
from collections.abc import Mapping
from typing import Any

from .api_texts import DEFAULTS, FILM_DEFAULT, PARAMETERS, PICTURES, RESULTS, SUMMARIES, limits
from .settings import Settings

MAPPING = {"type": "object", "additionalProperties": {"type": "number"}}
NUMBERS = {"type": "array", "items": {"type": "number"}}
OBJECT = {"type": "object"}
ROWS = {"type": "array", "items": NUMBERS}
STOPS = {"type": "array", "items": {"anyOf": [{"type": "string"}, MAPPING]}}
# What a parameter may be beside the text that view_api tells of.
MORE_TYPES: dict[str, tuple[dict[str, Any], ...]] = {
    "expression": (MAPPING, STOPS),
    "faces": (NUMBERS,),
    "box": (NUMBERS,),
    "region": (ROWS,),
    "points": (NUMBERS, ROWS),
    "controls": (MAPPING,),
    "preset": (OBJECT,),
    "recipe": (OBJECT,),
}
_CALL = re.compile(r"/call/v\d+/(\w+)$")


def types_of(name: str, usual: str) -> dict[str, Any]:
    """The JSON schema of a parameter's value, without its description; `usual` is its type where nothing else is known."""
    if name in PICTURES:
        return {"type": "string"}
    if name in MORE_TYPES:
        return {"anyOf": [{"type": "string"}, *MORE_TYPES[name]]}
    return {"type": usual}


def explained(info: Any, settings: Settings) -> Any:
    """gradio's answer to /openapi.json with every endpoint and parameter explained; any other answer as it is."""
    if not isinstance(info, dict) or "openapi" not in info:
        return info
    values = limits(settings)
    paths = {path: _explained_path(path, part, values) for path, part in info.get("paths", {}).items()}
    return info | {"paths": paths}


def _explained_path(path: str, part: dict[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    found = _CALL.search(path)
    if found is None or found[1] not in PARAMETERS:
        return part
    name = found[1]
    properties = {
        key: types_of(key, "number" if isinstance(_default(name, key), int | float) else "string")
        | {"description": text.format(**values)}
        | ({} if key == "picture" else {"default": _default(name, key)})
        for key, text in PARAMETERS[name].items()
    }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    schema |= {"required": ["picture"]} if "picture" in properties else {}
    told = {
        "summary": SUMMARIES[name].format(**values),
        "description": f"Fetch the result from /gradio_api/call/{name}/ and the event_id. {RESULTS[name].format(**values)}",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }
    return part | {"post": part["post"] | told}


def _default(endpoint: str, parameter: str) -> str | float | None:
    return FILM_DEFAULT if (endpoint, parameter) == ("animate", "format") else DEFAULTS.get(parameter)
