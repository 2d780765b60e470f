"""When adders take a digit of each number a clock, and what is said of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hls.errors import ProjectError
from hls.figures.estimates.folded_route import estimate_own_rtl
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.proof import Subject
from hls.proof.graph_verilog import prove_verilog
from hls.rtl import read_design, rtl_design, write_rtl
from hls.rtl.folded import choose
from hls.rtl.serial import serial_clocks, serial_stages
from hls.target import DIGITS, WHOLE, Target

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, interval=5, adders=DIGITS)


def _mlp(*widths: int) -> FixedGraph:
    """Layers of random weights of six bits."""
    random, builder = np.random.default_rng(1), GraphBuilder("mlp")
    type_ = FixedType(True, 8, 4)
    x = h = builder.add(nodes.Input("x", (), "x", (widths[0],), type_, type_.raw_min, type_.raw_max))
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        kernel, bias = (FixedArray(random.integers(-32, 32, shape), 5) for shape in ((inputs, outputs), (outputs,)))
        dense = builder.add(nodes.Dense(f"d{number}", (h,), f"d{number}", kernel, bias))
        h = builder.add(nodes.Quantize(f"q{number}", (dense,), f"d{number}", type_, type_.raw_min, type_.raw_max))
    return builder.finish([x], [h], ["y"])


def test_sums_and_what_else_there_is_are_cores_in_turn() -> None:
    assert [stage.nodes for stage in serial_stages(_mlp(4, 3, 2))] == [("d0",), ("q0",), ("d1",), ("q1",)]


def test_only_who_asks_for_digits_gets_them() -> None:
    """From 8 clocks on engines are compared with them, and at many clocks need less."""
    graph = _mlp(16, 64, 32, 5)
    assert [choose(graph, interval, adders=DIGITS).digits for interval in (1, 2, 5, 10)] == [False, True, True, True]
    assert choose(graph, 128, adders=DIGITS).engines
    assert not choose(graph, 5, adders=WHOLE).digits
    assert choose(graph, 5, adders=DIGITS).luts < choose(graph, 5).luts / 2


def test_what_is_written_is_read_again_as_such_and_not_proved(tmp_path: Path) -> None:
    graph = _mlp(4, 3, 2)
    project = write_rtl(graph, "net", tmp_path, 5.0, interval=5, adders=DIGITS)
    found = read_design(graph, "net", tmp_path, 5.0)
    assert found is not None
    assert (found.digits, found.interval, project.digits) == (True, project.interval, True)
    subject = Subject(
        "net", graph, TARGET, tmp_path, verilog=rtl_design(project), hls4ml=None, netlist=None, tested=None
    )
    link = prove_verilog(subject)
    assert (link.state, 'adders = "whole" makes them so' in str(link.reason)) == ("not done", True)
    assert not write_rtl(graph, "net", tmp_path, 5.0, interval=5).digits


def test_estimate_says_why_and_when() -> None:
    """Sums of layers of 16, 64 and 32 numbers have 18 to 20 bits, five digits of four."""
    graph = _mlp(16, 64, 32, 5)
    found = estimate_own_rtl(graph, TARGET)
    assert found.notes[0].startswith("adders that take a digit of each number a clock, about ")
    assert serial_clocks(graph, 5) == [5, 5, 5]
    assert found["interval"].value == 5
    assert found["lut"].value < estimate_own_rtl(graph, Target(TARGET.part, "vitis", 5.0))["lut"].value / 2


def test_a_pipeline_that_is_measured_has_whole_adders() -> None:
    with pytest.raises(ProjectError, match='adders = "digits": latency = "auto" cuts the pipeline of whole adders'):
        Target(TARGET.part, "vitis", 5.0, latency="auto", adders=DIGITS)
    with pytest.raises(ProjectError, match="adders = 'bits': must be one of whole, digits"):
        Target(TARGET.part, "vitis", 5.0, adders="bits")
