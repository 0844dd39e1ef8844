"""Objectives and generators by name: what `objective` and `generator` of the settings may say.

Imports no torch: `--help` and a mistyped setting answer at once.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ..errors import ConfigurationError

# Ours are loaded when they are used first.
_FOUND: dict[str, dict[str, Any]] = {
    "objective": {
        "fast": "sargan_hf.training.objectives:FastObjective",
        "paper": "sargan_hf.training.objectives:PaperObjective",
    },
    "generator": {"sargan": "sargan_hf.training.setup_networks:new_sargan"},
}
_PLACE = re.compile(r"[\w.]+:\w+")
_PRESETS: dict[str, dict[str, Any]] = {}


def register_objective(name: str, objective: type, preset: Mapping[str, Any] | None = None) -> None:
    """Makes a class of losses known as `objective=name`.

    Args:
        name: a word that no other objective has. Registering the same name again replaces the class, as in a notebook.
        objective: a subclass of `sargan_hf.training.objectives.Objective`, `PaperObjective` or `FastObjective`.
        preset: settings that it needs, where they differ from the defaults.

    Raises:
        ConfigurationError: one of our own names, or no class.
    """
    if not isinstance(objective, type):
        raise ConfigurationError(f"An objective is a class, a subclass of Objective; got {objective!r}.")
    _register("objective", name, objective)
    _PRESETS[name] = dict(preset or {})


def register_generator(name: str, build: Callable[..., Any]) -> None:
    """Makes a function that builds networks known as `generator=name`.

    Args:
        name: a word that no other generator has. Registering the same name again replaces the function.
        build: `build(config, expressions) -> torch.nn.Module`. See docs/changing_the_loss.md for what the network takes and
            returns.

    Raises:
        ConfigurationError: one of our own names, or nothing to call.
    """
    if not callable(build):
        raise ConfigurationError(f"A generator is registered as a function that builds it; got {build!r}.")
    _register("generator", name, build)


def _register(kind: str, name: str, value: Any) -> None:
    if isinstance(_FOUND[kind].get(name), str):
        raise ConfigurationError(f"The {kind} {name} is the project's own: register yours under another name.")
    if not re.fullmatch(r"[\w.-]+", name):
        raise ConfigurationError(f"The name of a {kind} is one word of letters, digits, - and _; got {name!r}.")
    _FOUND[kind][name] = value


def registered(kind: str, name: str) -> Any:
    """The class or function that a name stands for, or that lies at `module:name`.

    Raises:
        ConfigurationError: nobody knows it.
    """
    check_registered(kind, name)
    found = _FOUND[kind].get(name, name)
    return _loaded(kind, found) if isinstance(found, str) else found


def check_registered(kind: str, name: str) -> None:
    """Raises ConfigurationError unless `name` is registered, or written as `module:name`."""
    if name in _FOUND[kind] or _PLACE.fullmatch(name):
        return
    raise ConfigurationError(
        f"{kind} must be one of {', '.join(_FOUND[kind])}; got {name!r}. Your own is known after register_{kind}, or as "
        "module:name."
    )


def _loaded(kind: str, place: str) -> Any:
    module, _, name = place.partition(":")
    if (here := os.getcwd()) not in sys.path:  # scripts look beside themselves only
        sys.path.append(here)
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{kind} {place} cannot be loaded ({error}): start in the folder of {module.split('.')[0]}.py, or add it to "
            "PYTHONPATH."
        ) from error


def registered_preset(name: str) -> dict[str, Any]:
    """The settings that came with a registered objective."""
    return _PRESETS.get(name, {})
