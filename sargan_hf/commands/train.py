"""The command line of training: flags from the fields of `TrainingConfig`, on top of a settings file."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from typing import get_args

from ..errors import ConfigurationError
from ..training.config import OLD_NAMES, PRESETS, TrainingConfig, by_new_names, nearest


def parse_config(arguments: Sequence[str] | None = None) -> tuple[TrainingConfig, bool]:
    """Reads the command line: defaults < what the objective needs < --config file < flags.

    Returns:
        The settings, and whether `--dry_run` was asked for.

    Raises:
        ConfigurationError: an unknown setting or a value that cannot work.
    """
    parser = argparse.ArgumentParser(
        description="Train SARGAN with Accelerate, on a CPU, one GPU or many.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", default=None, help="YAML or JSON file with settings")
    parser.add_argument("--dry_run", action="store_true", help="print the plan and stop")
    fields = {each.name: each for each in dataclasses.fields(TrainingConfig)}
    for name, each in fields.items():
        _add_flag(parser, name, each)
    for old, new in OLD_NAMES.items():
        _add_flag(parser, old, fields[new], shown=False)
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [each.split("=")[0] for each in unknown if each.startswith("--")] or unknown
        names = [f"--{name}" for name in fields]
        raise ConfigurationError(f"Unknown arguments: {nearest(flags, names)}. --help lists the settings.")
    given = vars(known)
    file, dry_run = given.pop("config"), given.pop("dry_run")

    values = TrainingConfig.load(file) if file else {}
    values |= by_new_names({name: value for name, value in given.items() if value is not None})
    config = TrainingConfig.from_dict(PRESETS.get(str(values.get("objective")), {}) | values)
    if (config.train_data_dir is None) == (config.dataset_name is None):
        raise ConfigurationError("Give the data as either --train_data_dir FOLDER or --dataset_name HUB_ID.")
    return config, dry_run


def _add_flag(parser: argparse.ArgumentParser, name: str, each: dataclasses.Field, shown: bool = True) -> None:
    kind = next(k for k in (get_args(each.type) or (each.type,)) if k is not type(None))
    # None marks "not given": presets and files fill in before the class's own default does.
    default = each.metadata.get("otherwise", each.default)
    text = f"{each.metadata['help']} (default: {default})" if shown else argparse.SUPPRESS
    options: dict = {"default": None, "help": text}
    if kind is bool:
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, **options)
    else:
        parser.add_argument(f"--{name}", type=kind, choices=each.metadata.get("choices"), **options)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs training as the command line says."""
    config, dry_run = parse_config(arguments)
    # torch loads here, not at import: `--help` and a wrong flag answer at once.
    from ..training.loop import train

    try:
        if dry_run:
            from ..training.dry_run import print_plan

            print_plan(config)
        else:
            train(config)
    except KeyboardInterrupt:  # before the first step or after the last; between them a run looks at that itself
        sys.exit("Interrupted while the run was not training; its checkpoints are whole.")
