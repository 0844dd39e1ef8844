"""Decoded pictures of a stream that may be needed again soon."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

MEMORY = 64 << 20  # bytes of each process that decodes: some 700 pictures at 160 x 160, of a block of 1024 rows


class RecentPictures:
    """Each row is the target of one sample and the source of others; a neutral one is the source of most of its pair.

    Pictures are found by their encoded bytes, for two files of a set may have the same name.

    Args:
        memory: bytes that may be held; what was not asked for longest is let go of first.
    """

    def __init__(self, memory: int = MEMORY):
        self.memory, self.held = memory, 0
        self._pictures: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def __getstate__(self) -> dict:
        return {"memory": self.memory, "held": 0, "_pictures": OrderedDict()}  # a worker process begins with none

    def picture(self, encoded: bytes, decode: Callable[[], np.ndarray]) -> np.ndarray:
        """The picture of these bytes, read-only; what `decode` raises is passed on."""
        found = self._pictures.get(encoded)
        if found is not None:
            self._pictures.move_to_end(encoded)
            return found
        picture = decode()
        picture.flags.writeable = False
        self._pictures[encoded] = picture
        self.held += len(encoded) + picture.nbytes
        while self.held > self.memory:
            old, gone = self._pictures.popitem(last=False)
            self.held -= len(old) + gone.nbytes
        return picture
