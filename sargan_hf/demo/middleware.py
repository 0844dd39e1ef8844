"""A guard around every HTTP request, between the app and the open internet.

gradio itself keeps requests inside its folder of uploads. The guard adds what else a public page needs. It fetches and
forwards no address from a visitor, limits the size of bodies and the rate of calls, and adds security headers to answers.
"""

import hmac
import json
import logging
import re
import time
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import api_panel, request_scope, request_validation
from .api_texts import PUBLIC
from .argument_types import explained
from .error_responses import Refusal, answer
from .rate_limiter import RateLimit
from .settings import Settings
from .whole_answer import changed

logger = logging.getLogger(__name__)
SHORT = 65_536  # bytes
NO_FILE = "No file came: send it as the form field files, as curl -F files=@portrait.jpg does."
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
LOOPBACK = b"x-sargan-loopback"  # carries the secret by which the server knows its own calls
_REMOTE_PATH = re.compile(r"/(?:file=(?!/)|proxy=)|\0", re.IGNORECASE)  # results are served by their full path alone


class SecurityMiddleware:
    """ASGI middleware with the checks of this module.

    Args:
        secret: what calls of the server to itself carry in the header `LOOPBACK`; they are not counted again.
    """

    def __init__(self, app: ASGIApp, settings: Settings, secret: str = ""):
        self.app = app
        self.settings = settings
        self.secret = secret
        self.limit = RateLimit(settings.requests_per_minute, settings.visitors_per_address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = with_headers(scope, send)
        refusal, content = self.refusal(scope), None
        if refusal is None and request_scope.is_upload(scope):
            refusal = self.counted(scope, None)
        elif refusal is None and request_scope.is_call(scope):
            body = await _read_body(receive, self.longest_body(scope))
            scope, content, body, refusal = self.examined(scope, body)
            receive = _replay(body, receive)
        if refusal is not None:
            await answer(refusal, scope, content)(scope, receive, send)
            return
        if request_scope.is_upload(scope):
            await self.upload(scope, receive, send)
            return
        if request_scope.is_description(scope):
            send = changed(send, partial(self.described, request_scope.origin(scope)))
        elif scope["path"].endswith("/upload_progress"):
            send = finished(send)
        await self.app(scope, receive, send)

    def described(self, origin: str, status: int, body: bytes) -> bytes:
        """gradio's description of the API with our words; an answer of another status as it is."""
        if status != 200:
            return body
        return json.dumps(api_panel.mended(explained(json.loads(body), self.settings), origin)).encode()

    async def upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands an upload on, and says in a sentence what gradio answers with an empty list, a number or a bug."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        try:
            await self.app(scope, receive, keep)
        except Exception as error:
            logger.warning("An upload could not be read: %r", str(error)[:300])
            messages.clear()
        status = messages[0]["status"] if messages else 400
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if status == 413:
            await answer(self.too_large(), scope)(scope, receive, send)
        elif status == 400 or body == b"[]":
            await answer(Refusal(400, NO_FILE, "picture"), scope)(scope, receive, send)
        else:
            for message in messages:
                await send(message)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request must not reach the app, as far as its head says; None for all others."""
        path = scope["path"]
        if _REMOTE_PATH.search(path):
            return Refusal(403, "Only pictures uploaded to this page are served.")
        if request_scope.endpoint(path) not in (None, *PUBLIC):
            return Refusal(404, f"There is no such endpoint; the public ones are {', '.join(PUBLIC)}.")
        event = request_scope.event(scope)
        if event is not None and not request_scope.is_awaited(scope, event):
            return Refusal(404, "There is no such call, or its answer was fetched already: make the call again.")
        if (request_scope.is_call(scope) or request_scope.is_description(scope)) and not request_scope.origin(scope):
            return Refusal(400, "The address that this request gives the server cannot be read.")
        length = request_scope.header(scope, b"content-length")
        if (
            scope["method"] == "POST"
            and length.isdigit()
            and int(length) > 1_000_000 * (self.settings.max_upload_mb + 1)
        ):
            return self.too_large()
        return None

    def too_large(self) -> Refusal:
        """The sentence about a file over the limit."""
        return Refusal(413, f"The file is too large: at most {self.settings.max_upload_mb} MB are accepted.", "picture")

    def examined(self, scope: Scope, body: bytes | None) -> tuple[Scope, object, bytes, Refusal | None]:
        """The request as the app may have it, the JSON of its body, its body, and why the app must not have it."""
        if body is None:
            return scope, None, b"", self.counted(scope, "") or Refusal(413, request_validation.TOO_LARGE, "picture")
        try:
            content = request_validation.parsed(body)
        except request_validation.Refused as refused:
            return scope, None, b"", self.counted(scope, "") or Refusal(400, str(refused))
        if (
            _counts(scope, content)
            and (refusal := self.counted(scope, request_validation.session_of(content))) is not None
        ):
            return scope, content, b"", refusal
        if len(body) > request_validation.MAX_BODY:
            return scope, content, b"", Refusal(413, request_validation.TOO_LARGE, "picture")
        try:
            checked = request_validation.checked(
                content, scope["path"], request_scope.handlers(scope), request_scope.own_hosts(scope)
            )
        except request_validation.Refused as refused:
            return scope, content, b"", Refusal(400, str(refused), refused.about)
        return (
            request_scope.by_position(scope),
            content,
            body if checked is content else json.dumps(checked).encode(),
            None,
        )

    def counted(self, scope: Scope, session: str | None) -> Refusal | None:
        """Counts a call, or an upload where the session is None; why it is one too many."""
        client, now = self.client(scope), time.monotonic()
        if self.is_own(scope) or self.may_call(client, now, session):
            return None
        sentence = self.limit.sentence(client, session, now)
        return Refusal(429, sentence, "rate limit", self.limit.seconds_to_wait(client, session, now))

    def may_call(self, client: str, now: float, session: str | None = "") -> bool:
        """Counts a call; False when this client made too many within the last minute."""
        return self.limit.take(client, session, now)

    def is_own(self, scope: Scope) -> bool:
        """Whether the server calls itself, as it does for agents, whose call was counted when it came."""
        said = request_scope.header(scope, LOOPBACK).encode()
        return bool(self.secret) and hmac.compare_digest(said, self.secret.encode())

    def longest_body(self, scope: Scope) -> int:
        """Bytes of a JSON body that are read at all.

        Of an agent's message more than is taken, since the answer needs its number; of those who did too much, little.
        """
        client, now = self.client(scope), time.monotonic()
        agent = request_scope.is_agents(scope)
        spent = self.limit.is_full(client, now) or (agent and self.limit.seconds_to_wait(client, "", now) > 0)
        if spent and not self.is_own(scope):
            return SHORT
        return (self.settings.max_upload_mb + 1) * 1_000_000 * 4 // 3 if agent else request_validation.MAX_BODY

    def client(self, scope: Scope) -> str:
        """The address that the rate limit counts by."""
        forwarded = request_scope.header(scope, b"x-forwarded-for") if self.settings.behind_proxy else ""
        # A client may send this header itself; only the last entry was written by the proxy.
        return forwarded.rsplit(",", 1)[-1].strip() or (scope.get("client") or ("unknown",))[0]


def _counts(scope: Scope, content: object) -> bool:
    """Whether a call is one of those that a visitor may make in a minute."""
    if request_scope.is_agents(scope):
        return isinstance(content, dict) and content.get("method") == "tools/call"
    return not scope["path"].endswith((request_scope.PAGE, "/cancel", "/reset"))


def with_headers(scope: Scope, send: Send) -> Send:
    """Sends what it is given with the security headers."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            # What the page calls outside of the queue can fail by a wrong input alone, for which gradio answers 500.
            if message["status"] == 500 and scope["path"].endswith(request_scope.PAGE):
                message["status"] = 400
            message["headers"] = [*message["headers"], *_encoded(HEADERS)]
        await send(message)

    return send_with_headers


def finished(send: Send) -> Send:
    """Sends the end of an upload's progress where gradio knows none, since the upload was turned away."""
    unknown = False

    async def send_finished(message: Message) -> None:
        nonlocal unknown
        if message["type"] == "http.response.start" and message["status"] == 404:
            unknown = True
            kept = [part for part in message["headers"] if part[0].lower() not in (b"content-type", b"content-length")]
            message = dict(message) | {"status": 200, "headers": [*kept, (b"content-type", b"text/event-stream")]}
        elif unknown:
            message = dict(message) | {"body": b'data: {"msg": "done"}\n\n'}
        await send(message)

    return send_finished


async def _read_body(receive: Receive, longest: int) -> bytes | None:
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


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
