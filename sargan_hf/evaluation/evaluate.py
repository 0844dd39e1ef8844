"""The whole evaluation in one call: pictures, edits, measurements, figures."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .._moved import renamed
from ..expressions import EXPRESSIONS
from .classifier_readings import Confusion, confusions
from .evaluator_nets import Classifier, ExpressionFeatures, FaceEmbedder, load_classifiers
from .figures import READING_METRICS, GroupCount, count_groups, summarise
from .measure_edits import Evaluators, Measurements, measure
from .samples import Sample, plan_tasks
from .statistics import Figure


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    Attributes:
        figures: what was found, see `summary.METRICS`.
        measurements: the rows behind it, and the material for contact sheets.
        settings: what was evaluated, on what, by which evaluators, with which seed; JSON-ready.
        confusions: how often each wanted expression was read as which.
        groups: how many pictures each group has.
        reserve: the figures and confusions of the classifier in reserve; None where it was not asked.
    """

    figures: list[Figure]
    measurements: Measurements
    settings: dict
    confusions: list[Confusion] = field(default_factory=list)
    groups: list[GroupCount] = field(default_factory=list)
    reserve: "ReserveReadings | None" = None

    def figure(
        self, metric: str, expression: str = "all", domain: str = "all", skin_tone: str = "all", group: str = "all"
    ) -> Figure:
        """The figure of one group; KeyError where there is none."""
        wanted = (metric, expression, domain, skin_tone, group)
        for figure in self.figures:
            if (figure.metric, figure.expression, figure.domain, figure.skin_tone, figure.group) == wanted:
                return figure
        raise KeyError(f"This evaluation has no figure {wanted}.")


@dataclass(frozen=True)
class ReserveReadings:
    """What the classifier in reserve reads in the same edits."""

    classifiers: list[str]
    figures: list[Figure]
    confusions: list[Confusion]


def evaluate(
    pipeline,
    samples: Sequence[Sample],
    evaluators: Evaluators,
    *,
    seed: int = 0,
    on_picture: Callable[[str], object] = len,
    **settings: object,
) -> Evaluation:
    """Edits `samples` into every expression the model and the evaluators both know, and measures the edits.

    Args:
        pipeline: a `SARGANPipeline`.
        samples: from `load_samples`.
        evaluators: from `default_evaluators`, or nets of your own.
        seed: of the bootstrap.
        on_picture: called with each picture's name once it is done.
        settings: noted in the report as they are, such as `model="weights/sargan-motion-128"`.
    """
    expressions = [name for name in EXPRESSIONS if name in pipeline.generator.expressions]
    measurements = measure(pipeline, plan_tasks(samples, expressions), evaluators, on_picture)
    figures = summarise(measurements, list(evaluators.classifiers), seed)
    settings |= {
        "seed": seed,
        "pictures": len(samples),
        "pictures_per_domain": dict(Counter(sample.domain for sample in samples)),
        "people": len({sample.subject for sample in samples}),
        "classifiers": list(evaluators.classifiers),
        "embedding": getattr(evaluators.embedder, "name", None),
        "kid_features": getattr(evaluators.features, "name", None),
    }
    return Evaluation(
        figures,
        measurements,
        settings,
        confusions(measurements.rows, list(evaluators.classifiers)),
        count_groups(measurements.rows),
        _reserve_readings(measurements, list(evaluators.reserve), seed),
    )


def _reserve_readings(measurements: Measurements, classifiers: list[str], seed: int) -> ReserveReadings | None:
    if not classifiers:
        return None
    rows = measurements.reserve_rows
    figures = summarise(Measurements(rows=rows), classifiers, seed, only=READING_METRICS)
    return ReserveReadings(classifiers, figures, confusions(rows, classifiers))


def default_evaluators(classifiers: Sequence[str | Classifier] = ("facex", "fer"), reserve: bool = False) -> Evaluators:
    """The nets of the `evaluation` extra.

    Args:
        classifiers: as for `load_classifiers`.
        reserve: whether the classifier in reserve reads the edits too, apart from the others; see `reserve_net`.
    """
    in_reserve: dict[str, Classifier] = {}
    if reserve:
        from .reserve_net import ReserveClassifier

        in_reserve[ReserveClassifier.name] = ReserveClassifier()
    return Evaluators(load_classifiers(classifiers), FaceEmbedder(), ExpressionFeatures(), in_reserve)


def some_people(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """The pictures of `count` people drawn at random; all of them where there are fewer."""
    people = sorted({sample.subject for sample in samples})
    drawn = set(np.random.default_rng(seed).permutation(people)[:count])
    return [sample for sample in samples if sample.subject in drawn]


__getattr__ = renamed(
    __name__, {"default_judges": "default_evaluators", "Judges": "sargan_hf.evaluation.measure_edits:Evaluators"}
)
