"""The `sargan` command: `sargan NAME ...` hands over to the module that implements NAME.

Only that module is imported: `sargan edit` pays for neither gradio nor the rig, and `sargan --help` for nothing.
"""

import sys
from importlib import import_module

import typer

from ._version import __version__
from .errors import SARGANError

# name: (module, attribute that is a typer app or a function with typer annotations, what it does)
COMMANDS = {
    "edit": ("sargan_hf.commands.edit", "command", "Change the expression of faces in pictures and folders."),
    "neutral": ("sargan_hf.commands.neutral", "command", "Take the expression out of faces."),
    "sprites": (
        "sargan_hf.commands.sprites",
        "command",
        "Make the 28 pictures of a character for role-play front ends.",
    ),
    "demo": ("sargan_hf.commands.demo", "command", "Start the app in the browser."),
    "train": ("sargan_hf.commands.train", "main", "Train a model; the same as train_accelerate.py."),
    "crop": ("sargan_hf.commands.crop", "command", "Cut the faces out of a labelled set, ready for training."),
    "rig": ("sargan_hf.commands.rig", "rig_app", "Turn neutral portraits into a labelled seven-expression set."),
    "mouths": (
        "sargan_hf.commands.mouths",
        "mouths",
        "Make the training set of a mouth refiner from a model's edits.",
    ),
    "evaluate": (
        "sargan_hf.commands.evaluate",
        "evaluate_app",
        "Measure a model and write a report, or a page to compare two by eye.",
    ),
    "convert": ("sargan_hf.commands.convert", "command", "Turn a reference checkpoint into a model folder."),
    "export": ("sargan_hf.commands.export", "command", "Write a model as ONNX, or as a page for browsers."),
    "web": ("sargan_hf.commands.web", "command", "Serve the page that edits on the visitor's own device."),
    "push": ("sargan_hf.commands.push", "command", "Upload a model folder to the Hub."),
}


def main() -> None:
    """Entry point of the `sargan` script."""
    name, arguments = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name in ("--help", "-h"):
        print(_help())
    elif name == "--version":
        print(__version__)
    elif name not in COMMANDS:
        sys.exit(f"error: there is no `sargan {name}`. Commands: {', '.join(COMMANDS)}.")
    else:
        try:
            _run(name, arguments)
        except SARGANError as error:
            sys.exit(f"error: {error}")


def _run(name: str, arguments: list[str]) -> None:
    module, attribute, _ = COMMANDS[name]
    command = getattr(import_module(module), attribute)
    if name == "train":
        command(arguments)  # its flags come from TrainingConfig, through argparse
        return
    app = command
    if not isinstance(app, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name)(command)
    app(arguments, prog_name=f"sargan {name}")


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, _, text) in COMMANDS.items()]
    return "\n".join(
        ["Usage: sargan COMMAND ...", "", *lines, "", "`sargan COMMAND --help` lists the options of a command."]
    )


if __name__ == "__main__":
    main()
