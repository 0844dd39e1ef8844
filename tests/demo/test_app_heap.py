"""What edits free in any thread goes back to the system, since all threads of the server share one heap."""

import os
import platform
import subprocess
import sys

import pytest

from sargan_hf.demo.shared_heap import share_heap

# Six threads that are alive together make and drop pictures' arrays, one after the other, and then memory is handed back.
WORK = """
import ctypes, sys, threading
from pathlib import Path
import numpy as np
from sargan_hf.demo.shared_heap import share_heap

def resident():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024

def edits():
    for _ in range(12):
        pixels = [np.ones(megabytes << 20, np.uint8) for megabytes in (3, 12, 4)]
        del pixels
    done.release()
    stay.wait()

if sys.argv[1] == "shared":
    assert share_heap()
before, done, stay = resident(), threading.Semaphore(0), threading.Event()
for _ in range(6):
    threading.Thread(target=edits, daemon=True).start()
    done.acquire()
ctypes.CDLL("libc.so.6").malloc_trim(0)
print(resident() - before)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps of threads are glibc's")


def growth(heaps: str) -> float:
    """Megabytes that a process of its own keeps of what its threads have freed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    run = subprocess.run(
        [sys.executable, "-c", WORK, heaps], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return float(run.stdout)


@glibc
def test_what_threads_free_is_handed_back():
    shared, apart = growth("shared"), growth("apart")
    assert shared < 10
    assert apart > shared + 20  # what each thread's own heap keeps, for good


def test_a_host_may_choose_the_number_of_heaps(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert not share_heap()
