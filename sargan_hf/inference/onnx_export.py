"""Models as ONNX: `sargan export MODEL OUT`.

Writes the layout that transformers.js expects of a repository:

* config.json
* onnx/model.onnx: float32, checked against torch to 1e-4 at several sizes
* onnx/model_fp16.onnx: half-precision arithmetic with float32 inputs and outputs, half the size, for GPUs (WebGPU)
* onnx/model_quantized.onnx: weights in 8 bits, arithmetic in float32, a quarter of the size, for downloads

The graph takes pixel_values [B, 3, H, W], expression [B, n], intensity [B] and, for a model that has them, controls [B, k].
It gives the fields of `SARGANOutput` that are not None. Batch, height and width are free (multiples of 16). The config
travels inside each file.
"""

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ConfigurationError, ModelFormatError
from ..file_errors import whole_path
from ..modeling_sargan import SARGAN

try:
    import onnx
    import onnxruntime
    from onnx import ModelProto, NodeProto, helper, numpy_helper
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel
    from onnxscript import optimizer
except ImportError as error:
    raise ConfigurationError(f"Export needs {error.name}: pip install -e '.[onnx]'.") from error

OPSET = 18  # everything used is there, and every onnxruntime-web since 1.16 runs it
TOLERANCE = 1e-4
INPUTS = ("pixel_values", "expression", "intensity", "controls")  # the last only of a model that has controls
METADATA_KEY = "sargan_config"


class ExportedFile(NamedTuple):
    """One file and how far its `sample` is from torch, in units of the pixel range [-1, 1].

    Attributes:
        path: the .onnx file.
        largest_error: over all pixels of the check pictures.
        mean_error: likewise.
    """

    path: Path
    largest_error: float
    mean_error: float


def export_onnx(model: SARGAN, output: str | Path) -> list[ExportedFile]:
    """Writes config.json and the three ONNX files of a model.

    Args:
        model: the model; it is put into eval mode.
        output: a folder, created when missing; may be the model's own. Files appear whole or not at all.

    Returns:
        The files with their measured error.

    Raises:
        ModelFormatError: the float32 file differs from torch by more than 1e-4, or `output` is a file.
    """
    if Path(output).is_file():
        raise ModelFormatError(f"{output} is a file; give a folder to write onnx/model.onnx and its variants to.")
    folder = Path(output, "onnx")
    folder.mkdir(parents=True, exist_ok=True)
    model.eval().save_config(output)
    graph = to_onnx(model)
    files = []
    variants: dict[str, Callable[[ModelProto], ModelProto]] = {
        "model.onnx": lambda graph: graph,
        "model_fp16.onnx": to_half_precision,
        "model_quantized.onnx": quantize_weights,
    }
    for name, convert in variants.items():
        variant = ModelProto()
        variant.CopyFrom(graph)
        variant = convert(variant)
        largest, mean = error_against_torch(model, variant)
        if name == "model.onnx" and largest > TOLERANCE:
            raise ModelFormatError(
                f"The exported graph differs from torch by {largest:.1e}, more than {TOLERANCE:.0e}."
            )
        _save_whole(variant, folder / name)
        files.append(ExportedFile(folder / name, largest, mean))
    return files


def to_onnx(model: SARGAN) -> ModelProto:
    """The float32 graph of a model, with free batch, height and width."""
    settings: Any = model.config
    fields = ["sample", "residual"]
    fields += ["attention"] if settings.attention else []
    fields += ["motion"] if settings.motion else []
    fields += ["occlusion", "painted"] if settings.occlusion else []
    inputs = [torch.zeros(2, 3, 96, 128), torch.zeros(2, len(settings.expressions)), torch.ones(2)]
    inputs += [torch.zeros(2, len(settings.controls))] if settings.controls else []
    names = INPUTS[: len(inputs)]
    axes = {name: {0: "batch", 2: "height", 3: "width"} for name in ["pixel_values", *fields]}
    axes |= {name: {0: "batch"} for name in names[1:]}
    if settings.attention:
        axes["attention"] = {0: "batch", 2: "height / 4", 3: "width / 4"}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # The tracer warns of the shape checks, which it leaves out, and of being the older exporter. The newer one takes
        # minutes of symbolic algebra for free sizes that must be multiples of 16.
        warnings.simplefilter("ignore")
        path = Path(scratch, "model.onnx")
        torch.onnx.export(
            _TupleOutput(model),
            tuple(inputs),
            path,
            input_names=list(names),
            output_names=fields,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        graph = optimizer.optimize(onnx.load(path))
    config = {name: value for name, value in model.config.items() if not name.startswith("_")}
    helper.set_model_props(graph, {METADATA_KEY: json.dumps(config)})
    return graph


class _TupleOutput(nn.Module):
    def __init__(self, model: SARGAN):
        super().__init__()
        self.model = model

    def forward(
        self, pixel_values: Tensor, expression: Tensor, intensity: Tensor, controls: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        return self.model(pixel_values, expression, intensity, return_dict=False, controls=controls)


def to_half_precision(graph: ModelProto) -> ModelProto:
    """Computes in float16, except for the places that pixels are fetched from: those need float32."""
    blocked = [node.name for node in _warp_nodes(graph)]
    half = OnnxModel(convert_float_to_float16(graph, keep_io_types=True, node_block_list=blocked))
    half.topological_sort()  # the casts it adds come last, which not every runtime accepts
    return half.model


def _warp_nodes(graph: ModelProto) -> list[NodeProto]:
    """The nodes between the flow and the picture fetched along it."""
    producer = {name: node for node in graph.graph.node for name in node.output}
    waiting = [node for node in graph.graph.node if node.op_type == "GridSample"]
    found: list[NodeProto] = []
    while waiting:
        node = waiting.pop()
        if node.op_type not in ("Tanh", "Conv") and node not in found:
            found.append(node)
            waiting += [producer[name] for name in node.input if name in producer]
    return found


def quantize_weights(graph: ModelProto) -> ModelProto:
    """Stores convolution weights as int8 with one scale per output channel; a node turns them back into float32.

    Only the weights: instance norms divide every feature map by its own spread, which multiplies the error of 8-bit
    features beyond use. The first and the last convolution stay as they are, being tiny and nearest to the picture.
    """
    convolutions = [node for node in graph.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    weights = {tensor.name: tensor for tensor in graph.graph.initializer}
    for node in convolutions[1:-1]:
        name = node.input[1]
        axis = 1 if node.op_type == "ConvTranspose" else 0
        values = np.moveaxis(numpy_helper.to_array(weights[name]), axis, 0)
        scale = np.abs(values).max(axis=(1, 2, 3)) / 127
        scale[scale == 0] = 1
        codes = np.moveaxis(np.round(values / scale[:, None, None, None]).astype(np.int8), 0, axis)
        graph.graph.initializer.remove(weights[name])
        graph.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(codes), f"{name}_int8"))
        graph.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
        restore = helper.make_node(
            "DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], name=f"{name}_restore", axis=axis
        )
        graph.graph.node.insert(0, restore)
    return graph


def error_against_torch(model: SARGAN, graph: ModelProto) -> tuple[float, float]:
    """Largest and mean difference of `sample` from torch, on smooth pictures of several sizes, blends and intensities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a small job: more threads would mostly wait for each other
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    differences = []
    settings: Any = model.config
    for inputs in _check_inputs(len(settings.expressions), len(settings.controls or ())):
        with torch.no_grad():
            expected = _TupleOutput(model)(*inputs)[0].numpy()
        feed = {name: tensor.numpy() for name, tensor in zip(INPUTS, inputs, strict=False)}
        differences.append(np.abs(session.run(["sample"], feed)[0] - expected).ravel())
    together = np.concatenate(differences)
    return float(together.max()), float(together.mean())


def _check_inputs(expressions: int, controls: int) -> Iterator[tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(0)
    for batch, height, width in ((1, 128, 128), (3, 64, 96), (1, 256, 160)):
        coarse = torch.rand(batch, 3, 9, 9, generator=generator) * 2 - 1
        pictures = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True).clamp(-1, 1)
        weights = torch.rand(batch, expressions, generator=generator).pow(4)
        parts = [torch.rand(batch, controls, generator=generator) * 2 - 1] if controls else []
        yield pictures, weights / weights.sum(dim=1, keepdim=True), torch.linspace(1.0, 0.5, batch), *parts


def _save_whole(graph: ModelProto, path: Path) -> None:
    with whole_path(path) as draft:
        onnx.save(graph, draft)
