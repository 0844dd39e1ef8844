"""The pictures of all visitors in memory, up to a limit: the one that nobody touched for longest goes first.

gradio keeps what belongs to a session for a time, however large it is. Here a visitor's session keeps a `SessionHandle`, and
`SessionCache` bounds what the handles hold. A handle whose session has ended disappears with it.
"""

import itertools
import threading
import weakref

from ..errors import ConfigurationError
from .page_session import PageSession
from .strings import EVICTED


class SessionHandle:
    """What a visitor's session keeps of its picture; empty once the picture was evicted to make room for others."""

    def __init__(self, session: PageSession):
        self.session: PageSession | None = session
        self.used = 0


class SessionCache:
    """Holds pictures up to `max_bytes` together; the newest stays, however large it is."""

    def __init__(self, max_bytes: int):
        self.max_bytes = max_bytes
        self._handles: weakref.WeakSet[SessionHandle] = weakref.WeakSet()
        self._clock = itertools.count(1)
        self._lock = threading.Lock()

    def put(self, session: PageSession) -> SessionHandle:
        """A handle for the picture, the one it has already where it is held; older pictures may have to go."""
        with self._lock:
            held = (handle for handle in self._handles if handle.session is session)
            handle = next(held, None) or SessionHandle(session)
            self._handles.add(handle)
            self._touch(handle)
        return handle

    def take(self, handle: SessionHandle) -> PageSession:
        """The picture of a handle. The caller may keep using it, even if it is evicted meanwhile.

        Raises:
            ConfigurationError: it was evicted, in a sentence for the visitor.
        """
        with self._lock:
            session = handle.session
            if session is None:
                raise ConfigurationError(EVICTED)
            self._touch(handle)
        return session

    def _touch(self, handle: SessionHandle) -> None:
        """What was computed for a picture counts too, so pictures are measured again each time."""
        handle.used = next(self._clock)
        total = 0
        for other in sorted(self._handles, key=lambda one: -one.used):
            if other.session is not None:
                total += other.session.nbytes
                if total > self.max_bytes and other is not handle:
                    other.session = None
