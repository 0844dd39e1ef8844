"""What a run starts from: the data split by people, the two networks, their optimisers."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import datasets
import torch
from accelerate import Accelerator
from datasets import Dataset, IterableDataset
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..data.loading import load_expression_dataset, split_by_subject
from ..data.pairs import pairing_notes
from ..errors import CheckpointError, ConfigurationError, DatasetError, SARGANError
from ..modeling_discriminator import NEGATIVE_SLOPE, SARGANDiscriminator
from ..modeling_sargan import SARGAN
from .architecture import start_from
from .batches import Draw, SampleMaker, TrainingSamples
from .checkpoints import find_checkpoint
from .config import TrainingConfig
from .faces import FaceCache, FaceLabels
from .files import CLOSED, cause, disk_error, remedy
from .flow import MotionMaps
from .streaming import StreamedSamples, split_stream

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
    """

    samples: TrainingSamples | StreamedSamples
    faces: FaceLabels
    held_out: FaceCache | None
    expressions: tuple[str, ...]
    held_out_before: FaceCache | None = None


def prepare_data(config: TrainingConfig, accelerator: Accelerator) -> TrainingData:
    """Loads, splits by people, and decodes each picture once (the first process does, the others wait and map it).

    Raises:
        DatasetError: the data does not fit, or a disk is too full to prepare it.
        ConfigurationError: it does not fit the settings.
    """
    try:
        return _prepare(config, accelerator)
    except Exception as error:
        found = None if isinstance(error, SARGANError) else disk_error(error)
        if found is None or found.errno in CLOSED:  # of a file of the set, more likely than of the cache
            raise
        cache = Path(datasets.config.HF_DATASETS_CACHE)
        raise DatasetError(
            f"The data could not be prepared ({cause(found)}). {remedy(found, cache)}, or name another folder with HF_HOME."
        ) from error


def _prepare(config: TrainingConfig, accelerator: Accelerator) -> TrainingData:
    stored = round(config.resolution * STORED_MARGIN)
    draw = Draw(
        resolution=config.resolution,
        neutral_source=config.neutral_source,
        stylise=config.stylise,
        occluders=config.occluders,
        caricature=config.caricature,
        motion=config.motion,
        seed=config.seed,
        pairs=config.paired_weight > 0,
    )
    if config.streaming:
        return _prepare_stream(config, accelerator, draw, stored)
    with accelerator.main_process_first():
        dataset = _load(config)
        if accelerator.is_main_process:
            _report_missing_pairs(config, dataset)
        expressions = tuple(dataset.features["expression"].names)
        held_out = held_out_before = None
        if config.held_out:
            parts = split_by_subject(dataset, config.held_out, seed=config.seed)
            dataset = parts["train"]
            held_out, held_out_before = FaceCache(parts["test"], stored), _before(parts["test"], stored)
        faces, before = FaceCache(dataset, stored), _before(dataset, stored)
    if before is not None:  # mouths, not faces
        draw = replace(draw, canonical=False)
    samples = TrainingSamples(faces, draw, _neutral(expressions), MotionMaps(dataset), before)
    return TrainingData(samples, faces, held_out, expressions, held_out_before)


def _before(dataset: Dataset, stored: int) -> FaceCache | None:
    """The pictures in the column `before`, from which those in `image` are to be made; None without such a column."""
    if "before" not in dataset.features:
        return None
    return FaceCache(dataset.remove_columns("image").rename_column("before", "image"), stored)


def _prepare_stream(config: TrainingConfig, accelerator: Accelerator, draw: Draw, stored: int) -> TrainingData:
    if config.dataloader_num_workers > 1 and accelerator.is_main_process:
        logger.warning("The training process reads a stream itself: dataloader_num_workers has no effect.")
    stream = _load(config)
    if "before" in stream.features:
        raise ConfigurationError("A set with a column `before` is small: train on it without --streaming.")
    expressions = tuple(stream.features["expression"].names)
    with accelerator.main_process_first():
        parts = split_stream(stream, config.held_out, config.seed, stored)
    maker = SampleMaker(draw, stored, MotionMaps())
    samples = StreamedSamples(stream, maker, _neutral(expressions), len(expressions), parts.left_out)
    return TrainingData(samples, parts.labels, parts.held_out, expressions)


def _load(config: TrainingConfig) -> Dataset | IterableDataset:
    # A path stays one: mistyped, it is not looked for on the Hub.
    source = Path(config.train_data_dir) if config.train_data_dir else config.dataset_name
    return load_expression_dataset(source, adapter=config.adapter, streaming=config.streaming)


def _report_missing_pairs(config: TrainingConfig, dataset: Dataset) -> None:
    if config.paired_weight > 0 and "before" not in dataset.features:
        names = dataset.features["expression"].names
        for note in pairing_notes(dataset["expression"][:], dataset["pair"][:], names):
            logger.warning(note)


def _neutral(expressions: tuple[str, ...]) -> int:
    return expressions.index("neutral") if "neutral" in expressions else -1


def build_generator(config: TrainingConfig, expressions: tuple[str, ...]) -> SARGAN:
    """A new generator that starts as the identity, or the one of `init_from`.

    Raises:
        ConfigurationError: the model of `init_from` has other expressions, or another form than the settings give.
        ModelFormatError: there is no such model.
    """
    if config.init_from:
        generator = start_from(config)
        if tuple(generator.config.expressions) != expressions:
            raise ConfigurationError(
                f"{config.init_from} knows the expressions {', '.join(generator.config.expressions)}, in this order; "
                f"the data has {', '.join(expressions)}. Start from a model of the same expressions."
            )
        # The folder it came from belongs to this machine; a published config keeps its name only.
        generator.register_to_config(sample_size=config.resolution, _name_or_path=Path(config.init_from).name)
        return generator.train()
    generator = SARGAN(
        base_channels=config.base_channels,
        num_blocks=config.num_blocks,
        attention=config.attention,
        ultimate_skip=config.ultimate_skip,
        motion=config.motion,
        expressions=expressions,
        sample_size=config.resolution,
    )
    if config.ultimate_skip:
        # Output = input at the start: saves the hundreds of steps a random painting takes to be unlearned.
        torch.nn.init.zeros_(generator.conv_out.weight)
    return generator


def build_discriminator(config: TrainingConfig, expressions: tuple[str, ...]) -> SARGANDiscriminator:
    """The published one for the paper's objective; for the fast one, conditional and scaled to learn at once.

    A discriminator needs about a thousand steps before it teaches anything, so a short run may take one that has them.
    """
    fast = config.objective == "fast"
    discriminator = SARGANDiscriminator(
        sample_size=config.resolution,
        base_channels=config.discriminator_channels,
        num_layers=config.discriminator_layers,
        expressions=expressions,
        conditional=fast,
    )
    if fast:
        # PyTorch's default shrinks the signal by half at every layer: the heads would see next to nothing at first.
        for conv in discriminator.trunk:
            torch.nn.init.kaiming_normal_(conv.weight, a=NEGATIVE_SLOPE)
            torch.nn.init.zeros_(conv.bias)
    if config.discriminator_from:
        _take_discriminator(discriminator, Path(config.discriminator_from))
    return discriminator


def _take_discriminator(discriminator: SARGANDiscriminator, run: Path) -> None:
    checkpoint = find_checkpoint(run, str(run) if (run / "manifest.json").is_file() else "latest")
    if checkpoint is None:
        raise CheckpointError(
            f"{run} has no complete checkpoint to take a discriminator from: name the folder of a run."
        )
    try:
        weights = load_file(checkpoint / "discriminator.safetensors")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"The discriminator of {checkpoint} cannot be read ({cause(error)}).") from error
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    wanted = {name: tuple(value.shape) for name, value in discriminator.state_dict().items()}
    if shapes != wanted:
        odd = next(name for name in sorted(shapes.keys() | wanted.keys()) if shapes.get(name) != wanted.get(name))
        raise ConfigurationError(
            f"The discriminator of {checkpoint} is another network ({odd}: {shapes.get(odd)}, wanted {wanted.get(odd)}): use "
            "the discriminator_channels, discriminator_layers, resolution and objective of its run."
        )
    discriminator.load_state_dict(weights)


def learning_rate_factor(config: TrainingConfig, step: int) -> float:
    """The schedule as a function of the step alone: warm-up, constant, linear fall to zero over the last share."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    decay_steps = config.decay_fraction * config.max_train_steps
    decay = min(1.0, (config.max_train_steps - step) / decay_steps) if decay_steps else 1.0
    return warmup * decay
