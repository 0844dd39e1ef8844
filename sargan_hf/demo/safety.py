"""What stands between the app and the open internet: a guard around every HTTP request.

gradio itself keeps requests inside its folder of uploads. The guard adds what a public page needs beyond that: no address
from a visitor is fetched or forwarded, bodies have a limit, clients have a rate limit, and answers carry security headers.
"""

import re
import time
from collections import OrderedDict, deque
from collections.abc import Collection

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import refused
from .settings import Settings

MAX_JSON = 1_000_000  # bytes; a call holds names and numbers, pictures are uploaded
MAX_CLIENTS = 10_000
# Camera access is for the webcam button; huggingface.co shows Spaces in a frame.
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=()",
    "content-security-policy": (
        "object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"
    ),
}
_REMOTE_PATH = re.compile(r"/(?:file=(?!/)|proxy=)|\0", re.IGNORECASE)  # results are served by their full path alone
_NAMED = re.compile(r"/(?:call|run|api)/(?:v\d+/)?([^/]+)")
PUBLIC = ("edit", "find_faces", "expressions")  # gradio lets anyone call private handlers by name; we do not
PAGE = "/run/predict"  # where the page itself calls what does not queue, by number
_CALLS = re.compile(r"/(queue/join|run/|call/|api/|upload|mcp)")


class Guard:
    """ASGI middleware with the checks of this module."""

    def __init__(self, app: ASGIApp, settings: Settings):
        self.app = app
        self.settings = settings
        self.calls: OrderedDict[str, deque[float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # What the page calls outside of the queue can fail by a wrong input alone, for which gradio answers 500.
                if message["status"] == 500 and scope["path"].endswith(PAGE):
                    message["status"] = 400
                message["headers"] = [*message["headers"], *_encoded(HEADERS)]
            await send(message)

        refusal = self.refusal(scope)
        if refusal is None and _is_json_post(scope):
            body = await _read_json_body(receive, self.longest_body(scope))
            if body is None:
                refusal = _answer(413, "The call is too large: upload the picture and pass its path.")
            elif (sentence := refused(body, scope["path"], _handlers(scope))) is not None:
                refusal = _answer(400, sentence)
            receive = _replay(body or b"", receive)
        await (refusal or self.app)(scope, receive, send_with_headers)

    def refusal(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request that must not reach the app, None for all others."""
        path = scope["path"]
        if _REMOTE_PATH.search(path):
            return _answer(403, "Only pictures uploaded to this page are served.")
        named = _NAMED.search(path)
        if named is not None and named[1] not in PUBLIC and not path.endswith(PAGE):
            return _answer(404, f"There is no such endpoint; the public ones are {', '.join(PUBLIC)}.")
        if scope["method"] == "POST" and _CALLS.search(path):
            length = _header(scope, b"content-length")
            if length.isdigit() and int(length) > (self.settings.max_upload_mb + 1) * 1_000_000:
                return _answer(413, f"The file is too large: at most {self.settings.max_upload_mb} MB are accepted.")
            if not self.may_call(self.client(scope), time.monotonic()):
                return _answer(429, "Too many requests: wait a minute and try again.")
        return None

    def longest_body(self, scope: Scope) -> int:
        """Bytes that a JSON body may have; only an agent sends the picture itself, a third longer as base64."""
        return (self.settings.max_upload_mb + 1) * 1_000_000 * 4 // 3 if "/mcp" in scope["path"] else MAX_JSON

    def client(self, scope: Scope) -> str:
        """The address that the rate limit counts by."""
        forwarded = _header(scope, b"x-forwarded-for") if self.settings.behind_proxy else ""
        # A client may send this header itself; only the last entry was written by the proxy.
        return forwarded.rsplit(",", 1)[-1].strip() or (scope.get("client") or ("unknown",))[0]

    def may_call(self, client: str, now: float) -> bool:
        """Counts a call; False when this client made too many within the last minute."""
        recent = self.calls.setdefault(client, deque())
        self.calls.move_to_end(client)
        while len(self.calls) > MAX_CLIENTS:
            self.calls.popitem(last=False)
        while recent and recent[0] < now - 60:
            recent.popleft()
        if len(recent) >= self.settings.requests_per_minute:
            return False
        recent.append(now)
        return True


def _is_json_post(scope: Scope) -> bool:
    return scope["method"] == "POST" and "/upload" not in scope["path"] and bool(_CALLS.search(scope["path"]))


def _handlers(scope: Scope) -> Collection[int] | None:
    """Numbers of the app's handlers, None outside of an app."""
    return scope["app"].get_blocks().fns.keys() if "app" in scope else None


async def _read_json_body(receive: Receive, longest: int) -> bytes | None:
    """The whole body, None when it has more than `longest` bytes."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > longest:
            return None
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more for the app, then whatever comes (such as the client going away)."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _answer(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status_code=status)


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
