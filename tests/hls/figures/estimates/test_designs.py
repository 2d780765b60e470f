"""Estimates of whole graphs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from typer.testing import CliRunner

from hls.errors import ProjectError
from hls.figures.estimates import DesignEstimate, Error, Estimate, estimate_hls4ml, estimate_rtl, multipliers
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.target import BACKENDS, STRATEGIES, Target
from tests.hls.random_graphs import graphs
from tests.models import write_model

EXAMPLE = Path("firmware_projects/evn-two-body/model.h5")
PART = "xcvu13p-flga2577-2-e"


def target(
    strategy: str = "latency", reuse_factor: int = 1, backend: str = "vitis", io_type: str = "io_parallel"
) -> Target:
    return Target(PART, backend, 5.0, io_type, strategy, reuse_factor)


def dense_graph(kernel: np.ndarray, bits: int = 16, rows: int = 1) -> FixedGraph:
    builder = GraphBuilder("one")
    port = FixedType(True, bits, 6)
    shape = (kernel.shape[0],) if rows == 1 else (rows, kernel.shape[0])
    builder.add(nodes.Input("x", (), "x", shape, port, port.raw_min, port.raw_max))
    bias = FixedArray(np.zeros(kernel.shape[1], np.int64), 0)
    builder.add(nodes.Dense("dense", ("x",), "dense", FixedArray(kernel, 5), bias))
    return builder.finish(["x"], ["dense"], ["y"])


def kernel(n_in: int, n_out: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-31, 32, (n_in, n_out))


def sane(design: DesignEstimate) -> None:
    for name, figure in design.figures.items():
        assert figure.resource == name
        assert math.isfinite(figure.high)
        assert 0 <= figure.low <= figure.value <= figure.high
        assert figure.source == "analytic"
        assert figure.basis == ("csynth" if design.route == "hls4ml" else "post-route")
    for name in ("lut", "ff", "dsp", "bram"):
        parts = sum(layer.counts[name] for layer in design.layers)
        assert parts <= design[name].value + 1


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_any_graph_has_estimates_on_both_routes(graph: FixedGraph) -> None:
    for strategy, reuse in (("latency", 1), ("latency", 4), ("resource", 1), ("resource", 6)):
        sane(estimate_hls4ml(graph, target(strategy, reuse)))
    sane(estimate_hls4ml(graph, target("resource", 2, io_type="io_stream")))
    sane(estimate_rtl(graph, 5.0))


@pytest.mark.parametrize("backend", BACKENDS.names())
def test_every_backend_and_strategy(backend: str) -> None:
    graph = dense_graph(kernel(32, 32))
    for strategy in STRATEGIES:
        design = estimate_hls4ml(graph, target(strategy, 2, backend))
        sane(design)
        assert design["lut"].extrapolated == (backend not in ("vitis", "vivado"))


def test_a_single_dense_layer_of_the_fitted_kind_has_the_measured_error() -> None:
    design = estimate_hls4ml(dense_graph(kernel(64, 32)), target(), default_bits=16)
    assert not design["lut"].extrapolated
    assert not design.notes
    vivado = estimate_hls4ml(dense_graph(kernel(64, 32)), target(backend="vivado"), default_bits=16)
    assert (design["cycles"].extrapolated, vivado["cycles"].extrapolated) == (True, False)
    assert design["interval"].value == 1
    wider = estimate_hls4ml(dense_graph(kernel(64, 32), bits=12), target())
    assert wider["lut"].extrapolated
    assert wider["lut"].relative_error_90 > design["lut"].relative_error_90
    assert "16-bit inputs" in wider.notes[0]


def test_exact_accumulators_are_wider_than_those_of_the_default_type() -> None:
    graph = dense_graph(kernel(64, 32))
    exact, default = estimate_hls4ml(graph, target()), estimate_hls4ml(graph, target(), default_bits=16)
    assert exact["lut"].value > 1.2 * default["lut"].value


def test_a_model_without_input_quantizer_is_taken_as_hls4ml_takes_it(ask: typer.Typer, tmp_path: Path) -> None:
    open_types = write_model(tmp_path / "open.keras", quantized_input=False)
    answer = CliRunner().invoke(ask, ["estimate", str(open_types), "--json"])
    assert answer.exit_code == 0
    assert all("ap_fixed<16,6>" in route["notes"][0] for route in json.loads(answer.output)["routes"])
    stated = CliRunner().invoke(ask, ["estimate", str(open_types), "--input-type", "ap_fixed<16,6>", "--json"])
    routes = json.loads(stated.output)["routes"]
    assert not any("ap_fixed<16,6>" in note for route in routes for note in route["notes"])
    assert routes[0]["figures"]["lut"]["value"] > json.loads(answer.output)["routes"][0]["figures"]["lut"]["value"]


def test_reuse_trades_logic_for_time() -> None:
    graph = dense_graph(kernel(64, 64))
    designs = [estimate_hls4ml(graph, target("resource", reuse)) for reuse in (4, 16, 64)]
    assert [design["interval"].value for design in designs] == [4, 16, 64]
    assert [design["cycles"].value for design in designs] == [5, 17, 65]
    for name in ("lut", "dsp"):
        assert designs[0][name].value > designs[1][name].value > designs[2][name].value


def test_an_impossible_reuse_factor_becomes_the_nearest() -> None:
    graph = dense_graph(kernel(64, 64))
    asked, taken = (estimate_hls4ml(graph, target("resource", reuse)) for reuse in (63, 64))
    assert asked["interval"] == taken["interval"]


def test_positions_are_copies_when_unrolled_and_turns_when_not() -> None:
    once, four = dense_graph(kernel(32, 32)), dense_graph(kernel(32, 32), rows=4)
    assert estimate_hls4ml(four, target())["lut"].value == pytest.approx(
        4 * estimate_hls4ml(once, target())["lut"].value, abs=2
    )
    folded = estimate_hls4ml(four, target("resource", 8))
    assert folded["interval"].value == 32
    assert folded["lut"].value == estimate_hls4ml(once, target("resource", 8))["lut"].value


def test_zeros_and_powers_of_two_need_no_multiplier() -> None:
    graph = dense_graph(np.array([[0, 8, 3], [-16, 5, 31]]))
    assert multipliers(graph, target()) == 3
    assert multipliers(graph, target("resource", 3)) == 1


def test_a_faster_clock_needs_more_cycles() -> None:
    graph = dense_graph(kernel(128, 32))
    slow, fast = (estimate_hls4ml(graph, Target(PART, "vitis", clock)) for clock in (10.0, 2.0))
    assert fast["cycles"].value > slow["cycles"].value
    assert estimate_rtl(graph, 2.0)["cycles"].value >= estimate_rtl(graph, 8.0)["cycles"].value


def test_the_known_cost_takes_the_place_of_the_predicted_one() -> None:
    graph = dense_graph(kernel(64, 64))
    guessed, known = estimate_rtl(graph, 2.0), estimate_rtl(graph, 2.0, cost=100_000)
    assert known["lut"].value == pytest.approx(100_000, rel=0.1)
    assert known["lut"].relative_error_median < guessed["lut"].relative_error_median
    assert known["cycles"].value >= 21


def test_products_in_luts_take_no_dsp() -> None:
    """Two products of 6 by 6 bits, 3/4 for each of 72 pairs of bits: a cost of 54, and 1.0556 LUTs for each."""
    builder = GraphBuilder("products")
    for name in ("x", "y"):
        builder.add(nodes.Input(name, (), name, (2,), FixedType(True, 6, 6), -32, 31))
    builder.add(nodes.Multiply("z", ("x", "y"), "z"))
    graph = builder.finish(["x", "y"], ["z"], ["z"])
    auto, lut = (estimate_rtl(graph, 2.0, multipliers=choice) for choice in ("auto", "lut"))
    assert (auto["dsp"].value, lut["dsp"].value) == (2, 0)
    assert (auto["lut"].value, lut["lut"].value) == (1, 57)
    assert auto["ff"].value == lut["ff"].value
    assert any("counted as LUTs" in note for note in lut.notes)
    sane(lut)


def test_positions_that_share_copies_cost_as_many() -> None:
    """Eight positions through two copies: a quarter of the layer, and an event each four clocks."""
    graph = dense_graph(kernel(16, 16), rows=8)
    (layer,) = {node.layer for node in graph if node.matrix is not None}
    alone, shared = estimate_rtl(graph, 2.0), estimate_rtl(graph, 2.0, beats={layer: 4})
    assert shared["lut"].value == pytest.approx(alone["lut"].value / 4, rel=0.01)
    assert (alone["interval"].value, shared["interval"].value) == (1, 4)
    assert any("one a clock" in note for note in shared.notes)
    sane(shared)


@pytest.mark.parametrize(("n_in", "n_out", "sparsity"), [(16, 16, 0.0), (24, 8, 0.5), (8, 32, 0.0)])
def test_the_adder_graph_costs_what_alkaid_finds(n_in: int, n_out: int, sparsity: float) -> None:
    pytest.importorskip("alkaid")
    from hls.rtl.trace import trace

    weights = kernel(n_in, n_out, seed=3)
    weights[np.random.default_rng(1).random(weights.shape) < sparsity] = 0
    graph = dense_graph(weights, bits=8)
    predicted, known = estimate_rtl(graph, 2.0), estimate_rtl(graph, 2.0, cost=trace(graph).cost)
    assert predicted["lut"].value == pytest.approx(known["lut"].value, rel=0.4)


def test_estimates_round_counts_and_keep_the_range() -> None:
    found = Estimate.of("lut", 100.4, Error(0.05, 0.25), "csynth")
    assert (found.value, found.low, found.high, found.relative_error_90) == (100, 80, 126, 0.25)
    assert Estimate.of("bram", 1.3, Error(0.0, 0.0), "csynth").value == 1.5  # half tiles are 18K blocks
    wide = Estimate.of("lut", 100.0, Error(0.01, 0.02), "csynth", extrapolated=True)
    assert (wide.relative_error_median, wide.relative_error_90) == (0.1, 0.4)


@pytest.fixture
def ask() -> typer.Typer:
    from hls.cli import estimate, parts

    app = typer.Typer()
    app.command(estimate.NAME)(estimate.command)
    app.command(parts.NAME)(parts.command)
    return app


def test_the_command_line_states_figures_errors_and_verdict(ask: typer.Typer) -> None:
    answer = CliRunner().invoke(ask, ["estimate", str(EXAMPLE), "--part", "ZCU102", "--json"])
    assert answer.exit_code == 0
    found = json.loads(answer.output)
    assert [route["route"] for route in found["routes"]] == ["hls4ml", "rtl"]
    for route in found["routes"]:
        lut = route["figures"]["lut"]
        assert 0 < lut["low"] <= lut["value"] <= lut["high"]
        assert route["utilisation"]["lut"]["value"] == pytest.approx(lut["value"] / 274_080)
        assert route["verdict"] == "fits"
        assert route["seconds"] < 1
    table = CliRunner().invoke(ask, ["estimate", str(EXAMPLE), "--strategy", "resource", "--reuse-factor", "8"])
    assert table.exit_code == 0
    for word in ("LUT", "median error", "analytic", "xcvu13p", "fits one SLR", "extrapolated"):
        assert word in table.output


def test_no_error_is_printed_that_nobody_measured(ask: typer.Typer) -> None:
    shown = CliRunner().invoke(ask, ["estimate", str(EXAMPLE)]).output
    extrapolated = [line for line in shown.splitlines() if "analytic, extrapolated" in line]
    assert extrapolated
    assert all(line.count("–") == 3 for line in extrapolated)  # range, median, nine in ten
    assert "not shown: by figures beyond the designs that they were fitted to" in shown


@pytest.mark.parametrize(
    "wrong",
    [
        ["--part", "vu14"],
        ["--strategy", "fast"],
        ["--multipliers", "dsp"],
        ["--reuse-factor", "0"],
        ["--clock-ns", "nan"],
        ["--backend", "x"],
    ],
)
def test_wrong_options_are_named(ask: typer.Typer, wrong: list[str]) -> None:
    answer = CliRunner().invoke(ask, ["estimate", str(EXAMPLE), *wrong])
    assert isinstance(answer.exception, ProjectError)
    assert wrong[1] in str(answer.exception)


def test_luts_of_other_vendors_are_noted(ask: typer.Typer) -> None:
    answer = CliRunner().invoke(ask, ["estimate", str(EXAMPLE), "--part", "MPF300T", "--backend", "libero", "--json"])
    assert all(any("4LUT" in note for note in route["notes"]) for route in json.loads(answer.output)["routes"])


def test_parts_on_the_command_line(ask: typer.Typer) -> None:
    listed = json.loads(CliRunner().invoke(ask, ["parts", "virtex", "vu13p", "--json"]).output)["parts"]
    assert [part["name"] for part in listed] == ["xcvu13p"]
    assert "1,728,000" in CliRunner().invoke(ask, ["parts", "xcvu13p-flga2577-2-e"]).output
    assert isinstance(CliRunner().invoke(ask, ["parts", "xcvu99p"]).exception, ProjectError)


def test_rounding_and_saturation_cost_what_hls_instantiates() -> None:
    """A relu of Vitis HLS 2021.1 from ap_fixed<16,4> to ap_ufixed<8,1,AP_RND_CONV,AP_SAT> has 43 LUTs an element."""
    builder = GraphBuilder("relu")
    port, out = FixedType(True, 16, 4), FixedType(False, 8, 1)
    builder.add(nodes.Input("x", (), "x", (6,), port, port.raw_min, port.raw_max))
    builder.add(nodes.Quantize("q", ("x",), "q", out, 0, out.raw_max))
    builder.add(nodes.Quantize("wider", ("q",), "wider", FixedType(False, 9, 1), 0, 511))
    layers = estimate_hls4ml(builder.finish(["x"], ["wider"], ["y"]), target()).layers
    assert {layer.name: layer.counts["lut"] / 6 for layer in layers} == {
        "x": 0,
        "q": pytest.approx(43, abs=1),
        "wider": 0,
    }
