"""How settings are declared and read: help texts, limits, presets, and the names that they go by."""

import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import Field, field
from typing import Any, get_args

from ..errors import ConfigurationError
from .registry import check_registered, registered_preset

# What an objective needs besides its losses, where it differs from the defaults below. Flags and files override it.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {},
    # Paper, section IV: five critic steps for each generator step, Adam 1e-4 (.5, .999), batch 8, 200,000 critic steps.
    "paper": {
        "critic_steps": 5,
        "discriminator_channels": 64,
        "discriminator_layers": 6,
        "paired_weight": 0.0,  # it does without pairs; give a weight to learn from them as well
        "learning_rate": 1e-4,
        "discriminator_learning_rate": 1e-4,
        "adam_beta2": 0.999,
        "warmup_steps": 0,
        "decay_fraction": 0.5,  # the authors' code: both rates fall over the last 100,000 steps
        "ema_decay": 0.0,
        "max_train_steps": 200_000,
        "stylise": 0.0,
        "occluders": 0.0,
        "caricature": 0.0,
        "geometry": 0.0,  # the authors' code: flips only
        "targets": "permutation",
        "zero_output": False,
    },
}


# Settings by the names that they had in earlier versions, for files and flags written then.
OLD_NAMES = {"widen_init": "init_widen_factor", "still_init": "init_drop_motion"}
# Names of diffusers' example scripts for what is called otherwise here; they are understood without a word.
SAME_NAMES = {
    "lr_warmup_steps": "warmup_steps",
    "pretrained_model_name_or_path": "init_from",
    "expression_column": "label_column",
}
MOST_CLASSES = 40
PRECISIONS = ("no", "fp16", "bf16")
# The network's settings where there is no `init_from` to decide them.
ARCHITECTURE: dict[str, Any] = {
    "base_channels": 64,
    "num_blocks": 1,
    "attention": True,
    "ultimate_skip": True,
    "motion": False,
    "occlusion": False,
}


def preset_of(objective: object) -> dict[str, Any]:
    """The settings that an objective needs, ours or a registered one; empty where nobody knows it."""
    return PRESETS.get(str(objective)) or registered_preset(str(objective))


def setting(default: Any, help_text: str, **limits: Any) -> Any:
    """A dataclass field with its help text, its limits and, for a default of None, `otherwise`: what it stands for.

    Limits are `minimum`, `maximum`, `above`, `choices`, and `registry` for names that may be registered.
    """
    return field(default=default, metadata={"help": help_text, **limits})


def of_network(name: str, help_text: str, **limits: Any) -> Any:
    return setting(None, f"{help_text}; given by init_from where there is one", otherwise=ARCHITECTURE[name], **limits)


def by_new_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with old names replaced, which are warned of.

    Raises:
        ConfigurationError: a setting is given by both of its names.
    """
    renamed = {}
    for name, value in values.items():
        new = OLD_NAMES.get(name) or SAME_NAMES.get(name, name)
        if name in OLD_NAMES:
            warnings.warn(f"The setting {name} is now {new}.", FutureWarning, stacklevel=4)
        if new != name and new in values:
            another = "the old" if name in OLD_NAMES else "another"
            raise ConfigurationError(f"{name} is {another} name of {new}: give the latter only.")
        renamed[new] = value
    return renamed


def nearest(unknown: Iterable[str], known: Iterable[str]) -> str:
    """Names that nobody knows, each with the known one that it looks like."""
    found = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    return ", ".join(f"{name} (did you mean {near[0]}?)" if near else name for name, near in found.items())


def is_number(value: Any) -> bool:
    """Whether a text is a number all the same: to YAML 1.1, 1e-4 is a word."""
    try:
        return isinstance(value, str) and float(value) == float(value)
    except ValueError:
        return False


def check_value(name: str, value: Any, each: Field) -> None:
    kinds = get_args(each.type) or (each.type,)
    number_ok = float in kinds and isinstance(value, int) and not isinstance(value, bool)
    if not number_ok and type(value) not in kinds:
        wanted = " or ".join(
            "nothing" if kind is type(None) else str(getattr(kind, "__name__", kind)) for kind in kinds
        )
        raise ConfigurationError(f"{name} must be {wanted}; got {value!r}.")
    limits = each.metadata
    if value is None:
        return
    if "registry" in limits:
        check_registered(limits["registry"], str(value))
    if "choices" in limits and value not in limits["choices"]:
        raise ConfigurationError(f"{name} must be one of {', '.join(limits['choices'])}; got {value!r}.")
    too_low = ("minimum" in limits and value < limits["minimum"]) or ("above" in limits and value <= limits["above"])
    if too_low or value > limits.get("maximum", value) or value != value:
        bounds = [f">= {limits['minimum']}"] if "minimum" in limits else []
        bounds += [f"> {limits['above']}"] if "above" in limits else []
        bounds += [f"<= {limits['maximum']}"] if "maximum" in limits else []
        raise ConfigurationError(f"{name} must be {' and '.join(bounds)}; got {value!r}.")
