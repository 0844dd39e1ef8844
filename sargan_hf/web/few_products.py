"""Convolutions of a graph by half the products or fewer, and the same results but for rounding.

This is Winograd's way. A tile of the input and a kernel are each taken for a polynomial and evaluated at a few points. Their
values are multiplied, and the product gives a tile of the output. ONNX Runtime does not do it by itself. The weights stay
in the file as they are: the runtime evaluates them once, when it loads the graph.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from .graph_split import measured, model_of

LEAST_PRODUCTS = 60_000_000  # of a convolution: of fewer, moving the tiles takes what the products save
HALF = float(np.sqrt(0.5))
POINTS_OF_3 = (0.0, HALF, -HALF, 1 / HALF, -1 / HALF)  # tiles of 4 x 4; these points round least, to 1e-6
POINTS_OF_2 = (0.0, 1.0, -1.0)  # tiles of 3 x 3
Shape = Sequence[int]


def with_fewer_products(graph: ModelProto, least: int = LEAST_PRODUCTS) -> ModelProto:
    """A graph of fixed shapes with its large convolutions done by tiles.

    Those are of three kinds: 3 x 3 without a border; 4 x 4 with a border of 1 that halves the size; and its transpose, which
    doubles it.

    Args:
        graph: with weights of convolutions as initializers.
        least: products of a convolution that is worth it.
    """
    weights = {weight.name: weight for weight in graph.graph.initializer}
    found = {node.output[0]: kind for node in graph.graph.node if (kind := _kind(node)) and node.input[1] in weights}
    sizes = _sizes(graph, found)
    nodes, constants = [], _Constants()
    for node in graph.graph.node:
        kind = found.get(node.output[0])
        tiled = kind and _Tiled(node, kind, sizes[node.input[0]], tuple(weights[node.input[1]].dims), constants)
        nodes += tiled.built() if tiled and tiled.products >= least else [node]
    return model_of(graph, nodes, list(graph.graph.input), list(graph.graph.output), constants.tensors)


def _kind(node: NodeProto) -> str:
    """Which of the three kinds a node is, or nothing."""
    settings = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    others = {name: value for name, value in settings.items() if name not in ("kernel_shape", "strides", "pads")}
    if len(node.input) != 2 or any(value not in (1, [1, 1]) for value in others.values()):  # groups, holes
        return ""
    shape = (node.op_type, settings.get("kernel_shape"), settings.get("strides", [1, 1]), settings.get("pads", [0] * 4))
    kinds = {
        "same": ("Conv", [3, 3], [1, 1], [0] * 4),
        "down": ("Conv", [4, 4], [2, 2], [1] * 4),
        "up": ("ConvTranspose", [4, 4], [2, 2], [1] * 4),
    }
    return next((kind for kind, wanted in kinds.items() if shape == wanted), "")


def _sizes(graph: ModelProto, convolutions: dict[str, str]) -> dict[str, Shape]:
    """The shape of what each of these convolutions reads."""
    names = dict.fromkeys(node.input[0] for node in graph.graph.node if node.output[0] in convolutions)
    known: dict[str, Shape] = {
        info.name: [one.dim_value for one in info.type.tensor_type.shape.dim] for info in graph.graph.input
    }
    inner = [helper.make_empty_tensor_value_info(name) for name in names if name not in known]
    if not inner:
        return known
    part = model_of(graph, list(graph.graph.node), list(graph.graph.input), inner)
    return known | {cut.name: cut.shape for cut in measured(part)}


def evaluation(points: Sequence[float], taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matrices that take a tile of outputs from values, evaluate a kernel of `taps`, and evaluate a tile of inputs.

    The last point is infinity, where a polynomial's value is its first coefficient.
    """
    size = len(points) + 1
    outputs = size - taps + 1
    others = [[other for other in points if other != point] for point in points]
    scale = [np.prod([point - other for other in rest]) for point, rest in zip(points, others, strict=True)]
    inputs = np.zeros((size, size))
    for row, roots in enumerate([*others, points]):
        inputs[row, : len(roots) + 1] = np.poly(roots)[::-1]
    kernel = _powers(points, taps) / np.array([*scale, 1.0])[:, None]
    return _powers(points, outputs).T, kernel, inputs


def _powers(points: Sequence[float], number: int) -> np.ndarray:
    finite = np.array(points)[:, None] ** np.arange(number)
    return np.concatenate([finite, np.eye(number)[-1:]])


class _Constants:
    """Constants that the convolutions of a graph share, so that each travels once.

    Attributes:
        tensors: one of each.
    """

    def __init__(self):
        self.tensors: list[TensorProto] = []
        self._names: dict[tuple[str, Shape, bytes], str] = {}

    def named(self, values: np.ndarray | Sequence[int]) -> str:
        """The name of a constant; numbers that are no array are whole."""
        array = values.astype(np.float32) if isinstance(values, np.ndarray) else np.array(values, np.int64)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._names:
            self._names[key] = f"few_products/{len(self.tensors)}"
            self.tensors.append(numpy_helper.from_array(array, self._names[key]))
        return self._names[key]


class _Tiled:
    """The nodes that stand for one convolution.

    Attributes:
        products: of the convolution itself.
    """

    def __init__(self, node: NodeProto, kind: str, shape: Shape, weight: Shape, constants: _Constants):
        self.node, self.kind, self.constants = node, kind, constants
        _, self.channels, self.height, self.width = shape
        self.made = weight[1] if kind == "up" else weight[0]
        taps = 3 if kind == "same" else 2
        self.outputs, self.kernel, self.inputs = evaluation(POINTS_OF_3 if taps == 3 else POINTS_OF_2, taps)
        self.tile, self.values = self.outputs.shape
        # Counted in places of the kernel: of a doubling one, each place gives two by two pixels.
        self.places = [
            {"same": side - 2, "down": side // 2, "up": side + 1}[kind] for side in (self.height, self.width)
        ]
        self.tiles = [-(-places // self.tile) for places in self.places]
        self.nodes: list[NodeProto] = []
        met = (self.height, self.width) if kind == "up" else self.places  # how often the kernel is laid down
        self.products = int(np.prod(met) * np.prod(weight))

    def built(self) -> list[NodeProto]:
        """The nodes; the last gives what the convolution gave."""
        values = self._of_input()
        multiplied = self._op("MatMul", self._of_weight(), values)
        number = int(np.prod(self.tiles)) * self.made * (4 if self.kind == "up" else 1)
        multiplied = self._reshaped(multiplied, self.values**2, number)
        self._laid(self._op("MatMul", self._matrix(self.outputs), multiplied))
        self.nodes[-1].output[0] = self.node.output[0]
        return self.nodes

    def _of_input(self) -> str:
        """Tiles of the input by their values: [values, channels, tiles], with four times the channels for one that halves."""
        planes = self._reshaped(self.node.input[0], self.channels, 1, self.height, self.width)
        if self.kind != "down":
            return self._evaluated(planes, (1, 1) if self.kind == "up" else (0, 0), 1)
        # Every second pixel is a plane of its own, and a kernel of 4 x 4 four of 2 x 2.
        phases = [self._evaluated(planes, (1 - down, 1 - across), 2) for down, across in product((0, 1), repeat=2)]
        return self._op("Concat", *phases, axis=1)

    def _evaluated(self, planes: str, before: tuple[int, int], step: int) -> str:
        size = self.values
        kernel = self.constants.named(_both(self.inputs).reshape(size**2, 1, size, size))
        seen = [step * ((tiles - 1) * self.tile + size - 1) + 1 for tiles in self.tiles]
        after = [max(0, s - side - b) for s, side, b in zip(seen, (self.height, self.width), before, strict=True)]
        values = self._op(
            "Conv", planes, kernel, strides=[step * self.tile] * 2, dilations=[step] * 2, pads=[*before, *after]
        )
        return self._op("Transpose", self._reshaped(values, self.channels, size**2, -1), perm=[1, 0, 2])

    def _of_weight(self) -> str:
        """The kernels by their values: [values, made, channels], of constants alone."""
        weight, matrix, rows, columns = self.node.input[1], self.kernel, self.made, self.channels
        if self.kind == "same":
            flat = self._op("Transpose", self._reshaped(weight, rows * columns, 9), perm=[1, 0])
        elif self.kind == "down":
            split = self._reshaped(weight, self.made, self.channels, 2, 2, 2, 2)
            flat = self._reshaped(self._op("Transpose", split, perm=[2, 4, 0, 3, 5, 1]), 4, -1)
            columns *= 4
        else:
            split = self._reshaped(weight, self.channels, self.made, 2, 2, 2, 2)
            flat = self._reshaped(self._op("Transpose", split, perm=[2, 4, 3, 5, 1, 0]), 4, -1)
            matrix, rows = matrix[:, ::-1], rows * 4  # a transposed kernel meets the input from its end
        return self._reshaped(self._op("MatMul", self._matrix(matrix), flat), self.values**2, rows, columns)

    def _laid(self, tiles: str) -> None:
        """Lays tiles of the output side by side, and cuts off what is beyond it."""
        size, (down, across) = self.tile, self.tiles
        factor = 2 if self.kind == "up" else 1
        if self.kind == "up":
            split = self._reshaped(tiles, size, size, 2, 2, self.made, down, across)
            laid = self._op("Transpose", split, perm=[4, 5, 0, 2, 6, 1, 3])
        else:
            laid = self._op(
                "Transpose", self._reshaped(tiles, size, size, self.made, down, across), perm=[2, 3, 0, 4, 1]
            )
        whole = [side * size * factor for side in self.tiles]
        laid = self._reshaped(laid, 1, self.made, *whole)
        first = factor - 1
        last = [first + 2 * side for side in (self.height, self.width)] if self.kind == "up" else self.places
        if last != whole:
            self._op(
                "Slice",
                laid,
                self.constants.named([first] * 2),
                self.constants.named(last),
                self.constants.named([2, 3]),
            )

    def _matrix(self, matrix: np.ndarray) -> str:
        return self.constants.named(_both(matrix))

    def _reshaped(self, name: str, *shape: int) -> str:
        return self._op("Reshape", name, self.constants.named(shape))

    def _op(self, kind: str, *inputs: str, **settings: Any) -> str:
        name = f"{self.node.output[0]}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **settings))
        return name


def _both(matrix: np.ndarray) -> np.ndarray:
    """A matrix for rows and columns at once."""
    return np.kron(matrix, matrix)
