"""Any source of labelled faces to one schema: image, expression, subject, pair."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, overload

import pyarrow as pa
from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict
from datasets import config as datasets_config

from ..errors import DatasetError
from ..expressions import EXPRESSIONS
from ..file_names import escape_unprintable
from .column_roles import checked_roles
from .duplicates import report_identical_pictures
from .examples import Example, dataset_from_examples, listing
from .folders import examples_from_class_folders, has_class_folders, is_picture, list_files, several_parts
from .metadata_files import examples_from_metadata, is_metadata, refuse_unread_tables
from .pairs import check_pairs
from .people import identity, names_in, split_by_subject
from .remote import load_from_hub, local_folder
from .schema import to_schema
from .shards import choose_split, configured_files, is_shard, load_shards
from .sources import SOURCES, find_source, read_source
from .sources.base import Layout
from .streaming import with_row_names

__all__ = ["DataSource", "load_expression_dataset", "split_by_subject"]

log = logging.getLogger(__name__)

OBJECTS = (Dataset, IterableDataset, DatasetDict, IterableDatasetDict)
DataSource = str | os.PathLike | Dataset | IterableDataset | DatasetDict | IterableDatasetDict
# Of files that cannot be changed by hand; in metadata files `split` is looked at, and the others are refused.
PART_COLUMNS = ("split", "usage", "Usage", "partition", "subset", "part")
STREAM_SHARDS = 64  # of a stream over single files: enough for many processes to share evenly


@overload
def load_expression_dataset(
    source: str | os.PathLike | Dataset | DatasetDict,
    *,
    split: str | None = None,
    expressions: Sequence[str] = EXPRESSIONS,
    streaming: Literal[False] = False,
    adapter: str | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike | None = None,
    refuse_damaged: bool = True,
    controls: bool = False,
    columns: Mapping[str, str | None] | None = None,
) -> Dataset: ...
@overload
def load_expression_dataset(
    source: DataSource,
    *,
    split: str | None = None,
    expressions: Sequence[str] = EXPRESSIONS,
    streaming: bool = False,
    adapter: str | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike | None = None,
    refuse_damaged: bool = True,
    controls: bool = False,
    columns: Mapping[str, str | None] | None = None,
) -> Dataset | IterableDataset: ...
def load_expression_dataset(
    source: DataSource,
    *,
    split: str | None = None,
    expressions: Sequence[str] = EXPRESSIONS,
    streaming: bool = False,
    adapter: str | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike | None = None,
    refuse_damaged: bool = True,
    controls: bool = False,
    columns: Mapping[str, str | None] | None = None,
) -> Dataset | IterableDataset:
    """Loads faces with labelled expressions.

    What is left out on the way, and what may be wrong without being an error, is said in warnings of this logger.

    Args:
        source: a folder, a `datasets` object, or the id of a data set on the Hub. In a folder are looked for, in this order:
            `metadata.csv`, `.jsonl` or `.parquet` (with file_name, expression, subject, pair, split); Parquet shards with
            embedded pictures; a published set (`sargan_hf.data.sources`); sub-folders named after expressions.
        split: "train", "validation" or "test"; None takes "train" or, where there is no such part, the only one.
        expressions: names in the order of the model; aliases of them are understood.
        streaming: returns an `IterableDataset` that holds no more than a few rows in memory.
        adapter: name of the published set, where it is not recognised by itself.
        revision: of a data set on the Hub.
        cache_dir: for what is downloaded or converted.
        refuse_damaged: whether a file that does not start as a picture is an error, or is left to whoever decodes it.
        controls: also load the pictures that `sargan rig --controls` drew, without a class -1 for `expression`; else only those
            that show their class the usual way.
        columns: names of the set's columns for "image" (in a metadata file the file's name), "expression", "subject" and
            "pair", where they are not recognised, or the wrong ones are.

    Returns:
        The rows, with features `image` (Image), `expression` (ClassLabel of `expressions`), `subject` (the person; "" where
        unknown; "a+b" for a mix of two) and `pair` (equal for pictures that differ in expression only, else ""). Further
        columns of the source follow, and in a stream of Parquet files `row_name`, the file and row of each picture. The same
        content has the same `_fingerprint` in every process. The set's `split` is the part that was chosen.

    Raises:
        DatasetError: no such source or split, missing or damaged files, unknown or differing labels, several people in a pair.
    """
    expressions, roles = _checked_names(expressions), checked_roles(columns)
    folder = None if isinstance(source, OBJECTS) else local_folder(source)
    if folder is not None:
        _refuse_settings("a folder", revision=revision)
        root = folder.resolve()
        return _load_folder(root, split, expressions, streaming, adapter, cache_dir, refuse_damaged, controls, roles)
    origin, rows = _rows_of(source, split, streaming, adapter, revision, cache_dir)
    return _streamed(_checked(to_schema(rows, expressions, origin, controls, roles), origin), streaming)


def _rows_of(
    source: DataSource,
    split: str | None,
    streaming: bool,
    adapter: str | None,
    revision: str | None,
    cache_dir: str | os.PathLike | None,
) -> tuple[str, Dataset | IterableDataset]:
    """What messages call a `datasets` object or a set on the Hub, and its rows of the part that is wanted."""
    if isinstance(source, OBJECTS):
        _refuse_settings("a data set that is loaded already", adapter=adapter, revision=revision)
        origin, rows = "The data set", source
    else:
        _refuse_settings("a set on the Hub", adapter=adapter)
        origin, rows = str(source), load_from_hub(str(source), streaming, revision, cache_dir)
    parts = isinstance(rows, DatasetDict | IterableDatasetDict)
    part = rows[choose_split(list(map(str, rows)), split, origin)] if parts else rows
    return origin, with_row_names(part) if isinstance(part, IterableDataset) else part


def _refuse_settings(kind: str, **settings: str | None) -> None:
    """Raises for settings that are given and have no effect on this kind of source."""
    if given := [name for name, value in settings.items() if value is not None]:
        raise DatasetError(f"{' and '.join(given)} cannot be chosen for {kind}: leave it out.")


def _checked_names(expressions: Sequence[str]) -> tuple[str, ...]:
    names = () if isinstance(expressions, str) else tuple(expressions)
    if not names or len({str(name).strip().lower() for name in names}) < len(names):
        raise DatasetError(f"The expressions are a list of different names; got {expressions!r}.")
    return names


def _load_folder(
    root: Path,
    split: str | None,
    expressions: Sequence[str],
    streaming: bool,
    adapter: str | None,
    cache_dir: str | os.PathLike | None,
    refuse_damaged: bool,
    controls: bool,
    roles: Mapping[str, str],
) -> Dataset | IterableDataset:
    origin, files = escape_unprintable(root), configured_files(root, list_files(root))
    shards = [file for file in files if is_shard(file)]
    metadata = any(map(is_metadata, files))
    if adapter is None:
        refuse_unread_tables(root, files)
        _report_unread(origin, files, shards, metadata)
        if shards and not metadata:
            dataset = load_shards(root, shards, split, streaming, cache_dir)
            if isinstance(dataset, IterableDataset):
                dataset = with_row_names(dataset)
            return _checked(to_schema(dataset, expressions, origin, controls, roles), origin)
    if metadata and adapter is None:
        examples, extra = examples_from_metadata(root, files, expressions, roles)
    else:
        if roles:
            raise DatasetError(
                f"{origin} has no table whose columns could be named: leave out {', '.join(roles.values())}."
            )
        layout = Layout(root, files, Path(cache_dir or datasets_config.HF_DATASETS_CACHE) / "sargan_pictures")
        examples, extra = _read_layout(layout, adapter, expressions), pa.table({})
    wanted = choose_split(sorted({example.split for example in examples}), split, origin)
    rows = [index for index, example in enumerate(examples) if example.split == wanted]
    columns = {name: extra[name].take(pa.array(rows)) for name in extra.column_names}
    chosen = [examples[row] for row in rows]
    _report_known_people(chosen, examples, wanted, origin)
    dataset = dataset_from_examples(chosen, expressions, origin, columns, refuse_damaged)
    check_pairs(dataset["subject"][:], dataset["pair"][:], origin)
    return _streamed(_checked(dataset, origin), streaming)


def _read_layout(layout: Layout, adapter: str | None, expressions: Sequence[str]) -> list[Example]:
    """The pictures of a published set, or of folders named after expressions."""
    known = find_source(layout, adapter)
    if known is not None:
        log.info("%s holds %s. %s", layout.root, known.title, known.licence)
        return read_source(known, layout, expressions, recognised=adapter is None)
    if has_class_folders(layout.files, expressions):
        return examples_from_class_folders(layout.root, layout.files, expressions)
    if any(file.suffix == ".arrow" for file in layout.files):
        raise DatasetError(
            f"{layout.root} was written by `save_to_disk`: write it with `to_parquet` instead, or pass the data set itself."
        )
    raise DatasetError(
        f"Nothing in {escape_unprintable(layout.root)} says which expressions its {len(layout.pictures)} pictures show. Put "
        f"them into folders named after expressions, add a metadata.csv with file_name,expression,subject,pair, or name a "
        f"published set with adapter=, one of {', '.join(SOURCES)}."
    )


def _checked(dataset: Dataset | IterableDataset, origin: str) -> Dataset | IterableDataset:
    """The data set, after its pictures were compared with each other; a stream is passed on as it is."""
    if isinstance(dataset, Dataset):
        if len(dataset) == 0:
            raise DatasetError(f"{origin} is empty: it has no pictures.")
        report_identical_pictures(dataset, origin)
        for name in PART_COLUMNS:
            if name in dataset.features and (parts := several_parts(dataset[name][:])):
                log.warning("%s: the column %s names parts (%s), and all are read.", origin, name, ", ".join(parts))
    return dataset


def _report_unread(
    origin: str, files: Sequence[PurePosixPath], shards: Sequence[PurePosixPath], metadata: bool
) -> None:
    """Says what lies beside the files that are read, and is not."""
    if shards and metadata:
        log.warning("%s: not read, as metadata files are there, are %s.", origin, listing(shards))
    elif shards and (pictures := [escape_unprintable(file) for file in files if is_picture(file)]):
        log.warning("%s: not read, as Parquet files are there, are %s.", origin, listing(pictures))


def _report_known_people(chosen: Sequence[Example], examples: Sequence[Example], part: str, origin: str) -> None:
    """Says who is in other parts of the set as well: they are no strangers there."""
    known = {identity(name): name for example in chosen for name in names_in(example.subject)}
    elsewhere = {identity(name) for example in examples if example.split != part for name in names_in(example.subject)}
    if both := sorted(known[name] for name in known.keys() & elsewhere):
        count = f"{len(both)} of {len(known)}"
        log.warning("%s: people of the part %s are in another as well (%s): %s.", origin, part, count, listing(both))


def _streamed(dataset: Dataset | IterableDataset, streaming: bool) -> Dataset | IterableDataset:
    if streaming and isinstance(dataset, Dataset):
        return dataset.to_iterable_dataset(num_shards=min(STREAM_SHARDS, len(dataset)))
    return dataset
