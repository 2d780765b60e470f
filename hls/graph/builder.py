"""GraphBuilder: collects nodes in topological order, and gives the FixedGraph of those that an output reads."""

from __future__ import annotations

from types import MappingProxyType

from hls.graph import nodes
from hls.graph.edge import Edge
from hls.graph.float32 import Float32
from hls.graph.graph import FixedGraph
from hls.graph.intervals import propagate


class GraphBuilder:
    """Collects nodes in topological order and works out every edge as it goes.

    2 x - 3 y of two 4-bit numbers reaches from 2 · -8 - 3 · 7 = -37 to 2 · 7 + 3 · 8 = 38, which takes 7 bits:

    >>> from hls.graph.fixed import FixedArray, FixedType
    >>> builder = GraphBuilder("example")
    >>> _ = builder.add(nodes.Input("x", (), "x", (2,), FixedType(True, 4, 4), -8, 7))
    >>> kernel, bias = FixedArray.from_float([[2.0], [-3.0]]), FixedArray.from_float([0.0])
    >>> _ = builder.add(nodes.Dense("y", ("x",), "y", kernel, bias))
    >>> graph = builder.finish(inputs=["x"], outputs=["y"], output_names=["y"])
    >>> y = graph.edges["y"]
    >>> y.raw_min, y.raw_max, str(y.type)
    (-37, 38, 'ap_fixed<7,7>')

    Products by powers of two are wires, so one of the two counts:

    >>> graph.multiplications(), graph.parameters()
    (1, 3)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: dict[str, nodes.Node] = {}
        self.edges: dict[str, Edge] = {}
        self.layers: dict[str, str] = {}
        self.notes: list[str] = []
        self.float32: dict[str, Float32] = {}
        self.softmaxes: dict[str, str] = {}

    @classmethod
    def of(cls, graph: FixedGraph) -> GraphBuilder:
        """One that goes on where ``graph`` ends."""
        builder = cls(graph.name)
        builder.nodes.update(graph.nodes)
        builder.edges.update(graph.edges)
        builder.layers.update(graph.layers)
        builder.notes.extend(graph.notes)
        builder.float32.update(graph.float32)
        builder.softmaxes.update(graph.softmaxes)
        return builder

    def add(self, node: nodes.Node, float32: Float32 | None = None) -> str:
        """Append a node whose inputs are already there; returns its name. ``float32``: how QKeras computes it."""
        if node.name in self.nodes:
            raise ValueError(f"two nodes are called {node.name!r}")
        self.edges[node.name] = propagate(node, [self.edges[name] for name in node.inputs])
        self.nodes[node.name] = node
        if float32 is not None:
            self.float32[node.name] = float32
        return node.name

    def finish(self, inputs: list[str], outputs: list[str], output_names: list[str]) -> FixedGraph:
        """The graph, without the nodes that no output reads (ports are always kept)."""
        needed = set(outputs) | set(inputs)
        for node in reversed(list(self.nodes.values())):
            if node.name in needed:
                needed.update(node.inputs)
        kept = {name: node for name, node in self.nodes.items() if name in needed}
        return FixedGraph(
            name=self.name,
            nodes=MappingProxyType(kept),
            edges=MappingProxyType({name: self.edges[name] for name in kept}),
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            output_names=tuple(output_names),
            layers=MappingProxyType({k: v for k, v in self.layers.items() if v in needed}),
            notes=tuple(self.notes),
            float32=MappingProxyType({k: v for k, v in self.float32.items() if k in kept}),
            softmaxes=MappingProxyType(dict(self.softmaxes)),
        )
