"""An answer of the app that is changed on its way out, once all of it is there."""

from collections.abc import Callable

from starlette.types import Message, Send


def changed(send: Send, change: Callable[[int, bytes], bytes]) -> Send:
    """Sends what `change` makes of the status and the whole body of an answer, with the length that fits."""
    start: Message = {}
    body = bytearray()

    async def send_changed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        content = change(start["status"], bytes(body))
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        await send(dict(start) | {"headers": [*headers, (b"content-length", str(len(content)).encode())]})
        await send({"type": "http.response.body", "body": content})

    return send_changed
