"""A graph in two parts does what the whole one does."""

import pytest

pytest.importorskip("onnxruntime", reason="pip install -e '.[onnx]'")

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from sargan_hf.web.graph_split import split_before


def run(graph, feed: dict) -> list:
    return onnxruntime.InferenceSession(graph.SerializeToString()).run(None, feed)


def whole_graph():
    """Of `picture` [2, 3] and `slider` [1]. One input is used on both sides, one output is without the slider."""
    nodes = [
        helper.make_node("Mul", ["picture", "weight"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted"], ["sum"], keepdims=0),  # a single number, without a shape
        helper.make_node("Greater", ["sum", "limit"], ["is_bright"]),
        helper.make_node("Mul", ["weighted", "slider"], ["moved"]),
        helper.make_node("Where", ["is_bright", "moved", "picture"], ["edit"]),
    ]
    values = {"weight": np.full((2, 3), 0.5, np.float32), "limit": np.array(6, np.float32)}
    part = helper.make_graph(
        nodes,
        "whole",
        [
            helper.make_tensor_value_info("picture", TensorProto.FLOAT, [2, 3]),
            helper.make_tensor_value_info("slider", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("edit", TensorProto.FLOAT, [2, 3]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, []),
        ],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(part, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize("level", [1.0, 5.0])
def test_both_parts_do_what_the_whole_does(level):
    whole = whole_graph()
    first, second = split_before(whole, {"slider"})
    picture = np.full((2, 3), level, np.float32) + np.arange(6, dtype=np.float32).reshape(2, 3) / 10
    [kept] = run(first, {"picture": picture})
    for value in (0.0, 0.3, 2.0):  # of one kept start
        slider = np.array([value], np.float32)
        expected = run(whole, {"picture": picture, "slider": slider})
        for part, made in zip(run(second, {"kept": kept, "slider": slider}), expected, strict=True):
            assert np.array_equal(part, made)
