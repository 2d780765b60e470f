"""The digest: everything that determines the arithmetic and nothing else, so that only it can change a recorded one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.digest import digest
from hls.graph.fixed import FixedArray, FixedType
from hls.importing import import_keras
from tests.hls.rtl.zoo import add_input, constant, zoo
from tests.models import write_model

NO_ARITHMETIC = {
    "name": "what a node is called; those that read it are hashed by its place",
    "layer": "which Keras layer it came from; a training script numbers them as it runs",
}
S4 = FixedType(True, 4, 2)
ZOO = zoo()
FIELDS = [(node.name, field.name) for node in ZOO for field in fields(node)]


def others(value: Any) -> Iterator[Any]:
    """Values of the same kind that differ from ``value`` in one place, one for each place that there is."""
    if isinstance(value, FixedArray):
        yield FixedArray(value.integers, value.fraction + 1)
        yield FixedArray(value.integers[..., None], value.fraction)
        for place in range(value.integers.size):
            integers = value.integers.copy()
            integers.flat[place] += 1
            yield FixedArray(integers, value.fraction)
    elif isinstance(value, FixedType):
        yield replace(value, signed=not value.signed)
        yield replace(value, width=value.width + 1)
        yield replace(value, integer=value.integer + 1)
    elif isinstance(value, Enum):
        yield from (member for member in type(value) if member is not value)
    elif isinstance(value, bool):
        yield not value
    elif value is None or isinstance(value, int):
        yield 1 if value is None else value + 1
    else:
        assert isinstance(value, tuple), f"how does one change {value!r}?"
        yield from (
            (*value[:place], item, *value[place + 1 :]) for place, old in enumerate(value) for item in others(old)
        )
        yield (*value, 1)


def other_operands(node: nodes.Node) -> Iterator[tuple[str, ...]]:
    for place, name in enumerate(node.inputs):
        strangers = [port for port in ZOO.inputs if port != name]
        yield from ((*node.inputs[:place], stranger, *node.inputs[place + 1 :]) for stranger in strangers)
    if len(set(node.inputs)) > 1:
        yield node.inputs[::-1]


def digest_with(changed: nodes.Node, graph: FixedGraph = ZOO) -> str:
    return digest({**graph.nodes, changed.name: changed}, graph.inputs, graph.outputs)


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=lambda part: str(part))
def test_every_field_of_every_node_counts_unless_it_is_no_arithmetic(name: str, field: str) -> None:
    """All classes: the zoo has every one (tests/hls/test_every_node.py)."""
    node = ZOO.nodes[name]
    if field in NO_ARITHMETIC:
        assert digest_with(replace(node, layer="renamed")) == ZOO.digest()
        return
    changes = list(other_operands(node) if field == "inputs" else others(getattr(node, field)))
    found = {digest_with(replace(node, **{field: change})) for change in changes}
    assert ZOO.digest() not in found
    assert len(found) == len(changes)


def test_a_kind_counts() -> None:
    """Relu and Quantize of the same operand; Add and Multiply, which have one default and no options otherwise."""
    builder = GraphBuilder("kinds")
    x = add_input(builder, "x", (2,), S4)
    sums = builder.add(nodes.Add("y", (x, x), "y"))
    graph = builder.finish([x], [sums], ["y"])
    assert digest_with(nodes.Multiply("y", (x, x), "y"), graph) != graph.digest()


def named(names: dict[str, str]) -> dict[str, nodes.Node]:
    """The nodes of the zoo under other names."""
    return {
        names[node.name]: replace(node, name=names[node.name], inputs=tuple(names[name] for name in node.inputs))
        for node in ZOO
    }


def test_names_do_not_count() -> None:
    names = {name: f"dense_{number}" for number, name in enumerate(ZOO.nodes)}
    ends = [[names[name] for name in ends] for ends in (ZOO.inputs, ZOO.outputs)]
    assert digest(named(names), *ends) == ZOO.digest()


def test_a_file_saved_again_with_other_layer_names_is_the_same(tmp_path: Path) -> None:
    first, again = write_model(tmp_path / "a.h5"), write_model(tmp_path / "b.h5", suffix="_7")
    assert import_keras(first).layers.keys() != import_keras(again).layers.keys()
    assert import_keras(first).digest() == import_keras(again).digest()
    assert import_keras(first).digest() != import_keras(write_model(tmp_path / "c.h5", seed=1)).digest()


def difference(order: str = "ab", ports: str = "ab", outputs: str = "dn", spare: bool = False) -> FixedGraph:
    """d = a - b, n = -8 a on two equal ports; ``order`` is that in which independent nodes are added."""
    builder = GraphBuilder("difference")
    for name in order:
        add_input(builder, name, (1,), S4)
    made = {
        "d": nodes.Add("d", ("a", "b"), "d", negate=True),
        "n": nodes.Scale("n", ("a",), "n", constant([-8]), constant([0])),
    }
    for name in "dn" if order == "ab" else "nd":
        builder.add(made[name])
    graph = builder.finish(list(ports), list(outputs), list(outputs))
    if not spare:
        return graph
    dead = nodes.Relu("dead", ("n",), "dead")
    return replace(graph, nodes={**graph.nodes, "dead": dead}, edges={**graph.edges, "dead": graph.edges["n"]})


def test_the_order_of_ports_counts() -> None:
    """b - a is not a - b, although both ports are of one type."""
    found = {difference(ports=ports, outputs=outputs).digest() for ports in ("ab", "ba") for outputs in ("dn", "nd")}
    assert len(found) == 4
    some = ("d", "dd", "n", "dn", "da", "ad")  # a port may be an output too, and stands first in any case
    assert len({difference(outputs=outputs).digest() for outputs in some}) == len(some)


def test_the_order_in_which_nodes_were_added_does_not_count() -> None:
    assert difference("ba").nodes.keys() == difference("ab").nodes.keys()
    assert difference("ba").digest() == difference("ab").digest()


def test_a_node_that_no_output_reads_does_not_count() -> None:
    assert difference(spare=True).digest() == difference().digest()


def test_a_port_that_no_output_reads_counts() -> None:
    """It is on the chip all the same."""
    builder = GraphBuilder("ports")
    for name in "xy":
        add_input(builder, name, (1,), S4)
    out = builder.add(nodes.Relu("r", ("x",), "r"))
    digests = {builder.finish(ports, [out], ["r"]).digest() for ports in (["x"], ["x", "y"], ["y", "x"])}
    assert len(digests) == 3


def test_numpys_integers_are_integers() -> None:
    """Their ``repr`` depends on the version of NumPy."""
    quantize = nodes.Quantize("q", ("x",), "q", FixedType(True, 4, 2), -7, 7)
    numpys = replace(quantize, type=FixedType(True, np.int64(4), 2), raw_min=np.int64(-7), raw_max=np.int16(7))  # type: ignore[arg-type]
    port = {"x": nodes.Input("x", (), "x", (1,), S4, -8, 7)}
    assert digest({**port, "q": quantize}, ["x"], ["q"]) == digest({**port, "q": numpys}, ["x"], ["q"])


@pytest.mark.parametrize("value", [5, (1 << 62) + 1, 1 << 70])
def test_a_constant_counts_by_its_value_and_not_by_what_holds_it(value: int) -> None:
    port = {"x": nodes.Input("x", (), "x", (1,), S4, -8, 7)}

    def scaled(factor: np.ndarray) -> str:
        node = nodes.Scale("y", ("x",), "y", FixedArray(factor, 0), constant([0]))
        return digest({**port, "y": node}, ["x"], ["y"])

    exact = np.array([value], object)
    assert scaled(exact) != scaled(exact + 1)
    if value < 1 << 63:
        assert scaled(exact) == scaled(exact.astype(np.int64))


def test_graphs_deeper_than_pythons_stack() -> None:
    builder = GraphBuilder("deep")
    x = add_input(builder, "x", (1,), S4)
    for number in range(3000):
        x = builder.add(nodes.Relu(f"r{number}", (x,), "r"))
    assert len(builder.finish(["x"], [x], ["y"]).digest()) == 64
