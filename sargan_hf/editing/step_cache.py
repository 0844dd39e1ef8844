"""A bounded memory for the results of one step of an edit."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class StepCache(Generic[Key, Value]):
    """The results that were used last, by what they depend on. Several threads may use one.

    Args:
        most: how many results are kept.
    """

    def __init__(self, most: int):
        self._most = most
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The result for `key`, made when it is not there."""
        return self.get_all([key], lambda _: [make()])[0]

    def get_all(self, keys: Sequence[Key], make: Callable[[list[int]], Sequence[Value]]) -> list[Value]:
        """The result for each of `keys`.

        Args:
            keys: what the results depend on.
            make: called once with the places in `keys` of the results that are missing, each key once; not called when none is.
        """
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
        missing = list({key: place for place, key in enumerate(keys) if key not in found}.values())
        if missing:  # outside of the lock: two threads may make the same result, which costs time and changes nothing
            found |= {keys[place]: value for place, value in zip(missing, make(missing), strict=True)}
        with self._lock:
            for key in keys:
                self._kept[key] = found[key]
                self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return [found[key] for key in keys]

    def forget(self, key: Key) -> None:
        """Drops the result for `key`, where there is one."""
        with self._lock:
            self._kept.pop(key, None)

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def values(self) -> list[Value]:
        """The results that are kept, those used last at the end."""
        with self._lock:
            return list(self._kept.values())


def kept_bytes(*caches: StepCache[Any, Any]) -> int:
    """Memory of all results in the caches, in bytes; the results know theirs as `nbytes`."""
    return sum(value.nbytes for cache in caches for value in cache.values())
