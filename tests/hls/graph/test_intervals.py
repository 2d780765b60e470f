"""Intervals: attained where they can be, never left by any event."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from tests.hls.random_graphs import corner_and_random_events, graphs


def _dense(kernel: list[list[int]], bias: list[int], port: FixedType) -> FixedGraph:
    builder = GraphBuilder("dense")
    builder.add(nodes.Input("x", (), "x", (len(kernel),), port, port.raw_min, port.raw_max))
    constants = FixedArray(np.array(kernel), 1), FixedArray(np.array(bias), 3)
    builder.add(nodes.Dense("y", ("x",), "y", *constants))
    return builder.finish(["x"], ["y"], ["y"])


def test_dense_interval_by_hand() -> None:
    # x in [-2, 1.5] (raw -4..3 at 2**-1), kernel (1.5, -0.5), bias 0.125: the LSB of y is 2**-3.
    graph = _dense([[3], [-1]], [1], FixedType(True, 3, 2))
    edge = graph.edges["y"]
    assert edge.fraction == 3
    # lowest: 1.5*-2 - 0.5*1.5 + 0.125 = -3.625 = -29/8; highest: 1.5*1.5 - 0.5*-2 + 0.125 = 3.375 = 27/8
    assert (edge.low.tolist(), edge.high.tolist()) == ([-29], [27])
    assert str(edge.type) == "ap_fixed<6,3>"
    # partial sums, any order, in LSBs: 2*(3*4 + 1*4) + 1
    assert edge.partial_bound == 33


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 3))
def test_dense_interval_is_attained(seed: int, inputs: int, outputs: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = rng.integers(-9, 10, (inputs, outputs))
    port = FixedType(True, 3, 2)
    graph = _dense(kernel.tolist(), rng.integers(-5, 6, outputs).tolist(), port)
    grid = np.array(np.meshgrid(*[[port.raw_min, port.raw_max]] * inputs)).reshape(inputs, -1).T
    y = Emulator(graph).run([grid])[0]
    assert (y.min(axis=0) == graph.edges["y"].low).all()
    assert (y.max(axis=0) == graph.edges["y"].high).all()


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(0, 2**31))
def test_no_event_leaves_an_interval(graph: FixedGraph, seed: int) -> None:
    trace = Emulator(graph).trace([corner_and_random_events(graph, seed)])
    for name, values in trace.items():
        edge = graph.edges[name]
        assert (values >= edge.low).all(), name
        assert (values <= edge.high).all(), name
        assert edge.type.raw_min <= values.min() <= values.max() <= edge.type.raw_max, name


def test_costs_by_hand() -> None:
    # kernel 3 (two bits), 2 (a shift: no product), 0 (nothing), -5 (three bits), on a 4-bit input
    graph = _dense([[3, 2], [0, -5]], [0, 0], FixedType(True, 4, 2))
    assert graph.multiplications() == 2
    assert graph.ebops() == (2 + 1 + 0 + 3) * 4
    assert graph.parameters() == 6


def test_padding_of_very_wide_integers() -> None:
    port = FixedType(True, 12, 12)
    builder = GraphBuilder("wide")
    x = builder.add(nodes.Input("x", (), "x", (2, 1), port, port.raw_min, port.raw_max))
    for number in range(6):  # 12 bits of kernel each: beyond int64 after a few layers
        kernel = FixedArray(np.full((2, 1, 1), 4095), 0)
        bias = FixedArray(np.zeros(1, np.int64), 0)
        x = builder.add(nodes.Conv(f"c{number}", (x,), "c", kernel, bias, (1,), (1,), ((1, 0),), 1))
    graph = builder.finish(["x"], [x], [x])
    # position 0 sees one padding zero in every layer: 2047 * 4095**6
    assert int(graph.edges[x].high[0, 0]) == 2047 * 4095**6
    assert int(Emulator(graph).run([np.full((1, 2, 1), 2047)])[0][0, 0, 0]) == 2047 * 4095**6
