"""Keeps the server's memory flat: drops sessions that are over, and hands free memory back.

API calls without a session create one, and gradio keeps up to 10,000 of them, each with a copy of the page's settings. We drop
sessions that hold no picture; visitors' sessions are not touched. At full load, ten minutes took 600 MB. Most of that was free
memory in glibc's heaps, which we hand back; `shared_heap` sees to it that there is one heap, of which all goes back.

After every event gradio makes a table of the last 10,000 for statistics that nobody reads here. We keep it short. Python's full
collection runs only when a quarter more than all that torch and gradio hold has gathered, so we collect more often.
"""

import contextlib
import ctypes
import gc
import os
import threading
import time
from datetime import datetime, timedelta

import gradio as gr

IDLE_SECONDS = 20.0


def forget_bare_sessions(page: gr.Blocks, idle_seconds: float = IDLE_SECONDS) -> int:
    """Drops sessions without state that were not used for `idle_seconds`; returns how many. gradio makes them anew if asked."""
    holder, latest = page.state_holder, datetime.now() - timedelta(seconds=idle_seconds)
    forgotten = 0
    for session, used in list(holder.time_last_used.items()):
        with holder.lock:
            kept = holder.session_data.get(session)
            if used < latest and (kept is None or not kept.state_data):
                holder.session_data.pop(session, None)
                holder.time_last_used.pop(session, None)
                forgotten += 1
    return forgotten


def keep_statistics_short() -> None:
    """Limits gradio's table of past events to 500 rows, made anew rarely. Call it before a page is built."""
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "500")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100")


def return_free_memory() -> None:
    """Collects what calls have left in cycles, and has glibc hand back what is free in the heaps of all threads.

    glibc keeps it by itself; elsewhere this part does nothing.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def keep_forgetting(page: gr.Blocks) -> None:
    """Drops sessions and hands memory back every few seconds, in a thread that ends with the process."""

    def run() -> None:
        time.sleep(IDLE_SECONDS / 2)
        gc.collect()
        gc.freeze()  # what the server starts with stays for good: collections need not look at it, and take milliseconds
        while True:
            time.sleep(IDLE_SECONDS / 2)
            if hasattr(page, "state_holder"):  # set when the page is launched
                forget_bare_sessions(page)
            return_free_memory()

    threading.Thread(target=run, name="forget sessions", daemon=True).start()
