"""The card (README.md) of a data set made by the rig: sources, licence, command, contents."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import DatasetCard, DatasetCardData

from ..._version import __version__
from ...controls import CONTROL_NAMES, CONTROLS
from .picture_licences import KNOWN_LICENCE, KNOWN_SOURCES
from .work_units import RigSettings, Unit

FACE_MODEL = (
    "[ICT-FaceKit](https://github.com/ICT-VGL/ICT-FaceKit) light, USC Institute for Creative Technologies, "
    "MIT, (c) 2020 USC ICT"
)
TEMPLATE = """\
---
{metadata}
---

# {title}

Faces in seven expressions, made by the expression rig of `sargan_hf` {version}: a 3D face model is fitted to each neutral
portrait, and the photograph itself is rendered through the moved model. Rows with the same `pair` show one person in one
crop, light, pose and background; they differ in expression only. The expressions are **synthetic** and follow a table of
facial actions; they say nothing about what the people felt. {real}

| column | meaning |
|---|---|
| `image` | {size} x {size} pixels, RGB, JPEG |
| `expression` | one of {expressions} |
| `subject` | the person: file name of the portrait, or two joined by `+` for a morph of two people |
| `pair` | equal for pictures that differ in expression only; empty for real pictures of people without a neutral one |
| `source` | `portrait`, `morph` or `real` |
| `recipe` | which way of showing the expression |
| `intensity` | 0 for neutral, about 1 for full strength |
| `controls` | what the face shows relative to the neutral picture of its pair, {controls} numbers; NaN where not known |
| `controls_added` | what of that was put on top of the recipe: all 0 where the picture shows its class the usual way |
{motion}{drawn}
The controls are, in this order: {names} (`sargan_hf.controls`; left and right are the subject's).

## Contents

{contents}

## Sources and licence

{sources}

The face model is {model}. Whoever uses this data set carries these attributions along.

## Command

```
{command}
```
"""
MOTION_ROWS = """\
| `motion_backward` | where each pixel comes from in the pair's neutral picture: a 16-bit PNG as KITTI's flow (u, v, valid; \
1/64 pixel); not valid where the neutral picture does not hold what this one shows |
| `motion_forward` | where each pixel of the neutral picture goes, stored likewise |
"""

DRAWN_ROWS = """
Rows with `recipe` = `controls` show parts of the neutral face moved by themselves. They are of no class: their `expression` is
-1. Rows of a class whose `controls_added` is not 0 show a recipe with a change on top.
"""

REAL_ROWS = (
    "Rows with `source` = `real` are photographs of that expression. In a pair they were laid over the neutral photograph of "
    "the same person, so that hair and background agree; `intensity` says how far the corners of the mouth go there, the "
    "rig's own way being 1."
)


def write_card(settings: RigSettings, units: Sequence[Unit], counts: Mapping[str, int], skipped: int) -> None:
    """Writes `README.md` with metadata that is valid on the Hub.

    Args:
        settings: of the run.
        units: the people that were used.
        counts: pictures of each expression.
        skipped: number of portraits that could not be used.
    """
    licence, sources = _sources(units)
    # No `configs`: `datasets` finds `data/train-*` by itself, and would take the cached rows of any other folder of the same
    # name for these if the card named the files.
    title = settings.output.resolve().name
    metadata = DatasetCardData(
        license=licence,
        pretty_name=title,
        task_categories=["image-to-image", "image-classification"],
        tags=["face", "facial-expression", "synthetic", "sargan"],
        size_categories=size_category(sum(counts.values())),
    )
    has_real = any(unit.kind in ("real", "paired_photograph") for unit in units)
    text = TEMPLATE.format(
        metadata=metadata.to_yaml(),
        title=title,
        version=__version__,
        real=REAL_ROWS if has_real else "",
        size=settings.size,
        expressions=", ".join(sorted(filter(None, counts))),
        controls=len(CONTROLS),
        names=", ".join(f"`{name}`" for name in CONTROL_NAMES),
        drawn=DRAWN_ROWS if settings.options.controls else "",
        motion=MOTION_ROWS if settings.options.motion else "",
        contents=_contents(units, counts, skipped),
        sources=sources,
        model=FACE_MODEL,
        command=settings.command or "(made from Python with sargan_hf.rig.dataset.build.build_dataset)",
    )
    DatasetCard(text).save(settings.output / "README.md")


def _contents(units: Sequence[Unit], counts: Mapping[str, int], skipped: int) -> str:
    kinds = Counter(unit.kind for unit in units)
    real = kinds["real"] + kinds["paired_photograph"]
    people = f"{kinds['portrait']} portraits, {kinds['morph']} morphs of two people, {real} real pictures"
    left_out = f"; {skipped} could not be used and are listed in `skipped.csv`" if skipped else ""
    rows = "\n".join(
        f"| {expression or 'no class: controls'} | {count} |" for expression, count in sorted(counts.items())
    )
    return f"{people}{left_out}.\n\n| expression | pictures |\n|---|---|\n{rows}"


def _sources(units: Sequence[Unit]) -> tuple[str, str]:
    """Licence identifier and the attributions as Markdown."""
    stems = {Path(path).stem for unit in units for path in unit.paths}
    known = [text for prefix, text in KNOWN_SOURCES.items() if any(stem.startswith(prefix) for stem in stems)]
    unknown = [stem for stem in stems if not stem.startswith(tuple(KNOWN_SOURCES))]
    lines = [f"* {text}" for text in known]
    if unknown:
        lines.append(
            f"* {len(unknown)} portraits of unrecorded origin: before sharing this data set, say here whose they are and under "
            "which licence, and set `license` above."
        )
    return ("other" if unknown else KNOWN_LICENCE), "\n".join(lines)


def size_category(pictures: int) -> str:
    """What the Hub calls a set of so many pictures."""
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if pictures < limit:
            return name
    return "100K<n<1M"
