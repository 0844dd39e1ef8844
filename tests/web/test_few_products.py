"""A graph with fewer products gives what it gave before."""

from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason="pip install -e '.[onnx]'")

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from sargan_hf.web.few_products import with_fewer_products

HALVED: dict[str, Any] = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1] * 4}
PLAIN: dict[str, Any] = {"kernel_shape": [3, 3]}
KINDS = {
    "same": ("Conv", PLAIN, (12, 8, 3, 3)),
    "down": ("Conv", HALVED, (12, 8, 4, 4)),
    "up": ("ConvTranspose", HALVED, (8, 12, 4, 4)),
}


def convolution(kind: str, height: int, width: int):
    """A convolution between two other nodes, with weights as large as a trained network's."""
    operator, settings, shape = KINDS[kind]
    weight = np.random.default_rng(3).standard_normal(shape).astype(np.float32) / 10
    nodes = [
        helper.make_node("Relu", ["picture"], ["positive"]),
        helper.make_node(operator, ["positive", "weight"], ["made"], **settings),
        helper.make_node("Tanh", ["made"], ["edit"]),
    ]
    part = helper.make_graph(
        nodes,
        "whole",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 8, height, width])],
        [helper.make_tensor_value_info("edit", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(part, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(graph, picture: np.ndarray) -> np.ndarray:
    return np.asarray(onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"picture": picture})[0])


@pytest.mark.parametrize("size", [(16, 16), (18, 34), (20, 22), (6, 8)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_size(kind, size):
    whole = convolution(kind, *size)
    tiled = with_fewer_products(whole, least=0)
    assert KINDS[kind][0] not in [node.op_type for node in tiled.graph.node if "weight" in node.input]
    picture = np.random.default_rng(4).standard_normal((1, 8, *size)).astype(np.float32)
    expected, made = run(whole, picture), run(tiled, picture)
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-5


def test_small_convolutions_stay():
    whole = convolution("same", 16, 16)
    assert with_fewer_products(whole).graph.node == whole.graph.node


@pytest.mark.parametrize("odd", [{"dilations": [2, 2]}, {"pads": [1, 1, 0, 0]}, {"strides": [3, 3]}], ids=str)
def test_other_kinds_stay(odd):
    whole = convolution("same", 16, 16)
    whole.graph.node[1].attribute.extend(helper.make_attribute(name, value) for name, value in odd.items())
    assert with_fewer_products(whole, least=0).graph.node == whole.graph.node
