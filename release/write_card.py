"""Puts the figures of two `sargan evaluate` reports into a model card: its metadata and its table.

    python release/write_card.py model_card.md REPORT_OF_PEOPLE REPORT_OF_OTHER_PICTURES

The table stands between the lines `<!-- figures -->` and `<!-- /figures -->`; nothing else of the text is touched.
"""

import argparse
import json
import re
from pathlib import Path

from huggingface_hub import ModelCard

from sargan_hf.evaluation.model_card import eval_results
from sargan_hf.expressions import EXPRESSIONS

PEOPLE = ("15 people of the London Set and Young Adult White Faces", "london-set-and-young-adult-white-faces")
OTHERS = ("11 paintings, busts, avatars and a photograph", "paintings-busts-avatars")
METADATA = ("ecs_top1", "ecs_rises", "fss_distance", "fss_nearest_own")
# What a row says, and the figure it shows: its metric and expression.
ROWS = [
    ("intended expression is the first guess", "ecs_top1", "all"),
    *((f"... {name}", "ecs_top1", name) for name in EXPRESSIONS if name != "neutral"),
    ("its probability rises", "ecs_rises", "all"),
    ("half intensity lies between 0 and 1", "intensity_half_between", "all"),
    ("real smiles brought back to neutral", "neutralised_top1", "all"),
    ("... before the edit", "neutralised_top1_before", "all"),
    ("edits brought back to neutral", "round_trip_top1", "all"),
    ("edit is nearest to its own original", "fss_nearest_own", "all"),
    ("identity distance (strangers 0.85, a real smile 0.23)", "fss_distance", "all"),
    ("change outside the mask, of 255", "background_outside", "all"),
    ("change inside the crop, away from the features, of 255", "background_away", "all"),
    ("sharpness of skin, after / before", "sharpness", "all"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("card", type=Path)
    parser.add_argument("people", type=Path, help="folder of the report on people held out")
    parser.add_argument("others", type=Path, help="folder of the report on other pictures")
    given = parser.parse_args()
    reports = [json.loads((folder / "report.json").read_text()) for folder in (given.people, given.others)]

    card = ModelCard.load(given.card)
    card.data.eval_results = [
        result
        for report, (name, kind) in zip(reports, (PEOPLE, OTHERS), strict=True)
        for result in eval_results(report, name, kind, METADATA)
    ]
    between = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
    table = figures(reports)
    content, replaced = between.subn(lambda found: found[1] + table + found[2], str(card))
    if not replaced:
        raise SystemExit(f"{given.card} has no lines <!-- figures --> and <!-- /figures --> to put the table between.")
    given.card.write_text(content, encoding="utf-8")


def figures(reports: list[dict]) -> str:
    """The table: one row for each figure, one column for each report, 95 % intervals in brackets."""
    lines = ["| | 15 people | 11 from elsewhere |", "|---|---|---|"]
    for text, metric, expression in ROWS:
        cells = [cell(report, metric, expression) for report in reports]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(report: dict, metric: str, expression: str) -> str:
    wanted = {"metric": metric, "expression": expression, "domain": "all", "skin_tone": "all"}
    for figure in report["figures"]:
        if all(figure[key] == value for key, value in wanted.items()):
            interval = "" if figure["low"] is None else f" [{figure['low']:.2f}, {figure['high']:.2f}]"
            return f"{figure['value']:.2f}{interval}"
    return ""


if __name__ == "__main__":
    main()
