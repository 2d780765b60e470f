"""Corner events where no vertex is luck."""

from __future__ import annotations

import numpy as np

from hls.emulation import Emulator
from hls.events.corners import corner_events
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType


def two_layers(inputs: int = 24) -> FixedGraph:
    builder, port, middle = GraphBuilder("two"), FixedType(True, 4, 4), FixedType(True, 6, 8)
    builder.add(nodes.Input("x", (), "x", (inputs,), port, -8, 7))
    kernel = np.random.default_rng(1).integers(-4, 5, (inputs, 2)) * 2 + 1
    zero = FixedArray(np.zeros(2, np.int64), 0)
    builder.add(nodes.Dense("h", ("x",), "h", FixedArray(kernel, 0), zero))
    builder.add(nodes.Quantize("q", ("h",), "q", middle, middle.raw_min, middle.raw_max))
    builder.add(nodes.Dense("y", ("q",), "y", FixedArray(np.array([[1, 2], [-3, 1]]), 0), zero))
    return builder.finish(["x"], ["y"], ["y"])


def test_the_sums_of_the_first_layer_reach_their_ends() -> None:
    graph = two_layers()
    reached = Emulator(graph).trace(corner_events(graph, seed=1))["h"]
    assert reached.min(axis=0).tolist() == graph.edges["h"].low.tolist()
    assert reached.max(axis=0).tolist() == graph.edges["h"].high.tolist()
