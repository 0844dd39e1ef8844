"""Any source of labelled faces to one schema: image, expression, subject, pair; and its split by people."""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import datasets
import pyarrow as pa
from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict, load_dataset

from ..errors import DatasetError
from ..expressions import EXPRESSIONS
from .examples import Example, dataset_from_examples
from .folders import (
    METADATA_NAMES,
    SPLIT_NAMES,
    examples_from_class_folders,
    examples_from_metadata,
    list_files,
    names_expression,
    split_of,
)
from .schema import to_schema
from .sources import SOURCES, find_source
from .sources.base import Layout

log = logging.getLogger(__name__)

DataSource = str | os.PathLike | Dataset | IterableDataset | DatasetDict | IterableDatasetDict
STREAM_SHARDS = 64  # of a stream over single files: enough for many processes to share evenly


def load_expression_dataset(
    source: DataSource,
    *,
    split: str | None = None,
    expressions: Sequence[str] = EXPRESSIONS,
    streaming: bool = False,
    adapter: str | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike | None = None,
    controls: bool = False,
) -> Dataset | IterableDataset:
    """Loads faces with labelled expressions.

    Args:
        source: a folder, a `datasets` object, or the id of a data set on the Hub. In a folder are looked for, in this order:
            `metadata.csv`, `.jsonl` or `.parquet` (with file_name, expression, subject, pair); Parquet shards with embedded
            pictures; a published set (`sargan_hf.data.sources`); sub-folders named after expressions.
        split: "train", "validation" or "test"; None takes "train" or, where there is no such part, the only one.
        expressions: names in the order of the model; aliases of them are understood.
        streaming: returns an `IterableDataset` that holds no more than a few rows in memory.
        adapter: name of the published set, where it is not recognised by itself.
        revision: of a data set on the Hub.
        cache_dir: for what is downloaded or converted.
        controls: also load the pictures that the rig drew with facial controls (`sargan rig --controls`). Those without a
            class have -1 for `expression`. By default only pictures that show their class the usual way are loaded.

    Returns:
        The rows, with features `image` (Image), `expression` (ClassLabel of `expressions`), `subject` (the person; "" where
        unknown; "a+b" for a mix of two) and `pair` (equal for pictures that differ in expression only, else ""). Further
        columns of the source follow. The same content has the same `_fingerprint` in every process.

    Raises:
        DatasetError: there is no such source or split, files are missing or damaged, or labels are unknown.
    """
    if isinstance(source, Dataset | IterableDataset):
        return _streamed(to_schema(source, expressions, "The data set", controls), streaming)
    if isinstance(source, DatasetDict | IterableDatasetDict):
        part = source[_choose_split(list(source), split, "The data set")]
        return _streamed(to_schema(part, expressions, "The data set", controls), streaming)
    path = Path(source).expanduser()
    if path.is_dir():
        return _load_folder(path.resolve(), split, expressions, streaming, adapter, cache_dir, controls)
    if path.is_file():
        raise DatasetError(f"{source} is a file: give the folder it is in, unpacked if it is an archive.")
    if not _looks_like_hub_id(str(source)):
        raise DatasetError(f"There is no folder {source}, and it is no Hub id (owner/name) either.")
    return _load_from_hub(str(source), split, expressions, streaming, revision, cache_dir, controls)


def split_by_subject(dataset: Dataset, held_out: float = 0.12, seed: int = 0) -> DatasetDict:
    """Splits into "train" and "test" with nobody on both sides.

    People are put in the order of a hash of their name and `seed`; the first `held_out` of them make up the test part.
    So the split does not depend on the order of the rows, and adding people moves hardly anyone to the other side. A
    picture of two people ("a+b") goes where both are; if they are on different sides, it is left out. A picture of nobody
    known counts as a person of its own.

    Args:
        dataset: of the common schema.
        held_out: share of the people for the test part, between 0 and 1; at least one person.
        seed: another seed, another split.

    Raises:
        DatasetError: there are fewer than two people, or a part would be empty.
    """
    if not 0 < held_out < 1:
        raise DatasetError(f"held_out is a share of the people between 0 and 1; got {held_out}.")
    rows = [_people(subject, index) for index, subject in enumerate(dataset["subject"])]
    everyone = {person for people in rows for person in people}
    if len(everyone) < 2:
        raise DatasetError(
            f"Splitting by people needs at least two of them; the column subject names {len(everyone)}. "
            f"Add the missing names, or train without held-out people."
        )
    # Drawn apart, so that either side has people who are seen by themselves.
    alone = {person for people in rows if len(people) == 1 for person in people}
    held = _first(alone, held_out, seed) | _first(everyone - alone, held_out, seed)
    train = [index for index, people in enumerate(rows) if not held & people]
    test = [index for index, people in enumerate(rows) if people <= held]
    if not train or not test:
        raise DatasetError(
            f"With {len(everyone)} people, no picture is left for one side: nearly all show two people at once. "
            f"Use more people or another share than {held_out}."
        )
    if left_out := len(rows) - len(train) - len(test):
        log.info("%d of %d pictures mix people of both sides of the split and are left out.", left_out, len(rows))
    return DatasetDict(train=dataset.select(train), test=dataset.select(test))


def _first(people: set[str], share: float, seed: int) -> set[str]:
    """The first `share` of the people in the order of their hashes; neither nobody nor all, if there are two or more."""
    ranked = sorted(people, key=lambda person: hashlib.sha256(f"{seed} {person}".encode()).digest())
    return set(ranked[: max(0, min(max(1, round(share * len(ranked))), len(ranked) - 1))])


def _people(subject: str, index: int) -> frozenset[str]:
    names = [name.strip() for name in (subject or "").split("+")]
    return frozenset(name for name in names if name) or frozenset({f"row {index}"})


def _load_folder(
    root: Path,
    split: str | None,
    expressions: Sequence[str],
    streaming: bool,
    adapter: str | None,
    cache_dir: str | os.PathLike | None,
    controls: bool,
) -> Dataset | IterableDataset:
    files = list_files(root)
    shards = [file for file in files if file.suffix == ".parquet" and file.name not in METADATA_NAMES]
    metadata = [file for file in files if file.name in METADATA_NAMES]
    if shards and not metadata and adapter is None:
        return _load_shards(root, shards, split, expressions, streaming, cache_dir, controls)
    if metadata and adapter is None:
        examples, extra = _read_metadata(root, metadata)
    else:
        layout = Layout(root, files, Path(cache_dir or datasets.config.HF_DATASETS_CACHE) / "sargan_pictures")
        examples, extra = _read_layout(layout, adapter, expressions), pa.table({})
    wanted = _choose_split(sorted({example.split for example in examples}), split, str(root))
    rows = [index for index, example in enumerate(examples) if example.split == wanted]
    columns = {name: extra[name].take(pa.array(rows)) for name in extra.column_names}
    dataset = dataset_from_examples([examples[row] for row in rows], expressions, str(root), columns)
    return _streamed(dataset, streaming)


def _read_metadata(root: Path, metadata: Sequence[PurePosixPath]) -> tuple[list[Example], pa.Table]:
    """The pictures of all metadata files, and further columns about them."""
    parts = [examples_from_metadata(root, file) for file in metadata]
    extra = pa.concat_tables([table for _, table in parts], promote_options="default")
    return [example for examples, _ in parts for example in examples], extra


def _read_layout(layout: Layout, adapter: str | None, expressions: Sequence[str]) -> list[Example]:
    """The pictures of a published set, or of folders named after expressions."""
    known = find_source(layout, adapter)
    if known is not None:
        log.info("%s holds %s. %s", layout.root, known.title, known.licence)
        examples = known.read(layout)
        kept = [e for e in examples if e.expression not in known.beyond or names_expression(e.expression, expressions)]
        if len(kept) < len(examples):
            log.info("%d pictures of %s are left out.", len(examples) - len(kept), ", ".join(sorted(known.beyond)))
        return kept
    pictures = layout.pictures
    if any(names_expression(part, expressions) for file in pictures for part in file.parts[:-1]):
        return examples_from_class_folders(layout.root, pictures, expressions)
    raise DatasetError(
        f"Nothing in {layout.root} says which expressions its {len(pictures)} pictures show. Put them into folders "
        f"named after expressions, add a metadata.csv with file_name,expression,subject,pair, or name a published set "
        f"with adapter=, one of {', '.join(SOURCES)}."
    )


def _load_shards(
    root: Path,
    shards: Sequence[PurePosixPath],
    split: str | None,
    expressions: Sequence[str],
    streaming: bool,
    cache_dir: str | os.PathLike | None,
    controls: bool,
) -> Dataset | IterableDataset:
    parts: dict[str, list[str]] = {}
    for shard in shards:
        parts.setdefault(_split_of_shard(shard), []).append(str(root / shard))
    wanted = _choose_split(sorted(parts), split, str(root))
    try:
        dataset = load_dataset(
            "parquet", data_files={wanted: parts[wanted]}, split=wanted, streaming=streaming, cache_dir=_text(cache_dir)
        )
    except (pa.ArrowInvalid, OSError, ValueError) as error:
        raise DatasetError(f"The Parquet files in {root} cannot be read: {error}") from error
    return to_schema(dataset, expressions, str(root), controls)


def _split_of_shard(shard: PurePosixPath) -> str:
    """From a name like train-00000-of-00004.parquet, or a folder."""
    return SPLIT_NAMES.get(shard.stem.split("-")[0].lower(), split_of(shard))


def _load_from_hub(
    name: str,
    split: str | None,
    expressions: Sequence[str],
    streaming: bool,
    revision: str | None,
    cache_dir: str | os.PathLike | None,
    controls: bool,
) -> Dataset | IterableDataset:
    try:
        parts = load_dataset(name, revision=revision, streaming=streaming, cache_dir=_text(cache_dir))
    except (OSError, ValueError, RuntimeError) as error:  # the client's errors, and those of the network below it
        raise DatasetError(
            f"There is no folder {name}, and the Hub's data set of that name cannot be loaded: {error}"
        ) from error
    return to_schema(parts[_choose_split(list(parts), split, name)], expressions, name, controls)


def _choose_split(splits: Sequence[str], wanted: str | None, origin: str) -> str:
    if wanted is None:
        if "train" in splits or len(splits) == 1:
            return "train" if "train" in splits else splits[0]
    elif wanted in splits:
        return wanted
    if not splits:
        raise DatasetError(f"{origin} is empty.")
    asked = "say which part you want" if wanted is None else f"there is no part {wanted!r}"
    raise DatasetError(f"{origin}: {asked}. Available are {', '.join(splits)}; choose one with split=.")


def _streamed(dataset: Dataset | IterableDataset, streaming: bool) -> Dataset | IterableDataset:
    if streaming and isinstance(dataset, Dataset):
        return dataset.to_iterable_dataset(num_shards=min(STREAM_SHARDS, len(dataset)))
    return dataset


def _looks_like_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and "\\" not in name


def _text(path: str | os.PathLike | None) -> str | None:
    return None if path is None else str(path)
