"""The interval of every kind of node, worked by hand for two positions of two channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hls.graph import Edge, GraphBuilder, nodes
from hls.graph.costs import ebops, products
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.intervals import matmul_exact, propagate

X = Edge.of(np.array([[-4, 2], [1, -3]]), np.array([[7, 5], [1, 0]]), 2)
Y = Edge.of(np.array([[-1, 0], [0, 3]]), np.array([[1, 2], [0, 4]]), 3)
EVEN, FLOOR = nodes.Rounding.NEAREST_EVEN, nodes.Rounding.FLOOR


def constant(values: Any, fraction: int = 0) -> FixedArray:
    return FixedArray(np.array(values), fraction)


def one(kind: type[nodes.Node], *fields: Any) -> nodes.Node:
    return kind("n", ("x",), "layer", *fields)


def two(kind: type[nodes.Node], *fields: Any) -> nodes.Node:
    return kind("n", ("x", "y"), "layer", *fields)


CASES: list[tuple[nodes.Node, Any, Any, int, int]] = [
    (one(nodes.Relu), [[0, 2], [1, 0]], [[7, 5], [1, 0]], 2, 7),
    (one(nodes.Relu, 1), [[-4, 4], [2, -3]], [[14, 10], [2, 0]], 3, 14),
    # 3/2 x + 1/4 in eighths, and -1/2 x + 1/4
    (one(nodes.Scale, constant([3, -1], 1), constant([1], 2)), [[-10, -3], [5, 2]], [[23, 0], [5, 5]], 3, 23),
    # ... + 1/32, which makes the grid finer
    (one(nodes.Scale, constant([3, -1], 1), constant([1], 5)), [[-47, -19], [13, 1]], [[85, -7], [13, 13]], 5, 85),
    # Windows over padding and the first, both, the second and padding, which never wins and adds nothing.
    (one(nodes.Pool, (2,), (1,), ((1, 1),), True), [[-4, 2], [1, 2], [1, -3]], [[7, 5], [7, 5], [1, 0]], 2, 7),
    (one(nodes.Pool, (2,), (1,), ((1, 1),), False), [[-4, 2], [-3, -1], [1, -3]], [[7, 5], [8, 5], [1, 0]], 2, 8),
    (one(nodes.Pool, (2,), (2,), ((0, 0),), False), [[-3, -1]], [[8, 5]], 2, 8),
    (one(nodes.Quantize, FixedType(True, 3, 2), -3, 3, EVEN), [[-2, 1], [0, -2]], [[3, 2], [0, 0]], 1, 3),
    (one(nodes.Quantize, FixedType(True, 3, 2), -1, 2, FLOOR), [[-1, 1], [0, -1]], [[2, 2], [0, 0]], 1, 2),
    # Of the entries for -5 to 8, those for -4 to 7 can be reached.
    (
        one(nodes.Table, constant([100, *range(1, 13), -100], 3), -5),
        [[1, 1], [1, 1]],
        [[12, 12], [12, 12]],
        3,
        12,
    ),
    # In eighths: 2 (x0 + 3 x1) + 1 and 2 (-2 x0)
    (
        one(nodes.Dense, constant([[1, -2], [3, 0]]), constant([1, 0], 3)),
        [[5, -28], [-15, -4]],
        [[45, 16], [3, -4]],
        3,
        45,
    ),
    # Of each channel by itself: the first minus the one behind it, and twice the first.
    (
        one(nodes.Conv, constant([[[1, 2]], [[-1, 0]]]), constant([0, 0]), (1,), (1,), ((0, 1),), 2),
        [[-5, 4], [1, -6]],
        [[6, 10], [1, 0]],
        2,
        10,
    ),
    (two(nodes.Add), [[-9, 4], [2, -3]], [[15, 12], [2, 4]], 3, 15),
    (two(nodes.Add, True), [[-9, 2], [2, -10]], [[15, 10], [2, -3]], 3, 15),
    (two(nodes.Multiply), [[-7, 0], [0, -12]], [[7, 10], [0, 0]], 5, 12),
    (
        two(nodes.Concatenate, 0),
        [[-8, 4], [2, -6], [-1, 0], [0, 3]],
        [[14, 10], [2, 0], [1, 2], [0, 4]],
        3,
        14,
    ),
    (two(nodes.Concatenate, 1), [[-8, 4, -1, 0], [2, -6, 0, 3]], [[14, 10, 1, 2], [2, 0, 0, 4]], 3, 14),
    (one(nodes.Reshape, (4,)), [-4, 2, 1, -3], [7, 5, 1, 0], 2, 7),
    (one(nodes.Transpose, (1, 0)), [[-4, 1], [2, -3]], [[7, 1], [5, 0]], 2, 7),
]


@pytest.mark.parametrize(("node", "low", "high", "fraction", "bound"), CASES, ids=lambda case: type(case).__name__)
def test_the_interval_of(node: nodes.Node, low: Any, high: Any, fraction: int, bound: int) -> None:
    edge = propagate(node, [X, Y][: len(node.inputs)])
    assert (edge.low.tolist(), edge.high.tolist(), edge.fraction) == (low, high, fraction)
    assert edge.partial_bound == bound
    smallest, largest = int(np.min(low)), int(np.max(high))
    declared = getattr(node, "type", None)
    assert edge.type == (declared or FixedType.covering(min(smallest, 0), max(largest, 0), fraction))


def test_wires_keep_the_type_that_a_quantizer_gave() -> None:
    wide = FixedType(True, 9, 4)
    port = propagate(nodes.Input("x", (), "x", (2, 2), wide, -3, 5), [])
    narrow = propagate(nodes.Input("y", (), "y", (2, 2), FixedType(True, 8, 3), -3, 5), [])
    for node in (one(nodes.Reshape, (4,)), one(nodes.Transpose, (1, 0)), one(nodes.Pool, (2,), (1,), ((0, 0),), True)):
        assert propagate(node, [port]).type == wide
    assert propagate(two(nodes.Concatenate, 0), [port, port]).type == wide
    assert propagate(two(nodes.Concatenate, 0), [port, narrow]).type == FixedType.covering(-3, 5, 5)
    assert propagate(two(nodes.Concatenate, 0), [port, narrow]).declared is None


@pytest.mark.parametrize(("low", "high", "bound"), [(-3, 5, 5), (-7, 5, 7), (0, 7, 7)])
def test_a_port_is_bound_by_its_farther_end(low: int, high: int, bound: int) -> None:
    type_ = FixedType(True, 70, 70)
    for edge in (
        propagate(nodes.Input("x", (), "x", (2,), type_, low, high), []),
        propagate(one(nodes.Quantize, type_, low, high, EVEN), [Edge.of(np.array([-99]), np.array([99]), 0)]),
    ):
        assert (edge.partial_bound, edge.magnitude, edge.raw_min, edge.raw_max) == (bound, bound, low, high)


def test_a_type_that_holds_zero_too() -> None:
    """Hardware types begin or end at zero at the latest."""
    assert str(Edge.of(np.array([5]), np.array([6]), 1).type) == "ap_ufixed<3,2>"
    assert str(Edge.of(np.array([-6]), np.array([-5]), 1).type) == "ap_fixed<4,3>"


def test_a_kernel_for_other_channels_is_refused() -> None:
    kernel = constant([[[1, 2]]])
    with pytest.raises(ValueError, match="expects 1 channels, 2 arrive"):
        propagate(one(nodes.Conv, kernel, constant([0, 0]), (1,), (1,), ((0, 0),), 1), [X])


@pytest.mark.parametrize("exponent", [25, 26, 31])
def test_products_of_matrices_beyond_every_format(exponent: int) -> None:
    big = 1 << exponent
    a, b = np.array([[big + 1, -1], [-big, 3]]), np.array([[big - 1], [big]])
    exact = [[(big + 1) * (big - 1) - big], [-big * (big - 1) + 3 * big]]
    assert matmul_exact(a, b).tolist() == exact
    assert matmul_exact(np.zeros((0, 3), np.int64), np.ones((3, 2), np.int64)).shape == (0, 2)
    assert matmul_exact(np.zeros((3, 0), np.int64), np.zeros((0, 2), np.int64)).tolist() == [[0, 0]] * 3


def test_a_graph_is_what_its_outputs_read() -> None:
    builder = GraphBuilder("kept")
    port = FixedType(True, 4, 4)
    for name in ("a", "b"):
        builder.add(nodes.Input(name, (), name, (1,), port, -8, 7))
    for name, source in (("read", "a"), ("unread", "a"), ("out", "read")):
        builder.add(nodes.Relu(name, (source,), name))
    builder.layers.update({"first": "read", "second": "unread"})
    with pytest.raises(ValueError, match="two nodes are called 'out'"):
        builder.add(nodes.Relu("out", ("a",), "out"))
    graph = builder.finish(["a", "b"], ["out"], ["o"])
    assert list(graph.nodes) == list(graph.edges) == ["a", "b", "read", "out"]
    assert dict(graph.layers) == {"first": "read"}
    assert {name: [n.name for n in readers] for name, readers in graph.consumers().items()} == {
        "a": ["read"], "b": [], "read": ["out"], "out": [],
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"'read' is no port of the graph; its ports are \['a', 'b'\]"):
        graph.port("read")


def test_the_widest_accumulator_is_a_sum() -> None:
    """A product of two variables is wide and no accumulator; the sum of its bits is."""
    builder = GraphBuilder("sums")
    x = builder.add(nodes.Input("x", (), "x", (2,), FixedType(True, 6, 6), -32, 31))
    assert builder.finish([x], [x], ["x"]).widest_accumulator_bits() == 0
    square = builder.add(nodes.Multiply("square", (x, x), "square"))
    total = builder.add(nodes.Dense("total", (x,), "total", constant([[1], [1]]), constant([0])))
    assert builder.finish([x], [square, total], ["s", "t"]).widest_accumulator_bits() == 7


def test_a_term_larger_than_the_sum_bounds_its_format() -> None:
    """-9 + 3 is smaller than -9; and a sum of four products near 2**52 is odd, which float64 does not hold."""
    x = Edge.of(np.array([-9]), np.array([2]), 0)
    assert propagate(one(nodes.Scale, constant([1]), constant([3])), [x]).partial_bound == 12
    a = 2**26 + 1
    four = Edge.of(np.full(4, a), np.full(4, a), 0)
    edge = propagate(one(nodes.Dense, constant([[a], [a], [a], [a + 1]]), constant([0])), [four])
    assert edge.raw_min == edge.raw_max == 4 * a * a + a


def test_widths_of_constants_beyond_float64() -> None:
    """54 ones are 54 bits, which float64 would round up to the next power of two."""
    wide = constant([2**54 - 1, 0, 5 << 40])
    scale = one(nodes.Scale, wide, constant([0]))
    output = Edge.of(np.zeros(3, np.int64), np.ones(3, np.int64), 0)
    one_bit = Edge.of(np.array([0]), np.array([1]), 0)
    assert ebops(scale, (one_bit,), output) == 54 + 0 + 3
    assert products(scale, output) == 2
