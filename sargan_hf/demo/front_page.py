"""What a link to the page shows elsewhere: title, description and picture, where gradio's page has gradio's own.

gradio writes the head of its page twice: first with fixed words about itself, which is what others read.
"""

import re
from html import escape
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from . import request_scope
from .opening_edit import address
from .strings import DESCRIPTION, TITLE
from .whole_answer import changed

_META = re.compile(rb"\s*<meta\s+(?:property|name)=\"(?:og|twitter|description)\b[^>]*>", re.DOTALL)


class FrontPage:
    """ASGI middleware that gives the page its own head.

    Args:
        picture: what a link shows, 1200 by 630 pixels, a file that is served as it is; None for none.
    """

    def __init__(self, app: ASGIApp, picture: Path | None = None):
        self.app = app
        self.picture = picture

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self.app(scope, receive, send)
            return
        origin = request_scope.origin(scope)
        await self.app(scope, receive, changed(send, lambda _, body: self.with_own_head(body, origin)))

    def with_own_head(self, html: bytes, origin: str) -> bytes:
        """The page with our own description, where it has a head at all."""
        if b"</head>" not in html:
            return html
        words = {
            "og:type": "website",
            "og:title": TITLE,
            "og:description": DESCRIPTION,
            "og:url": f"{origin}/",
            "twitter:title": TITLE,
            "twitter:description": DESCRIPTION,
            "twitter:card": "summary_large_image" if self.picture else "summary",
        }
        if self.picture:
            image = f"{origin}/{address(self.picture)}"
            words |= {"og:image": image, "og:image:width": "1200", "og:image:height": "630", "twitter:image": image}
        metas = [f'<meta name="description" content="{escape(DESCRIPTION)}" />']
        metas += [
            f'<meta {"name" if name.startswith("twitter") else "property"}="{name}" content="{escape(text)}" />'
            for name, text in words.items()
        ]
        own = "\n".join(metas).encode()
        return _META.sub(b"", html).replace(b"</head>", own + b"\n</head>", 1)
