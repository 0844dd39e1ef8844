"""Pictures in, edited pictures out: `SARGANPipeline`."""

import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union, cast

import numpy as np

from ..errors import ConfigurationError
from ..expressions import ExpressionSpec
from ..faces.choice import FaceChoice
from ..faces.detection import Face, FaceDetector
from ..images import load_image
from ..images.load_image import ImageSource
from ..images.normalize import channels_last
from ..images.warp import NormalizedFlow
from ..inference import Generator, load_generator, load_mouth
from ..inference.load_generator import MOUTH_FOLDER
from ..inference.protocol import controls_of
from ..model_source import find_source
from ..presets import PresetFile
from .likeness import expression_like
from .requests import (
    Areas,
    Box,
    Controls,
    Expressions,
    FaceEdit,
    FaceRequest,
    Intensities,
    Presets,
    Region,
    SARGANPipelineOutput,
    Wish,
    check_settings,
    combined,
    condition_vectors,
)
from .session import EditModels, EditSession

if TYPE_CHECKING:
    from ..inference.torch_backend import TorchGenerator
    from ..modeling_sargan import SARGAN
    from .animation import Animation
    from .sprites import SpritePack


class SARGANPipeline:
    """Edits the expression of faces in pictures at the pictures' own resolution.

    ```python
    pipe = SARGANPipeline.from_pretrained("weights/sargan-motion-128")
    pipe("portrait.jpg", expression="happy", intensity=0.8).images[0].save("happy.png")
    ```

    A pipeline has no state that a call changes: several threads may call one at the same time.

    Args:
        model: a `SARGAN`, or anything that fits `inference.Generator`.
        mouth: one trained to refine mouths (see `editing.mouth_refiner`), or None to do without; of the same expressions.

    Raises:
        ConfigurationError: the two know different expressions.
    """

    def __init__(self, model: Union["SARGAN", Generator], mouth: Union["SARGAN", Generator, None] = None):
        self.generator = _as_generator(model)
        self.mouth = None if mouth is None else _as_generator(mouth)
        if self.mouth is not None and tuple(self.mouth.expressions) != tuple(self.generator.expressions):
            raise ConfigurationError(
                f"The mouth refiner knows {', '.join(self.mouth.expressions)}; the model knows "
                f"{', '.join(self.generator.expressions)}. Use two that were trained on the same expressions."
            )
        self.detector = FaceDetector()

    @classmethod
    def from_pretrained(cls, name_or_path: str, *, backend: str = "torch", **kwargs: Any) -> "SARGANPipeline":
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
        expression: Expressions | None = None,
        *,
        controls: Controls | None = None,
        preset: Presets | None = None,
        presets: PresetFile | None = None,
        like: ImageSource | None = None,
        intensity: Intensities = 1.0,
        faces: FaceChoice = "largest",
        box: Box | None = None,
        points: np.ndarray | None = None,
        region: Areas = None,
        transfer: str = "motion",
        provenance: bool = True,
    ) -> SARGANPipelineOutput:
        """Edits one picture or a list of them. `EditRecipe.settings` has these arguments for an edit that was saved.

        Args:
            image: path, Pillow image, array, bytes, open binary file or `LoadedImage`, or a list of these.
            expression: a name or alias; a blend such as `{"happy": 0.6, "surprised": 0.4}`; a vector in the model's order;
                or a list with one for each chosen face. "happy" where nothing else is asked for.
            controls: values such as `{"jaw_open": 0.4}` on top of it, or alone; or a list with one of these for each face.
            preset: one, or the name or JSON file of one, instead of these two; or a list with one for each face.
            presets: your own, by name, or their file: see `load_presets`.
            like: a picture whose largest face shows what is wanted, instead of all of these (see `editing.likeness`).
            intensity: 0 gives the picture back bit for bit, 1 is the edit as trained, up to 1.5; or a list of these.
            faces: "largest", "all", or numbers of faces, counted from 1, the largest first; each is edited once.
            box: left, top, right, bottom in pixels of a face no detector sees; replaces `faces`.
            points: [5, 2], the two eyes, nose tip and corners of the mouth in pixels; replaces `faces` and `box`.
            region: None for the whole face, "mouth", "eyes" (with brows), or a map [h, w] in 0..1 over the aligned face of
                how strongly each place may change, where the network looked; or a list with one of these for each face.
            transfer: how the edit gets to full resolution: "motion" (sharp), "residual" or "paste" (both for comparison).
            provenance: whether files saved from the result say that a trained model edited them, and how.

        Raises:
            ImageError, NoFaceError: a picture cannot be opened, or has no such face.
            ExpressionError, ControlError, PresetError: an unknown one, or controls for a model without.
            ConfigurationError: any other argument that cannot work.
        """
        wish = self.wish(expression, controls, preset, intensity, presets, like)
        check_settings(1.0, transfer)
        result = SARGANPipelineOutput([], [])
        for index, source in enumerate(_sources(image, box is not None or points is not None)):
            session = self.open(source)
            found = session.find_faces(faces, box=box, points=points)
            wanted = session.requests(count=len(found), **wish, region=region, transfer=transfer)
            self._add(result, index, session, (found, wanted), provenance, faces if box is points is None else None)
        return result

    def wish(
        self,
        expression: Expressions | None = None,
        controls: Controls | None = None,
        preset: Presets | None = None,
        intensity: Intensities = 1.0,
        presets: PresetFile | None = None,
        like: ImageSource | None = None,
    ) -> Wish:
        """What these arguments of a call mean together, as arguments of `EditSession.requests`; errors as in a call."""
        if like is not None:
            if any(part is not None for part in (expression, controls, preset, presets)):
                raise ConfigurationError(
                    "like stands for an expression: give it, or an expression, controls or a preset."
                )
            return expression_like(self.open(like), intensity)
        return combined(expression, controls, preset, intensity, presets)

    def _add(
        self,
        result: SARGANPipelineOutput,
        index: int,
        session: EditSession,
        asked: tuple[list[Face], list[FaceRequest]],
        provenance: bool,
        chosen: FaceChoice | None,
    ) -> None:
        """Makes the edit of one picture and adds it to the result."""
        edited, regions = session.edit(*asked, provenance, chosen)
        result.images.append(edited)
        result.faces.extend(_face_edits(index, session, *asked, regions))
        result.notes.extend(session.image.notes)
        result.recipes.append(session.recipe(*asked, chosen))

    @property
    def models(self) -> EditModels:
        """What the sessions that it opens work with."""
        return EditModels(self.generator, self.mouth, self.detector)

    def open(self, image: ImageSource) -> EditSession:
        """A session for several edits of one picture, which computes each step once.

        Args:
            image: see `load_image`.

        Raises:
            ImageError: it cannot be opened.
        """
        return EditSession(load_image(image), self.models)

    def animate(
        self, image: ImageSource, expression: ExpressionSpec | Sequence[ExpressionSpec] | None = None, **settings: Any
    ) -> "Animation":
        """Moves from the picture as it is to an expression, or along a list of them, and back.

        See `sargan_hf.editing.animation.animate` for the settings; the result saves itself as GIF, WebP or MP4.
        """
        from .animation import animate

        return animate(self, image, expression, **settings)

    def sprites(self, image: ImageSource, **settings: Any) -> "SpritePack":
        """One picture for each emotion of a character; see `sargan_hf.editing.sprites.make_sprites` for the settings."""
        from .sprites import make_sprites

        return make_sprites(self, image, **settings)

    def conditions(self, expression: Expressions | None, count: int) -> np.ndarray:
        """Condition vectors float32 [count, n] for one expression, or for a list with one for each of `count` faces."""
        return np.stack(condition_vectors(expression, count, self.generator.expressions))

    @property
    def controls(self) -> tuple[str, ...]:
        """Names of the model's facial controls; none for a model that knows expressions only."""
        return controls_of(self.generator)

    @property
    def device(self) -> str:
        """Where the model runs, such as "cpu" or "cuda:0"."""
        return str(getattr(self.generator, "device", "cpu"))

    def to(self, device: str) -> "SARGANPipeline":
        """Moves the model and the mouth refiner to a device such as "cuda"; returns the pipeline itself.

        Raises:
            ConfigurationError: they do not run on torch.
        """
        moved = [None if model is None else _torch(model).to(device) for model in (self.generator, self.mouth)]
        self.generator, self.mouth = cast("Generator", moved[0]), moved[1]
        return self

    def save_pretrained(self, save_directory: str | os.PathLike) -> None:
        """Writes the model, and the mouth refiner in the sub-folder `mouth`, so that `from_pretrained` loads both.

        Raises:
            ConfigurationError: they do not run on torch.
        """
        _torch(self.generator).source.save_pretrained(save_directory)
        if self.mouth is not None:
            _torch(self.mouth).source.save_pretrained(os.path.join(save_directory, MOUTH_FOLDER))

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Uploads the model with its mouth refiner, its code and a card.

        Args:
            repo_id: "name/repository"; created when missing.
            options: of `sargan_hf.hub.push_model`: `card`, `private`, `revision`, `create_pr`, `commit_message`, `token`.

        Returns:
            The address of the commit.

        Raises:
            ConfigurationError: the models do not run on torch.
            HfHubHTTPError, HFValidationError: the Hub refused (token, rights, name).
        """
        from ..hub import push_model

        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return push_model(folder, repo_id, **options).commit_url


def _sources(image: ImageSource | Sequence[ImageSource], by_hand: bool) -> list[Any]:
    sources: list[Any] = list(image) if isinstance(image, list | tuple) else [image]
    if len(sources) > 1 and by_hand:
        raise ConfigurationError("box and points belong to one picture: call the pipeline once for each picture.")
    return sources


def _as_generator(model: Union["SARGAN", Generator]) -> Generator:
    """A torch module, which a generator of ours is not, in the form that the pipeline runs."""
    if not hasattr(model, "state_dict"):
        return cast("Generator", model)
    from ..inference.torch_backend import TorchGenerator

    return TorchGenerator(cast("SARGAN", model))


def _torch(model: Generator) -> "TorchGenerator":
    from ..inference.torch_backend import TorchGenerator

    if not isinstance(model, TorchGenerator):
        raise ConfigurationError(
            f"This needs a model that runs on torch; got {type(model).__name__}. Load it with backend='torch'."
        )
    return model


def _face_edits(
    index: int, session: EditSession, faces: Sequence[Face], requests: Sequence[FaceRequest], regions: Sequence[Region]
) -> list[FaceEdit]:
    outputs = session.outputs(faces, requests)
    return [
        FaceEdit(
            picture=index,
            box=face.box,
            points=face.points,
            score=face.score,
            tried=face.tried,
            expression=request.expression,
            controls=request.controls,
            attention=None if output.attention is None else output.attention[0, 0],
            residual=channels_last(output.residual[0]),
            motion=None if output.motion is None else NormalizedFlow(channels_last(output.motion[0])),
            region=region,
        )
        for face, request, output, region in zip(faces, requests, outputs, regions, strict=True)
    ]
