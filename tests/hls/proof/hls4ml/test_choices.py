"""Tensors repeated for an operation of two, and sums over windows, as hls4ml writes both: with zeros and ones."""

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
FILES = {"defines": "defines.h", "net": "net.cpp"}
NOTHING = Design((), "net", (), (), 5.0)


def pairs() -> FixedGraph:
    """Of three particles with two features each all differences, and the sum of those of each particle."""
    b = GraphBuilder("net")
    x = add_input(b, "x", (3, 2), FixedType(True, 4, 3))
    to, of = (b.add(nodes.Reshape(name, (x,), name, shape)) for name, shape in (("to", (3, 1, 2)), ("of", (1, 3, 2))))
    d = b.add(nodes.Add("d", (to, of), "d", negate=True))
    s = b.add(nodes.Pool("s", (d,), "s", (1, 3), (1, 3), ((0, 0), (0, 0)), maximum=False))
    return b.finish([x], [s], ["s"])


def link_of(folder: Path, **changed: tuple[str, str]) -> Link:
    """What is proved of the written project in which ``changed`` texts of files are others."""
    graph = pairs()
    write_project(graph, TARGET, "net", folder / "hls")
    for name, (old, new) in changed.items():
        path = folder / "hls" / "firmware" / FILES.get(name, f"weights/{name}")
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
    return prove_hls4ml(Subject("net", graph, TARGET, folder, NOTHING, hls4ml=folder / "hls"))


def both(name: str, old: str, new: str) -> dict[str, tuple[str, str]]:
    """A constant changed in what is synthesised and in what the C simulation loads."""
    return {f"{name}.h": (old, new), f"{name}.txt": (old, new)}


def test_differences_of_all_pairs_and_their_sums_are_the_graphs(tmp_path: Path) -> None:
    link = link_of(tmp_path)
    assert (link.state, link.reason) == ("proved", None)


CALL = "nnet::subtract<layer2_t, layer4_t, layer7_t, config7>(layer5_out, layer6_out, layer7_out)"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        # A copy that is of no element, and one that is of two.
        (both("w4", "1, 0, 0, 0, 0, 0", "0, 0, 1, 0, 0, 0"), "n4_d computes"),
        ({"net": (CALL, CALL.replace("2_t, layer4_t", "4_t, layer2_t").replace("5_out, layer6", "6_out, layer5"))},
         "array layer4_out does not have the elements"),
        (both("w2", "1, 0, 1", "1, 0, 0"), "no node that nnet::pointwise_conv_1d_cl of n2_d computes"),
        (both("b2", "0, 0", "1, 0"), "no node that nnet::pointwise_conv_1d_cl of n2_d computes"),
        (both("w8", "1, 1", "1, 0"), "weight 1 is printed as 0.0, the graph has 1.0"),
        ({"net": ("subtract<", "add<")}, "has the other sign"),
        ({"defines": ("ap_fixed<4,3> layer4_t", "ap_fixed<3,2> layer4_t")}, "array layer4_out is too narrow"),
        ({"defines": ("ap_fixed<5,4> n4_d_accum_t", "ap_fixed<4,4> n4_d_accum_t")}, "the accumulator is too narrow"),
    ],
)  # fmt: skip
def test_what_is_repeated_or_summed_otherwise_is_named(
    tmp_path: Path, changed: dict[str, tuple[str, str]], told: str
) -> None:
    link = link_of(tmp_path, **changed)
    assert link.state == "not done"
    assert told in str(link.reason)


def test_a_choice_of_other_elements_is_named(tmp_path: Path) -> None:
    """First and second feature of each particle exchanged in all copies of it."""
    link = link_of(tmp_path, **both("w2", "1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1", "0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0"))
    assert link.state == "not done"
    assert "array layer2_out does not have the elements that the graph reads there" in str(link.reason)
