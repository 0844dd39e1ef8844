"""Writes the table of settings into docs/training.md, from the fields of `TrainingConfig`."""

import dataclasses
from pathlib import Path

from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.config_fields import PRESETS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
START, END = "<!-- settings -->\n", "<!-- end of settings -->\n"


def settings_table() -> str:
    lines = ["| setting | default | `paper` | what it is |", "|---|---|---|---|"]
    for each in dataclasses.fields(TrainingConfig):
        paper = shown(PRESETS["paper"][each.name]) if each.name in PRESETS["paper"] else ""
        choices = f" ({', '.join(each.metadata['choices'])})" if "choices" in each.metadata else ""
        default = shown(each.metadata.get("otherwise", each.default))
        lines.append(f"| `{each.name}` | {default} | {paper} | {each.metadata['help']}{choices} |")
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    return f"{value:,}" if type(value) is int and value > 9999 else "" if value is None else str(value)


def page_with_table(page: str) -> str:
    before, rest = page.split(START)
    return before + START + settings_table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
