"""Options that the commands which edit share, and what they mean together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..controls import parse_controls
from ..errors import ConfigurationError
from ..expressions import parse_expression
from ..faces.choice import parse_faces
from ..presets import load_preset

if TYPE_CHECKING:
    from ..editing.pipeline_sargan import SARGANPipeline
    from ..editing.recipe import EditRecipe
    from ..editing.requests import FaceRequest

Expression = Annotated[
    str | None, typer.Option("--expression", "-e", help='A name, or a blend such as "happy=0.6,surprised=0.4".')
]
Controls = Annotated[list[str] | None, typer.Option(help="NAME=VALUE of a facial control. Repeatable.")]
PresetName = Annotated[str | None, typer.Option(help="Name or JSON file of a preset, instead of these.")]
PresetsFile = Annotated[Path | None, typer.Option(help="JSON file of your own presets, which --preset may name.")]
Like = Annotated[Path | None, typer.Option(help="Picture whose largest face shows what is wanted, instead of these.")]
RecipeFile = Annotated[
    Path | None,
    typer.Option(help="JSON file, or an edited picture, whose edit is made again; instead of all of these."),
]
SaveRecipe = Annotated[Path | None, typer.Option(help="Writes the edit as a recipe (JSON) for --recipe.")]
Intensity = Annotated[
    float | None, typer.Option(help="0 changes nothing, 1 is as trained, 1.5 exaggerates.", show_default="1.0")
]
Faces = Annotated[
    str | None,
    typer.Option(
        help="largest, all, or numbers such as 1 or 1,3, the largest first.", show_default="all, or the recipe's"
    ),
]
Region = Annotated[str | None, typer.Option(help="mouth or eyes; the whole face if left out.")]
Transfer = Annotated[
    str | None, typer.Option(help="motion, or residual and paste for comparison.", show_default="motion")
]
Model = Annotated[str, typer.Option(help="Folder or Hub id of the model.")]
Backend = Annotated[str, typer.Option(help="torch, or onnx for an exported model.")]


@dataclass(frozen=True)
class Asked:
    """What was typed of an edit; None for what was not.

    Raises:
        ConfigurationError: two settings that exclude each other.
    """

    expression: str | None = None
    control: list[str] | None = None
    preset: str | None = None
    presets: Path | None = None
    like: Path | None = None
    recipe: Path | None = None
    intensity: float | None = None
    faces: str | None = None
    region: str | None = None
    transfer: str | None = None
    save_recipe: Path | None = None

    def __post_init__(self) -> None:
        if self.recipe is None:
            return
        beside = [one.name for one in fields(self) if one.name not in ("recipe", "faces", "presets")]
        given = [name for name in beside if getattr(self, name)]
        if given:
            raise ConfigurationError(
                f"--recipe says the whole edit: leave out --{given[0].replace('_', '-')}. Only --faces may change it."
            )

    @property
    def noted(self) -> dict[str, Any]:
        """What a run of the same settings is known by; "happy" is what the pipeline takes for nothing."""
        if self.recipe is not None:
            recipe = self._recipe()
            return {"recipe": recipe.to_json(), "faces": self._faces(recipe)}
        given = {"expression": self.expression, "controls": self.control, "preset": self.preset, "like": self.like}
        named = {name: value if name == "controls" else str(value) for name, value in given.items() if value}
        if self.presets is not None:
            named["presets"] = str(self.presets)
        return (named or {"expression": "happy"}) | {
            "intensity": self._intensity,
            "faces": self._faces(),
            "region": self.region,
            "transfer": self.transfer or "motion",
        }

    def call(self, pipe: "SARGANPipeline") -> dict[str, Any]:
        """The pipeline's arguments, all but the picture. A wrong setting is one error now and not one for every picture.

        Writes the recipe where that was asked for.
        """
        if self.recipe is not None:
            recipe = self._recipe()
            call = recipe.settings | {"faces": self._faces(recipe)}
        else:
            call = self._asked(pipe) | {
                "faces": self._faces(),
                "region": self.region,
                "transfer": self.transfer or "motion",
            }
        requests = _checked(pipe, call)
        if self.save_recipe is not None:
            _save_recipe(pipe, requests, call["faces"], self.save_recipe)
        return call

    def _asked(self, pipe: "SARGANPipeline") -> dict[str, Any]:
        given: dict[str, Any] = {
            "expression": None if self.expression is None else parse_expression(self.expression),
            "controls": parse_controls(self.control) if self.control else None,
            "intensity": self._intensity,
        }
        if self.like is not None:  # it is read once, for all pictures
            return dict(pipe.wish(**given, preset=self.preset, presets=self.presets, like=self.like))
        if self.preset is None:
            pipe.wish(presets=self.presets, **given)
            return given
        return given | {"preset": load_preset(self.preset, self.presets)}

    @property
    def _intensity(self) -> float:
        return 1.0 if self.intensity is None else self.intensity

    def _faces(self, recipe: "EditRecipe | None" = None) -> str | list[int]:
        if self.faces is not None:
            return parse_faces(self.faces)
        if recipe is None:
            return "all"
        return recipe.faces if isinstance(recipe.faces, str) else list(recipe.faces)

    def _recipe(self) -> "EditRecipe":
        from ..editing.recipe import EditRecipe

        return EditRecipe.load(str(self.recipe), self.presets)


def _checked(pipe: "SARGANPipeline", call: Mapping[str, Any]) -> "list[FaceRequest]":
    from ..editing.masks import region_weight
    from ..editing.requests import combined, face_requests

    wish = combined(call["expression"], call["controls"], call.get("preset"), call["intensity"])
    count = len(wish["intensity"]) if isinstance(wish["intensity"], list) else 1
    names = (pipe.generator.expressions, pipe.controls)
    requests = face_requests(wish, count, *names, call["region"], call["transfer"])
    for request in requests:
        if request.region is not None:
            region_weight(request.region, pipe.generator.sample_size)
    return requests


def _save_recipe(pipe: "SARGANPipeline", requests: "list[FaceRequest]", faces: Any, path: Path) -> None:
    from ..editing.recipe import EditRecipe
    from ..editing.requests import recipe_of

    recipe = recipe_of(requests, pipe.generator.expressions, pipe.controls, faces)
    if int(os.environ.get("RANK", 0)) > 0:
        return  # processes that share the work save it once
    if path.exists():
        if EditRecipe.load(path) != recipe:
            raise ConfigurationError(f"{path} exists and holds another recipe: choose another --save-recipe.")
        return
    recipe.save(path)
