"""What a step frees serves the next one, and goes back to the system when training ends."""

import json
import os
import platform
import subprocess
import sys

import pytest

from sargan_hf.training.freed_memory import keep_freed_memory

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is freed is kept by glibc")

# Steps that make and drop arrays; how many pages the system had to clear for the last ones, and what is left after the block.
WORK = """
import json, resource
from pathlib import Path
import numpy as np
from sargan_hf.training.freed_memory import freed_memory_kept

def resident():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024

def steps():
    for _ in range(40):
        held = [np.ones(kilobytes << 10, np.uint8) for kilobytes in (300, 9000, 20000, 30000, 30000)]
        del held

def cleared_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    steps()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

start, usual = resident(), cleared_pages()
with freed_memory_kept():
    steps()
    kept, within = cleared_pages(), resident()
print(json.dumps({"usual": usual, "kept": kept, "within": within - start, "after": resident() - start}))
"""


def run(**settings: str) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        env=environment | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def test_steps_use_the_memory_of_those_before_and_the_end_hands_it_back():
    found = run()
    assert found["kept"] < found["usual"] / 20
    assert found["within"] > 20
    assert found["after"] < 8


def test_settings_of_the_environment_win():
    found = run(MALLOC_TRIM_THRESHOLD_="0", MALLOC_MMAP_THRESHOLD_="65536")
    assert found["kept"] > found["usual"] / 2
    assert found["within"] < 8


def test_it_says_that_it_left_things_alone(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    assert not keep_freed_memory()
