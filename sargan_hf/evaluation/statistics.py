"""Means with an interval: resampling people, because the pictures of one person do not count as independent."""

import math
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import binomtest

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figure:
    """One figure of a report.

    Attributes:
        metric: its name, see `sargan_hf.evaluation.figures.METRICS`.
        value: the mean, or the statistic itself.
        low, high: 95 % interval from a bootstrap over people; NaN where one person gives no interval.
        n: measurements behind it.
        people: independent people (clusters) behind it.
        expression, domain, skin_tone, group: what it describes; "all" where it is not split. `group` is one of the groups
            that a `SOURCES.csv` makes, such as "age: old".
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    people: int
    expression: str = "all"
    domain: str = "all"
    skin_tone: str = "all"
    group: str = "all"

    @property
    def interval(self) -> str:
        """The interval in words, such as "0.61 to 0.82"; a reason where there is none."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"{self.low:.3f} to {self.high:.3f}"
        return "one person" if self.people == 1 else "too few people"

    def as_dict(self) -> dict:
        """A JSON-ready copy: numbers rounded to four decimals, None for an interval that is not known."""
        return {key: _json_number(value) if isinstance(value, float) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, saved: dict) -> "Figure":
        """The figure that `as_dict` gave."""
        bounds: dict = {name: math.nan if saved[name] is None else saved[name] for name in ("low", "high")}
        return cls(**{**saved, **bounds})


def mean_with_interval(
    values: np.ndarray, people: np.ndarray, seed: int = 0, rate: bool = False
) -> tuple[float, float, float]:
    """Mean of `values` and its 95 % interval by a bootstrap over people.

    Whole people are drawn with replacement, 1,000 times; the percentiles of their means are the interval.
    Of a rate that is exactly 0 or 1 a bootstrap would claim certainty; the Wilson interval with one trial per person is
    given instead. Of one person alone the interval is unknown, NaN.

    Args:
        values: [N], finite numbers or booleans.
        people: [N], who each value belongs to.
        seed: of the draws.
        rate: whether every value says yes (1) or no (0), or is a share of them.

    Returns:
        mean, low, high.

    Raises:
        ValueError: `values` is empty.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values):
        raise ValueError("A mean needs at least one value.")
    _, index = np.unique(np.asarray(people), return_inverse=True)
    clusters = int(index.max()) + 1
    if rate and values.mean() in (0.0, 1.0):
        return float(values[0]), *binomial_interval(round(values[0] * clusters), clusters)
    if clusters < 2:
        return float(values.mean()), float("nan"), float("nan")
    sums, counts = np.bincount(index, weights=values), np.bincount(index)
    draws = np.random.default_rng(seed).integers(clusters, size=(RESAMPLES, clusters))
    low, high = percentiles(sums[draws].sum(1) / counts[draws].sum(1))
    return float(values.mean()), low, high


def binomial_interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson (1927): for counts of independent trials.

    Raises:
        ValueError: there was no trial.
    """
    interval = binomtest(count, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def percentiles(estimates: np.ndarray) -> tuple[float, float]:
    """The bounds of the 95 % interval of bootstrap estimates; NaN without estimates."""
    if not len(estimates):
        return math.nan, math.nan
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(estimates, [tail, 100 - tail])
    return float(low), float(high)


def _json_number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
