"""What a run starts from: the data split by people, the two networks, their optimisers."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from datasets import Dataset, IterableDataset
from datasets import config as datasets_config

from ..controls import ADDED_COLUMN, CONTROLS_COLUMN
from ..data.loading import DataSource, load_expression_dataset, split_by_subject
from ..data.pairs import pairing_notes
from ..errors import ConfigurationError, DatasetError, SARGANError
from ..file_errors import CLOSED, cause, disk_error, remedy
from .config import TrainingConfig
from .image_cache import FaceCache, FaceLabels
from .map_dataset import TrainingSamples
from .optical_flow import MotionMaps
from .sample import ControlShares, Draw, SampleMaker, Samples
from .stream_dataset import StreamedSamples
from .stream_split import split_stream

logger = logging.getLogger(__name__)
# Crops are stored a little larger than they are trained on, so that zoom and rotation do not blur them.
STORED_MARGIN = 1.25


@dataclass
class TrainingData:
    """Attributes:
    samples: the training stream.
    faces: labels of the people trained on.
    held_out: decoded pictures of those kept aside (None with held_out=0).
    expressions: names in the order of the labels and of the networks' config.
    held_out_before: what the held-out pictures are made from, where the set says so.
    whole: whether `faces` are all pictures; of a long stream they are those of its first rows.
    """

    samples: Samples
    faces: FaceLabels
    held_out: FaceCache | None
    expressions: tuple[str, ...]
    held_out_before: FaceCache | None = None
    whole: bool = True


def prepare_data(config: TrainingConfig, accelerator: Accelerator, dataset: DataSource | None = None) -> TrainingData:
    """Loads, splits by people, and decodes each picture once. The first process of a machine does, the others wait.

    Args:
        dataset: the set, where it is loaded already and the settings name none.

    Raises:
        DatasetError: the data does not fit, or a disk is too full to prepare it.
        ConfigurationError: it does not fit the settings.
    """
    try:
        return _prepare(config, accelerator, dataset)
    except Exception as error:
        found = None if isinstance(error, SARGANError) else disk_error(error)
        if found is None or found.errno in CLOSED:  # of a file of the set, more likely than of the cache
            raise
        cache = Path(datasets_config.HF_DATASETS_CACHE)
        raise DatasetError(
            f"The data could not be prepared ({cause(found)}). {remedy(found, cache)}, or name another folder with HF_HOME."
        ) from error


def _draw(config: TrainingConfig) -> Draw:
    return Draw(
        resolution=config.resolution,
        neutral_source=config.neutral_source,
        stylise=config.stylise,
        blank_eyes=config.blank_eyes,
        occluders=config.occluders,
        caricature=config.caricature,
        motion=bool(config.motion),
        seed=config.seed,
        pairs=config.paired_weight > 0,
        shares=ControlShares(config.controls_alone, config.controls_added) if config.controls else None,
        geometry=config.geometry,
        class_dropout=config.class_dropout,
        dealt=config.targets == "permutation",
    )


def _prepare(config: TrainingConfig, accelerator: Accelerator, source: DataSource | None) -> TrainingData:
    stored, draw = round(config.resolution * STORED_MARGIN), _draw(config)
    if config.streaming:
        return _prepare_stream(config, accelerator, draw, stored, source)
    # Machines prepare side by side; where they share a disk, the lock of the decoded pictures lets one do it for all.
    with accelerator.local_main_process_first():
        dataset = _load(config, source)
        assert isinstance(dataset, Dataset)  # not streaming
        if accelerator.is_main_process:
            _report_missing_pairs(config, dataset)
        expressions = tuple(dataset.features["expression"].names)
        held_out = held_out_before = None
        if config.held_out:
            parts = split_by_subject(dataset, config.held_out, seed=config.seed)
            dataset = parts["train"]
            held_out, held_out_before = FaceCache(parts["test"], stored), _before(parts["test"], stored)
        dataset = _some(dataset, config.max_train_samples, config.seed)
        faces, before = FaceCache(dataset, stored), _before(dataset, stored)
        maps = MotionMaps(dataset, keep=bool(config.motion))
    if before is None:
        _check_classes(faces, expressions, config, faces.classes)
    if before is not None:  # mouths, not faces
        draw = replace(draw, canonical=False)
    samples = TrainingSamples(faces, draw, _neutral(expressions), maps, before)
    return TrainingData(samples, faces, held_out, expressions, held_out_before)


def _before(dataset: Dataset, stored: int) -> FaceCache | None:
    """The pictures in the column `before`, the sources of those in `image`; None without such a column."""
    if "before" not in dataset.features:
        return None
    return FaceCache(dataset.remove_columns("image").rename_column("before", "image"), stored)


def _prepare_stream(
    config: TrainingConfig, accelerator: Accelerator, draw: Draw, stored: int, source: DataSource | None
) -> TrainingData:
    stream = _load(config, source)
    assert isinstance(stream, IterableDataset)
    assert stream.features is not None  # resolved by then
    if "before" in stream.features:
        raise ConfigurationError("A set with a column `before` is small: train on it without --streaming.")
    expressions = tuple(stream.features["expression"].names)
    with accelerator.local_main_process_first():
        parts = split_stream(stream, config.held_out, config.seed, stored)
    _check_classes(parts.labels, expressions, config, parts.classes)
    maker = SampleMaker(draw, stored, MotionMaps())
    neutral = _neutral(expressions)
    samples = StreamedSamples(stream, maker, neutral, parts.classes, parts.kept, config.max_damaged)
    return TrainingData(samples, parts.labels, parts.held_out, expressions, whole=parts.whole)


def _load(config: TrainingConfig, given: DataSource | None) -> Dataset | IterableDataset:
    # A path stays one: mistyped, it is not looked for on the Hub.
    named = Path(config.train_data_dir) if config.train_data_dir else config.dataset_name or ""
    source = named if given is None else given
    dataset = load_expression_dataset(
        source,
        split=config.split,
        expressions=config.class_names,
        streaming=config.streaming,
        adapter=config.adapter,
        revision=config.revision,
        cache_dir=config.cache_dir,
        controls=config.controls,
        columns={
            "image": config.image_column,
            "expression": config.label_column,
            "subject": config.subject_column,
            "pair": config.pair_column,
        },
    )
    if config.controls:
        _check_controls(dataset, str(named or "The data set"))
    if config.class_dropout and "before" not in (dataset.column_names or []):
        raise ConfigurationError(
            "class_dropout needs a set with a column `before`, as `sargan mouths` makes one: without its class, nothing "
            "says what to make of a face. Leave class_dropout out."
        )
    return dataset


def _some(dataset: Dataset, most: int | None, seed: int) -> Dataset:
    """At most so many rows, drawn at random; the pictures of a pair stay together as far as they fit."""
    if most is None or len(dataset) <= most:
        return dataset
    groups: dict[str, list[int]] = {}
    for row, pair in enumerate(dataset["pair"][:]):
        groups.setdefault(pair or f"row {row}", []).append(row)
    names = list(groups)
    order = np.random.default_rng([seed, 3]).permutation(len(names))
    chosen = [row for index in order for row in groups[names[index]]]
    return dataset.select(sorted(chosen[:most]))


def _check_classes(
    faces: FaceLabels, expressions: tuple[str, ...], config: TrainingConfig, classes: tuple[int, ...]
) -> None:
    shown = [expressions[index] for index in classes]
    if len(shown) < 2 and not config.controls:
        raise DatasetError(
            f"All {len(faces)} pictures to train on are {shown[0] if shown else 'of no class'}: expressions are learned from "
            "their difference. Add pictures of others."
        )
    if missing := [name for name in expressions if name not in shown]:
        logger.warning(
            "There is no picture of %s to train on: the model will know the name but not the expression. Name the classes of "
            "the set by --expressions %s.",
            ", ".join(missing),
            ",".join(shown),
        )


def _check_controls(dataset: Dataset | IterableDataset, origin: str) -> None:
    columns = dataset.column_names or []
    if missing := [name for name in (CONTROLS_COLUMN, ADDED_COLUMN) if name not in columns]:
        raise DatasetError(
            f"{origin} has no column {' and no column '.join(missing)}, so nobody knows what its pictures show: draw a "
            "set with `sargan rig PORTRAITS --controls 8`, or train without --controls."
        )
    if "before" in columns:
        raise ConfigurationError(
            "Controls move faces, and a set with a column `before` holds mouths: leave out controls."
        )


def _report_missing_pairs(config: TrainingConfig, dataset: Dataset) -> None:
    if config.paired_weight > 0 and "before" not in dataset.features:
        names = dataset.features["expression"].names
        for note in pairing_notes(dataset["expression"][:], dataset["pair"][:], names):
            logger.warning(note)


def _neutral(expressions: tuple[str, ...]) -> int:
    return expressions.index("neutral") if "neutral" in expressions else -1
