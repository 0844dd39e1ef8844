"""The examples of gradio's panel "Use via API", made to work when they are copied."""

import re
from typing import Any

from .api_texts import SERVED

_EXAMPLE = re.compile(rf"""(?<=['"]){re.escape(SERVED)}""")
_ROOT = re.compile(r"(https?://\S+?)/gradio_api/call/")
_READ = re.compile(r"^(?P<call>curl .*?)\s*\\?\n?\s*\| read EVENT_ID; ", re.DOTALL | re.MULTILINE)


def mended(info: Any, origin: str) -> Any:
    """The description of the API as gradio makes it, with examples that run.

    gradio's example for a picture is an address on the internet, which this app does not open. Ours is a picture that the
    server has, and only here is the server's own address known. And `... | read EVENT_ID` gives nothing in bash.

    Args:
        info: gradio's answer to /info or /openapi.json, or a part of it.
        origin: this server's address as the caller sees it, without a slash at its end.
    """
    if isinstance(info, dict):
        return {
            key: _snippets(part, origin) if key == "code_snippets" else mended(part, origin)
            for key, part in info.items()
        }
    if isinstance(info, list):
        return [mended(part, origin) for part in info]
    return f"{origin}{info}" if isinstance(info, str) and info.startswith(SERVED) else info


def _snippets(snippets: dict[str, str], origin: str) -> dict[str, str]:
    # gradio keeps them with the address that the first one who asked gave the server, which may have been anything.
    first = _ROOT.search(snippets.get("bash", ""))
    named = {name: text.replace(first[1], origin) if first else text for name, text in snippets.items()}
    absolute = {name: _EXAMPLE.sub(f"{origin}{SERVED}", text) for name, text in named.items()}
    if "bash" in absolute:
        absolute["bash"] = _READ.sub(lambda found: f"EVENT_ID=$({found['call']})\n", absolute["bash"])
    return absolute
