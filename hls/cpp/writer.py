"""What the operations of a network become: calls of kernels, tables of constants, tensors in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hls.cpp.memory import Block
from hls.cpp.numbers import signed, table, width_for
from hls.graph import Edge, FixedGraph
from hls.graph.nodes import Reshape

_OTHER = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph, or a frame around one: the variable that points to it, bits of an element, their number."""

    variable: str
    width: int
    elements: int

    @property
    def type(self) -> str:
        """C++'s."""
        return signed(self.width)

    @property
    def bytes(self) -> int:
        """Of one event."""
        return self.elements * self.width // 8


@dataclass
class Writer:
    """Collects the source while the nodes are written one after the other."""

    graph: FixedGraph
    tables: list[str] = field(default_factory=list)
    steps: list[list[str]] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    frames: list[tuple[int, Tensor]] = field(default_factory=list)

    def edge(self, name: str) -> Edge:
        """Grid and interval of a tensor."""
        return self.graph.edges[name]

    def declare(self, name: str) -> Tensor:
        """The tensor of the node ``name``, of the narrowest type that holds it."""
        edge = self.edge(name)
        width = width_for(edge.raw_min, edge.raw_max)
        plain = _OTHER.sub("_", name).strip("_")[:40]
        tensor = Tensor(f"t{len(self.tensors)}_{plain}".rstrip("_"), width, int(np.prod(edge.shape, dtype=np.int64)))
        self.tensors[name] = tensor
        return tensor

    def share(self, name: str, source: str) -> None:
        """The tensor of ``name`` is that of ``source``."""
        self.tensors[name] = self.tensors[source]

    def frame(self, width: int, elements: int) -> Tensor:
        """Memory of the present step only."""
        tensor = Tensor(f"frame{len(self.frames)}", width, elements)
        self.frames.append((len(self.steps) - 1, tensor))
        return tensor

    def constants(self, name: str, values: np.ndarray, type_name: str | None = None) -> str:
        """The variable of a table with these integers."""
        variable = f"{name}_{len(self.tables)}"
        flat = values.ravel()
        held = type_name or signed(width_for(int(flat.min()), int(flat.max())) if flat.size else 8)
        self.tables.append(table(held, variable, flat))
        return variable

    def indices(self, name: str, values: np.ndarray) -> str:
        """The variable of a table of places."""
        return self.constants(name, values, "std::uint32_t")

    def call(self, kernel: str, arguments: Sequence[object], *template: str) -> None:
        """A call of ``kernel`` in the present step; its first template argument is always L."""
        self.steps[-1].append(f"{kernel}<{', '.join(('L', *template))}>({', '.join(map(str, arguments))});")

    def blocks(self) -> list[Block]:
        """Every tensor with the steps in which it is needed: the ports of the output to the end."""
        order = {name: step for step, name in enumerate(self.graph.nodes)}
        ends: dict[str, int] = {}
        for node in self.graph:
            for source in node.inputs:
                variable = self.tensors[source].variable
                ends[variable] = max(ends.get(variable, 0), order[node.name])
        for name in self.graph.outputs:
            ends[self.tensors[name].variable] = len(order)
        made = [
            Block(tensor.variable, tensor.bytes, order[name] if name not in self.graph.inputs else 0,
                  ends.get(tensor.variable, order[name]))
            for name, tensor in self.tensors.items()
            if not isinstance(self.graph.nodes[name], Reshape)
        ]  # fmt: skip
        return [*made, *(Block(tensor.variable, tensor.bytes, step, step) for step, tensor in self.frames)]
