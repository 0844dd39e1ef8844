"""Pictures in, edited pictures out: `SARGANPipeline`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Union

import numpy as np

from ..errors import ConfigurationError
from ..expressions import ExpressionSpec, expression_vector
from ..faces.alignment import canonical_transform, crop_face
from ..faces.choice import FaceChoice, check_faces, chosen_faces
from ..faces.detection import Face, FaceDetector, face_from_points
from ..images import EditedImage, LoadedImage, load_image
from ..images.color_modes import to_rgb8
from ..images.load_image import ImageSource
from ..inference import Generator, GeneratorOutput, load_generator, load_mouth
from ..model_source import find_source
from .apply import apply_warp
from .change import FaceWarp, plan_warp
from .mouth_refiner import refine_mouth
from .requests import Box, FaceEdit, SARGANPipelineOutput, StraightenedFaces, _is_list_of_specs, check_settings

if TYPE_CHECKING:
    from ..modeling_sargan import SARGAN
    from .animation import Animation


class SARGANPipeline:
    """Edits the expression of faces in pictures at the pictures' own resolution.

    ```python
    pipe = SARGANPipeline.from_pretrained("weights/sargan-motion-128")
    pipe("portrait.jpg", expression="happy", intensity=0.8).images[0].save("happy.png")
    ```

    A pipeline has no state that a call changes: several threads may call one at the same time.

    Args:
        model: a `SARGAN`, or anything that fits `generators.Generator`.
        mouth: one trained to refine mouths (see `faces.mouth`), or None to do without; of the same expressions.

    Raises:
        ConfigurationError: the two know different expressions.
    """

    def __init__(self, model: Union["SARGAN", Generator], mouth: Union["SARGAN", Generator, None] = None):
        self.generator = _torch_generator(model) if hasattr(model, "config") else model
        self.mouth = _torch_generator(mouth) if hasattr(mouth, "config") else mouth
        if self.mouth is not None and tuple(self.mouth.expressions) != tuple(self.generator.expressions):
            raise ConfigurationError(
                f"The mouth refiner knows {', '.join(self.mouth.expressions)}; the model knows "
                f"{', '.join(self.generator.expressions)}. Use two that were trained on the same expressions."
            )
        self.detector = FaceDetector()

    @classmethod
    def from_pretrained(cls, name_or_path: str, *, backend: str = "torch", **kwargs: object) -> "SARGANPipeline":
        """Loads a model from a folder or the Hub, and the mouth refiner in its sub-folder `mouth`, where it has one.

        Args:
            name_or_path: folder or Hub id; "weights/..." is found beside the package from wherever it runs.
            backend: "torch", or "onnx" for an exported model, which needs no torch.
            kwargs: `revision`, `subfolder`, `cache_dir`, `local_files_only` and, with torch, `device`.

        Raises:
            ModelFormatError: there is no such model, it cannot be loaded, or it is on a Hub that cannot be reached.
        """
        source = find_source(name_or_path, **kwargs)
        return cls(load_generator(source, backend, **kwargs), load_mouth(source, backend, **kwargs))

    def __call__(
        self,
        image: ImageSource | Sequence[ImageSource],
        expression: ExpressionSpec | Sequence[ExpressionSpec] = "happy",
        *,
        intensity: float = 1.0,
        faces: FaceChoice = "largest",
        box: Box | None = None,
        points: np.ndarray | None = None,
        region: str | np.ndarray | None = None,
        transfer: str = "motion",
        provenance: bool = True,
    ) -> SARGANPipelineOutput:
        """Edits one picture or a list of them.

        Args:
            image: path, Pillow image, array, bytes or open binary file (see `load_image`), or a list of these.
            expression: a name or alias; a blend such as `{"happy": 0.6, "surprised": 0.4}`; a vector in the model's order;
                or a list with one of these for each chosen face.
            intensity: 0 gives the picture back bit for bit, 1 is the edit as trained, up to 1.5 exaggerates.
            faces: "largest", "all", or the number of one or several faces, counted from 1, the largest first; one that is
                named twice is edited once.
            box: left, top, right, bottom in pixels of a face no detector sees; replaces `faces`.
            points: [5, 2], the two eyes, nose tip and corners of the mouth in pixels; replaces `faces` and `box`.
            region: None for the whole face, "mouth", "eyes" (with brows), or a map [h, w] in 0..1 over the straightened
                face that says how strongly each place may change. A region is further limited by the attention map: where
                the network did not look, nothing changes.
            transfer: how the edit gets to full resolution: "motion" (sharp), "residual" or "paste" (both for comparison).
            provenance: whether files saved from the result say that a trained model edited them.

        Raises:
            ImageError: a picture cannot be opened.
            NoFaceError: no face was found, or the chosen one does not exist.
            ExpressionError: an unknown expression.
            ConfigurationError: any other argument that cannot work.
        """
        sources = list(image) if isinstance(image, list | tuple) else [image]
        check_settings(intensity, transfer)
        if len(sources) > 1 and (box is not None or points is not None):
            raise ConfigurationError("box and points belong to one picture: call the pipeline once for each picture.")
        output = SARGANPipelineOutput([], [])
        for index, source in enumerate(sources):
            picture = load_image(source)
            found = self.find_faces(picture, faces, box=box, points=points)
            straight = self.align(picture, found)
            conditions = self.conditions(expression, len(found))
            edit = self.generate(straight, conditions)
            changes = self.plan(straight, edit, transfer, region)
            image, regions = self.draw(straight, changes, intensity, provenance)
            output.images.append(image)
            output.faces.extend(_face_edits(index, found, conditions, edit, regions))
            output.notes.extend(picture.notes)
        return output

    def animate(
        self, image: ImageSource, expression: ExpressionSpec | Sequence[ExpressionSpec], **settings
    ) -> "Animation":
        """Moves from the picture as it is to an expression, or along a list of them, and back.

        See `sargan_hf.editing.animation.animate` for the settings; the result saves itself as GIF, WebP or MP4.
        """
        from .animation import animate

        return animate(self, image, expression, **settings)

    def find_faces(
        self,
        picture: LoadedImage,
        faces: FaceChoice = "largest",
        *,
        box: Box | None = None,
        points: np.ndarray | None = None,
    ) -> list[Face]:
        """The chosen faces of a picture; arguments and errors as in `__call__`."""
        if points is not None:
            return [face_from_points(points, picture.size)]
        viewed = picture.rgb8()
        if box is not None:
            return [self.detector.in_box(viewed, box)]
        wanted = check_faces(faces)
        found = self.detector.find(viewed, every=wanted != "largest", name=picture.name)
        return [found[index] for index in chosen_faces(wanted, len(found), picture.name)]

    def align(self, picture: LoadedImage, faces: Sequence[Face]) -> StraightenedFaces:
        """Cuts the faces out of the picture, upright and at the model's size."""
        size = self.generator.sample_size
        transforms = [canonical_transform(face.points, size) for face in faces]
        crops = [_rgb_crop(picture, transform, size) for transform in transforms]
        return StraightenedFaces(picture, list(faces), transforms, np.stack(crops))

    def conditions(self, expression: ExpressionSpec | Sequence[ExpressionSpec], count: int) -> np.ndarray:
        """Condition vectors float32 [count, n] for one expression, or for a list with one for each of `count` faces."""
        if not _is_list_of_specs(expression):
            return np.stack([expression_vector(expression, self.generator.expressions)] * count)
        if len(expression) != count:
            raise ConfigurationError(
                f"{len(expression)} expressions were given for {count} faces: give one, or one for each."
            )
        return np.stack([expression_vector(spec, self.generator.expressions) for spec in expression])

    def generate(self, straight: StraightenedFaces, conditions: np.ndarray) -> GeneratorOutput:
        """What the generator makes of each face of a picture, under one condition [n] for each."""
        crops = np.ascontiguousarray(straight.crops.transpose(0, 3, 1, 2), dtype=np.float32) / 127.5 - 1
        return self.generator(crops, conditions)

    def plan(
        self,
        straight: StraightenedFaces,
        edit: GeneratorOutput,
        transfer: str = "motion",
        region: str | np.ndarray | None = None,
    ) -> list[FaceWarp]:
        """What to change about each face, at intensity 1."""
        motions = [None] * len(edit.residual) if edit.motion is None else edit.motion.transpose(0, 2, 3, 1)
        residuals = edit.residual.transpose(0, 2, 3, 1)
        attentions = [None] * len(residuals) if edit.attention is None else edit.attention[:, 0]
        return [
            plan_warp(crop, residual, motion, transfer, region, attention, expression=expression)
            for crop, residual, motion, attention, expression in zip(
                straight.crops, residuals, motions, attentions, edit.expression, strict=True
            )
        ]

    def draw(
        self, straight: StraightenedFaces, changes: Sequence[FaceWarp], intensity: float = 1.0, provenance: bool = True
    ) -> tuple[EditedImage, list[tuple[int, int, int, int]]]:
        """The edited picture with its note, and for each change the rectangle outside of which no pixel changed."""
        pixels, regions = self.compose(straight, [change.at_intensity(intensity) for change in changes])
        conditions = [change.expression for change in changes]
        note = _provenance(conditions, self.generator.expressions, intensity) if provenance else None
        return EditedImage.from_image(straight.picture.to_image(pixels), note), regions

    def compose(
        self, straight: StraightenedFaces, changes: Sequence[FaceWarp]
    ) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
        """Puts the changes into a copy of the picture's pixels; also returns the rectangle that each may have touched."""
        pixels = straight.picture.pixels.copy()
        side = straight.crops.shape[1]
        regions = []
        for transform, change in zip(straight.transforms, changes, strict=True):
            regions.append(apply_warp(pixels, transform, side, change))
            if self.mouth is not None and not change.pasted:
                refine_mouth(pixels, transform, side, change, self.mouth, regions[-1])
        return pixels, regions


def _torch_generator(model: "SARGAN") -> Generator:
    from ..inference.torch_backend import TorchGenerator

    return TorchGenerator(model)


def _rgb_crop(picture: LoadedImage, transform: np.ndarray, size: int) -> np.ndarray:
    return to_rgb8(crop_face(picture.pixels, transform, size))


def _face_edits(index, found, conditions, edit, regions) -> list[FaceEdit]:
    return [
        FaceEdit(
            picture=index,
            box=face.box,
            points=face.points,
            score=face.score,
            tried=face.tried,
            expression=conditions[i],
            attention=None if edit.attention is None else edit.attention[i, 0],
            residual=edit.residual[i].transpose(1, 2, 0),
            motion=None if edit.motion is None else edit.motion[i].transpose(1, 2, 0),
            region=regions[i],
        )
        for i, face in enumerate(found)
    ]


def _provenance(conditions: Sequence[np.ndarray], expressions: Sequence[str], intensity: float) -> str:
    wanted = []
    for condition in conditions:
        weights = dict(zip(expressions, condition, strict=True))
        wanted.append(" and ".join(f"{name} {weight:.0%}" for name, weight in weights.items() if weight > 0))
    return f"Facial expression edited with SARGAN: {', '.join(wanted)} at intensity {intensity:g}."
