"""One heap for all threads of the server, so that what an edit frees serves the next edit, whichever thread makes that.

glibc gives threads heaps of their own, up to eight for each core. Edits run in the threads of gradio's pool. Each heap comes to
keep tens of megabytes that an edit has freed, because `malloc_trim` returns the free end of the main heap alone. With one heap
there is one free end, and `memory_cleanup` returns it. Threads wait for the heap only while a block is looked up.
"""

import ctypes
import os

M_ARENA_MAX = -8  # of glibc's malloc.h


def share_heap() -> bool:
    """Lets glibc make no further heaps; whether it was told so. Call it before torch and gradio start threads.

    `MALLOC_ARENA_MAX` of the environment wins. Other C libraries are left as they are.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        return bool(ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, 1))
    except (OSError, AttributeError):
        return False
