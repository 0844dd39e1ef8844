"""The form of the generator: what the settings ask for, and what a model to start from decides."""

import dataclasses

from ..controls import CONTROL_NAMES
from ..errors import ConfigurationError
from ..hub import load_model
from ..modeling_sargan import SARGAN
from .config import TrainingConfig
from .config_fields import ARCHITECTURE
from .weight_surgery import widen, with_controls, with_occlusion, without_motion


def with_architecture(config: TrainingConfig) -> TrainingConfig:
    """The settings with those of the network filled in from the model that `init_from` names.

    Raises:
        ConfigurationError: one that is given differs from that model's.
        ModelFormatError: there is no such model.
    """
    if not config.init_from:
        return config
    generator = start_from(config, config.init_from)
    return dataclasses.replace(config, **{name: generator.config[name] for name in ARCHITECTURE})


def start_from(config: TrainingConfig, name: str) -> SARGAN:
    """The model of that name or folder, changed as the settings say.

    It may lose its flow field, get controls and an occlusion layer, and become wider.

    Raises:
        ConfigurationError: a setting of the network differs from it.
        ModelFormatError: there is no such model.
    """
    generator = load_model(name, low_cpu_mem_usage=False)
    if config.init_drop_motion:
        generator = without_motion(generator)
    if config.controls:
        generator = with_controls(generator, CONTROL_NAMES)
    elif generator.config["controls"]:
        raise ConfigurationError(
            f"{name} has controls, and training by classes alone would unlearn them: train with --controls, on a "
            "set drawn by `sargan rig --controls`."
        )
    if config.occlusion:
        generator = with_occlusion(generator)
    generator = widen(generator, config.init_widen_factor * generator.config["base_channels"], config.seed)
    given = {name: value for name in ARCHITECTURE if (value := getattr(config, name)) is not None}
    odd = [name for name, value in given.items() if value != generator.config[name]]
    if odd:
        raise ConfigurationError(
            f"{name} gives a network with {_named(odd, generator.config)}, and the settings say "
            f"{_named(odd, given)}. Leave these settings out, or start without init_from. (init_widen_factor makes a network "
            "wider, init_drop_motion takes its motion away.)"
        )
    return generator


def _named(names: list[str], values: dict) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names)
