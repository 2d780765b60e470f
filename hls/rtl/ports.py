"""Ports of the RTL: every tensor is one packed vector, element 0 in its lowest bits, or several of them in turn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from hls.graph import FixedGraph
from hls.graph.fixed import FixedType

_OTHER = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 100
"""Letters of a signal. Verilator gives names of its own to those beyond 127, and some are made longer on the way."""


@dataclass(frozen=True)
class Beats:
    """A tensor passes a port in ``number`` parts of as many elements, ``apart`` clocks from one to the next."""

    number: int = 1
    apart: int = 1


AT_ONCE = Beats()


@dataclass(frozen=True)
class RtlPort:
    """The vector ``signal`` carries the tensor ``name``: row-major elements of ``type``, ``type.width`` bits each.

    >>> port = RtlPort("x", "in_x", (4, 3), FixedType(True, 8, 3))
    >>> port.size, port.bits
    (12, 96)
    >>> pixel_by_pixel = RtlPort("x", "in_x", (4, 3), FixedType(True, 8, 3), Beats(4, 2))
    >>> pixel_by_pixel.elements, pixel_by_pixel.bits
    (3, 24)
    """

    name: str
    signal: str
    shape: tuple[int, ...]
    type: FixedType
    beats: Beats = AT_ONCE

    @property
    def size(self) -> int:
        """Elements per event."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def elements(self) -> int:
        """Elements of a beat."""
        return self.size // self.beats.number

    @property
    def bits(self) -> int:
        """Width of the vector."""
        return self.elements * self.type.width


def input_ports(graph: FixedGraph, beats: Mapping[str, Beats] = MappingProxyType({})) -> tuple[RtlPort, ...]:
    """One port for each input of the graph, ``in_<name>``; those named in ``beats`` come in so many."""
    signals = _signals("in", graph.inputs)
    return tuple(_port(graph, n, n, s, beats.get(n, AT_ONCE)) for n, s in zip(graph.inputs, signals, strict=True))


def beats_names(port: RtlPort) -> tuple[str, str]:
    """Constants of the top module that say how many beats the port has, and how far apart."""
    return f"BEATS_{port.signal}", f"APART_{port.signal}"


def stated_beats(port: RtlPort) -> str:
    """Their declaration."""
    number, apart = beats_names(port)
    return f"localparam {number} = {port.beats.number}, {apart} = {port.beats.apart};"


def as_stated(ports: Sequence[RtlPort], verilog: str) -> tuple[RtlPort, ...]:
    """``ports`` with the beats that the text of a top module states."""
    found = []
    for port in ports:
        number, apart = beats_names(port)
        stated = re.search(rf"\b{number} = (\d+), {apart} = (\d+);", verilog)
        found.append(port if stated is None else replace(port, beats=Beats(int(stated[1]), int(stated[2]))))
    return tuple(found)


def output_ports(graph: FixedGraph) -> tuple[RtlPort, ...]:
    """One port for each output of the graph, ``out_<name>``."""
    signals = _signals("out", graph.output_names)
    named = zip(graph.outputs, graph.output_names, signals, strict=True)
    return tuple(_port(graph, node, name, signal, AT_ONCE) for node, name, signal in named)


def _port(graph: FixedGraph, node: str, name: str, signal: str, beats: Beats) -> RtlPort:
    edge = graph.edges[node]
    return RtlPort(name, signal, edge.shape, edge.type, beats)


def _signals(direction: str, names: Sequence[str]) -> list[str]:
    """Identifiers of letters, digits and single underscores. The prefix keeps them clear of reserved words.

    What no identifier can have is left out, be it all of a name; a number tells apart what is then the same:

    >>> _signals("in", ["jet pt", "jet__pt", "η", "φ"])
    ['in_jet_pt', 'in_jet_pt_2', 'in', 'in_2']
    """
    chosen: list[str] = []
    for name in names:
        plain = "_".join(part for part in [direction, *_OTHER.split(name)] if part)[:_LONGEST].rstrip("_")
        signal, number = plain, 2
        # VHDL does not tell capitals from small letters.
        while signal.lower() in {other.lower() for other in chosen}:
            signal, number = f"{plain}_{number}", number + 1
        chosen.append(signal)
    return chosen
