"""Writes an evaluation down: JSON, a table with a row per edit, contact sheets, and one HTML page that shows it all."""

import base64
import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageDraw

from .._version import __version__
from ..expressions import EXPRESSIONS
from .classifier_readings import MEAN, Confusion
from .evaluate import Evaluation
from .figures import KID_MEANING, METRICS
from .reserve_net import RESERVE_LICENCE, RESERVE_WARNING
from .statistics import Figure

ROWS_PER_SHEET = 16
WEAKEST = 12
SKIN_TITLE = "Per skin tone (by label, else ITA of the cheeks)"
_CELL = 160
_CAPTION = 14


def write_report(evaluation: Evaluation, folder: str | Path) -> Path:
    """Writes `report.json`, `edits.csv`, `sheets/*.jpg` and the self-contained `index.html` into `folder`.

    Returns:
        The path of `index.html`.
    """
    folder = Path(folder)
    (folder / "sheets").mkdir(parents=True, exist_ok=True)
    report = as_json(evaluation)
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    _write_rows(evaluation.measurements.rows, folder / "edits.csv")
    sheets = contact_sheets(evaluation)
    for name, sheet in sheets.items():
        sheet.save(folder / "sheets" / f"{name.replace('/', '_').replace(' ', '_')}.jpg", quality=90)
    page = folder / "index.html"
    # The folder of the pictures may have a name that is no UTF-8.
    page.write_text(render_html(report, sheets), encoding="utf-8", errors="backslashreplace")
    return page


def as_json(evaluation: Evaluation) -> dict:
    """Everything but the pictures, ready for `json.dumps`."""
    return {
        "sargan_hf": __version__,
        **evaluation.settings,
        "failures": evaluation.measurements.failures,
        "metrics": {name: {"better": metric.better, "meaning": metric.meaning} for name, metric in METRICS.items()}
        | {"kid": {"better": "lower", "meaning": KID_MEANING}},
        "figures": [figure.as_dict() for figure in evaluation.figures],
        "confusions": [confusion.as_dict() for confusion in evaluation.confusions],
        "groups": [asdict(count) for count in evaluation.groups],
        "reserve": _reserve_as_json(evaluation),
    }


def _reserve_as_json(evaluation: Evaluation) -> dict | None:
    if evaluation.reserve is None:
        return None
    return {
        "warning": RESERVE_WARNING,
        "licence": RESERVE_LICENCE,
        "classifiers": evaluation.reserve.classifiers,
        "figures": [figure.as_dict() for figure in evaluation.reserve.figures],
        "confusions": [confusion.as_dict() for confusion in evaluation.reserve.confusions],
    }


def contact_sheets(evaluation: Evaluation) -> dict[str, Image.Image]:
    """One sheet per domain with the first pictures in it, and one with the edits that changed the reading least.

    A row is one picture: original, every edit at intensity 1, the true pictures below it where they are known.
    """
    strips = evaluation.measurements.strips
    domains: dict[str, list[str]] = {}
    for row in evaluation.measurements.rows:
        pictures = domains.setdefault(row["domain"], [])
        if row["picture"] not in pictures:
            pictures.append(row["picture"])
    sheets = {}
    for domain, pictures in domains.items():
        rows = [cells for name in pictures[:ROWS_PER_SHEET] for cells in _rows_of(strips[name])]
        sheets[domain] = compose_sheet(rows)
    weakest = _weakest(evaluation)
    if weakest:
        sheets["weakest edits"] = compose_sheet(weakest)
    return sheets


def compose_sheet(rows: Sequence[Mapping[str, bytes]]) -> Image.Image:
    """Lays out rows of captioned pictures (caption -> encoded picture), left to right, each row as given."""
    width = max(len(row) for row in rows) * _CELL
    sheet = Image.new("RGB", (width, len(rows) * (_CELL + _CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for line, row in enumerate(rows):
        top = line * (_CELL + _CAPTION)
        for column, (caption, encoded) in enumerate(row.items()):
            with Image.open(io.BytesIO(encoded)) as picture:
                sheet.paste(picture.resize((_CELL, _CELL), Image.Resampling.LANCZOS), (column * _CELL, top + _CAPTION))
            draw.text((column * _CELL + 2, top + 1), caption, fill="black")
    return sheet


def render_html(report: dict, sheets: Mapping[str, Image.Image]) -> str:
    """The page: figures as tables, sheets embedded, nothing loaded from anywhere."""
    from jinja2 import Environment

    template = (files("sargan_hf.evaluation") / "report.html.j2").read_text(encoding="utf-8")
    figures = [Figure.from_dict(figure) for figure in report["figures"]]
    reserve = report["reserve"]
    kept = [Figure.from_dict(figure) for figure in reserve["figures"]] if reserve else []
    return (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(template)
        .render(
            report=report,
            overall=[figure for figure in figures if _split(figure) == ""],
            tables=_tables(figures),
            confusions=_confusion_tables(report["confusions"]),
            reserve_overall=[figure for figure in kept if _split(figure) in ("", "expression")],
            reserve_confusions=_confusion_tables(reserve["confusions"]) if reserve else {},
            sheets={name: _data_uri(sheet) for name, sheet in sheets.items()},
        )
    )


def _confusion_tables(confusions: Sequence[dict]) -> dict[str, dict[str, dict[str, float]]]:
    """Title -> wanted expression -> expression read -> share."""
    tables = {}
    for saved in confusions:
        confusion = Confusion(**saved)
        who = "all classifiers" if confusion.classifier == MEAN else confusion.classifier
        title = who if confusion.domain == "all" else f"{who}, {confusion.domain}"
        tables[title] = confusion.shares()
    return tables


def _tables(figures: Sequence[Figure]) -> dict[str, dict]:
    """Per split: the metrics as rows, the groups as columns."""
    tables: dict[str, dict] = {}
    titles = {
        "expression": "Per expression",
        "domain": "Per domain",
        "skin_tone": SKIN_TITLE,
        "group": "Per further group",
    }
    for split, title in titles.items():
        chosen = [figure for figure in figures if _split(figure) == split]
        groups = sorted({getattr(figure, split) for figure in chosen})
        cells = {(figure.metric, getattr(figure, split)): figure for figure in chosen}
        if groups:
            metrics = list(dict.fromkeys(figure.metric for figure in chosen))
            tables[title] = {
                "groups": groups,
                "rows": {m: [cells.get((m, group)) for group in groups] for m in metrics},
            }
    both = [figure for figure in figures if _split(figure) == "domain expression"]
    for metric in dict.fromkeys(
        figure.metric for figure in both if figure.metric in ("ecs_top1", "ecs_rises", "ecs_gain")
    ):
        cells = {(figure.domain, figure.expression): figure for figure in both if figure.metric == metric}
        groups = [name for name in EXPRESSIONS if any(expression == name for _, expression in cells)]
        domains = sorted({domain for domain, _ in cells})
        rows = {domain: [cells.get((domain, group)) for group in groups] for domain in domains}
        tables[f"{metric} per domain and expression"] = {"groups": groups, "rows": rows}
    return tables


def _split(figure: Figure) -> str:
    return " ".join(name for name in ("domain", "expression", "skin_tone", "group") if getattr(figure, name) != "all")


def _rows_of(strip: Mapping[str, bytes]) -> list[dict[str, bytes]]:
    edits = {label: picture for label, picture in strip.items() if not label.startswith("true ")}
    if len(edits) == len(strip):
        return [edits]
    # The truth stands below the edit it belongs to; the original fills the gaps.
    references = {
        f"true {label}" if f"true {label}" in strip else f"{label}, unedited": strip.get(
            f"true {label}", strip["original"]
        )
        for label in edits
        if label != "round trip"
    }
    return [edits, references]


def _weakest(evaluation: Evaluation) -> list[dict[str, bytes]]:
    """The edits whose wanted expression rose least, four to a row, each beside its original."""
    rows = [row for row in evaluation.measurements.rows if row["kind"] == "edit" and row["intensity"] == 1.0]
    rows = sorted(rows, key=lambda row: row["gain"])[:WEAKEST]
    pairs = []
    for row in rows:
        strip, label = evaluation.measurements.strips[row["picture"]], f"{row['expression']} {row['gain']:+.2f}"
        pairs.append({row["picture"][:24]: strip["original"], label: strip[row["expression"]]})
    return [
        {
            f"{caption}{' ' * index}": picture
            for index, pair in enumerate(pairs[start : start + 4])
            for caption, picture in pair.items()
        }
        for start in range(0, len(pairs), 4)
    ]


def _write_rows(rows: Sequence[dict], path: Path) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    """A value for a table: groups in one cell, and nothing where a number is not known."""
    if isinstance(value, tuple):
        return "; ".join(value)
    return "" if isinstance(value, float) and math.isnan(value) else value


def _data_uri(sheet: Image.Image) -> str:
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
