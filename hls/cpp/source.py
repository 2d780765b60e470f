"""The files of an exported emulator, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from hls import __version__
from hls.cpp.memory import placed
from hls.cpp.numbers import boolean, literal, table
from hls.cpp.steps import write
from hls.cpp.writer import Writer
from hls.errors import ProjectError, UnsupportedError
from hls.graph import Edge, FixedGraph
from hls.graph.nodes import PortRounding
from hls.graph.raw import RawArray
from hls.machine.texts import rendered

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
_DIGITS = 12
"""Of the digest, in the name of the namespace."""
_LANES = (64, 32, 16)
_CACHE = 1 << 19
"""Bytes that the tensors of a block of events may take: they stay in the second cache."""
_PORT_BITS = 63
_DEEPEST = 126
"""Fraction bits of a port whose step is a float32."""


@dataclass(frozen=True)
class Vectors:
    """Events and what the firmware gives for them: integers (events, *shape), one array for each port."""

    inputs: Sequence[RawArray]
    outputs: Sequence[RawArray]


@dataclass(frozen=True)
class Network:
    """A graph under the name that its emulator has."""

    graph: FixedGraph
    name: str

    def __post_init__(self) -> None:
        if not _IDENTIFIER.fullmatch(self.name):
            raise ProjectError(
                f"name {self.name!r}: C++ takes a letter, then letters, digits and '_', at most 60 here; give another"
            )
        for port in (*self.graph.inputs, *self.graph.outputs):
            edge = self.graph.edges[port]
            if max(-edge.raw_min - 1, edge.raw_max) >> _PORT_BITS or abs(edge.fraction) > _DEEPEST:
                raise UnsupportedError(
                    f"port {port!r} is {edge.type}; an emulator in C++ has ports of at most {_PORT_BITS} bits and a "
                    f"sign, of which at most {_DEEPEST} are fraction bits"
                )

    @property
    def namespace(self) -> str:
        """The name with the beginning of the arithmetic's digest: another version has another."""
        return f"{self.name}_{self.graph.digest()[:_DIGITS]}"


def compiled_sources(network: Network) -> dict[str, str]:
    """The text of the header and of the source, by their names: all that computes."""
    values = _said(network) | _arithmetic(network.graph)
    return _files({f"{network.name}.h": "emulator.h.j2", f"{network.name}.cpp": "emulator.cpp.j2"}, values)


def written(network: Network, vectors: Vectors) -> dict[str, str]:
    """The text of each file, by its name."""
    name = network.name
    others = {
        f"{name}_plugin.cpp": "plugin.cpp.j2",
        f"{name}_test.cpp": "test.cpp.j2",
        f"{name}.py": "binding.py.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        "Makefile": "Makefile.j2",
        "README.md": "README.md.j2",
    }
    values = _said(network) | _ports(network.graph) | _tested(vectors)
    return compiled_sources(network) | _files(others, values)


def _files(templates: dict[str, str], values: dict[str, Any]) -> dict[str, str]:
    return {file: rendered("hls.cpp", template, values) for file, template in templates.items()}


def _said(network: Network) -> dict[str, Any]:
    """What every file says of the network."""
    graph = network.graph
    return {
        "name": network.name,
        "namespace": network.namespace,
        "digest": graph.digest(),
        "version": __version__,
        "inputs": [_port(port, graph.edges[port], graph.port(port).rounding) for port in graph.inputs],
        "outputs": [
            _port(port, graph.edges[node]) for port, node in zip(graph.output_names, graph.outputs, strict=True)
        ],
    }


def _port(name: str, edge: Edge, rounding: PortRounding = PortRounding.NEAREST_EVEN) -> str:
    ends = ", ".join(map(literal, (edge.raw_min, edge.raw_max)))
    return (
        f"{{{_quoted(name)}, {int(np.prod(edge.shape, dtype=np.int64))}, {edge.type.width}, {edge.fraction}, "
        f"{boolean(edge.type.signed)}, {ends}, Rounding::{rounding.name.lower()}}}"
    )


def _quoted(name: str) -> str:
    """A string of C++, with a question mark for what is no printable letter of ASCII."""
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in name)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _ports(graph: FixedGraph) -> dict[str, Any]:
    """What the Python binding and the README say of the ports."""
    inputs = [(name, graph.edges[name].shape) for name in graph.inputs]
    outputs = [(name, graph.edges[node].shape) for name, node in zip(graph.output_names, graph.outputs, strict=True)]
    named = [*zip(graph.inputs, graph.inputs, strict=True), *zip(graph.output_names, graph.outputs, strict=True)]
    rows = []
    for name, node in named:
        edge = graph.edges[node]
        step = f"2^-{edge.fraction}" if edge.fraction >= 0 else f"2^{-edge.fraction}"
        rows.append(f"`{name}` | {edge.shape} | `{edge.type}` | {edge.raw_min} to {edge.raw_max}, in steps of {step}")
    return {"input_shapes": repr(inputs), "output_shapes": repr(outputs), "rows": rows}


def _arithmetic(graph: FixedGraph) -> dict[str, Any]:
    writer = Writer(graph)
    for node in graph:
        writer.steps.append([])
        write(node, writer)
    offsets, size = placed(writer.blocks())
    tensors = {t.variable: t for t in (*writer.tensors.values(), *(frame for _, frame in writer.frames))}
    lanes = next((count for count in _LANES if count * size <= _CACHE), _LANES[-1])
    return {
        "kernels": files("hls.cpp").joinpath("kernels.h").read_text(encoding="utf-8"),
        "tables": writer.tables,
        "steps": writer.steps,
        "tensors": list(tensors.values()),
        "offsets": offsets,
        "bytes": size,
        "lanes": lanes,
        "input_variables": [writer.tensors[name].variable for name in graph.inputs],
        "output_variables": [writer.tensors[name].variable for name in graph.outputs],
    }


def _tested(vectors: Vectors) -> dict[str, Any]:
    given = [f"given_{number}" for number in range(len(vectors.inputs))]
    expected = [f"expected_{number}" for number in range(len(vectors.outputs))]
    arrays = (*vectors.inputs, *vectors.outputs)
    tables = [table("std::int64_t", n, raw.ravel()) for n, raw in zip((*given, *expected), arrays, strict=True)]
    return {"events": len(vectors.inputs[0]), "given": given, "expected": expected, "vectors": tables}
