"""Which RTL a network gets at an interval."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hls.errors import UnsupportedError
from hls.figures.estimates.folded_route import estimate_own_rtl
from hls.figures.estimates.rtl_route import estimate_rtl
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import read_design, write_rtl, write_vhdl
from hls.rtl.folded import chosen_engines, least_interval
from hls.target import Target
from tests.hls.rtl.folded.networks import menagerie, two_layers


def _mlp(*widths: int, positions: tuple[int, ...] = ()) -> FixedGraph:
    """Layers of random weights of six bits, at each of ``positions`` where there are any, and then summed."""
    random, builder = np.random.default_rng(1), GraphBuilder("mlp")
    type_ = FixedType(True, 8, 4)
    x = builder.add(nodes.Input("x", (), "x", (*positions, widths[0]), type_, type_.raw_min, type_.raw_max))
    h = x
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        kernel, bias = (FixedArray(random.integers(-32, 32, shape), 5) for shape in ((inputs, outputs), (outputs,)))
        dense = builder.add(nodes.Dense(f"d{number}", (h,), f"d{number}", kernel, bias))
        h = builder.add(nodes.Quantize(f"q{number}", (dense,), f"d{number}", type_, type_.raw_min, type_.raw_max))
    if positions:
        h = builder.add(nodes.Pool("sum", (h,), "sum", positions, (1,), ((0, 0),), False))
    return builder.finish([x], [h], ["y"])


def test_a_network_of_layers_is_folded_from_eight_clocks_on() -> None:
    graph = _mlp(16, 64, 32, 5)
    assert [bool(chosen_engines(graph, interval)) for interval in (1, 5, 7, 8, 16, 64)] == [False] * 3 + [True] * 3


def test_positions_stream_through_a_core_until_that_is_idle() -> None:
    """With 16 positions in 16 clocks a core has no clock to spare, and in 128 it is needed in an eighth of them."""
    graph = _mlp(3, 32, 32, positions=(16,))
    assert least_interval(graph) == 16
    assert not chosen_engines(graph, 16)
    assert chosen_engines(graph, 128)


def test_what_is_small_stays_unrolled() -> None:
    assert not chosen_engines(two_layers(), 64)


def test_the_project_written_is_read_again_as_such(tmp_path: Path) -> None:
    graph = _mlp(16, 64, 32, 5)
    project = write_rtl(graph, "net", tmp_path, 5.0, multipliers="lut", interval=64)
    assert (project.folded, project.interval) == (True, 64)
    found = read_design(graph, "net", tmp_path, 5.0)
    assert found is not None
    assert (found.folded, found.interval, found.sources) == (True, 64, project.sources)
    unrolled = write_rtl(_mlp(2, 2), "net", tmp_path, 5.0, interval=64)
    assert (unrolled.folded, unrolled.interval) == (False, 1)


def test_vhdl_of_engines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"engines, which take an event each 64 clocks, .* in Verilog alone"):
        write_vhdl(_mlp(16, 64, 32, 5), "net", tmp_path, 5.0, interval=64)


def test_estimate_of_engines() -> None:
    """3,232 products in 64 clocks take 51 multipliers at least; of engines in DSPs that is what is counted."""
    graph = _mlp(16, 64, 32, 5)
    found = estimate_own_rtl(graph, Target("xcvu13p-flga2577-2-e", "vitis", 5.0, interval=64))
    assert found["interval"].value == 64
    assert 3232 / 64 <= found["dsp"].value < 1.1 * 3232 / 64
    assert found["lut"].extrapolated
    in_luts = estimate_own_rtl(graph, Target("xcvu13p-flga2577-2-e", "vitis", 5.0, interval=64, multipliers="lut"))
    assert (in_luts["dsp"].value, in_luts["lut"].value > found["lut"].value) == (0, True)


@pytest.mark.parametrize(
    ("graph", "interval", "why"),
    [
        (two_layers(), 5, "unrolled, an event a clock; engines are tried from 8 clocks on, and 5 are asked for"),
        (two_layers(), 64, "unrolled, an event a clock: with all products in LUTs engines take about"),
        (_mlp(16, 64, 32, 5), 64, "engines: with all products in LUTs engines take about"),
        (
            _mlp(3, 32, 32, positions=(16,)),
            8,
            "cores that d0, d1 share in time, as engines cannot be had at 8 clocks: ",
        ),
        (menagerie(), 100, "'conv': an interval of 100 clocks is too short for folded RTL; the network needs 180"),
    ],
)
def test_the_choice_says_why(graph: FixedGraph, interval: int, why: str) -> None:
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, interval=interval)
    assert why in estimate_own_rtl(graph, target).notes[0]


def test_positions_that_come_in_turn_take_as_many_clocks_more() -> None:
    graph = _mlp(3, 32, 32, positions=(16,))
    at_once, in_turn = (estimate_rtl(graph, 5.0, cost=1000.0, beats=beats) for beats in ({}, {"d0": 16, "d1": 16}))
    assert in_turn["cycles"].value - at_once["cycles"].value == 15


def test_without_an_interval_there_is_no_choice() -> None:
    notes = estimate_own_rtl(two_layers(), Target("xcvu13p-flga2577-2-e", "vitis", 5.0)).notes
    assert not any("engines" in note for note in notes)


def test_a_convolution_that_cannot_be_unrolled_in_time_is_folded() -> None:
    assert chosen_engines(menagerie(), 720)


def test_more_clocks_than_there_are_products_are_not_waited_for(tmp_path: Path) -> None:
    """The largest layer has 64 times 32 products."""
    graph = _mlp(16, 64, 32, 5)
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, interval_ns=1e9)
    estimate = estimate_own_rtl(graph, target)
    assert estimate["interval"].value == 64 * 32
    assert "with more than 2048 clocks they would take no fewer" in estimate.notes[0]
    project = write_rtl(graph, "net", tmp_path, 5.0, multipliers="lut", interval=target.interval_clocks)
    assert (project.interval, project.multiplications) == (2048, 3)
