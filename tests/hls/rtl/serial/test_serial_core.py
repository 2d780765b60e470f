"""Verilog whose adders take a digit a clock, under simulation and as gates: bits equal to the emulator's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import RtlProject, Simulation, rtl_design, trace
from hls.rtl.netlist import FAMILIES, NetlistSimulation, synthesise
from hls.rtl.rtl_project import VERILOG, write_in
from hls.rtl.serial import in_digits, serial_stages
from tests.hls.rtl.folded.networks import Weights, port, quantized, two_layers
from tests.hls.rtl.zoo import random_events

CORNERS = [[a, b] for a in range(-8, 8) for b in range(-8, 8)]


def written(graph: FixedGraph, interval: int, folder: Path) -> RtlProject:
    logic = in_digits(trace(graph, stages=serial_stages(graph), interval=interval), interval)
    return write_in(VERILOG, logic, "net", folder, 5.0)


def sums() -> FixedGraph:
    """a + b, a - b, -a, b, 7 a - 5 b - 9/4 and 16 a + b of two numbers of four bits in quarters."""
    builder = GraphBuilder("sums")
    x = port(builder, "x", (2,))
    kernel = FixedArray(np.array([[1, 1, -1, 0, 7, 16], [1, -1, 0, 1, -5, 1]]), 0)
    bias = FixedArray(np.array([0, 0, 0, 0, -9, 0]), 2)
    return builder.finish([x], [builder.add(nodes.Dense("y", (x,), "y", kernel, bias))], ["y"])


@pytest.mark.parametrize("interval", [2, 9])
def test_sums_of_all_pairs(interval: int, tmp_path: Path, cache: Path) -> None:
    """Digits of five bits and of one; words that follow each other without a pause, with pauses, and after a reset."""
    project = written(sums(), interval, tmp_path)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run([np.array(CORNERS)])
    expected = [
        [a + b, a - b, -a, b, 7 * a - 5 * b - 9, 16 * a + b] for a, b in CORNERS
    ]  # fmt: skip
    assert run.outputs[0].tolist() == expected
    assert (run.timing.interval, run.timing.latency_cycles) == (interval, project.stages)


def branches() -> FixedGraph:
    """A residual, a port that is read late, an element that nobody reads, a pool, a product, and outputs on the way."""
    builder, weights = GraphBuilder("branches"), Weights(7)
    x, side = port(builder, "x", (3,)), port(builder, "side", (2, 2))
    kernel = FixedArray(np.array([[3, -1, 0], [0, 0, 0], [-2, 7, 1]]), 1)
    first = builder.add(nodes.Dense("first", (x,), "first", kernel, weights(3)))
    h = quantized(builder, builder.add(nodes.Relu("relu", (first,), "relu", 1)), FixedType(True, 5, 3))
    second = builder.add(nodes.Dense("second", (h,), "second", weights(3, 2), weights(2)))
    pooled = builder.add(nodes.Pool("pooled", (side,), "pooled", (2,), (2,), ((0, 0),), False))
    row = builder.add(nodes.Reshape("row", (pooled,), "row", (2,)))
    added = builder.add(nodes.Add("added", (second, row), "added", negate=True))
    k = quantized(builder, added, FixedType(True, 5, 4))
    product = builder.add(nodes.Multiply("product", (k, row), "product"))
    last = builder.add(nodes.Dense("last", (product,), "last", weights(2, 2), weights(2)))
    return builder.finish([x, side], [last, h, added], ["last", "h", "added"])


def test_words_that_pass_layers(tmp_path: Path, cache: Path) -> None:
    graph = branches()
    project = written(graph, 4, tmp_path)
    raw = random_events(graph, 300)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run(raw)
    for found, expected in zip(run.outputs, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (run.timing.interval, run.timing.latency_cycles) == (4, project.stages)


def test_gates_compute_the_same(tmp_path: Path, cache: Path) -> None:
    graph = two_layers()
    project = written(graph, 5, tmp_path)
    raw = random_events(graph, 200)
    netlist = synthesise(project, FAMILIES["xcup"], cache)
    run = NetlistSimulation(project, netlist).run(raw)
    np.testing.assert_array_equal(run.outputs[0], Emulator(graph).run(raw)[0])
    assert (run.timing.interval, run.timing.latency_cycles) == (5, project.stages)
