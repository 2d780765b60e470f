"""What the arrays of the written C++ hold, and whether their types, lengths and printed constants hold all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hls.graph import FixedGraph, nodes
from hls.graph.fixed import IntArray
from hls.proof.hls4ml.choices import Chosen
from hls.proof.hls4ml.steps import Span, Step, Wire, cast, node_steps, same_function
from hls.proof.hls4ml.written import Call, CType, Written
from hls.proof.subject import NotClosedError


@dataclass
class Arrays:
    """Arrays of ``written`` against the tensors of ``graph``; whatever is not shown is a ``NotClosedError``.

    ``statements`` counts types that were found to hold all there is in them, ``constants`` printed ones that are the
    graph's. An array is in ``wires`` with the function of a tensor that it holds, or in ``chosen`` with elements of it.
    """

    graph: FixedGraph
    written: Written
    statements: int = 0
    constants: int = 0
    wires: dict[str, Wire] = field(default_factory=dict)
    chosen: dict[str, Chosen] = field(default_factory=dict)

    def store(self, array: str, wire: Wire) -> None:
        """What is stored in an array: after the conversion to its type."""
        self.require_length(array, wire.span)
        self.wires[array] = wire.then(cast(wire.now, self.type_of(array)))
        self.statements += 1

    def require(self, array: str, name: str, layer: str, index: IntArray | None = None) -> None:
        """An array is tensor ``name`` of the graph, or its elements at ``index``; or ``NotClosedError``."""
        found = self.read(array, layer)
        if not np.array_equal(found.index, np.arange(found.wire.span.low.size) if index is None else index):
            raise NotClosedError(f"array {array} does not have the elements that the graph reads there", layer)
        wire = found.wire
        chain: list[nodes.Node] = []
        now = name
        while now != wire.node:
            node = self.graph.nodes[now]
            if len(node.inputs) != 1:
                raise NotClosedError(f"array {array} does not come from the tensor that the graph has there", layer)
            chain.append(node)
            now = node.inputs[0]
        span, steps = wire.span, list[Step]()
        for node in reversed(chain):
            more = node_steps(node, span)
            if more is None:
                raise NotClosedError(f"{type(node).__name__} {node.name!r} is not in the C++ where it is read", layer)
            steps += more
            for step in more:
                span = span.after(step)
        try:
            same = same_function(wire.span, wire.steps, steps)
        except NotClosedError as error:
            raise NotClosedError(f"array {array}: {error.reason}", layer) from error
        if not same:
            raise NotClosedError(f"array {array} is rounded or saturated in another way than the graph says", layer)

    def wire(self, array: str, call: Call) -> Wire:
        """What an array holds, which must be all of a tensor in their places."""
        if array in self.chosen:
            raise NotClosedError(f"elements are repeated or reordered before nnet::{call.function}", call.layer)
        return self.read(array, call.layer).wire

    def read(self, array: str, layer: str) -> Chosen:
        """What an array holds: elements that were chosen, or all of a tensor in their places."""
        if array in self.chosen:
            return self.chosen[array]
        if array not in self.wires:
            raise NotClosedError(f"array {array} is read before anything is written to it", layer)
        return Chosen.all_of(self.wires[array])

    def require_length(self, array: str, span: Span) -> None:
        """An array has room for each element, and no more."""
        length = self.written.array(array)[1]
        if length != span.low.size:
            raise NotClosedError(f"array {array} is declared with {length} elements, and {span.low.size} are in it")

    def type_of(self, array: str) -> CType:
        """Of the elements of an array."""
        name = self.written.array(array)[0]
        if name not in self.written.types:
            raise NotClosedError(f"type {name} of array {array} is not declared in defines.h")
        return self.written.types[name]

    def require_held(self, span: Span, type_: CType, what: str, layer: str) -> None:
        """A type holds all there can be, and so converts nothing."""
        if cast(span, type_):
            raise NotClosedError(
                f"{what} is too narrow: its type {type_.type} does not hold all that there can be", layer
            )
        self.statements += 1

    def require_sizes(self, call: Call, expected: Mapping[str, int]) -> None:
        """The sizes that a layer's configuration must say."""
        for key, size in expected.items():
            got = self.written.size(call.templates[-1], key)
            if got != size:
                told = "no size" if got is None else f"{got} as"
                raise NotClosedError(f"{call.templates[-1]} has {told} {key}, the graph {size}", call.layer)

    def constants_of(self, name: str, call: Call, key: str) -> list[Fraction]:
        """Printed constants, which the type that the layer calls ``key`` holds as they are."""
        found, asked = self.written.constants(name), self.written.type_name(call.templates[-1], key)
        if found.type != asked:
            raise NotClosedError(f"constants {name} are of type {found.type}, the layer asks for {asked}", call.layer)
        held = self._declared(asked, call).type
        unit = Fraction(2) ** held.fraction
        for place, value in enumerate(found.values):
            raw = value * unit
            if raw.denominator != 1 or not held.raw_min <= raw <= held.raw_max:
                raise NotClosedError(f"constant {place} of {name}, {value}, does not fit its type {held}", call.layer)
        self.statements += 1
        self.constants += len(found.values)
        return list(found.values)

    def require_equal(self, printed: Sequence[Fraction], meant: Sequence[Fraction], call: Call, what: str) -> None:
        """Printed numbers are those of the graph, one after the other."""
        if len(printed) != len(meant):
            raise NotClosedError(f"{len(printed)} {what}s are printed, the graph has {len(meant)}", call.layer)
        for place, (got, wanted) in enumerate(zip(printed, meant, strict=True)):
            if got != wanted:
                raise NotClosedError(
                    f"{what} {place} is printed as {float(got)}, the graph has {float(wanted)}", call.layer
                )

    def layer_type(self, call: Call, key: str) -> CType:
        """The type that the configuration of a layer calls ``key``."""
        return self._declared(self.written.type_name(call.templates[-1], key), call)

    def _declared(self, name: str, call: Call) -> CType:
        if name not in self.written.types:
            raise NotClosedError(f"type {name} is not declared in defines.h", call.layer)
        return self.written.types[name]
