"""The examples of the page with what a model makes of them, so that there is something to see before it is loaded."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from ..editing.pipeline_sargan import SARGANPipeline
from ..faces.alignment import canonical_transform, crop_face
from ..faces.detection import Face
from ..images import save_image
from ..modeling_sargan import SARGAN

TITLES = "titles.json"  # what the build of the page wrote: the pictures and their names for people
LONGEST_SIDE = 640
PREVIEW_SIDE, PREVIEW_MARGIN = 128, 0.15  # as in web/src/page/panel.ts and web/src/lib/engine.ts
THUMBNAIL_SIDE = 192
SHOWN = ("happy", "surprised", "angry")  # the first of these that the model knows is shown, else its first


def write_example_edits(model: SARGAN, mouth: SARGAN | None, folder: Path) -> None:
    """Makes the pictures in `folder`/examples smaller, edits them, and writes `folder`/examples.json."""
    pipe = SARGANPipeline(model, mouth)
    expressions = list(pipe.generator.expressions)
    expression = next((name for name in SHOWN if name in expressions), expressions[0])
    titles = folder / "examples" / TITLES
    examples = [
        {"title": entry["title"], "expression": expression, **_edited(pipe, folder, entry["name"], expression)}
        for entry in json.loads(titles.read_text(encoding="utf-8"))
    ]
    titles.unlink()
    listed = {"expressions": expressions, "examples": examples}
    (folder / "examples.json").write_text(json.dumps(listed), encoding="utf-8")


def _edited(pipe: SARGANPipeline, folder: Path, name: str, expression: str) -> dict[str, str]:
    """Writes one picture, its edit, its previews and its thumbnail; returns their paths within `folder`."""
    path = folder / "examples" / name
    picture = Image.open(path)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    picture.save(path, quality=80)
    session = pipe.open(path)
    [face] = session.find_faces()
    edits = {name: session.edit([face], session.requests(name))[0] for name in pipe.generator.expressions}
    stem = path.with_suffix("")
    files = {
        "picture": path,
        "edited": stem.with_name(f"{stem.name}-edited.webp"),
        "previews": stem.with_name(f"{stem.name}-previews.webp"),
        "thumbnail": stem.with_name(f"{stem.name}-thumbnail.webp"),
    }
    save_image(edits[expression], files["edited"], quality=80)
    strip = [_close(edited, face, PREVIEW_SIDE) for edited in edits.values()]
    Image.fromarray(np.hstack(strip)).save(files["previews"], quality=80)
    Image.fromarray(_close(picture, face, THUMBNAIL_SIDE)).save(files["thumbnail"], quality=75)
    return {kind: file.relative_to(folder).as_posix() for kind, file in files.items()}


def _close(picture: Image.Image, face: Face, side: int) -> np.ndarray:
    pixels = np.asarray(picture.convert("RGB"))
    return crop_face(pixels, canonical_transform(face.points, side, PREVIEW_MARGIN), side)
