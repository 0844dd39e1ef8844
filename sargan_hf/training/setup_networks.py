"""The two networks that a run starts from."""

from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..controls import CONTROL_NAMES
from ..errors import CheckpointError, ConfigurationError
from ..file_errors import cause
from ..modeling_discriminator import NEGATIVE_SLOPE, SARGANDiscriminator
from ..modeling_sargan import SARGAN
from .architecture import start_from
from .checkpoints import find_checkpoint
from .config import TrainingConfig
from .config_fields import ARCHITECTURE
from .registry import registered


def build_generator(config: TrainingConfig, expressions: tuple[str, ...]) -> SARGAN:
    """A new generator as `generator` says, or the one of `init_from`.

    Raises:
        ConfigurationError: the model of `init_from` has other expressions, or another form than the settings give.
        ModelFormatError: there is no such model.
    """
    if config.init_from:
        generator = start_from(config, config.init_from)
        known = tuple(generator.config["expressions"])
        if known != expressions:
            raise ConfigurationError(
                f"{config.init_from} knows the expressions {', '.join(known)}, in this order; "
                f"the data has {', '.join(expressions)}. Start from a model of the same expressions."
            )
        # The folder it came from belongs to this machine; a published config keeps its name only.
        generator.register_to_config(sample_size=config.resolution, _name_or_path=Path(config.init_from).name)
        return generator.train()
    generator = registered("generator", config.generator)(config, expressions)
    if not isinstance(generator, nn.Module) or not hasattr(generator, "save_pretrained"):
        raise ConfigurationError(
            f"The generator {config.generator} builds a {type(generator).__name__}, which cannot be saved: make it a subclass "
            "of diffusers' ModelMixin and ConfigMixin, as in docs/changing_the_loss.md."
        )
    if tuple(getattr(generator, "config", {}).get("expressions", ())) != expressions:
        raise ConfigurationError(
            f"The generator {config.generator} must have the config value expressions = {expressions}, in this order."
        )
    return cast(SARGAN, generator)  # to the trainer it is one: called alike, and with a config


def new_sargan(config: TrainingConfig, expressions: tuple[str, ...]) -> SARGAN:
    """A generator of the form that the settings ask for, with random weights."""
    form: dict[str, Any] = {name: getattr(config, name) for name in ARCHITECTURE}
    generator = SARGAN(
        **form,
        controls=CONTROL_NAMES if config.controls else None,
        expressions=expressions,
        sample_size=config.resolution,
    )
    if config.ultimate_skip and config.zero_output:
        # Output = input at the start: saves the hundreds of steps a random painting takes to be unlearned.
        torch.nn.init.zeros_(generator.conv_out.weight)
    return generator


def build_discriminator(config: TrainingConfig, expressions: tuple[str, ...]) -> SARGANDiscriminator:
    """The published one for the paper's objective; for conditional ones as the fast, scaled to learn at once.

    A discriminator needs about a thousand steps before it teaches anything, so a short run may take one that has them.
    """
    conditional = registered("objective", config.objective).conditional
    discriminator = SARGANDiscriminator(
        sample_size=config.resolution,
        base_channels=config.discriminator_channels,
        num_layers=config.discriminator_layers,
        expressions=expressions,
        conditional=conditional,
    )
    if conditional:
        # PyTorch's default shrinks the signal by half at every layer: the heads would see next to nothing at first.
        for conv in discriminator.trunk:
            assert isinstance(conv, nn.Conv2d)  # a list of modules forgets the type
            assert conv.bias is not None
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
