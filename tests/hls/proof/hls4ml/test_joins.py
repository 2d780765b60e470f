"""Tensors that hls4ml joins two at a time, as it writes them: the graph's, in its order, along its axis."""

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
from tests.hls.rtl.zoo import add_input, constant

pytest.importorskip("hls4ml")
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
CATAPULT = Target("xcku115-flvb2104-2-i", "catapult", 5.0)
NOTHING = Design((), "net", (), (), 5.0)


def joining() -> FixedGraph:
    """Numbers of 3, 5 and 4 bits beside each other at each of two places, and a sum of them all."""
    b = GraphBuilder("net")
    inputs = [
        add_input(b, name, (2, channels), FixedType(True, width, width - fraction))
        for name, channels, width, fraction in (("a", 1, 3, 0), ("b", 2, 5, 2), ("c", 1, 4, 1))
    ]
    joined = b.add(nodes.Concatenate("j", tuple(inputs), "j", 1))
    y = b.add(nodes.Dense("y", (joined,), "y", constant([[1], [2], [-3], [1]]), constant([1])))
    return b.finish(inputs, [y], ["y"])


def link_of(folder: Path, old: str = "", new: str = "", target: Target = TARGET) -> Link:
    graph = joining()
    write_project(graph, target, "net", folder / "hls")
    for name in ("defines.h", "parameters.h", "net.cpp"):
        path = folder / "hls" / "firmware" / name
        path.write_text(path.read_text().replace(old, new))
    return prove_hls4ml(Subject("net", graph, target, folder, NOTHING, hls4ml=folder / "hls"))


def test_three_tensors_are_followed_through_two_calls(tmp_path: Path) -> None:
    link = link_of(tmp_path)
    assert (link.state, link.reason) == ("proved", None)


@pytest.mark.parametrize(
    ("target", "old", "new", "told"),
    [
        (TARGET, "axis = 2", "axis = 1", "has 1 as axis, the graph 2"),
        (TARGET, "n_elem1_1 = 3", "n_elem1_1 = 2", "has 2 as n_elem1_1, the graph 3"),
        (TARGET, "concatenate2d<", "concatenate1d<", "joins tensors of another rank"),
        (TARGET, "(n1_a, n2_b,", "(n2_b, n1_a,", "called for other types"),
        (TARGET, "ap_fixed<5,3> layer4_t", "ap_fixed<4,3> layer4_t", "array layer4_out is too narrow"),
        (CATAPULT, "ac_fixed<5,3,true> layer4_t", "ac_fixed<4,3,true> layer4_t", "array layer4_out is too narrow"),
        (CATAPULT, "ac_fixed<5,3,true> layer4_t", "ac_fixed<5,3,false> layer4_t", "array layer4_out is too narrow"),
        (CATAPULT, "ac_fixed<5,3,true> layer4_t", "ac_float<5,3,true> layer4_t", "only fixed-point types"),
    ],
)
def test_what_is_joined_otherwise_is_named(tmp_path: Path, target: Target, old: str, new: str, told: str) -> None:
    link = link_of(tmp_path, old, new, target)
    assert link.state == "not done"
    assert told in str(link.reason)


def test_the_types_of_catapult_are_read(tmp_path: Path) -> None:
    link = link_of(tmp_path, target=CATAPULT)
    assert (link.state, link.reason) == ("proved", None)


def test_a_backend_whose_code_is_not_followed_is_named(tmp_path: Path) -> None:
    link = link_of(tmp_path, target=Target("Arria10", "quartus", 5.0))
    assert (link.state, link.reason) == (
        "not done",
        "the C++ of backend quartus is not followed here yet, only that of catapult, vitis, vivado",
    )
