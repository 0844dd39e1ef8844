"""The evaluator in reserve: an expression net that neither the rig's search nor any choice of weights has used.

It is the expression net of face-api (MIT; Vincent Mühler, kept up by Vladimir Mandic): 0.3 million weights for 112 x 112 colour
crops. By its author's account it learnt from public data sets and pictures of the web. The npm package
`@vladmandic/face-api` carries its weights, 8 bits each. They are read here and run in torch, with the same answers to 2e-7.

It sees the same box of the canonical crop as the other nets. That box was chosen without it.

A reserve is worth something only while nobody chooses by it. So it is reported apart, and is no `--classifier`.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..errors import ConfigurationError
from ..expressions import EXPRESSIONS, resolve_expression
from .evaluator_nets import CANONICAL_BOX, checked_faces, cut_box, resized

RESERVE_LICENCE = "MIT"
RESERVE_WARNING = (
    "These figures are of the reserve. Read them once, for a release. Whoever chooses weights, recipes or settings by them "
    "uses the reserve up."
)
RESERVE_HINT = (
    'npm install --prefix "$(python -c "import sys; print(sys.prefix)")" @vladmandic/face-api@1.7.15 '
    '(pip install -e ".[evaluation,reserve]" brings npm where there is none)'
)
FOLDER_VARIABLE = "SARGAN_FACE_API"
_PACKAGE = Path("node_modules") / "@vladmandic" / "face-api"
_MANIFEST = Path("model") / "face_expression_model-weights_manifest.json"
_LABELS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
_SIDE = 112
_MEAN_RGB = np.array([122.782, 117.001, 104.298], np.float32)


class ReserveClassifier:
    """The expression net of face-api.

    Args:
        folder: of the npm package; None looks into `$SARGAN_FACE_API`, then into `node_modules` of the working folder, of its
            parents and of the Python environment.

    Raises:
        ConfigurationError: the package is nowhere, or its weights are not as expected.
    """

    name = "face-api"

    def __init__(self, folder: str | Path | None = None) -> None:
        self._weights = _read_weights((Path(folder) if folder else find_package()) / _MANIFEST)
        self._order = [[resolve_expression(label) for label in _LABELS].index(name) for name in EXPRESSIONS]

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Same contract as `ExpressionClassifier.__call__`: uint8 RGB [N, S, S, 3] -> float32 [N, 7]."""
        crops = [resized(cut_box(face, CANONICAL_BOX), _SIDE) for face in checked_faces(faces)]
        if not crops:
            return np.zeros((0, len(EXPRESSIONS)), np.float32)
        return self.probabilities(np.stack(crops))[:, self._order]

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """What the net itself answers to crops uint8 RGB [N, 112, 112, 3]: float32 [N, 7] in the order of face-api."""
        values = (crops.astype(np.float32) - _MEAN_RGB) / 255
        out = torch.from_numpy(values.transpose(0, 3, 1, 2))
        with torch.inference_mode():
            for block in range(4):
                out = self._dense_block(out, f"dense{block}")
            out = functional.avg_pool2d(out, 7, 2).flatten(1)
            logits = out @ self._weights["fc/weights"] + self._weights["fc/bias"]
            return logits.softmax(1).numpy()

    def _dense_block(self, x: torch.Tensor, block: str) -> torch.Tensor:
        first = f"{block}/conv0"
        full = f"{first}/filters" in self._weights
        summed = functional.relu(self._convolve(x, first, 2) if full else self._separable(x, first, 2))
        out = summed
        for layer in (1, 2, 3):
            summed = summed + self._separable(out, f"{block}/conv{layer}", 1)
            out = functional.relu(summed)
        return out

    def _convolve(self, x: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        filters = self._weights[f"{name}/filters"].permute(3, 2, 0, 1)
        return functional.conv2d(_padded(x, stride), filters, self._weights[f"{name}/bias"], stride)

    def _separable(self, x: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        depthwise = self._weights[f"{name}/depthwise_filter"].permute(2, 3, 0, 1)
        pointwise = self._weights[f"{name}/pointwise_filter"].permute(3, 2, 0, 1)
        out = functional.conv2d(_padded(x, stride), depthwise, stride=stride, groups=x.shape[1])
        return functional.conv2d(out, pointwise, self._weights[f"{name}/bias"])


def find_package() -> Path:
    """The folder of the npm package.

    Raises:
        ConfigurationError: it is not installed, or `$SARGAN_FACE_API` names another folder.
    """
    if named := os.environ.get(FOLDER_VARIABLE):
        if (Path(named) / _MANIFEST).is_file():
            return Path(named)
        raise ConfigurationError(
            f"{FOLDER_VARIABLE} is {named}, which holds no {_MANIFEST}: name the npm package's folder."
        )
    here = Path.cwd()
    for parent in (here, *here.parents, Path(sys.prefix)):
        if (parent / _PACKAGE / _MANIFEST).is_file():
            return parent / _PACKAGE
    raise ConfigurationError(f"The reserve needs the npm package @vladmandic/face-api: {RESERVE_HINT}.")


def _read_weights(manifest: Path) -> dict[str, torch.Tensor]:
    """The weights that a manifest of TensorFlow.js describes: float32, or 8-bit steps of a scale from a minimum."""
    try:
        groups = json.loads(manifest.read_text(encoding="utf-8"))
        entries = [(group, entry) for group in groups for entry in group["weights"]]
        data = {
            id(group): b"".join((manifest.parent / path).read_bytes() for path in group["paths"]) for group in groups
        }
        found, offsets = {}, dict.fromkeys(data, 0)
        for group, entry in entries:
            quantization = entry.get("quantization")
            kind = np.dtype(quantization["dtype"] if quantization else entry["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(data[id(group)], kind, count, offsets[id(group)]).astype(np.float32)
            offsets[id(group)] += count * kind.itemsize
            if quantization:
                values = values * np.float32(quantization["scale"]) + np.float32(quantization["min"])
            found[entry["name"]] = torch.from_numpy(values.reshape(entry["shape"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"The weights that {manifest} describes cannot be read ({error}): {RESERVE_HINT}."
        ) from error
    return found


def _padded(x: torch.Tensor, stride: int) -> torch.Tensor:
    """Padding for a 3 x 3 filter as TensorFlow's "same": at stride 2 and even sizes one row and column at the end only."""
    after = [max(0, (-(-size // stride) - 1) * stride + 3 - size) for size in x.shape[-2:]]
    vertical, horizontal = after
    sides = (horizontal // 2, horizontal - horizontal // 2, vertical // 2, vertical - vertical // 2)
    return functional.pad(x, sides)
