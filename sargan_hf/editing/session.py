"""One open image and the steps of its edits: `EditSession`.

    faces -> aligned -> output -> warp -> pixels

Everything that edits faces takes these steps: the pipeline and its animations, the page, and the training set of the mouth
refiner. Each step is kept, so a further edit pays only for what it changes.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..controls import named_controls
from ..faces.alignment import AlignedFace, align, canonical_transform
from ..faces.choice import FaceChoice, check_faces, chosen_faces
from ..faces.detection import Face, FaceDetector, face_from_points
from ..images import EditedImage, LoadedImage
from ..images.normalize import channels_last, to_tensor
from ..images.warp import NormalizedFlow
from ..inference import Generator, GeneratorOutput, match_strength, rms_motion
from ..inference.protocol import controls_of, typical_motion_of
from .apply import apply_warp
from .change import FaceWarp, plan_warp
from .mouth_refiner import refine_mouth
from .recipe import EditRecipe
from .requests import (
    Areas,
    Box,
    Controls,
    Expressions,
    FaceRequest,
    Intensities,
    Region,
    Wish,
    face_requests,
    recipe_of,
)
from .step_cache import StepCache, kept_bytes

MAX_KEPT = 80  # results of each step; more than seven expressions of eight faces

# Where a face is: found or given by hand, or as the transform [2, 3] from pixels of the image to the model's crop.
FaceLocation = Face | np.ndarray


@dataclass(frozen=True)
class EditModels:
    """What a session works with.

    Attributes:
        generator: edits faces.
        mouth: refines mouths, of the same expressions; None to do without.
        detector: finds faces.
    """

    generator: Generator
    mouth: Generator | None = None
    detector: FaceDetector = field(default_factory=FaceDetector)


class EditSession:
    """One open image and what was computed for its edits. It knows nothing of who asks; several threads may use one.

    ```python
    session = pipe.open("portrait.jpg")
    faces = session.find_faces("all")
    for expression in ("happy", "sad"):
        image, regions = session.edit(faces, session.requests(expression, len(faces)))
    ```

    Args:
        image: the image.
        models: what it is edited with.
        max_kept: how many results of each step are kept, those used last.
    """

    def __init__(self, image: LoadedImage, models: EditModels, max_kept: int = MAX_KEPT):
        self.image = image
        self.models = models
        self._found: StepCache[bool, list[Face]] = StepCache(2)
        self._aligned: StepCache[bytes, AlignedFace] = StepCache(max_kept)
        self._outputs: StepCache[tuple[Hashable, ...], GeneratorOutput] = StepCache(max_kept)
        self._reaches: StepCache[tuple[bytes, bytes], float] = StepCache(max_kept)
        self._warps: StepCache[tuple[Hashable, ...], FaceWarp] = StepCache(max_kept)

    @property
    def side(self) -> int:
        """Side of the model's crop in pixels."""
        return self.models.generator.sample_size

    @property
    def nbytes(self) -> int:
        """Memory of the image and of all that is kept, in bytes."""
        return self.image.pixels.nbytes + kept_bytes(self._aligned, self._outputs, self._warps)

    def find_faces(
        self, faces: FaceChoice = "largest", *, box: Box | None = None, points: np.ndarray | None = None
    ) -> list[Face]:
        """The chosen faces; arguments and errors as in `SARGANPipeline.__call__`."""
        if points is not None:
            return [face_from_points(points, self.image.size)]
        detector = self.models.detector
        if box is not None:
            return [detector.in_box(self.image.rgb8(), box)]
        wanted = check_faces(faces)
        every = wanted != "largest"
        found = self._found.get(every, lambda: detector.find(self.image.rgb8(), every=every, name=self.image.name))
        return [found[index] for index in chosen_faces(wanted, len(found), self.image.name)]

    def requests(
        self,
        expression: Expressions | None = None,
        count: int = 1,
        *,
        controls: Controls | None = None,
        intensity: Intensities = 1.0,
        region: Areas = None,
        transfer: str = "motion",
    ) -> list[FaceRequest]:
        """What is wanted of each of `count` faces; arguments and errors as in `SARGANPipeline.__call__`."""
        generator = self.models.generator
        wish = Wish(expression=expression, controls=controls, intensity=intensity)
        return face_requests(wish, count, generator.expressions, controls_of(generator), region, transfer)

    def align(self, face: FaceLocation) -> AlignedFace:
        """One face cut out of the image, upright and at the model's size."""
        return self._aligned.get(_key(face), lambda: align(self.image.pixels, _transform(face, self.side), self.side))

    def outputs(self, faces: Sequence[FaceLocation], requests: Sequence[FaceRequest]) -> list[GeneratorOutput]:
        """What the generator makes of each face, N = 1, as strong as it should be.

        The generator is called once, for all that is not kept, and once more for expressions under controls that it has not
        yet made alone: how strong they are is known from these.
        """

        def make(missing: list[int]) -> list[GeneratorOutput]:
            generator = self.models.generator
            crops = to_tensor(np.stack([self.align(faces[place]).crop for place in missing]))
            wanted = [requests[place] for place in missing]
            conditions = np.stack([request.expression for request in wanted])
            parts = np.stack([request.controls for request in wanted]) if controls_of(generator) else None
            together = generator(crops, conditions, *([] if parts is None else [parts]))
            reaches = self._reaches_alone([_key(faces[place]) for place in missing], crops, together, parts)
            return [
                match_strength(together.one(index), typical_motion_of(generator), reach)
                for index, reach in enumerate(reaches)
            ]

        keys = [(_key(face), request.conditions) for face, request in zip(faces, requests, strict=True)]
        return self._outputs.get_all(keys, make)

    def _reaches_alone(
        self, faces: Sequence[bytes], crops: np.ndarray, outputs: GeneratorOutput, controls: np.ndarray | None
    ) -> list[np.ndarray | None]:
        """How far the expression of each output moves its face without controls, [1]; None where the output itself says it."""
        reaches: list[np.ndarray | None] = [None] * len(crops)
        generator = self.models.generator
        if controls is None or outputs.motion is None or typical_motion_of(generator) is None:
            return reaches
        keys = [(face, expression.tobytes()) for face, expression in zip(faces, outputs.expression, strict=True)]
        moved = controls.any(axis=1)
        for place in np.flatnonzero(~moved).tolist():
            self._reaches.get(keys[place], lambda place=place: _reach(outputs, place))
        both = np.flatnonzero(moved & outputs.expression.any(axis=1))

        def make(missing: list[int]) -> list[float]:
            wanted = both[missing]
            alone = generator(crops[wanted], outputs.expression[wanted], np.zeros_like(controls[wanted]))
            return [_reach(alone, place) for place in range(len(missing))]

        for place, reach in zip(both, self._reaches.get_all([keys[place] for place in both], make), strict=True):
            reaches[place] = np.array([reach])
        return reaches

    def warps(self, faces: Sequence[FaceLocation], requests: Sequence[FaceRequest]) -> list[FaceWarp]:
        """What to change about each face, at intensity 1."""

        def make(missing: list[int]) -> list[FaceWarp]:
            outputs = self.outputs([faces[place] for place in missing], [requests[place] for place in missing])
            return [
                plan_output(self.align(faces[place]).crop, output, requests[place])
                for place, output in zip(missing, outputs, strict=True)
            ]

        keys = [(_key(face), request.plan) for face, request in zip(faces, requests, strict=True)]
        return self._warps.get_all(keys, make)

    def compose(
        self, faces: Sequence[FaceLocation], requests: Sequence[FaceRequest]
    ) -> tuple[np.ndarray, list[Region]]:
        """The edited pixels, in the image's mode, and for each face the rectangle outside of which no pixel changed."""
        pixels = self.image.pixels.copy()
        return pixels, self.draw(pixels, faces, requests)

    def draw(
        self, pixels: np.ndarray, faces: Sequence[FaceLocation], requests: Sequence[FaceRequest], scale: float = 1.0
    ) -> list[Region]:
        """Makes the edits in `pixels`, in place.

        Args:
            pixels: of this image, or of a copy `scale` times its size; any of the layouts of `LoadedImage`.
            faces: where they are in this image.
            requests: what is wanted of each.
            scale: other than 1 only for faces that were found or given by hand.

        Returns:
            The rectangle of each face outside of which no pixel changed.
        """
        regions = []
        mouth = self.models.mouth
        for face, request, warp in zip(faces, requests, self.warps(faces, requests), strict=True):
            where = face.scaled(scale, scale) if isinstance(face, Face) and scale != 1 else face
            transform, wanted = _transform(where, self.side), warp.at_intensity(request.strength)
            regions.append(apply_warp(pixels, transform, self.side, wanted))
            if mouth is not None and not wanted.pasted:
                refine_mouth(pixels, transform, self.side, wanted, mouth, regions[-1])
        return regions

    def edit(
        self,
        faces: Sequence[FaceLocation],
        requests: Sequence[FaceRequest],
        provenance: bool = True,
        chosen: FaceChoice | None = None,
    ) -> tuple[EditedImage, list[Region]]:
        """The edited image, with its note and its recipe unless `provenance` is false, and the rectangles of `compose`.

        Args:
            chosen: how the faces were chosen, for the recipe; None says it by their numbers.
        """
        pixels, regions = self.compose(faces, requests)
        note = _note(requests, self.models.generator) if provenance else None
        recipe = self.recipe(faces, requests, chosen).to_text() if provenance else None
        return EditedImage.from_image(self.image.to_image(pixels), note, recipe), regions

    def recipe(
        self, faces: Sequence[FaceLocation], requests: Sequence[FaceRequest], chosen: FaceChoice | None = None
    ) -> EditRecipe:
        """What makes the same edit of another picture; `chosen` as for `edit`."""
        generator = self.models.generator
        names = (generator.expressions, controls_of(generator))
        return recipe_of(requests, *names, self._numbers(faces) if chosen is None else chosen)

    def _numbers(self, faces: Sequence[FaceLocation]) -> FaceChoice:
        """The choice that these faces are: those that were given by hand count as if they were the largest."""
        keys = [_key(face) for face in faces]
        for every in reversed(self._found.values()):
            found = [_key(face) for face in every]
            if all(key in found for key in keys):
                numbers = [found.index(key) + 1 for key in keys]
                if numbers == [1]:
                    return "largest"
                return "all" if numbers == list(range(1, len(found) + 1)) else numbers
        return "largest" if len(keys) == 1 else list(range(1, len(keys) + 1))


def _key(face: FaceLocation) -> bytes:
    return (face.points if isinstance(face, Face) else face).tobytes()


def _transform(face: FaceLocation, side: int) -> np.ndarray:
    return canonical_transform(face.points, side) if isinstance(face, Face) else face


def plan_output(crop: np.ndarray, output: GeneratorOutput, request: FaceRequest) -> FaceWarp:
    """`plan_warp` for what the generator made of one crop, uint8 [S, S, 3]; the intensity does not count."""
    return plan_warp(
        crop,
        channels_last(output.residual[0]),
        None if output.motion is None else NormalizedFlow(channels_last(output.motion[0])),
        request.transfer,
        request.region,
        None if output.attention is None else output.attention[0, 0],
        expression=output.expression[0],
        layer=output.layer,
    )


def _reach(outputs: GeneratorOutput, place: int) -> float:
    """How far one of the outputs moves its face, as `rms_motion` says it; 0 without motion."""
    return 0.0 if outputs.motion is None else float(rms_motion(outputs.motion[place : place + 1])[0])


def _note(requests: Sequence[FaceRequest], generator: Generator) -> str:
    """What files saved from the edit say of it, in a sentence."""
    blends = []
    for request in requests:
        weights = zip(generator.expressions, request.expression, strict=True)
        parts = [f"{name} {weight:.0%}" for name, weight in weights if weight > 0]
        named = named_controls(request.controls, controls_of(generator))
        blends.append(" and ".join([*parts, *(f"{name} {value:+g}" for name, value in named.items())]) or "nothing")
    strengths = [f"at intensity {request.intensity:g}" for request in requests]
    if len(set(strengths)) == 1:
        wanted = f"{', '.join(blends)} {strengths[0]}"
    else:
        wanted = ", ".join(f"{blend} {strength}" for blend, strength in zip(blends, strengths, strict=True))
    return f"Facial expression edited with SARGAN: {wanted}."
