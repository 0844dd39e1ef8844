"""The whole evaluation in one call: pictures, edits, measurements, figures."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..expressions import EXPRESSIONS
from .measuring import Judges, Measurements, measure
from .nets import Classifier, ExpressionFeatures, FaceEmbedder, load_classifiers
from .samples import Sample, plan_cases
from .statistics import Figure
from .summary import summarise


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    Attributes:
        figures: what was found, see `summary.METRICS`.
        measurements: the rows behind it, and the material for contact sheets.
        settings: what was evaluated, on what, by which judges, with which seed; JSON-ready.
    """

    figures: list[Figure]
    measurements: Measurements
    settings: dict

    def figure(self, metric: str, expression: str = "all", domain: str = "all", skin_tone: str = "all") -> Figure:
        """The figure of one group; KeyError where there is none."""
        wanted = (metric, expression, domain, skin_tone)
        for figure in self.figures:
            if (figure.metric, figure.expression, figure.domain, figure.skin_tone) == wanted:
                return figure
        raise KeyError(f"This evaluation has no figure {wanted}.")


def evaluate(
    pipeline,
    samples: Sequence[Sample],
    judges: Judges,
    *,
    seed: int = 0,
    on_picture: Callable[[str], object] = len,
    **settings: object,
) -> Evaluation:
    """Edits `samples` into every expression the model and the judges both know, and measures the edits.

    Args:
        pipeline: a `SARGANPipeline`.
        samples: from `load_samples`.
        judges: from `default_judges`, or nets of your own.
        seed: of the bootstrap.
        on_picture: called with each picture's name once it is done.
        settings: noted in the report as they are, such as `model="weights/sargan-motion-128"`.
    """
    expressions = [name for name in EXPRESSIONS if name in pipeline.generator.expressions]
    measurements = measure(pipeline, plan_cases(samples, expressions), judges, on_picture)
    figures = summarise(measurements, list(judges.classifiers), seed)
    settings |= {
        "seed": seed,
        "pictures": len(samples),
        "pictures_per_domain": dict(Counter(sample.domain for sample in samples)),
        "people": len({sample.subject for sample in samples}),
        "classifiers": list(judges.classifiers),
        "embedding": getattr(judges.embedder, "name", None),
        "kid_features": getattr(judges.features, "name", None),
    }
    return Evaluation(figures, measurements, settings)


def default_judges(classifiers: Sequence[str | Classifier] = ("facex", "fer")) -> Judges:
    """The nets of the `evaluation` extra; `classifiers` as for `load_classifiers`."""
    return Judges(load_classifiers(classifiers), FaceEmbedder(), ExpressionFeatures())


def some_people(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """The pictures of `count` people drawn at random; all of them where there are fewer."""
    people = sorted({sample.subject for sample in samples})
    drawn = set(np.random.default_rng(seed).permutation(people)[:count])
    return [sample for sample in samples if sample.subject in drawn]
