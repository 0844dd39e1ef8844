"""A set of the rig as a folder for the Hub: card, splits by people, licence of every picture, shards, a page to look at.

from datasets import load_dataset
load_dataset("name/my-set")                    # pictures and labels
load_dataset("name/my-set", "with_motion")     # and the exact motion of every pixel
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset, Features, Value
from huggingface_hub import DatasetCard, DatasetCardData

from ..._version import __version__
from ...controls import CONTROL_NAMES, CONTROLS, CONTROLS_COLUMN
from ...data.loading import load_expression_dataset, split_by_subject
from ...data.pair_flow import COLUMNS, MASK_COLUMN, PairMotion
from ...errors import RigError
from ...expressions import EXPRESSIONS
from .dataset_card import FACE_MODEL, size_category
from .part_files import DATA, PLAN
from .picture_licences import LicenceTable, PictureLicence, hub_identifier
from .set_sheet import write_sheets
from .viewer_page import write_viewer

WITH_MOTION, VIEWER = "with_motion", "viewer"
SHARD_MEGABYTES = 50
_COMMAND = re.compile(r"## Command\n+```\n(.*?)\n```", re.DOTALL)
_FOLDERS = re.compile(r"(?<![^\s'\"=])(?:[A-Za-z]:)?[/\\~.][^\s'\"]*[/\\](?=[^\s'\"/\\])")

CARD = """\
---
{metadata}
---

# {title}

Faces in seven expressions, made by the expression rig of `sargan_hf` {version}. A 3D face model is fitted to each neutral
portrait, and the picture itself is rendered through the moved model. Rows with the same `pair` show one person in one crop,
light, pose and background. They differ in expression only. The expressions are **synthetic** and follow a table of facial
actions. They say nothing about what the people felt.

![One person a row, one expression a column]({viewer}/sheet-01.jpg)

More sheets are in `{viewer}/index.html`, which opens in any browser.

```python
from datasets import load_dataset

faces = load_dataset("OWNER/{title}", split="train")
{usage}```

| column | meaning |
|---|---|
| `image` | {side} x {side} pixels, RGB, JPEG |
| `expression` | one of {expressions}{no_class} |
| `subject` | the person: file name of the portrait, or two joined by `+` for a morph of two people |
| `pair` | equal for pictures that differ in expression only; empty for real pictures of people without a neutral one |
| `source` | `portrait`, `morph` or `real` |
| `recipe`, `intensity` | which way of showing the expression, and how strongly: 0 for neutral, about 1 for full strength |
| `controls` | what the face shows relative to the neutral picture of its pair, {controls} numbers; NaN where not known |
| `controls_added` | what of that was put on top of the recipe: all 0 where the picture shows its class the usual way |
| `license`, `attribution` | of the portrait that the picture was made from |
{motion}
The controls are, in this order: {names}. Left and right are the subject's.

## Splits

Nobody is in both parts, and no morph mixes people of both.

| part | pictures | people |
|---|---|---|
{splits}

## Licences

Every row names the licence and the source of its portrait. Whoever uses these pictures carries the attributions along.

| licence | pictures | sources |
|---|---|---|
{licences}

The face model is {model}.

## Command

```
{command}
```
"""
MOTION_ROWS = """\
| `motion_backward` | in `with_motion`: 16-bit PNG as KITTI's flow (u, v, valid; 1/64 pixel): where in the pair's neutral \
picture each pixel comes from |
| `motion_forward` | in `with_motion`, stored likewise: where each pixel of the neutral picture goes |
"""
MOTION_USAGE = """\
moving = load_dataset("OWNER/{title}", "with_motion", split="train")

import cv2, numpy as np
valid, v, u = cv2.split(cv2.imdecode(np.frombuffer(moving[0]["motion_backward"], np.uint8), cv2.IMREAD_UNCHANGED))
x, y = (np.float32(each) / 64 - 512 for each in (u, v))   # picture(p) = neutral(p + (x, y)) where valid
"""


@dataclass(frozen=True)
class PublishSettings:
    """What to publish, and how.

    Attributes:
        dataset: folder that `sargan rig` wrote.
        output: folder to write; it must not exist, or be empty.
        licences: of the portraits.
        held_out: share of the people for the part "test".
        seed: of the split and of the sheets.
        shard_megabytes: a shard holds about so much.
        sheets: number of contact sheets.
    """

    dataset: Path
    output: Path
    licences: LicenceTable
    held_out: float = 0.12
    seed: int = 0
    shard_megabytes: int = SHARD_MEGABYTES
    sheets: int = 6


@dataclass(frozen=True)
class Published:
    """Pictures of each part, configs, and bytes of the whole folder."""

    pictures: dict[str, int]
    configs: tuple[str, ...]
    size: int


def publish_set(settings: PublishSettings) -> Published:
    """Writes a folder that is ready for the Hub: `hf upload NAME OUTPUT --repo-type dataset`.

    Raises:
        RigError: the folder is no set of the rig, the output is not empty, or a portrait has no known licence.
        DatasetError: the set cannot be read, or has too few people to split.
    """
    if not (settings.dataset / PLAN).is_file():
        raise RigError(f"{settings.dataset} was not written by `sargan rig`: there is no {PLAN} in it.")
    if settings.output.exists() and (not settings.output.is_dir() or any(settings.output.iterdir())):
        raise RigError(f"{settings.output} is not empty; choose another folder.")
    # Only here is every reason to refuse known, so nothing half-made is left behind.
    rows = load_expression_dataset(settings.dataset / DATA, split="train", controls=True)
    assert isinstance(rows, Dataset)
    licences = settings.licences.of_all(rows["subject"][:])
    rows = rows.add_column("license", [each.licence for each in licences])
    rows = rows.add_column("attribution", [each.attribution for each in licences])
    parts = split_by_subject(rows, settings.held_out, settings.seed)
    unfinished = settings.output.with_name(settings.output.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    moving = set(COLUMNS) <= set(rows.column_names)
    for name, part in parts.items():
        still = part.remove_columns([column for column in (*COLUMNS, MASK_COLUMN) if column in part.column_names])
        _write_shards(still, unfinished / DATA, str(name), settings.shard_megabytes)
        if moving:
            _write_shards(_as_kitti(part), unfinished / WITH_MOTION, str(name), settings.shard_megabytes)
    counts = {str(name): len(part) for name, part in parts.items()}
    _write_viewer(settings, unfinished, counts)
    _write_card(settings, unfinished, {str(name): part for name, part in parts.items()}, moving)
    if settings.output.exists():
        settings.output.rmdir()
    os.replace(unfinished, settings.output)
    size = sum(path.stat().st_size for path in settings.output.rglob("*") if path.is_file())
    return Published(counts, ("default", WITH_MOTION) if moving else ("default",), size)


def _write_shards(rows: Dataset, folder: Path, part: str, megabytes: int) -> None:
    folder.mkdir(exist_ok=True)
    whole = rows.data.nbytes * len(rows) / max(len(rows.data), 1)  # `data` still holds the rows of the other part
    number = max(1, min(len(rows), round(whole / (megabytes * 1e6))))
    for index in range(number):
        shard = rows.shard(number, index, contiguous=True)
        shard.to_parquet(folder / f"{part}-{index:05d}-of-{number:05d}.parquet")


def _as_kitti(rows: Dataset) -> Dataset:
    """The rows with motion columns as `pair_flow` writes them, whichever version of the rig wrote the set."""
    if MASK_COLUMN not in rows.column_names:
        return rows

    def converted(row: dict) -> dict:
        motion = PairMotion.from_columns(row)
        return motion.columns() if motion is not None else dict.fromkeys(COLUMNS)

    features = Features({name: kind for name, kind in rows.features.items() if name != MASK_COLUMN})
    features |= dict.fromkeys(COLUMNS, Value("binary"))
    return rows.map(converted, remove_columns=[MASK_COLUMN], features=Features(features))


def _write_viewer(settings: PublishSettings, folder: Path, counts: dict[str, int]) -> None:
    sheets = write_sheets(folder, folder / VIEWER, pages=settings.sheets, seed=settings.seed)
    about = "Faces in seven expressions, made by the expression rig of sargan_hf. Licences are in the card and in every row."
    write_viewer(folder / VIEWER, settings.output.name, about, counts, sheets)


def _write_card(settings: PublishSettings, folder: Path, parts: dict[str, Dataset], moving: bool) -> None:
    rows = {
        name: part.select_columns(["subject", "expression", "license", "attribution"])[:]
        for name, part in parts.items()
    }
    licences = [
        PictureLicence(*pair)
        for part in rows.values()
        for pair in zip(part["license"], part["attribution"], strict=True)
    ]
    title = settings.output.resolve().name
    configs = [("default", DATA)] + ([(WITH_MOTION, WITH_MOTION)] if moving else [])
    metadata = DatasetCardData(
        license=hub_identifier([each.licence for each in licences]),
        pretty_name=title,
        task_categories=["image-to-image", "image-classification"],
        tags=["face", "facial-expression", "synthetic", "sargan", *(["optical-flow"] if moving else [])],
        size_categories=size_category(sum(len(part["subject"]) for part in rows.values())),
        configs=[
            {
                "config_name": config,
                **({"default": True} if config == "default" else {}),
                "data_files": [{"split": part, "path": f"{place}/{part}-*.parquet"} for part in rows],
            }
            for config, place in configs
        ],
    )
    no_class = any(label < 0 for part in rows.values() for label in part["expression"])
    first = next(iter(parts.values()))
    text = CARD.format(
        metadata=metadata.to_yaml(),
        title=title,
        version=__version__,
        viewer=VIEWER,
        usage=MOTION_USAGE.format(title=title) if moving else "",
        side=first[0]["image"].width,
        expressions=", ".join(EXPRESSIONS),
        no_class="; -1 for controls on the neutral face, which are of no class" if no_class else "",
        controls=len(CONTROLS),
        motion=MOTION_ROWS if moving else "",
        names=", ".join(f"`{name}`" for name in CONTROL_NAMES) if CONTROLS_COLUMN in first.column_names else "none",
        splits="\n".join(
            f"| {name} | {len(part['subject'])} | {_people(part['subject'])} |" for name, part in rows.items()
        ),
        licences=_licence_rows(licences),
        model=FACE_MODEL,
        command=_typed_command(settings.dataset),
    )
    DatasetCard(text).save(folder / "README.md")


def _typed_command(dataset: Path) -> str:
    """How the set was made, as its card quotes it, without the folders of whoever made it."""
    found = _COMMAND.search((dataset / "README.md").read_text(encoding="utf-8"))
    return _FOLDERS.sub("", found.group(1)) if found else "sargan rig"


def _people(subjects: Sequence[str]) -> int:
    return len({stem for subject in subjects for stem in subject.split("+")})


def _licence_rows(licences: Sequence[PictureLicence]) -> str:
    """A row of the card for each licence: its pictures, and whose they are, as far as a card can hold it."""
    pictures = Counter(each.licence for each in licences)
    rows = []
    for licence, count in pictures.most_common():
        owners = list(dict.fromkeys(each.attribution for each in licences if each.licence == licence))
        shown = "; ".join(owner[:160] for owner in owners[:6] if owner)
        more = f"; and {len(owners) - 6} more, named in the column `attribution`" if len(owners) > 6 else ""
        rows.append(f"| {licence} | {count} | {(shown + more).replace('|', '/')} |")
    return "\n".join(rows)
