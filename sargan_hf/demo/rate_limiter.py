"""How often one visitor may call within a minute, and when the next call will be taken."""

import math
from collections import OrderedDict, deque
from collections.abc import Iterable

MINUTE = 60.0
MAX_ADDRESSES = 10_000
LONGEST_SESSION = 64  # characters that are kept of a session's name, which a client may choose


class RateLimit:
    """Calls of the last minute, counted for each session and, as a backstop, for the address they came from.

    A school class has one address and many sessions. A client can invent sessions but not addresses, so all sessions of one
    address together get the share of `visitors` and no more. An upload names no session, so it counts for the address until a
    call follows it. An upload and its edit cost one call, not two.

    Args:
        most: calls of one session in a minute; calls without a session count as one session of their address.
        visitors: how many sessions of one address get their full share.
    """

    def __init__(self, most: int, visitors: int):
        self.most = most
        self.visitors = visitors
        self.calls: OrderedDict[str, deque[tuple[float, str | None]]] = OrderedDict()

    def take(self, address: str, session: str | None, now: float) -> bool:
        """Counts a call and says whether it may be made; one that may not is not counted.

        Args:
            address: of the client.
            session: as the client says, "" for none, None for an upload.
            now: seconds of a clock that never goes back.
        """
        if self.seconds_to_wait(address, session, now) > 0:
            return False
        recent = self.calls[address]
        if session is not None and (upload := _first_upload(recent)) is not None:
            recent.remove(upload)
        recent.append((now, _kept(session)))
        return True

    def seconds_to_wait(self, address: str, session: str | None, now: float) -> int:
        """Whole seconds after which a call will be taken; 0 when it would be now."""
        own, everybody = self._times(address, session, now)
        return math.ceil(max(_wait(own, self.most, now), _wait(everybody, self.most * self.visitors, now)))

    def is_full(self, address: str, now: float) -> bool:
        """Whether no session of the address may call."""
        return len(self._recent(address, now)) >= self.most * self.visitors

    def sentence(self, address: str, session: str | None, now: float) -> str:
        """What to tell a client whose call was not taken."""
        own, _ = self._times(address, session, now)
        if len(own) < self.most:
            reason = f"Too many calls came from your network: {self.most * self.visitors:,} in a minute are accepted."
        elif session is None:
            reason = f"Too many uploads without an edit: {self.most:,} in a minute are accepted."
        else:
            reason = f"Too many calls: {self.most:,} in a minute are accepted."
        seconds = self.seconds_to_wait(address, session, now)
        return f"{reason} Come back in {seconds} second{'' if seconds == 1 else 's'}."

    def _times(self, address: str, session: str | None, now: float) -> tuple[list[float], list[float]]:
        """When a session called within the last minute, and when anybody from its address did, as if it called now."""
        recent = self._recent(address, now)
        upload = None if session is None else _first_upload(recent)
        everybody = [entry[0] for entry in recent if entry is not upload]
        return [time for time, whose in recent if whose == _kept(session)], everybody

    def _recent(self, address: str, now: float) -> deque[tuple[float, str | None]]:
        recent = self.calls.setdefault(address, deque())
        self.calls.move_to_end(address)
        while len(self.calls) > MAX_ADDRESSES:
            self.calls.popitem(last=False)
        while recent and recent[0][0] <= now - MINUTE:
            recent.popleft()
        return recent


def _first_upload(recent: Iterable[tuple[float, str | None]]) -> tuple[float, str | None] | None:
    return next((entry for entry in recent if entry[1] is None), None)


def _kept(session: str | None) -> str | None:
    return None if session is None else session[:LONGEST_SESSION]


def _wait(times: list[float], most: int, now: float) -> float:
    """Seconds until fewer than `most` of the times lie within the last minute."""
    return 0.0 if len(times) < most else times[-most] + MINUTE - now
