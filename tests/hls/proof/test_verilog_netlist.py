"""The whole link from Verilog to netlist: of an adder for two families, and with a fault in the netlist's text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.proof import Link, Subject
from hls.proof.verilog_netlist import prove_netlist
from hls.rtl import RtlProject, rtl_design, write_rtl
from hls.rtl.folded import write_folded
from hls.rtl.netlist import FAMILIES, family_of, synthesise
from hls.target import LUT, Target
from tests.hls.rtl.folded.networks import pixels, two_layers
from tests.hls.rtl.test_partition import summing
from tests.hls.rtl.zoo import add_input, constant

PARTS = {"ecp5": "lfe5um-85f", "asic": "asic"}


def adder() -> FixedGraph:
    """y = a + 3 b of 4 bits, 6 bits wide."""
    builder = GraphBuilder("adder")
    x = add_input(builder, "x", (2,), FixedType(False, 4, 4))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[1], [3]]), constant([0])))
    return builder.finish([x], [y], ["y"])


@pytest.fixture(scope="module")
def rtl(tmp_path_factory: pytest.TempPathFactory) -> RtlProject:
    return write_rtl(adder(), "adder", tmp_path_factory.mktemp("adder"), clock_ns=5.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def subject(rtl: RtlProject, cache: Path, netlist: Path | None, part: str = PARTS["ecp5"]) -> Subject:
    return Subject("adder", adder(), Target(part, "vitis", 5.0), cache, rtl_design(rtl), netlist=netlist)


@pytest.mark.slow
@pytest.mark.parametrize("family", PARTS)
def test_an_adder_is_proved(family: str, rtl: RtlProject, tmp_path: Path, cache: Path) -> None:
    netlist = synthesise(rtl, family_of(PARTS[family]), cache)
    link = prove_netlist(subject(rtl, cache, netlist.folder, PARTS[family]))
    assert (link.state, link.reason) == ("proved", None)
    assert link.outputs is not None
    assert link.outputs.proved == 1


@pytest.mark.slow
def test_one_bit_of_a_lut_is_refuted_by_an_event(rtl: RtlProject, tmp_path: Path, cache: Path) -> None:
    netlist = synthesise(rtl, FAMILIES["ecp5"], cache)
    changed = tmp_path / "changed"
    changed.mkdir()
    text = (netlist.folder / "netlist.v").read_text(encoding="utf-8")
    found = re.search(r"\.INIT\(16'h([0-9a-f]+)\)", text)
    assert found is not None
    flipped = f"{int(found[1], 16) ^ 0x0001:04x}"
    (changed / "netlist.v").write_text(text[: found.start(1)] + flipped + text[found.end(1) :], encoding="utf-8")
    link: Link = prove_netlist(subject(rtl, cache, changed))
    assert link.state == "refuted"
    assert link.counterexample is not None
    a, b = link.counterexample.inputs["x"]
    assert link.counterexample.expected == a + 3 * b != link.counterexample.got
    assert link.counterexample.replayed == ("rtl gates", "netlist gates", "emulator")


def test_what_is_missing_is_named(rtl: RtlProject, tmp_path: Path) -> None:
    link = prove_netlist(subject(rtl, tmp_path, None))
    assert link.verdict == "not done: there is no netlist; run `qtrigger build` with the witness netlist first"
    unknown = prove_netlist(subject(rtl, tmp_path, tmp_path, part="no-such-part"))
    assert unknown.state == "not done"
    assert "no-such-part" in unknown.verdict


@pytest.mark.slow
def test_a_netlist_that_is_none_is_named(rtl: RtlProject, tmp_path: Path) -> None:
    link = prove_netlist(subject(rtl, tmp_path, tmp_path))
    assert link.state == "not done"
    assert "netlist.v" in link.verdict


def written_to(folder: Path, graph: FixedGraph, interval: int) -> RtlProject:
    """Engines from eight clocks an event on, before that shared cores."""
    if interval < 8:
        return write_rtl(graph, "net", folder, 5.0, interval=interval)
    return write_folded(graph, "net", folder, 5.0, interval, LUT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("graph", "interval"), [(two_layers(), 16), (pixels(), 30), (summing(), 2)], ids=["engines", "beats", "cores"]
)
def test_what_takes_several_clocks_an_event_is_proved(graph: FixedGraph, interval: int, tmp_path: Path) -> None:
    """Words in memories, weights in others, loops that turn, and rows of weights that are not there."""
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
    written = written_to(tmp_path / "rtl", graph, interval)
    netlist = synthesise(written, family_of(target.part), tmp_path / "cache")
    subject = Subject("net", graph, target, tmp_path / "cache", rtl_design(written), netlist=netlist.folder)
    link = prove_netlist(subject)
    assert (link.state, link.reason) == ("proved", None)
    assert "a reset" in link.assumptions[-1]


@pytest.mark.slow
def test_a_weight_of_an_engine_that_the_netlist_has_otherwise_is_refuted(tmp_path: Path) -> None:
    graph, target = two_layers(), Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
    written = written_to(tmp_path / "rtl", graph, 16)
    netlist = synthesise(written, family_of(target.part), tmp_path / "cache")
    (weights,) = (path for path in written.sources if path.name == "net_u0_weights.v")
    text = weights.read_text(encoding="utf-8")
    row = re.search(r"rows\[0\] = \d+'h([0-9a-f]+);", text)
    assert row is not None
    flipped = f"{int(row[1], 16) ^ 1:0{len(row[1])}x}"
    weights.write_text(text[: row.start(1)] + flipped + text[row.end(1) :], encoding="utf-8")
    whole = Subject("net", graph, target, tmp_path / "cache", rtl_design(written), netlist=netlist.folder)
    link = prove_netlist(whole)
    assert link.state == "refuted"
    assert link.counterexample is not None
    # What the netlist gives is what the emulator does: the Verilog is the one that was changed.
    assert link.counterexample.replayed == ("rtl gates", "netlist gates")
    assert link.counterexample.expected != link.counterexample.got
    streamed = prove_netlist(replace(whole, verilog=replace(rtl_design(written), streamed=True)))
    assert "valid and ready" in streamed.verdict


def product() -> FixedGraph:
    """y = a b, of signed numbers of 12 bits: Yosys takes a DSP48E2 for it."""
    builder = GraphBuilder("product")
    names = [add_input(builder, name, (1,), FixedType(True, 12, 12)) for name in ("a", "b")]
    y = builder.add(nodes.Multiply("y", (names[0], names[1]), "y"))
    return builder.finish(names, [y], ["y"])


@pytest.mark.slow
def test_a_product_in_a_dsp_is_proved_and_one_with_pins_swapped_refuted(tmp_path: Path) -> None:
    """A multiplier of 12 bits is beyond SAT; as sums of products of bits both are the same."""
    graph, target = product(), Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
    written = write_rtl(graph, "product", tmp_path / "rtl", clock_ns=5.0)
    netlist = synthesise(written, family_of(target.part), tmp_path / "cache")
    assert netlist.resources.dsp == 1
    whole = Subject("product", graph, target, tmp_path / "cache", rtl_design(written), netlist=netlist.folder)
    link = prove_netlist(whole)
    assert (link.state, link.reason) == ("proved", None)
    changed = tmp_path / "changed"
    changed.mkdir()
    text = (netlist.folder / "netlist.v").read_text(encoding="utf-8")
    swapped, number = re.subn(r"\.B\(\{ (.*), ([^,]+), ([^,]+) \}\)", r".B({ \1, \3, \2 })", text, count=1)
    assert number == 1
    (changed / "netlist.v").write_text(swapped, encoding="utf-8")
    link = prove_netlist(replace(whole, netlist=changed))
    assert link.state == "refuted"
    assert link.counterexample is not None
    (a,), (b,) = link.counterexample.inputs["a"], link.counterexample.inputs["b"]
    assert link.counterexample.expected == a * b != link.counterexample.got
