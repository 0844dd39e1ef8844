"""The pictures of all visitors in memory, up to a limit: the one that nobody touched for longest goes first.

gradio keeps what belongs to a session for a time, however large it is. Here a visitor's session keeps a `SessionHandle`, and
`SessionCache` bounds what the handles hold. A handle whose session has ended disappears with it.
"""

import itertools
import threading
import weakref

from ..editing.session import Sitting
from ..errors import ConfigurationError
from .strings import EVICTED


class SessionHandle:
    """Where a session's picture stands; empty once it was put away for others."""

    def __init__(self, sitting: Sitting):
        self.sitting: Sitting | None = sitting
        self.used = 0


class SessionCache:
    """Holds pictures up to `max_bytes` together; the newest stays, however large it is."""

    def __init__(self, max_bytes: int):
        self.max_bytes = max_bytes
        self._places: weakref.WeakSet[SessionHandle] = weakref.WeakSet()
        self._clock = itertools.count(1)
        self._lock = threading.Lock()

    def put(self, sitting: Sitting) -> SessionHandle:
        """A place for the picture, the one it has where it stands already; older pictures may have to go."""
        with self._lock:
            place = next((place for place in self._places if place.sitting is sitting), None) or SessionHandle(sitting)
            self._places.add(place)
            self._touch(place)
        return place

    def take(self, place: SessionHandle) -> Sitting:
        """The picture of a place. The caller may go on with it, also when it is put away meanwhile.

        Raises:
            ConfigurationError: it was put away, in a sentence for the visitor.
        """
        with self._lock:
            sitting = place.sitting
            if sitting is None:
                raise ConfigurationError(EVICTED)
            self._touch(place)
        return sitting

    def _touch(self, place: SessionHandle) -> None:
        """What was computed for a picture counts too, so pictures are measured again each time."""
        place.used = next(self._clock)
        standing = sorted((one for one in self._places if one.sitting is not None), key=lambda one: -one.used)
        total = 0
        for one in standing:
            total += one.sitting.nbytes
            if total > self.max_bytes and one is not place:
                one.sitting = None
