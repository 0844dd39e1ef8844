"""Faces at the size that people look at: a picture and its edits, cut to the same frame."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigurationError, ExpressionError, ImageError, NoFaceError
from ..expressions import EXPRESSIONS, resolve_expression
from ..faces.alignment import canonical_transform, crop_corners, crop_face
from ..images import load_image, looks_like_picture
from .samples import Sample

FRAME_SIDE = 512
# The frame goes this far beyond the canonical crop on every side, as a share of it: hair and chin are seen whole.
_ROOM = 0.05


@dataclass(frozen=True)
class FramedFace:
    """One face and its edits, uint8 RGB [512, 512, 3] each.

    Attributes:
        sample: the picture it comes from.
        original: unedited.
        edits: label of the editor -> expression -> edit.
    """

    sample: Sample
    original: np.ndarray
    edits: Mapping[str, Mapping[str, np.ndarray]]


class ModelEditor:
    """Edits by a model at intensity 1."""

    def __init__(self, pipeline, label: str) -> None:
        self.label, self._pipeline = label, pipeline

    def expressions(self) -> list[str]:
        """What it can edit to, without neutral."""
        return [name for name in EXPRESSIONS if name in self._pipeline.generator.expressions and name != "neutral"]

    def edit(self, sample: Sample, pixels: np.ndarray, points: np.ndarray, expression: str) -> np.ndarray:
        """The edited picture, uint8 RGB [H, W, 3]."""
        output = self._pipeline(Image.fromarray(pixels), expression=expression, points=points, provenance=False)
        return np.asarray(output.images[0])


class FolderEditor:
    """Edits that lie in a folder: `PICTURE_EXPRESSION.png`, or `EXPRESSION/PICTURE.png` as `sargan edit` leaves them.

    Raises:
        ConfigurationError: no file in it is named like that.
    """

    def __init__(self, folder: str | Path, label: str) -> None:
        self.label, self._folder = label, Path(folder)
        self._files: dict[tuple[str, str], Path] = {}
        for path in sorted(self._folder.rglob("*")):
            named = (
                None if path.is_dir() or not looks_like_picture(path) else _picture_and_expression(path, self._folder)
            )
            if named:
                self._files[named] = path
        if not self._files:
            raise ConfigurationError(
                f"{folder} holds no edits: name them PICTURE_EXPRESSION.png, such as anna_happy.png for anna.jpg, or put "
                f"them in folders named after the expressions."
            )

    def expressions(self) -> list[str]:
        """The expressions that it has edits of."""
        return [name for name in EXPRESSIONS if any(expression == name for _, expression in self._files)]

    def edit(self, sample: Sample, pixels: np.ndarray, points: np.ndarray, expression: str) -> np.ndarray:
        """The edited picture, uint8 RGB [H, W, 3].

        Raises:
            ImageError: there is none, or it has another size than the original.
        """
        stem = Path(sample.name).stem
        path = self._files.get((stem, expression))
        if path is None:
            raise ImageError(f"{self._folder} has no edit of {stem} to {expression}.")
        found = load_image(path).rgb8()
        if found.shape != pixels.shape:
            raise ImageError(
                f"{path} has {found.shape[1]} x {found.shape[0]} pixels, its original {pixels.shape[1]} x {pixels.shape[0]}."
            )
        return found


Editor = ModelEditor | FolderEditor


def open_editor(place: str, label: str) -> Editor:
    """The editor at `place`: a folder of edits, or a model by folder or Hub id."""
    folder = Path(place)
    if folder.is_dir() and not (folder / "config.json").is_file() and not any(folder.glob("*.onnx")):
        return FolderEditor(folder, label)
    from ..editing.pipeline_sargan import SARGANPipeline

    return ModelEditor(SARGANPipeline.from_pretrained(place), label)


def shared_expressions(editors: Sequence[Editor]) -> list[str]:
    """The expressions that all editors can make.

    Raises:
        ConfigurationError: there is none.
    """
    known = [editor.expressions() for editor in editors]
    shared = [name for name in known[0] if all(name in other for other in known)]
    if not shared:
        raise ConfigurationError(f"They share no expression: {'; '.join(', '.join(names) for names in known)}.")
    return shared


def framed_faces(
    editors: Sequence[Editor],
    samples: Sequence[Sample],
    expressions: Sequence[str],
    find_points: Callable[[np.ndarray], np.ndarray],
    failures: dict[str, str],
) -> Iterator[FramedFace]:
    """Edits every sample with every editor.

    Args:
        editors: who edits.
        samples: the pictures.
        expressions: to edit them to.
        find_points: gives the five points [5, 2] of the largest face of a picture; raises NoFaceError.
        failures: gets picture -> reason for every picture that cannot be read, shows no face or lacks an edit.
    """
    for sample in samples:
        try:
            pixels = sample.open()
            points = find_points(pixels)
            edits = {
                editor.label: {name: frame(editor.edit(sample, pixels, points, name), points) for name in expressions}
                for editor in editors
            }
        except (NoFaceError, ImageError) as error:
            failures[sample.name] = str(error)
            continue
        yield FramedFace(sample, frame(pixels, points), edits)


def face_finder() -> Callable[[np.ndarray], np.ndarray]:
    """Finds the five points of the largest face of a picture uint8 RGB [H, W, 3]."""
    from ..faces.detection import FaceDetector

    detector = FaceDetector()
    return lambda pixels: np.asarray(detector.find(pixels)[0].points)


def frame(pixels: np.ndarray, points: np.ndarray, side: int = FRAME_SIDE) -> np.ndarray:
    """The upright square around a face, uint8 RGB [side, side, 3]: as a viewer sees it, neither turned nor sharpened."""
    corners = crop_corners(canonical_transform(points, side, _ROOM), side)
    centre, width = corners.mean(axis=0), max(float(np.ptp(corners, axis=0).max()), 2.0)
    height_of, width_of = pixels.shape[:2]
    width = min(width, height_of, width_of)
    left = float(np.clip(centre[0] - width / 2, 0, width_of - width))
    top = float(np.clip(centre[1] - width / 2, 0, height_of - width))
    scale = side / width
    matrix = np.array([[scale, 0, (0.5 - left) * scale - 0.5], [0, scale, (0.5 - top) * scale - 0.5]])
    return np.ascontiguousarray(crop_face(pixels, matrix, side))


def _picture_and_expression(path: Path, folder: Path) -> tuple[str, str] | None:
    name = re.fullmatch(r"(.+)[_-]([A-Za-z]+)", path.stem)
    folders = [(path.stem, part) for part in reversed(path.relative_to(folder).parts[:-1])]
    for stem, word in [*([name.groups()] if name else []), *folders]:
        try:
            return stem, resolve_expression(word)
        except ExpressionError:
            continue
    return None
