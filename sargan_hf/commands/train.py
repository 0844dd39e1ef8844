"""The command line of training: flags from the fields of `TrainingConfig`, on top of a settings file."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from typing import get_args

from ..errors import ConfigurationError
from ..training.config import GROUPS, TrainingConfig
from ..training.config_fields import OLD_NAMES, PRESETS, SAME_NAMES, by_new_names, nearest


def parse_config(arguments: Sequence[str] | None = None) -> tuple[TrainingConfig, bool]:
    """Reads the command line: defaults < what the objective needs < --config file < flags.

    Returns:
        The settings, and whether `--dry_run` was asked for.

    Raises:
        ConfigurationError: an unknown setting or a value that cannot work.
    """
    fields = {each.name: each for each in dataclasses.fields(TrainingConfig)}
    parser = _parser(fields)
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [each.split("=")[0] for each in unknown if each.startswith("--")] or unknown
        names = [f"--{name}" for name in fields]
        raise ConfigurationError(f"Unknown arguments: {nearest(flags, names)}. --help lists the settings.")
    given = vars(known)
    file, dry_run = given.pop("config"), given.pop("dry_run")

    values = TrainingConfig.load(file) if file else {}
    values |= by_new_names({name: value for name, value in given.items() if value is not None})
    config = TrainingConfig.from_dict(values)
    if (config.train_data_dir is None) == (config.dataset_name is None):
        raise ConfigurationError("Give the data as either --train_data_dir FOLDER or --dataset_name HUB_ID.")
    return config, dry_run


def _parser(fields: dict[str, dataclasses.Field]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        usage="%(prog)s (--train_data_dir FOLDER | --dataset_name ID) [--output_dir FOLDER] [--SETTING VALUE ...]",
        description="Train SARGAN with Accelerate, on a CPU, one GPU or many.",
        epilog="A setting comes from its flag, else from --config, else from the objective's preset, else it is the "
        "default. docs/training.md explains them.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", default=None, help="YAML or JSON file with settings")
    parser.add_argument("--dry_run", action="store_true", help="print the plan and stop")
    group: argparse._ActionsContainer = parser
    for name, each in fields.items():
        group = parser.add_argument_group(GROUPS[name]) if name in GROUPS else group
        _add_flag(group, name, each)
    for old, new in (OLD_NAMES | SAME_NAMES).items():
        _add_flag(parser, old, fields[new], shown=False)
    return parser


def _add_flag(parser: argparse._ActionsContainer, name: str, each: dataclasses.Field, shown: bool = True) -> None:
    kind = next(k for k in (get_args(each.type) or (each.type,)) if k is not type(None))
    # None marks "not given": presets and files fill in before the class's own default does.
    default = each.metadata.get("otherwise", each.default)
    paper = f"; {PRESETS['paper'][name]} with --objective paper" if name in PRESETS["paper"] else ""
    text = f"{each.metadata['help']} (default: {default}{paper})" if shown else argparse.SUPPRESS
    options: dict = {"default": None, "help": text.replace("%", "%%") if shown else text}
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
