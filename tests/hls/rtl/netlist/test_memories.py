"""Netlists of designs with memories: LUTs that hold words are counted, weights in files are counted as blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.rtl.folded import write_folded
from hls.rtl.netlist import FAMILIES, NetlistSimulation, synthesise
from hls.rtl.netlist.synthesis import memory_blocks
from hls.rtl.streamed import with_handshakes
from tests.hls.rtl.folded.networks import pixels, two_layers
from tests.hls.rtl.netlist.test_synthesis import assert_equal


@pytest.mark.parametrize(
    ("rows", "digits", "blocks"),
    [(512, 9, 1), (512, 10, 2), (513, 9, 2), (1024, 4, 1), (16384, 1, 4), (3, 36, 4)],
)
def test_blocks_of_a_file_of_weights(tmp_path: Path, rows: int, digits: int, blocks: int) -> None:
    contents = tmp_path / "w.mem"
    contents.write_text(f"{'0' * digits}\n" * rows, encoding="utf-8")
    assert memory_blocks(contents) == blocks


def test_luts_that_hold_words_are_luts() -> None:
    assert (
        FAMILIES["xcup"].count({"RAM32M16": 2, "RAM64M8": 1, "RAM32X1D": 3, "LUT6": 5})["lut"] == 2 * 8 + 8 + 3 * 2 + 5
    )


@pytest.mark.slow
@pytest.mark.parametrize(("graph", "interval"), [(two_layers(), 8), (pixels(), 13)])
def test_gates_of_engines_give_the_bits_of_the_emulator(
    graph: FixedGraph, interval: int, tmp_path: Path, cache: Path
) -> None:
    project = write_folded(graph, "net", tmp_path, 5.0, interval, "lut")
    netlist = synthesise(project, FAMILIES["xcup"], cache)
    assert any(name.startswith("RAM") for name in netlist.resources.cells)
    assert_equal(graph, NetlistSimulation(project, netlist), 80)


@pytest.mark.slow
def test_weights_in_files_are_blocks(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yosys need not find the files, nor any of a design with handshakes around it."""
    monkeypatch.setattr("hls.rtl.folded.folded_project.INLINE_BITS", 0)
    project = with_handshakes(write_folded(two_layers(), "net", tmp_path, 5.0, 8, "lut"))
    assert len(project.memories) == 2
    netlist = synthesise(project, FAMILIES["xcup"], cache)
    assert netlist.resources.bram == 2
    with pytest.raises(UnsupportedError, match="weights in files are black boxes"):
        NetlistSimulation(project, netlist)
