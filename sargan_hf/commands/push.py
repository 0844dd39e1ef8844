"""`sargan push`: uploads a model folder to the Hub."""

from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub.errors import (
    HFValidationError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage]  # of whichever HTTP library the client uses
)

from ..errors import ModelFormatError, one_line
from ..hub import push_model


def command(
    folder: Annotated[Path, typer.Argument(help="Model folder, as training, convert and export write it.")],
    repo_id: Annotated[str, typer.Argument(help="Repository on the Hub, name/model; created when missing.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch to upload to; created when missing.")] = None,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Open a pull request instead.")] = False,
) -> None:
    """Upload a model folder to the Hugging Face Hub."""
    try:
        commit = push_model(folder, repo_id, private=private or None, revision=revision, create_pr=create_pr)
    except (HTTPError, OSError, HFValidationError) as error:  # HTTPError: of the HTTP library that the client uses
        raise ModelFormatError(f"The upload to {repo_id} failed. {one_line(error)}") from error
    typer.echo(f"Uploaded: {commit.pr_url or commit.commit_url}")
