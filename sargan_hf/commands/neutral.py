"""The command `sargan neutral`."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ImageError
from ..images.recognition import is_picture_suffix
from ..model_source import DEFAULT_MODEL
from . import edit_options as options
from .edit import edit_pictures, load_pipeline


def command(
    source: Annotated[Path, typer.Argument(help="A picture, or a folder of them.")],
    target: Annotated[Path, typer.Argument(help="File for the neutral picture, or a folder.")],
    faces: options.Faces = None,
    model: options.Model = DEFAULT_MODEL,
    backend: options.Backend = "torch",
) -> None:
    """Takes the expression out of faces: what `sargan edit --expression neutral` does, for a file too.

    Other tools start from a neutral face, such as fits of a face model and `sargan rig`.
    """
    asked = options.Asked(expression="neutral", faces=faces)
    if source.is_dir() or not is_picture_suffix(target.suffix.lower()):
        noted = asked.noted | {"model": model, "backend": backend, "content_credentials": False}
        edit_pictures(asked, [source], target, noted)
        return
    if target.exists():
        raise ImageError(f"{target} exists: choose another name, or remove it.")
    pipe = load_pipeline(model, backend)
    from ..images import save_image

    result = pipe(source, **asked.call(pipe))
    save_image(result.images[0], target)
    for note in result.notes:
        typer.echo(f"note: {note}", err=True)
    faces_done = len(result.faces)
    typer.echo(f"{faces_done} face{'' if faces_done == 1 else 's'} made neutral in {target}")
