"""How a refusal reaches the one who called: each client shows another part of an answer."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from .request_scope import PAGE, header, is_agents, is_page_upload


@dataclass(frozen=True)
class Refusal:
    """Why a request does not reach the app.

    Attributes:
        status: of HTTP.
        sentence: for the one who called.
        about: the parameter that it is about.
        wait: seconds after which the same request will be taken; None where waiting does not help.
    """

    status: int
    sentence: str
    about: str = "call"
    wait: int | None = None


def answer(refusal: Refusal, scope: Scope, content: object = None) -> Response:
    """The refusal as the client at this door shows it to its user.

    Args:
        content: of the body, where it was read.
    """
    headers = {} if refusal.wait is None else {"retry-after": str(refusal.wait)}
    if is_agents(scope) and header(scope, b"mcp-protocol-version"):
        return _for_agent(refusal, content, headers)
    if header(scope, b"user-agent").startswith("gradio_client/") and scope["path"].endswith("/queue/join"):
        return _for_gradio_client(refusal, headers)
    if is_page_upload(scope):
        return PlainTextResponse(refusal.sentence, refusal.status, headers)
    key = "error" if scope["path"].endswith(PAGE) else "detail"
    return JSONResponse({key: refusal.sentence}, refusal.status, headers)


def _for_agent(refusal: Refusal, content: object, headers: dict[str, str]) -> Response:
    """A tool's result that is an error. Another status would end the agent's whole session, without a word."""
    number = content.get("id") if isinstance(content, dict) else None
    if number is None:
        return JSONResponse({"detail": refusal.sentence}, refusal.status, headers)
    result = {"content": [{"type": "text", "text": refusal.sentence}], "isError": True}
    if isinstance(content, dict) and content.get("method") != "tools/call":
        return JSONResponse(
            {"jsonrpc": "2.0", "id": number, "error": {"code": -32600, "message": refusal.sentence}}, 200, headers
        )
    return JSONResponse({"jsonrpc": "2.0", "id": number, "result": result}, 200, headers)


def _for_gradio_client(refusal: Refusal, headers: dict[str, str]) -> Response:
    """What its Python client raises with the sentence in it; of any other status it shows the number alone."""
    message = {"__type__": "validate", "is_valid": False, "parameter_name": refusal.about, "message": refusal.sentence}
    return JSONResponse({"detail": [message]}, 422, headers)
