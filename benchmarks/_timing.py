"""What the measurements of time share: clocks, warming up, and taking turns.

A busy machine slows the contenders of one comparison differently unless they take turns, so `side_by_side` runs each once a
round. Where nothing is compared, `median_seconds` does. Processor time leaves other programs out; with several threads it
counts their waiting for each other too.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Clock = Callable[[], float]
WARM_UP = 2  # calls that do not count


def clock(processor_time: bool) -> Clock:
    """Seconds of the processor, all threads together, or seconds on the wall."""
    return time.process_time if processor_time else time.perf_counter


def seconds_of(action: Callable[[], object], clock: Clock = time.process_time) -> float:
    """Seconds that one call takes."""
    start = clock()
    action()
    return clock() - start


def median_seconds(action: Callable[[], object], repeats: int, clock: Clock) -> float:
    """Median seconds of a call over `repeats`, after `WARM_UP` calls."""
    return statistics.median(side_by_side({"": action}, repeats, clock)[""])


def side_by_side(
    contenders: Mapping[str, Callable[[], object]], rounds: int, clock: Clock, warm_up: int = WARM_UP
) -> dict[str, list[float]]:
    """Seconds of each contender in each round, after `warm_up` rounds that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + warm_up):
        for name, action in contenders.items():
            taken = seconds_of(action, clock)
            if number >= warm_up:
                seconds[name].append(taken)
    return seconds


def median_ratio(seconds: Mapping[str, list[float]], reference: str, name: str) -> float:
    """How many times as fast as `reference` the contender `name` is: the median of the rounds' ratios."""
    pairs = zip(seconds[reference], seconds[name], strict=True)
    return statistics.median(theirs / own for theirs, own in pairs)


@contextmanager
def timed(spent: dict[str, float], phase: str, clock: Clock = time.process_time) -> Iterator[None]:
    """Stores the seconds of a block as `spent[phase]`."""
    start = clock()
    yield
    spent[phase] = clock() - start
