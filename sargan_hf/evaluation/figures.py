"""From measurements to figures: each with n, people and an interval, overall and per group."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .face_metrics import kernel_distance
from .measure_edits import Measurements
from .statistics import Figure, mean_with_interval, percentiles

_SUBSETS = 200
_LEAST_FOR_KERNEL_DISTANCE = 10


@dataclass(frozen=True)
class Metric:
    """One metric of the report.

    Attributes:
        column: of the measurement rows; a row without a value does not count.
        kinds: of edits that count.
        better: "higher", "lower" or "one" (closest to 1).
        meaning: one line for the report.
        intensity: of the edits that count.
    """

    column: str
    kinds: tuple[str, ...]
    better: str
    meaning: str
    intensity: float = 1.0

    @property
    def rate(self) -> bool:
        """Whether it is a share of edits, between 0 and 1, rather than a mean."""
        return self.column.partition(":")[0] in _RATES


_RATES = ("top1", "truth_top1", "before_top1", "rises", "half_between", "nearest_own", "exact")
_EDIT, _BACK, _ALL = ("edit",), ("neutralised",), ("edit", "neutralised")

METRICS = {
    "ecs_top1": Metric("top1", _EDIT, "higher", "edits read as the wanted expression (mean over the classifiers)"),
    "ecs_top1_before": Metric(
        "before_top1", _EDIT, "lower", "unedited pictures read as that expression: no edit at all"
    ),
    "ecs_top1_half": Metric("top1", _EDIT, "higher", "the same at intensity 0.5", 0.5),
    "ecs_top1_truth": Metric(
        "truth_top1", _EDIT, "higher", "true pictures read as their expression: a bound for edits"
    ),
    "ecs_probability": Metric(
        "probability", _EDIT, "higher", "mean probability of the wanted expression after the edit"
    ),
    "ecs_probability_before": Metric("before_probability", _EDIT, "lower", "the same in the unedited picture"),
    "ecs_rises": Metric("rises", _EDIT, "higher", "edits in which that probability rises"),
    "ecs_gain": Metric("gain", _EDIT, "higher", "by how much it rises on average"),
    "intensity_half_between": Metric(
        "half_between", _EDIT, "higher", "edits whose probability at intensity 0.5 lies between those at 0 and 1"
    ),
    "neutralised_top1": Metric(
        "top1", _BACK, "higher", "pictures with an expression that are read as neutral after 'neutral'"
    ),
    "neutralised_top1_before": Metric("before_top1", _BACK, "lower", "the same before the edit"),
    "round_trip_top1": Metric(
        "top1", ("round trip",), "higher", "edited smiles that are read as neutral after 'neutral'"
    ),
    "fss_distance": Metric("identity_distance", _ALL, "lower", "face-embedding distance between edit and original"),
    "fss_nearest_own": Metric("nearest_own", _ALL, "higher", "edits whose nearest original shows the same person"),
    "background_outside": Metric(
        "outside_change", _ALL, "lower", "mean change outside the region an edit may touch, /255"
    ),
    "background_away": Metric("away_change", _ALL, "lower", "mean change inside the crop away from the face, /255"),
    "background_colour_shift": Metric("colour_shift", _ALL, "lower", "shift of the mean colour there, CIELAB units"),
    "intensity_zero_exact": Metric("exact", _ALL, "higher", "pictures that intensity 0 gives back bit for bit"),
    "sharpness": Metric("sharpness", _ALL, "one", "Laplacian deviation of the face, edit / original"),
    "truth_psnr": Metric("psnr", _ALL, "higher", "PSNR against the true picture, dB (canonical crop, 224 px)"),
    "truth_ssim": Metric("ssim", _ALL, "higher", "SSIM against the true picture"),
    "truth_error": Metric("error", _ALL, "lower", "mean absolute error / that of leaving the picture unchanged"),
    "truth_sharpness": Metric("sharpness_of_truth", _ALL, "one", "Laplacian deviation of the face, edit / truth"),
    "seconds": Metric("seconds", _ALL, "lower", "seconds for one edit at full resolution, face known"),
}
KID_MEANING = "kernel inception distance between edits and real pictures of the expression (needs ten of each)"
# What classifiers read, without pixels and identity.
_READ = ("ecs_", "neutralised_", "round_trip_", "intensity_half_between")
READING_METRICS = tuple(name for name in METRICS if name.startswith(_READ))
_PER_CLASSIFIER = (
    "ecs_top1",
    "ecs_top1_before",
    "ecs_top1_truth",
    "ecs_probability",
    "neutralised_top1",
    "round_trip_top1",
)


@dataclass(frozen=True)
class GroupCount:
    """How many pictures a group has; `by_label` of them are in it by a label, the others by what was measured."""

    split: str
    name: str
    pictures: int
    by_label: int


def count_groups(rows: Sequence[dict]) -> list[GroupCount]:
    """The pictures in every domain, skin tone and further group."""
    pictures = list({row["picture"]: row for row in rows}.values())
    counts = []
    for split, wanted in (("domain", "domain"), ("skin_tone", "skin_tone")):
        for name in sorted({row[wanted] for row in pictures}):
            members = [row for row in pictures if row[wanted] == name]
            labelled = sum(split == "domain" or row["skin_tone_by"] == "label" for row in members)
            counts.append(GroupCount(split, name, len(members), labelled))
    for name in sorted({group for row in pictures for group in row["groups"]}):
        members = sum(name in row["groups"] for row in pictures)
        counts.append(GroupCount("group", name, members, members))
    return counts


def summarise(
    measured: Measurements, classifiers: list[str], seed: int = 0, only: Collection[str] | None = None
) -> list[Figure]:
    """All figures of an evaluation.

    Overall, per expression, per domain, per expression in each domain, per skin tone and per further group; the main ones also
    for every single classifier, as "ecs_top1[fer]". Overall figures average the groups as they come: an expression with more
    pictures weighs more.

    Args:
        measured: from `measure`.
        classifiers: their names.
        seed: of the bootstrap.
        only: the names of the metrics that are wanted; None for all.
    """
    if not measured.rows:
        return []
    table = pd.DataFrame(measured.rows)
    figures = []
    for name, metric in _with_single_classifiers(classifiers):
        if metric.column not in table or (only is not None and name.partition("[")[0] not in only):
            continue
        rows = table.loc[table["kind"].isin(metric.kinds) & (table["intensity"] == metric.intensity)]
        rows = rows.loc[np.isfinite(rows[metric.column].to_numpy(float))]
        for group, part in _groups(rows):
            values, people = part[metric.column].to_numpy(float), part["subject"].to_numpy()
            value, low, high = mean_with_interval(values, people, seed, metric.rate)
            figures.append(Figure(name, value, low, high, len(part), len(set(people)), **group))
    return figures + list(_kernel_distances(measured, seed))


def _with_single_classifiers(classifiers: list[str]) -> Iterator[tuple[str, Metric]]:
    for name, metric in METRICS.items():
        yield name, metric
        for classifier in classifiers if name in _PER_CLASSIFIER and len(classifiers) > 1 else ():
            column = f"{metric.column}:{classifier}"
            yield f"{name}[{classifier}]", replace(metric, column=column)


def _groups(rows: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Each group that is reported, with its rows; a split that has one group only is not repeated."""
    if rows.empty:
        return
    yield {}, rows
    # A picture brought back to neutral is told apart by what it showed before.
    shown = rows["expression"].where(rows["kind"] != "neutralised", rows["source_expression"])
    rows = rows.assign(expression=shown)
    splits = (["expression"], ["domain"], ["domain", "expression"], ["skin_tone"])
    for columns in splits:
        if any(rows[column].nunique() < 2 for column in columns):
            continue
        for values, positions in rows.groupby(columns).indices.items():
            names = values if isinstance(values, tuple) else (values,)
            yield dict(zip(columns, map(str, names), strict=True)), rows.iloc[positions]
    for name in sorted({group for groups in rows["groups"] for group in groups}):
        yield {"group": name}, rows.loc[[name in groups for groups in rows["groups"]]]


def _kernel_distances(measured: Measurements, seed: int) -> Iterator[Figure]:
    """KID between edits and real pictures of an expression, where there are at least ten of each.

    The interval comes from halves of the people drawn without replacement, whose spread is that of the whole sample.
    """
    for expression in sorted({expression for expression, _ in measured.features}):
        edits, real = (measured.features.get((expression, kind), []) for kind in ("edit", "real"))
        if min(len(edits), len(real)) < _LEAST_FOR_KERNEL_DISTANCE:
            continue
        people = np.array(sorted({who for who, _ in edits + real}))
        rng = np.random.default_rng(seed)
        halves = []
        for _ in range(_SUBSETS):
            chosen = set(rng.permutation(people)[: (len(people) + 1) // 2])
            parts = [np.array([values for who, values in kind if who in chosen]) for kind in (real, edits)]
            if min(map(len, parts)) > 1:
                halves.append(kernel_distance(*parts))
        value = kernel_distance(*(np.array([values for _, values in kind]) for kind in (real, edits)))
        low, high = percentiles(np.array(halves))
        yield Figure("kid", value, low, high, len(edits), len(people), expression=expression)
