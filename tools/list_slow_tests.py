"""Writes tests/slow.txt, what `make test-fast` leaves out, from the times of a whole run.

    python -m pytest -q --durations=0 --durations-min=0.05 > times.txt
    python tools/list_slow_tests.py times.txt --seconds 0.4

A test of this many seconds is slow. Where a fixture takes as long, all tests of its file are: without the first one, the next
one would pay for it.
"""

import argparse
import re
from pathlib import Path

LIST = Path(__file__).resolve().parents[1] / "tests" / "slow.txt"
LINE = re.compile(r"([\d.]+)s (call|setup|teardown)\s+(\S+?)::([^\[\s]+)")


def slow_tests(times: str, seconds: float) -> list[str]:
    """Names of slow files and tests as in `slow.txt`: `tests/room/test_file.py`, or with `::test_name`."""
    found = {match.groups() for match in map(LINE.match, times.splitlines()) if match}
    slow = [(phase, file, test) for took, phase, file, test in found if float(took) >= seconds]
    files = {file for phase, file, _ in slow if phase == "setup"}
    tests = {f"{file}::{test}" for phase, file, test in slow if phase == "call" and file not in files}
    return sorted(files | tests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("times", type=Path, help="what pytest printed")
    parser.add_argument("--seconds", type=float, default=0.4, help="from how long on a test is slow")
    given = parser.parse_args()
    names = slow_tests(given.times.read_text(encoding="utf-8"), given.seconds)
    LIST.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    print(f"{len(names)} files and tests in {LIST}")


if __name__ == "__main__":
    main()
