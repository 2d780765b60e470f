"""The page of what is supported has a cell for everything, and cells made again are those on the page."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hls.importing.layers import known_classes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def support() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("support")


@pytest.fixture
def rows(support: ModuleType) -> ModuleType:
    return importlib.import_module("support_rows")


def page(support: ModuleType) -> dict[str, dict[str, str]]:
    """Row and column to what the cell says, its numbered note written out."""
    text = support.PAGE.read_text(encoding="utf-8").partition(support.START)[2].partition(support.END)[0]
    notes = dict(re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE))
    head, _, *lines = [line.strip("|\n ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {
        row: {name: notes.get(cell, cell) for name, cell in zip(head[1:], cells, strict=True)} for row, *cells in lines
    }


def test_every_layer_and_every_witness_has_a_cell(support: ModuleType, rows: ModuleType) -> None:
    found = page(support)
    assert list(found) == list(support.ROWS)
    assert all(list(cells) == support.columns() for cells in found.values())
    shown = {row.partition(",")[0] for row in found}
    ours = {name for name in known_classes() if not name.startswith("hgq.")}  # tests of the importer know HGQ2's
    assert ours - shown - set(rows.SAME) - set(rows.HGQ) == set()
    assert set(rows.SAME.values()) <= shown


def test_no_cell_differs_in_firmware_and_all_were_run(support: ModuleType) -> None:
    for row, cells in page(support).items():
        assert not {"differs", support.NOT_RUN} & set(cells.values()), row


@pytest.mark.slow
def test_cells_made_again_are_those_on_the_page(support: ModuleType) -> None:
    rows = ["QConv2D, strides", "MaxPooling2D, strides not its window", "Permute", "ops.Mean"]
    graphs = {row: support.graph_of(row) for row in rows}
    shown = page(support)
    for column in ("QKeras", "vitis stream", "quartus stream"):
        assert support.cells(column, graphs) == {row: shown[row][column] for row in rows}


def test_a_witness_that_errs_is_seen(support: ModuleType) -> None:
    """One wrong integer of one row, and a design that cannot be built as a whole."""
    from hls.emulation import Emulator
    from hls.errors import ToolError
    from tests.hls.hls4ml_project.graphs import sketch

    graphs = {"good": sketch("dense_chain"), "bad": sketch("scales"), "dead": sketch("activations")}

    def run(graph: object, raw: list[object]) -> list[object]:
        if any(name.startswith("dead/") for name in graph.nodes):  # type: ignore[attr-defined]
            raise ToolError("layer 'x' (Pool 'y'): it asserts on hls4ml's vitis backend with io_stream; pray")
        outputs = Emulator(graph).run(raw)  # type: ignore[arg-type]
        for name, values in zip(graph.outputs, outputs, strict=True):  # type: ignore[attr-defined]
            values[-1] += name.startswith("bad/")
        return list(outputs)

    compared = importlib.import_module("support_cells").compared
    assert compared(graphs, run) == {"good": "✓", "bad": "differs", "dead": "it asserts; pray"}
