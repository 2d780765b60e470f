"""FixedGraph: a network as exact integer arithmetic, with the interval of every element on every edge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hls.fixed import FixedArray, narrow
from hls.graph import nodes
from hls.graph.edge import Edge
from hls.graph.intervals import propagate
from hls.graph.nodes import Node

FLOAT32_LIMIT = 1 << 24
FLOAT64_LIMIT = 1 << 53


@dataclass(frozen=True, eq=False)
class FixedGraph:
    """The one specification that every witness must match bit by bit. Build one with ``GraphBuilder``.

    ``nodes`` are in topological order; ``outputs`` and ``inputs`` name nodes, in the order of the model's own outputs
    and inputs; ``layers`` maps each Keras layer (call) to the node that holds its output; ``notes`` say what a reader
    should know of the import (skipped layers, unquantized constants).
    """

    name: str
    nodes: Mapping[str, Node]
    edges: Mapping[str, Edge]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    output_names: tuple[str, ...]
    layers: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def edges_of(self, node: Node) -> tuple[Edge, ...]:
        """Edges that enter ``node``."""
        return tuple(self.edges[name] for name in node.inputs)

    def consumers(self) -> dict[str, list[Node]]:
        """For every node, the nodes that read it."""
        readers: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self:
            for name in node.inputs:
                readers[name].append(node)
        return readers

    def float32_inexact(self) -> tuple[str, ...]:
        """Layers in which a float32 computation (QKeras's own) may round: a partial sum can reach 2**24 LSBs."""
        readers = self.consumers()
        return tuple(dict.fromkeys(n.layer for n in self if self._float32_bound(n, readers) >= FLOAT32_LIMIT))

    def _float32_bound(self, node: Node, readers: Mapping[str, list[Node]]) -> int:
        floors = [r for r in readers[node.name] if isinstance(r, nodes.Quantize) and r.rounding is nodes.Rounding.FLOOR]
        if isinstance(node, nodes.Scale) and floors:
            # A mean: float32 divides where we multiply by a reciprocal. Its one rounding moves no quotient across a
            # tie of the next quantizer while the sum, on the grid of the quotient, stays below the limit.
            total = self.edges[node.inputs[0]]
            return total.partial_bound << max(0, floors[0].type.fraction - total.fraction)
        return self.edges[node.name].partial_bound

    def parameters(self) -> int:
        """Number of constants."""
        return sum(constant.integers.size for node in self for constant in constants(node))

    def multiplications(self) -> int:
        """Products of one inference, those by zero and by powers of two left out (they cost wires)."""
        return sum(products(node, self.edges_of(node)) for node in self)

    def ebops(self) -> int:
        """Effective bit operations: each constant product counts (bits of the constant) x (bits of the input).

        A constant's bits are those between its leading and trailing one, as in HGQ (arXiv:2405.00645), so zero costs
        nothing; a product of two variables counts the product of their widths.
        """
        return sum(_node_ebops(node, self.edges_of(node)) for node in self)

    def widest_accumulator_bits(self) -> int:
        """Width of the widest sum of products."""
        kinds = (nodes.Dense, nodes.Conv, nodes.Scale, nodes.Pool, nodes.Add)
        widths = [self.edges[n.name].type.width for n in self if isinstance(n, kinds)]
        return max(widths, default=0)

    def digest(self) -> str:
        """SHA-256 of everything that determines the arithmetic; equal digests compute equal bits."""
        state = hashlib.sha256()
        for node in self:
            state.update(type(node).__name__.encode())
            for field in fields(node):
                value = getattr(node, field.name)
                if isinstance(value, FixedArray):
                    state.update(f"{field.name}{value.shape}{value.fraction}".encode())
                    state.update(_bytes(value))
                elif field.name != "layer":
                    state.update(f"{field.name}={value}".encode())
        state.update(repr((self.inputs, self.outputs)).encode())
        return state.hexdigest()


def _bytes(constant: FixedArray) -> bytes:
    integers = narrow(constant.integers)
    if integers.dtype == np.int64:
        return integers.astype("<i8").tobytes()
    return ",".join(map(str, integers.ravel())).encode()


def constants(node: nodes.Node) -> list[FixedArray]:
    """The constant arrays of a node."""
    values = (getattr(node, field.name) for field in fields(node))
    return [value for value in values if isinstance(value, FixedArray)]


def _constant_widths(constant: FixedArray) -> npt.NDArray[np.int64]:
    """Bits between leading and trailing one of each element; zero for zero."""
    integers = narrow(constant.integers)
    if integers.dtype == np.int64 and np.abs(integers).max(initial=0) < FLOAT64_LIMIT:
        magnitude = np.abs(integers)
        odd = magnitude // np.maximum(magnitude & -magnitude, 1)
        return np.asarray(np.frexp(odd.astype(np.float64))[1], np.int64)
    widths = [(m // (m & -m)).bit_length() if m else 0 for m in (abs(int(v)) for v in integers.ravel())]
    return np.array(widths, dtype=np.int64).reshape(constant.shape)


def _uses(node: nodes.Node, x: Edge) -> int:
    """How often each constant of a linear node multiplies something."""
    if isinstance(node, nodes.Dense):
        return int(np.prod(x.shape[:-1], dtype=np.int64))
    if isinstance(node, nodes.Conv):
        rank = len(node.strides)
        out = propagate(node, [x]).shape[:rank]
        return int(np.prod(out, dtype=np.int64))
    return int(np.prod(x.shape, dtype=np.int64)) // node.factor.integers.size if isinstance(node, nodes.Scale) else 0


def _kernel(node: nodes.Node) -> FixedArray | None:
    if isinstance(node, nodes.Dense | nodes.Conv):
        return node.kernel
    return node.factor if isinstance(node, nodes.Scale) else None


def products(node: nodes.Node, inputs: tuple[Edge, ...]) -> int:
    """Products of one inference of this node that need a multiplier or adders."""
    if isinstance(node, nodes.Multiply):
        return int(np.prod(np.broadcast_shapes(*(e.shape for e in inputs)), dtype=np.int64))
    kernel = _kernel(node)
    if kernel is None:
        return 0
    return int((_constant_widths(kernel) > 1).sum()) * _uses(node, inputs[0])


def _node_ebops(node: nodes.Node, inputs: tuple[Edge, ...]) -> int:
    if isinstance(node, nodes.Multiply):
        return products(node, inputs) * inputs[0].type.width * inputs[1].type.width
    kernel = _kernel(node)
    if kernel is None:
        return 0
    return int(_constant_widths(kernel).sum()) * inputs[0].type.width * _uses(node, inputs[0])


class GraphBuilder:
    """Collects nodes in topological order and works out every edge as it goes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: dict[str, nodes.Node] = {}
        self.edges: dict[str, Edge] = {}
        self.inputs: list[str] = []
        self.layers: dict[str, str] = {}
        self.notes: list[str] = []

    def add(self, node: nodes.Node) -> str:
        """Append a node whose inputs are already there; returns its name."""
        if node.name in self.nodes:
            raise ValueError(f"two nodes are called {node.name!r}")
        self.edges[node.name] = propagate(node, [self.edges[name] for name in node.inputs])
        self.nodes[node.name] = node
        if isinstance(node, nodes.Input):
            self.inputs.append(node.name)
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
        )
