"""Every kind of node goes through every room, and a kind that a room does not know is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.emulation.steps import compile_step
from hls.errors import UnsupportedError
from hls.events import EventSample
from hls.events.corners import corner_events
from hls.figures.estimates.adder_graph import adder_terms
from hls.figures.estimates.elements import element_cost
from hls.figures.estimates.hls4ml_route import estimate_hls4ml
from hls.figures.estimates.rtl_route import estimate_rtl
from hls.graph import Edge, FixedGraph, GraphBuilder, nodes
from hls.graph.costs import ebops, products
from hls.graph.fixed import FixedType
from hls.graph.intervals import propagate
from hls.hls4ml_project.layers import lower
from hls.hls4ml_project.lowering import state
from hls.project.report.assemble import graph_info
from hls.proof.meaning import graph_numbers, meaning
from hls.proof.subject import NotClosedError
from hls.proof.words import Space
from hls.rtl.operations import operate
from hls.rtl.partition import origins, partition, whole
from hls.rtl.trace import trace
from hls.target import Target
from hls.verification.float32_error import output_spans
from hls.verification.float32_spread import spread
from tests.hls.rtl.zoo import add_input, random_events, zoo

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def kinds(of: type[nodes.Node] = nodes.Node) -> Iterator[type[nodes.Node]]:
    """All classes of nodes of this tree; a test may define others, elsewhere."""
    for kind in of.__subclasses__():
        if kind.__module__ == nodes.__name__:
            yield kind
        yield from kinds(kind)


KINDS = sorted(kinds(), key=lambda kind: kind.__name__)
COMPUTING = [kind for kind in KINDS if kind is not nodes.Input and not kind.wiring]
PLAIN = [kind for kind in COMPUTING if kind not in (nodes.Dense, nodes.Conv)]


@pytest.fixture(scope="module")
def menagerie() -> FixedGraph:
    return zoo()


def test_the_zoo_has_every_kind(menagerie: FixedGraph) -> None:
    assert {type(node) for node in menagerie} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("room", [propagate, operate, state, meaning], ids=["propagate", "operate", "state", "meaning"])
def test_each_kind_has_a_rule(room: Any, kind: type[nodes.Node]) -> None:
    ports_are_given = room in (operate, meaning) and kind is nodes.Input
    assert (room.dispatch(kind) is room.dispatch(object)) == ports_are_given


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_has_a_step(kind: type[nodes.Node]) -> None:
    assert (compile_step.dispatch(kind) is compile_step.dispatch(object)) == (kind is nodes.Input)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_has_a_bound_of_float32(kind: type[nodes.Node]) -> None:
    assert (spread.dispatch(kind) is spread.dispatch(object)) == (kind is nodes.Input)


@pytest.mark.parametrize("kind", COMPUTING, ids=lambda kind: kind.__name__)
def test_each_kind_that_computes_has_a_price(kind: type[nodes.Node]) -> None:
    assert adder_terms.dispatch(kind) is not adder_terms.dispatch(object)
    if kind in PLAIN:  # the others are products with a matrix, which have a model of their own
        assert element_cost.dispatch(kind) is not element_cost.dispatch(object)


def test_what_computes_costs_something_in_both_estimates(menagerie: FixedGraph) -> None:
    """Layer by layer: each layer of the zoo is one node."""
    # Products with zeros, rounding down without saturation, and wrapping: wires, whatever else the kind costs.
    free = {node.layer for node in menagerie if not node.computes} | {"silent", "rough", "wrapped"}
    for estimate in (estimate_hls4ml(menagerie, TARGET), estimate_rtl(menagerie, 5.0)):
        spent = {
            layer.name: layer.counts["lut"] + layer.counts["ff"] + layer.counts["dsp"] for layer in estimate.layers
        }
        assert set(spent) == {node.layer for node in menagerie}
        assert {name for name, cost in spent.items() if not cost} <= free


def test_every_room_takes_the_zoo(menagerie: FixedGraph) -> None:
    raw = random_events(menagerie, 20)
    assert set(Emulator(menagerie).trace(raw)) == set(menagerie.nodes)
    assert set(lower(menagerie, TARGET).layer_of) == set(menagerie.nodes)
    for stages in (whole(menagerie), partition(menagerie)):
        placed = [name for stage in stages for name in stage.nodes]
        assert sorted(placed) == sorted(node.name for node in menagerie if node.computes)
    assert origins(menagerie, menagerie.outputs) == set(menagerie.outputs)
    corners = corner_events(menagerie, seed=1)
    assert len(corners[0]) > len(menagerie.inputs)
    pipeline = graph_info(menagerie, EventSample(raw, 0, "random")).pipeline
    assert [name for layer in pipeline for name in layer.operations] == [type(node).__name__ for node in menagerie]


def test_costs_see_every_kind(menagerie: FixedGraph) -> None:
    found: dict[str, set[bool]] = {}
    for node in menagerie:
        output = menagerie.edges[node.name]
        counted = products(node, output) > 0 and ebops(node, menagerie.edges_of(node), output) > 0
        found.setdefault(type(node).__name__, set()).add(counted)
    assert {name for name, counted in found.items() if True in counted} == {"Conv", "Dense", "Multiply", "Scale"}


@dataclass(frozen=True, eq=False)
class Strange(nodes.Node):
    """A node that no room knows."""


@pytest.fixture
def strange() -> FixedGraph:
    builder = GraphBuilder("strange")
    x = add_input(builder, "x", (2,), FixedType(True, 4, 2))
    node = Strange("odd", (x,), "my layer")
    edges: dict[str, Edge] = {x: builder.edges[x], "odd": builder.edges[x]}
    found = MappingProxyType({x: builder.nodes[x], "odd": node})
    return FixedGraph("strange", found, edges, (x,), ("odd",), ("odd",), {})


@pytest.mark.parametrize(
    "room",
    [
        lambda graph: propagate(graph.nodes["odd"], graph.edges_of(graph.nodes["odd"])),
        Emulator,
        lambda graph: lower(graph, TARGET),
        trace,
        lambda graph: estimate_hls4ml(graph, TARGET),
        lambda graph: estimate_rtl(graph, 5.0),
        lambda graph: output_spans(graph, [np.zeros((1, 2), np.int64)]),
    ],
    ids=["intervals", "emulator", "hls4ml", "rtl", "hls4ml estimate", "rtl estimate", "float32"],
)
def test_an_unknown_kind_is_refused_by_name(room: Callable[[FixedGraph], Any], strange: FixedGraph) -> None:
    with pytest.raises(UnsupportedError, match=r"layer 'my layer': .* does not know Strange nodes \('odd'\)"):
        room(strange)


@pytest.mark.parametrize("trait", ["accumulates", "elementwise", "homogeneous", "multiplies", "rounds"])
def test_nothing_that_an_unknown_kind_says_of_itself_makes_it_free(trait: str, strange: FixedGraph) -> None:
    kind: type[nodes.Node] = dataclass(frozen=True, eq=False)(type("Stranger", (nodes.Node,), {trait: True}))
    found = MappingProxyType({**strange.nodes, "odd": kind("odd", strange.inputs, "my layer")})
    graph = FixedGraph("strange", found, strange.edges, strange.inputs, ("odd",), ("odd",), {})
    for target in (TARGET, replace(TARGET, strategy="resource", reuse_factor=2), replace(TARGET, io_type="io_stream")):
        with pytest.raises(UnsupportedError, match="does not know Stranger nodes"):
            estimate_hls4ml(graph, target)
    with pytest.raises(UnsupportedError, match="does not know Stranger nodes"):
        estimate_rtl(graph, 5.0)


def test_every_trait_is_borne_out(menagerie: FixedGraph) -> None:
    """What a class says of itself holds for the arithmetic that it stands for."""
    rng = np.random.default_rng(3)
    for node in menagerie:
        edges = menagerie.edges_of(node)
        output = menagerie.edges[node.name]
        if node.elementwise:
            assert output.shape == np.broadcast_shapes(*(edge.shape for edge in edges)), node.name
        if node.wiring:
            ends = {int(v) for edge in edges for v in (*edge.at_fraction(output.fraction)[0].ravel(),)}
            assert ends == {int(v) for v in output.low.ravel()}, node.name
        if node.homogeneous:
            x = rng.integers(edges[0].low, edges[0].high + 1)
            once, twice = (propagate(node, [Edge(v, v, edges[0].fraction, 0)]) for v in (x, 2 * x))
            assert (2 * once.low == twice.low).all(), node.name


def test_a_proof_stops_at_a_node_that_it_does_not_know(strange: FixedGraph) -> None:
    with pytest.raises(NotClosedError, match=r"meaning .* does not know Strange nodes") as stopped:
        graph_numbers(strange, Space(), lambda node: None)
    assert stopped.value.layer == "my layer"
