"""The command `sargan sprites`."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigurationError
from ..faces.choice import parse_faces
from ..model_source import DEFAULT_MODEL
from . import edit_options as options
from .edit import load_pipeline


def command(
    face: Annotated[Path, typer.Argument(help="Picture of the character.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="ZIP file to write.")],
    format: Annotated[str, typer.Option(help="png or webp.")] = "png",
    crop: Annotated[str, typer.Option(help="portrait, or whole for all of the picture.")] = "portrait",
    side: Annotated[int, typer.Option(help="Longest side of the pictures in pixels.")] = 512,
    presets: Annotated[Path | None, typer.Option(help="JSON file of your own presets, by the same names.")] = None,
    intensity: Annotated[float, typer.Option(help="0 to 1.5, for all of them.")] = 1.0,
    faces: Annotated[str, typer.Option(help="largest, or the number of a face, the largest first.")] = "largest",
    model: options.Model = DEFAULT_MODEL,
    backend: options.Backend = "torch",
) -> None:
    """Makes the 28 pictures of a character that role-play front ends show (joy.png, anger.png ...), as one ZIP file.

    All are cut out alike, and transparent where the picture is.
    """
    if output.suffix.lower() != ".zip":
        raise ConfigurationError(f"--output {output} must end in .zip.")
    if output.exists():
        raise ConfigurationError(f"{output} exists: choose another --output, or remove it.")
    if format not in ("png", "webp"):
        raise ConfigurationError(f"--format {format!r} is not known: a sprite pack holds png or webp.")
    wanted = parse_faces(faces)
    pipe = load_pipeline(model, backend)
    from ..editing.sprites import make_sprites

    pack = make_sprites(pipe, face, presets=presets, crop=crop, side=side, faces=wanted, intensity=intensity)
    pack.save(output, format)
    for note in pack.notes:
        typer.echo(f"note: {note}", err=True)
    if pack.replaced:
        typer.echo(
            f"note: this model has no facial controls that {', '.join(pack.replaced)} need: each is a blend of expressions.",
            err=True,
        )
    typer.echo(f"{len(pack.images)} pictures in {output}")
