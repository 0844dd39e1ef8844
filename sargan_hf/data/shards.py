"""Parquet shards with embedded pictures, and which part of a set they are."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import cast

import pyarrow.parquet as pq
from datasets import Dataset, IterableDataset, load_dataset
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard, DatasetCardData
from yaml import YAMLError

from ..errors import DatasetError, one_line
from ..file_names import escape_unprintable
from .examples import listing
from .folders import SPLIT_NAMES, split_of
from .metadata_files import is_metadata


def is_shard(file: PurePosixPath) -> bool:
    """Whether a file is a Parquet file with pictures, by its name."""
    return file.suffix.lower() == ".parquet" and not is_metadata(file)


def configured_files(root: Path, files: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """The files of the default config, where the folder's card (README.md) names configs; else all.

    A published set holds its pictures once for each config, and sheets to look at beside them.
    """
    card = root / "README.md"
    if not card.is_file():
        return list(files)
    try:
        data = cast("DatasetCardData", DatasetCard.load(card).data)
        configs = MetadataConfigs.from_dataset_card_data(data)
    except (OSError, ValueError, YAMLError):
        return list(files)  # a card that says nothing of configs, or no card of a set at all
    name = configs.get_default_config_name() if configs else None
    if name is None:
        return list(files)
    patterns = configs[name].get("data_files")
    entries = [patterns] if isinstance(patterns, str) else patterns or []
    paths = [entry["path"] if isinstance(entry, dict) else entry for entry in entries]
    wanted = [pattern for path in paths for pattern in ([path] if isinstance(path, str) else path)]
    chosen = [file for file in files if any(file.match(pattern) for pattern in wanted)]
    return chosen or list(files)


def load_shards(
    root: Path, shards: Sequence[PurePosixPath], split: str | None, streaming: bool, cache_dir: str | os.PathLike | None
) -> Dataset | IterableDataset:
    """The rows of one part, as they are in the files.

    Raises:
        DatasetError: a file is damaged or has other columns than the first; names it.
    """
    parts: dict[str, list[str]] = {}
    for shard in shards:
        parts.setdefault(_split_of_shard(shard), []).append(str(root / shard))
    wanted = choose_split(sorted(parts), split, escape_unprintable(root))
    paths = _checked_shards(parts[wanted])
    if not paths:
        raise DatasetError(f"{escape_unprintable(root)} is empty: its files have no rows.")
    try:
        return load_dataset(
            "parquet",
            data_files={wanted: paths},
            split=wanted,
            streaming=streaming,
            cache_dir=text_path(cache_dir),
        )
    except Exception as error:  # `datasets` wraps what readers, casts and full disks raise in errors of many kinds
        cause = _damaged(paths) or _of_other_types(paths) or one_line(error.__cause__ or error)
        raise DatasetError(f"The Parquet files in {escape_unprintable(root)} cannot be read: {cause}") from error


def choose_split(splits: Sequence[str], wanted: str | None, origin: str) -> str:
    """The part to load: `wanted`, or "train", or the only one there is.

    Raises:
        DatasetError: it is not there, or several are and none is wanted.
    """
    if wanted is None:
        if "train" in splits or len(splits) == 1:
            return "train" if "train" in splits else splits[0]
    elif wanted in splits:
        return wanted
    if not splits:
        raise DatasetError(f"{origin} is empty.")
    asked = "say which part you want" if wanted is None else f"there is no part {wanted!r}"
    raise DatasetError(f"{origin}: {asked}. Available are {', '.join(splits)}; choose one with split=.")


def text_path(path: str | os.PathLike | None) -> str | None:
    """A path as `load_dataset` takes it."""
    return None if path is None else str(path)


def _split_of_shard(shard: PurePosixPath) -> str:
    """From a name like train-00000-of-00004.parquet or test_1.parquet, or a folder."""
    name = shard.stem.lower()
    first = re.split(r"[-_.\s\d]", name)[0]
    return SPLIT_NAMES.get(name) or SPLIT_NAMES.get(first) or split_of(shard)


def _checked_shards(paths: Sequence[str]) -> list[str]:
    """Those of the files that have rows. Their ends are read, which tells whether they are complete, and their columns.

    Raises:
        DatasetError: a file is damaged, has another name or other columns than it may; names it.
    """
    first: list[str] | None = None
    filled = []
    for path in paths:
        try:
            path.encode()
            about = pq.read_metadata(path)
            names = about.schema.to_arrow_schema().names
        except UnicodeEncodeError as error:
            raise DatasetError(f"The name of {escape_unprintable(path)} is not UTF-8: rename the file.") from error
        except Exception as error:  # readers raise anything at all on damaged files
            raise DatasetError(
                f"The Parquet files in {Path(path).parent} cannot be read: {path} is damaged or incomplete "
                f"({one_line(error)}). Make or copy it again."
            ) from error
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DatasetError(f"{path} has a column twice: {listing(twice)}. Write it again with each once.")
        first = names if first is None else first
        if set(names) != set(first):
            raise DatasetError(
                f"{path} has the columns {', '.join(names)}, and {paths[0]} has {', '.join(first)}. Files of one part need the "
                f"same columns: move what does not belong to the set elsewhere."
            )
        if about.num_rows:
            filled.append(path)
    return filled


def _damaged(paths: Sequence[str]) -> str | None:
    """Names the file that cannot be read to its end, None where all can."""
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for _ in file.iter_batches(64):
                    pass
        except Exception as error:  # as above
            return f"{path} is damaged ({one_line(error)}). Make or copy it again."
    return None


def _of_other_types(paths: Sequence[str]) -> str | None:
    """Names the first file that has a column in another type than the first has, None where there is none."""
    first = pq.read_schema(paths[0])
    for path in paths[1:]:
        for field in pq.read_schema(path):
            if field.type != first.field(field.name).type:
                return (
                    f"{path} has the column {field.name} as {field.type}, and {paths[0]} as {first.field(field.name).type}. "
                    f"Write them alike."
                )
    return None
