"""Maxima over windows of one axis and of two, as hls4ml itself writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.hls4ml_project.project import write_project
from hls.proof.certificate import Link
from hls.proof.hls4ml_types import prove_hls4ml
from hls.proof.subject import Subject
from hls.rtl import Design
from hls.target import Target
from tests.hls.rtl.zoo import add_input

pytest.importorskip("hls4ml")
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def largest(shape: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...]) -> FixedGraph:
    b = GraphBuilder("net")
    x = add_input(b, "x", shape, FixedType(True, 4, 3))
    m = b.add(nodes.Pool("m", (x,), "m", window, strides, ((0, 0),) * len(window), maximum=True))
    return b.finish([x], [m], ["m"])


def link_of(folder: Path, graph: FixedGraph, changed: tuple[str, str] | None = None) -> Link:
    write_project(graph, TARGET, "net", folder / "hls")
    if changed:
        path = folder / "hls" / "firmware" / "parameters.h"
        assert changed[0] in path.read_text()
        path.write_text(path.read_text().replace(*changed))
    return prove_hls4ml(Subject("net", graph, TARGET, folder, Design((), "net", (), (), 5.0), hls4ml=folder / "hls"))


@pytest.mark.parametrize(
    ("shape", "window", "strides"),
    [((6, 2), (2,), (2,)), ((7, 2), (3,), (2,)), ((4, 5, 2), (2, 2), (2, 1)), ((6, 2), (6,), (6,))],
)
def test_they_are_the_graphs(
    shape: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...], tmp_path: Path
) -> None:
    link = link_of(tmp_path, largest(shape, window, strides))
    assert (link.state, link.reason) == ("proved", None)


@pytest.mark.parametrize(
    ("old", "new"), [("n_out = 3", "n_out = 2"), ("stride_width = 2", "stride_width = 1"), ("n_in = 6", "n_in = 8")]
)
def test_other_sizes_are_named(old: str, new: str, tmp_path: Path) -> None:
    link = link_of(tmp_path, largest((6, 2), (2,), (2,)), (old, new))
    assert link.state == "not done"
    assert f"{old.partition(' ')[0]}" in str(link.reason)
