"""Where the pipeline is cut: stages by hand, narrower products where one is too slow, and the same bits in any case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import Simulation, rtl_design, write_rtl
from hls.rtl.pipeline import Delays, Pipelining
from hls.rtl.trace import trace
from tests.hls.random_graphs import corner_and_random_events, graphs
from tests.hls.rtl.zoo import add_input, constant, products, random_events

UNITS = Delays(register=1.0, adder=1.0, carry=0.0, third=None, lut=1.0, row=0.0, dsp=5.0, source="whole nanoseconds")
"""Each operation takes one, and a product in LUTs one for each two bits of its narrower factor."""


def cut_at(limit_ns: float) -> Pipelining:
    return Pipelining(limit_ns, UNITS, in_luts=True)


def sum_of_eight() -> FixedGraph:
    """Three levels of adders."""
    builder = GraphBuilder("sum")
    x = add_input(builder, "x", (8,), FixedType(True, 6, 6))
    y = builder.add(nodes.Dense("y", (x,), "y", constant(np.ones((8, 1))), constant([0])))
    return builder.finish([x], [y], ["y"])


def product(bits: tuple[int, int], signed: tuple[bool, bool]) -> FixedGraph:
    """a x b, with 2 fraction bits each."""
    builder = GraphBuilder("product")
    a, b = (
        add_input(builder, name, (1,), FixedType(sign, width, width - 2))
        for name, width, sign in zip("ab", bits, signed, strict=True)
    )
    y = builder.add(nodes.Multiply("y", (a, b), "y"))
    return builder.finish([a, b], [y], ["y"])


@pytest.mark.parametrize(("limit", "registers"), [(10, 2), (4, 2), (3, 3), (2, 4), (0.5, 4)])
def test_as_many_operations_as_fit_between_two_registers(limit: float, registers: int, tmp_path: Path) -> None:
    """A register at the input and one behind each stage; one nanosecond of each limit is the registers' own."""
    assert write_rtl(sum_of_eight(), "sum", tmp_path, 5.0, pipelining=cut_at(limit)).stages == registers


@pytest.mark.parametrize(
    ("limit", "multiplications"),
    # 8 bits with their sign are four rows: with the register, 5 ns. Of an unsigned digit, 5 bits are three rows.
    [(10, 1), (5, 1), (4, 2), (3, 3), (2, 4)],
)
def test_a_product_that_is_too_slow_becomes_one_for_each_digit_that_fits(limit: float, multiplications: int) -> None:
    assert trace(product((8, 9), (True, True)), pipelining=cut_at(limit)).multiplications == multiplications


@settings(max_examples=40, deadline=None)
@given(st.tuples(st.integers(1, 7), st.integers(1, 7)), st.tuples(st.booleans(), st.booleans()), st.integers(1, 4))
def test_products_of_digits_are_the_product(bits: tuple[int, int], signed: tuple[bool, bool], limit: int) -> None:
    graph = product(bits, signed)
    ends = [graph.port(name) for name in "ab"]
    a, b = np.meshgrid(*(np.arange(port.raw_min, port.raw_max + 1) for port in ends))
    raw = [a.reshape(-1, 1), b.reshape(-1, 1)]
    (found,) = trace(graph, pipelining=cut_at(limit)).interpret(raw)
    np.testing.assert_array_equal(found, raw[0] * raw[1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_random_graphs_equal_the_emulator_however_they_are_cut(graph: FixedGraph) -> None:
    raw = [corner_and_random_events(graph, seed=1, random=20)]
    try:
        logic = trace(graph, pipelining=cut_at(1.0))
    except UnsupportedError:
        return  # too wide for RTL, which the tests of trace look at
    for found, expected in zip(logic.interpret(raw), Emulator(graph, threads=1).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_a_short_pipeline_and_a_long_one_compute_the_same_bits(tmp_path: Path) -> None:
    graph = products()
    raw = random_events(graph, 2000)
    expected = Emulator(graph).run(raw)
    for limit in (3.0, 100.0):
        project = write_rtl(graph, "p", tmp_path / f"{limit}", 5.0, multipliers="lut", pipelining=cut_at(limit))
        simulation = Simulation(rtl_design(project), tmp_path / "cache")
        simulation.compile()
        run = simulation.run(raw)
        assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, 1)
        for found, wanted in zip(run.outputs, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
