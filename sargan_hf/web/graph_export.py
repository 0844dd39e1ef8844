"""Writes the graphs of a whole edit as ONNX files, small enough to be downloaded by a phone."""

import tempfile
import warnings
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..editing import masks
from ..errors import ConfigurationError
from ..faces.detection import MODEL_FILE
from ..modeling_sargan import SARGAN
from .edit_graphs import CROP, REGIONS, MakeEdit, RefineMouth, ScaleEdit, change_channels
from .graph_ops import settings_of

try:
    import onnx
    import onnx_ir
    from onnx import ModelProto, TensorProto, helper, numpy_helper
    from onnx_ir.passes import common as passes
    from onnxscript import optimizer

    from .few_products import with_fewer_products
    from .graph_split import split_before
except ImportError as error:
    raise ConfigurationError(f"`sargan export --web` needs {error.name}: pip install -e '.[onnx]'.") from error

OPSET = 18
# Of the 10 bits behind the point of a half-precision weight: what the lowest would add to an edit cannot be seen, and zeros
# pack to nothing.
KEPT_BITS = 8
SHORTEST_HALVES = 4096  # bytes: shorter weights are not worth a place in `sargan.json`
PARAMETERS = "generator."  # what the names of trained weights begin with; the other constants are grids and masks


def edit_graphs(model: SARGAN, mouth: SARGAN | None) -> dict[str, ModelProto]:
    """The graphs of a model and its mouth refiner, by the names of their files without `.onnx`.

    A model with controls has `edit` in two parts: `start` is what they do not alter, of picture and expression alone. Of the
    mouth refiner, `mouth_start` looks at the colours of the face, which are the same for all edits of it.
    """
    side, expressions = settings_of(model).sample_size, len(settings_of(model).expressions)
    mouth_side = None if mouth is None else settings_of(mouth).sample_size
    wide = side + 2 * masks.spread_pixels(side)
    crop, expression = torch.rand(1, 3, side, side) * 255, torch.eye(expressions)[:1]
    region, change = torch.eye(len(REGIONS))[:1], torch.rand(1, change_channels(model), wide, wide)
    scaled = ["fields"] if mouth is None else ["fields", "activity"]
    inputs, names, outputs = [crop, expression, region], ["crop", "expression", "region"], ["change"]
    if settings_of(model).controls:
        inputs += [torch.zeros(1, len(settings_of(model).controls)), torch.zeros(1)]
        names, outputs = [*names, "controls", "plain_reach"], [*outputs, "reach"]
    graphs = {
        "edit": _traced(MakeEdit(model), tuple(inputs), names, outputs),
        "scale": _traced(ScaleEdit(side, mouth_side), (change, torch.ones(1)), ["change", "intensity"], scaled),
    }
    if settings_of(model).controls:  # a slider that is dragged needs the second part alone
        graphs["start"], graphs["edit"] = split_before(graphs["edit"], {"region", "controls", "plain_reach"})
    if mouth is not None and mouth_side is not None:
        patch, activity = torch.rand(1, 3, mouth_side, mouth_side) * 255, torch.rand(1, 1, mouth_side, mouth_side)
        refine = _traced(
            RefineMouth(mouth),
            (patch, expression, change[:, CROP], activity),
            ["patch", "expression", "crop", "activity"],
            ["paint"],
        )
        graphs["mouth_start"], graphs["mouth"] = split_before(refine, {"patch", "expression", "activity"})
    small = {name: stored_in_half(with_fewer_products(graph)) for name, graph in graphs.items()}
    return small | {"faces": face_graph()}


def _traced(graph: nn.Module, inputs: tuple[Tensor, ...], names: Sequence[str], outputs: Sequence[str]) -> ModelProto:
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of the shape checks, which it leaves out
        path = Path(scratch, "graph.onnx")
        torch.onnx.export(
            graph.eval(),
            inputs,
            path,
            input_names=list(names),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=False,
        )
        return _tidied(onnx.load(path))


def _tidied(graph: ModelProto) -> ModelProto:
    """The graph without what the tracer repeats or what is known beforehand.

    The optimizer's rewrite rules are left out: they take a minute, and find nothing in these graphs that ONNX Runtime does not.
    """
    model = onnx_ir.serde.deserialize_model(graph)
    passes.CommonSubexpressionEliminationPass()(model)
    optimizer.fold_constants_ir(model, onnx_shape_inference=True)
    for tidy in (
        passes.RemoveUnusedNodesPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
    ):
        tidy(model)
    return onnx_ir.serde.serialize_model(model)


def stored_in_half(graph: ModelProto) -> ModelProto:
    """Stores the weights of convolutions in float16; a node turns each back into float32, once, when the graph is loaded.

    All arithmetic stays in float32: half the download, and an edit within 0.02 of 255 of that by full weights.
    """
    for weight in list(graph.graph.initializer):
        values = numpy_helper.to_array(weight)
        if not weight.name.startswith(PARAMETERS) or values.ndim < 4:
            continue
        graph.graph.initializer.remove(weight)
        graph.graph.initializer.append(numpy_helper.from_array(_in_few_bits(values), f"{weight.name}_half"))
        restore = helper.make_node("Cast", [f"{weight.name}_half"], [weight.name], to=TensorProto.FLOAT)
        graph.graph.node.insert(0, restore)
    return graph


def where_halves(graph: ModelProto, content: bytes) -> list[tuple[int, int]]:
    """First byte and number of bytes of the weights in half precision within `content`, the graph's own bytes."""
    found, after = [], 0
    for weight in graph.graph.initializer:
        if weight.data_type == TensorProto.FLOAT16 and len(weight.raw_data) >= SHORTEST_HALVES:
            first = content.index(weight.raw_data, after)
            after = first + len(weight.raw_data)
            found.append((first, len(weight.raw_data)))
    return found


def _in_few_bits(values: np.ndarray) -> np.ndarray:
    """float16, rounded to `KEPT_BITS`."""
    dropped = 10 - KEPT_BITS
    bits = values.astype(np.float16).view(np.uint16)
    return ((bits + (1 << (dropped - 1))) & np.uint16(0xFFFF ^ ((1 << dropped) - 1))).view(np.float16)


def face_graph() -> ModelProto:
    """YuNet for pictures of any size that is a multiple of 32; the file itself is bound to 640 x 640."""
    graph = onnx.load_from_string(files("sargan_hf.faces").joinpath("assets", MODEL_FILE).read_bytes())
    shape = graph.graph.input[0].type.tensor_type.shape
    for dimension, name in zip(shape.dim[2:], ("height", "width"), strict=True):
        dimension.dim_param = name
    for output in graph.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"places_{output.name.split('_')[1]}"
    del graph.graph.value_info[:]  # the sizes of all between
    return graph
