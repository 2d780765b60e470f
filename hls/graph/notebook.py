"""A graph in a line, and as a table for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hls.graph.graph import FixedGraph

_MOST_ROWS = 60


def in_a_line(graph: FixedGraph) -> str:
    """Name and size: what a prompt or a log shows of it."""
    layers = len({node.layer for node in graph})
    return (
        f"<FixedGraph {graph.name}: {_shapes(graph, graph.inputs)} to {_shapes(graph, graph.outputs)}, "
        f"{layers} layers, {graph.parameters():,} parameters, {graph.multiplications():,} multiplications>"
    )


def as_table(graph: FixedGraph) -> str:
    """HTML: a row a layer, with the shape and type of its output."""
    last = {node.layer: node for node in graph}
    kinds: dict[str, list[str]] = {layer: [] for layer in last}
    for node in graph:
        kinds[node.layer].append(type(node).__name__)
    rows = [
        (layer, ", ".join(dict.fromkeys(kinds[layer])), _shape(graph, node.name), str(graph.edges[node.name].type))
        for layer, node in last.items()
    ]
    head = "".join(f'<th scope="col">{title}</th>' for title in ("layer", "operations", "shape", "type"))
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>and {len(rows) - _MOST_ROWS:,} more layers</p>" if len(rows) > _MOST_ROWS else ""
    return f"<p>{escape(in_a_line(graph)[1:-1])}</p><table><tr>{head}</tr>{body}</table>{more}"


def _shapes(graph: FixedGraph, names: tuple[str, ...]) -> str:
    return ", ".join(_shape(graph, name) for name in names)


def _shape(graph: FixedGraph, name: str) -> str:
    return " × ".join(map(str, graph.edges[name].shape)) or "scalar"
