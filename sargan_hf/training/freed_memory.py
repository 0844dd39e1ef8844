"""Memory that a training step frees serves the next one, instead of going back to the system.

By default glibc returns large blocks at once. The system then has to clear as many pages for every step, which costs an eighth
of a step on a CPU, and a loader a fifth of its samples.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

# Of glibc's malloc.h: the parameter, its name in the environment, the value for training, and glibc's own.
_LIMITS = (
    (-3, "MALLOC_MMAP_THRESHOLD_", 32 << 20, 128 << 10),  # 32 MiB is the most that glibc accepts
    (-1, "MALLOC_TRIM_THRESHOLD_", 2**31 - 1, 128 << 10),
    (-2, "MALLOC_TOP_PAD_", 64 << 20, 128 << 10),
)


def keep_freed_memory() -> bool:
    """Lets glibc keep what this process frees; whether it was told so.

    Settings of the environment win, those named `MALLOC_...` and `GLIBC_TUNABLES`. Other C libraries are left as they are.
    """
    if any(name in os.environ for _, name, _, _ in _LIMITS) or "malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    libc = _glibc()
    if libc is None:
        return False
    accepted = [libc.mallopt(limit, kept) for limit, _, kept, _ in _LIMITS]
    return all(accepted)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keeps freed memory within the block, and hands it back after it: a notebook lives longer than its training."""
    kept = keep_freed_memory()
    try:
        yield
    finally:
        libc = _glibc()
        if kept and libc is not None:
            for limit, _, _, usual in _LIMITS:
                libc.mallopt(limit, usual)
            libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if libc.mallopt and libc.malloc_trim else None
    except (OSError, AttributeError):
        return None
