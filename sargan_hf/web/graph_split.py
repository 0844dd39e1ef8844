"""Takes a graph apart where inputs come in that change often, so that what does not depend on them is computed once."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import onnxruntime
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

KEPT = "kept"  # what the first graph hands to the second: all values in one row


class _Cut(NamedTuple):
    """A tensor that the first graph computes and the second uses."""

    name: str
    shape: tuple[int, ...]
    kind: int  # as `TensorProto.DataType`
    size: int


def split_before(graph: ModelProto, late: Collection[str]) -> tuple[ModelProto, ModelProto]:
    """Two graphs that do what one does.

    Args:
        graph: of fixed shapes, with its nodes in the order of computation.
        late: names of inputs. What depends on none of them is computed by the first graph.

    Returns:
        The first graph, from the other inputs to `KEPT`, a row of float32. The second, from `KEPT` and the late inputs to the
        outputs of `graph`.
    """
    whole = graph.graph
    early = [info for info in whole.input if info.name not in late]
    depends, follows = set(late), {info.name for info in whole.input}  # on late inputs; on any
    first, second = [], []
    for node in whole.node:
        is_late = not depends.isdisjoint(node.input)
        is_fixed = follows.isdisjoint(node.input)  # of constants alone: in both, as far as they use it
        first += [] if is_late else [node]
        second += [node] if is_late or is_fixed else []
        depends.update(node.output if is_late else ())
        follows.update(() if is_fixed else node.output)
    used = [*(name for node in second for name in node.input), *(info.name for info in whole.output)]
    names = [*dict.fromkeys(name for name in used if name in follows - depends)]
    cuts = measured(model_of(graph, first, early, [helper.make_empty_tensor_value_info(name) for name in names]))
    kept = helper.make_tensor_value_info(KEPT, TensorProto.FLOAT, [sum(cut.size for cut in cuts)])
    laid, laid_constants = _into_row(cuts)
    taken, taken_constants = _from_row(cuts)
    late_inputs = [kept, *(info for info in whole.input if info.name in late)]
    return (
        model_of(graph, [*first, *laid], early, [kept], laid_constants),
        model_of(graph, [*taken, *second], late_inputs, list(whole.output), taken_constants),
    )


def measured(graph: ModelProto) -> list[_Cut]:
    """What a graph gives, by running it once: ONNX's own inference does not follow every shape."""
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    made = session.run(None, {info.name: np.zeros(info.shape, np.float32) for info in session.get_inputs()})
    return [
        _Cut(info.name, value.shape, helper.np_dtype_to_tensor_dtype(value.dtype), value.size)
        for info, value in zip(session.get_outputs(), map(np.asarray, made), strict=True)
    ]


def _into_row(cuts: Sequence[_Cut]) -> tuple[list[NodeProto], list[TensorProto]]:
    """Nodes that lay tensors into one row, and their constants."""
    nodes, rows = [], [f"{KEPT}/{cut.name}" for cut in cuts]
    for cut, row in zip(cuts, rows, strict=True):
        nodes.append(helper.make_node("Cast", [cut.name], [f"{row}/float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Reshape", [f"{row}/float", f"{KEPT}/flat"], [row]))
    nodes.append(helper.make_node("Concat", rows, [KEPT], axis=0))
    return nodes, [_numbers(f"{KEPT}/flat", [-1])]


def _from_row(cuts: Sequence[_Cut]) -> tuple[list[NodeProto], list[TensorProto]]:
    """Nodes that take the tensors out of that row again, and their constants."""
    rows = [f"{KEPT}/{cut.name}" for cut in cuts]
    nodes, constants = [], [_numbers(f"{KEPT}/sizes", [cut.size for cut in cuts])]
    nodes.append(helper.make_node("Split", [KEPT, f"{KEPT}/sizes"], rows, axis=0))
    for cut, row in zip(cuts, rows, strict=True):
        if cut.shape:
            constants.append(_numbers(f"{row}/shape", cut.shape))
            nodes.append(helper.make_node("Reshape", [row, f"{row}/shape"], [f"{row}/float"]))
        else:
            nodes.append(helper.make_node("Squeeze", [row], [f"{row}/float"]))
        nodes.append(helper.make_node("Cast", [f"{row}/float"], [cut.name], to=cut.kind))
    return nodes, constants


def _numbers(name: str, values: Sequence[int]) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def model_of(
    graph: ModelProto,
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    constants: Sequence[TensorProto] = (),
) -> ModelProto:
    """A part of a graph, without what its outputs do not need, and without the names of nodes, which nothing reads."""
    used, needed = {info.name for info in outputs}, []
    for node in reversed(nodes):
        if not used.isdisjoint(node.output):
            used.update(node.input)
            needed.insert(0, node)
    held = [constant for constant in (*graph.graph.initializer, *constants) if constant.name in used]
    part: GraphProto = helper.make_graph(needed, graph.graph.name, inputs, outputs, held)
    for node in part.node:
        node.ClearField("name")
    return helper.make_model(part, opset_imports=graph.opset_import, ir_version=graph.ir_version)
