"""FixedGraph: a network as exact integer arithmetic, with the interval of every element on every edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hls.graph import notebook
from hls.graph.costs import constants, ebops, products
from hls.graph.digest import digest
from hls.graph.edge import Edge
from hls.graph.float32 import Float32, inexact_layers
from hls.graph.nodes import Input, Node


@dataclass(frozen=True, eq=False)
class FixedGraph:
    """The one specification that every witness must match bit by bit. Build one with ``GraphBuilder``.

    ``nodes`` are in topological order; ``outputs`` and ``inputs`` name nodes, in the order of the model's own outputs
    and inputs; ``layers`` maps each Keras layer (call) to the node that holds its output; ``notes`` say what a reader
    should know of the import (skipped layers, unquantized constants). ``float32`` says of a node how QKeras comes to
    its value, where that is not the node's own arithmetic; it changes no bit of the graph. ``softmaxes`` are outputs
    that stand for a softmax of real numbers, each with the node of its scores.
    """

    name: str
    nodes: Mapping[str, Node]
    edges: Mapping[str, Edge]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    output_names: tuple[str, ...]
    layers: Mapping[str, str]
    notes: tuple[str, ...] = ()
    float32: Mapping[str, Float32] = field(default_factory=dict)
    softmaxes: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return notebook.in_a_line(self)

    def _repr_html_(self) -> str:
        return notebook.as_table(self)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def edges_of(self, node: Node) -> tuple[Edge, ...]:
        """Edges that enter ``node``."""
        return tuple(self.edges[name] for name in node.inputs)

    def port(self, name: str) -> Input:
        """The node called ``name``, one of ``inputs``."""
        node = self.nodes[name]
        if not isinstance(node, Input):
            raise ValueError(f"{name!r} is no port of the graph; its ports are {list(self.inputs)}")
        return node

    def consumers(self) -> dict[str, list[Node]]:
        """For every node, the nodes that read it."""
        readers: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self:
            for name in node.inputs:
                readers[name].append(node)
        return readers

    def float32_inexact(self) -> tuple[str, ...]:
        """Layers in which a float32 computation (QKeras's own) may differ from this exact arithmetic.

        A finding, by the intervals of this graph and in every node, whoever trained the network: a layer named here is
        no fault of the firmware, which is exact. Recipes of training ask another question beforehand, of the formats
        alone and of dense sums alone, and refuse what they could still train with fewer bits.
        """
        return inexact_layers(self)

    def parameters(self) -> int:
        """Number of constants."""
        return sum(constant.integers.size for node in self for constant in constants(node))

    def multiplications(self) -> int:
        """Products of one inference, those by zero and by powers of two left out (they cost wires)."""
        return sum(products(node, self.edges[node.name]) for node in self)

    def ebops(self) -> int:
        """Effective bit operations: each constant product counts (bits of the constant) x (bits of the input).

        A constant's bits are those between its leading and trailing one, as in HGQ (arXiv:2405.00645), so zero costs
        nothing; a product of two variables counts the product of their widths.
        """
        return sum(ebops(node, self.edges_of(node), self.edges[node.name]) for node in self)

    def widest_accumulator_bits(self) -> int:
        """Width of the widest sum of products."""
        widths = [self.edges[node.name].type.width for node in self if node.accumulates]
        return max(widths, default=0)

    def digest(self) -> str:
        """SHA-256 of everything that determines the arithmetic, names left out; equal digests compute equal bits."""
        return digest(self.nodes, self.inputs, self.outputs)
