"""Every setting of a training run: a typed dataclass that prints, saves, loads and refuses wrong values at once."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from ..errors import ConfigurationError
from ..file_errors import whole_file
from .config_fields import (
    ARCHITECTURE,
    by_new_names,
    check_value,
    is_number,
    nearest,
    preset_of,
)
from .config_rules import check_rules
from .config_values import TrainingValues

# The first setting of each group, in the order of `--help`.
GROUPS = {
    "train_data_dir": "Data",
    "generator": "Network",
    "objective": "Objective",
    "train_batch_size": "Optimisation",
    "output_dir": "Run",
}


@dataclass
class TrainingConfig(TrainingValues):
    """Settings of one run. Names are those of diffusers' example scripts where these have one.

    Settings that are not given are those of the objective's preset, else the defaults. Old names are understood and warn.

    With `init_from`, settings of the network that are not given stay None until the model is loaded, and become its own.
    """

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            check_value(each.name, getattr(self, each.name), each)
        if not self.init_from:
            for name, value in ARCHITECTURE.items():
                setattr(self, name, value if getattr(self, name) is None else getattr(self, name))
        check_rules(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Builds settings from names and values; an unknown name is refused with the nearest known ones.

        Old names warn.

        Raises:
            ConfigurationError: an unknown name or a value that cannot work.
        """
        return cls(**values)

    @classmethod
    def preset(cls, objective: str, **changes: Any) -> "TrainingConfig":
        """The settings of an objective, with changes: `TrainingConfig.preset("paper", train_data_dir="faces")`.

        The same as `TrainingConfig(objective="paper", train_data_dir="faces")`.

        Raises:
            ConfigurationError: an unknown name or a value that cannot work.
        """
        return cls(objective=objective, **changes)

    @classmethod
    def load(cls, path: str | Path) -> dict[str, Any]:
        """Reads settings from a YAML or JSON file, as a dict to be overridden by flags.

        Raises:
            ConfigurationError: the file cannot be read, or holds no names and values.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"Cannot read settings from {path}: {error}.") from error
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path} must hold names and values; got {type(values).__name__}.")
        values = by_new_names(values)
        return values | {
            each.name: float(values[each.name])
            for each in dataclasses.fields(cls)
            if float in (get_args(each.type) or (each.type,)) and is_number(values.get(each.name))
        }

    def to_yaml(self) -> str:
        """The settings as YAML text, in the order of the class."""
        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False)

    def save(self, path: str | Path) -> None:
        """Writes the settings as YAML; what was under `path` stays where that fails.

        Raises:
            OSError: the folder cannot be written.
        """
        with whole_file(Path(path)) as file:
            file.write(self.to_yaml().encode())


def _understanding_names(init: Any) -> Any:
    """The constructor with old names, presets, and the nearest name of an unknown one."""

    @functools.wraps(init)
    def understood(self: TrainingConfig, *args: Any, **values: Any) -> None:
        known = [each.name for each in dataclasses.fields(TrainingConfig)]
        values = by_new_names(values)
        if unknown := sorted(set(values) - set(known)):
            raise ConfigurationError(f"Unknown settings: {nearest(unknown, known)}.")
        if isinstance(names := values.get("expressions"), list | tuple):  # as YAML writes them
            values["expressions"] = ",".join(map(str, names))
        in_order = set(known[: len(args)])
        preset = {name: value for name, value in preset_of(values.get("objective")).items() if name not in in_order}
        init(self, *args, **preset | values)

    return understood


TrainingConfig.__init__ = _understanding_names(TrainingConfig.__init__)  # type: ignore[method-assign]
