"""The figures of a report as model-card metadata, so that the Hub shows them beside the model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

CARD_METRICS = (
    "ecs_top1",
    "ecs_rises",
    "neutralised_top1",
    "round_trip_top1",
    "fss_distance",
    "fss_nearest_own",
    "background_away",
    "truth_psnr",
    "truth_ssim",
    "intensity_half_between",
)


def eval_results(
    report: dict | str | Path, dataset_name: str, dataset_type: str, metrics: Sequence[str] = CARD_METRICS
) -> "list[EvalResult]":
    """Turns a report into the `eval_results` of `huggingface_hub.ModelCardData`, which writes them as `model-index`.

    The overall figures and the per-expression ones of "ecs_top1" are taken; each carries its n, its people and its
    interval as `metric_args`.

    Args:
        report: what `report.as_json` gave, or the path of a `report.json`.
        dataset_name: what the pictures are called in public; the report holds a local path.
        dataset_type: its Hub id, or any short identifier where it has none.
        metrics: which figures.

    Raises:
        ConfigurationError: the report has none of these figures.
    """
    from huggingface_hub import EvalResult

    report = _as_dict(report)
    chosen = [figure for figure in report["figures"] if figure["metric"] in metrics and _belongs_on_card(figure)]
    if not chosen:
        raise ConfigurationError(f"The report has none of the figures {', '.join(metrics)}.")
    return [
        EvalResult(
            task_type="image-to-image",
            task_name="Facial expression editing",
            dataset_name=dataset_name,
            dataset_type=dataset_type,
            metric_type=figure["metric"],
            metric_name=_metric_name(figure, report),
            metric_value=figure["value"],
            metric_args={
                "interval_95": [figure["low"], figure["high"]],
                "n": figure["n"],
                "people": figure["people"],
                "expression": figure["expression"],
                "seed": report["seed"],
            },
        )
        for figure in chosen
    ]


def figures_table(report: dict | str | Path, metrics: Sequence[str] = CARD_METRICS) -> str:
    """The same figures as a Markdown table for the body of the card, with intervals and n."""
    report = _as_dict(report)
    lines = ["| figure | value | 95 % interval | n (people) |", "|---|---|---|---|"]
    for figure in report["figures"]:
        if figure["metric"] in metrics and _belongs_on_card(figure):
            interval = "unknown" if figure["low"] is None else f"{figure['low']:.3g} to {figure['high']:.3g}"
            counts = f"{figure['n']} ({figure['people']})"
            lines.append(f"| {_metric_name(figure, report)} | {figure['value']:.3g} | {interval} | {counts} |")
    return "\n".join(lines) + "\n"


def _as_dict(report: dict | str | Path) -> dict:
    return report if isinstance(report, dict) else json.loads(Path(report).read_text(encoding="utf-8"))


def _belongs_on_card(figure: dict) -> bool:
    split = [name for name in ("expression", "domain", "skin_tone", "group") if figure.get(name, "all") != "all"]
    return not split or (figure["metric"] == "ecs_top1" and split == ["expression"])


def _metric_name(figure: dict, report: dict) -> str:
    meaning = report["metrics"][figure["metric"]]["meaning"]
    return meaning if figure["expression"] == "all" else f"{meaning}: {figure['expression']}"
