"""From a FixedGraph to combinational logic: cores, each traced once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import FixedGraph, nodes
from hls.machine.extras import require
from hls.rtl.arithmetic import Arithmetic, constant_value, is_constant
from hls.rtl.element import Element, Elements
from hls.rtl.logic import Constant, Core, Logic, Source, Tap, Wire
from hls.rtl.operations import as_array, operate
from hls.rtl.partition import Stage, origins, partition
from hls.rtl.pipeline import Pipelining
from hls.rtl.program import Bounds, Program
from hls.rtl.provenance import layers_of
from hls.rtl.sharing import beats_of

WIDEST_EDGE = 48
"""alkaid's intervals are float64; with room for its intermediate sums, an edge may have this many bits."""

Interval = tuple[Fraction, Fraction, Fraction]
"""Lowest value, highest value, grid."""


def trace(
    graph: FixedGraph,
    hard_dc: int = 2,
    stages: Sequence[Stage] | None = None,
    pipelining: Pipelining | None = None,
    interval: int = 1,
    *,
    with_layers: bool = False,
) -> Logic:
    """Combinational logic that computes ``graph`` exactly.

    Args:
        graph: the network.
        hard_dc: adder levels that the solver may add below the deepest column to save adders; -1 is no limit, which
            is slow for large matrices.
        stages: how the nodes are divided among cores; those of ``partition`` by default.
        pipelining: products that it finds too slow are written as sums of narrower ones.
        interval: clocks within which the copies of a core take all positions, where that saves logic.
        with_layers: each core knows which layer each of its operations belongs to, which takes a while.

    Raises:
        UnsupportedError: an edge is wider than ``WIDEST_EDGE`` bits, or a constant wider than 24.
        ToolError: alkaid is not installed.
    """
    require("alkaid")
    for node in graph:
        _check_width(graph, node)
    planned = partition(graph) if stages is None else stages
    tracer = _Tracer(graph, Arithmetic(hard_dc, pipelining), interval, with_layers=with_layers)
    for number, stage in enumerate(planned):
        later = planned[number + 1 :]
        if not later and not stage.positions:
            # The last core drives every output, so that nothing is held back beside it.
            outputs = tracer.add(stage, graph.outputs)
            break
        wanted = origins(graph, [*_read(graph, later), *graph.outputs])
        tracer.add(stage, [name for name in stage.nodes if name in wanted])
    else:
        outputs = [tracer.tensor(name) for name in graph.outputs]
    return Logic(graph, tuple(tracer.cores), tuple(tuple(tensor.ravel()) for tensor in outputs))


def _read(graph: FixedGraph, stages: Iterable[Stage]) -> list[str]:
    return [source for stage in stages for name in stage.nodes for source in graph.nodes[name].inputs]


def _check_width(graph: FixedGraph, node: nodes.Node) -> None:
    width = graph.edges[node.name].type.width
    if width > WIDEST_EDGE:
        raise UnsupportedError(
            f"layer {node.layer!r}: {width} bits are more than RTL can carry ({WIDEST_EDGE}); put a quantizer before it"
        )


class _Tracer:
    """Adds one core after the other, and knows which elements of ports and cores make up a tensor."""

    def __init__(self, graph: FixedGraph, arithmetic: Arithmetic, interval: int, *, with_layers: bool) -> None:
        self.graph = graph
        self._with_layers = with_layers
        self.arithmetic = arithmetic
        self._clocks = interval
        self.cores: list[Core] = []
        self.tensors: dict[str, Elements] = {}
        self._intervals: list[list[Interval]] = []
        for vector, name in enumerate(graph.inputs):
            node = graph.port(name)
            size = int(np.prod(node.shape, dtype=np.int64))
            unit = Fraction(2) ** -node.type.fraction
            self._intervals.append([(node.raw_min * unit, node.raw_max * unit, unit)] * size)
            self.tensors[name] = as_array([Tap(vector, number) for number in range(size)], node.shape)

    def tensor(self, name: str) -> Elements:
        """Where the elements of a tensor come from that is computed already: an array of ``Source``."""
        if name not in self.tensors:
            node = self.graph.nodes[name]
            inputs = [self.tensor(source) for source in node.inputs]
            self.tensors[name] = operate(node, self.arithmetic, inputs, self.graph)
        return self.tensors[name]

    def add(self, stage: Stage, outputs: Sequence[str]) -> list[Elements]:
        """The core of ``stage``, and the ``Source`` of each element of its ``outputs``, which ``tensor`` knows now."""
        inside = _Inside(self, stage, outputs)
        for name in stage.nodes:
            inside.compute(name)
        traced = [inside.tensor(name) for name in outputs]
        moving = [element for tensor in traced for element in tensor.ravel() if not is_constant(element)]
        made = []
        for tensor, sources in zip(traced, _sources(traced, len(self._intervals)), strict=True):
            shape = (*stage.positions, *tensor.shape[len(stage.positions) :])
            made.append(as_array(_for_all(inside.copies, sources, len(moving)), shape))
        self.tensors.update(zip(outputs, made, strict=True))
        if moving:
            core = _core(inside, moving)
            if self._with_layers:
                core = replace(core, layers=layers_of(core.comb, *_watched(inside)))
            self._intervals.append([_interval(found) for found in core.comb.out_qint] * core.copies)
            self.cores.append(core.shared(beats_of(core, self._clocks)))
        return made

    def totals(self, pool: nodes.Pool) -> list[Elements] | None:
        """What each copy of a core gathers of a tensor that ``pool`` reduces to one position; None where no core does.

        The core is one whose copies take several positions each, one a clock: the sum is made as they come.
        """
        shape = self.graph.edges[pool.inputs[0]].shape
        if pool.window != shape[:-1] or any(map(any, pool.padding)):
            return None
        columns = [tuple(column) for column in self.tensor(pool.inputs[0]).reshape(-1, shape[-1]).T]
        places = {self._core_of(column) for column in columns if not _is_one_constant(column)}
        if len(places) != 1:
            return None
        (place,) = places
        if place is None:
            return None
        gathered = [self._total(place, column, maximum=pool.maximum) for column in columns]
        return [as_array(list(row), (1, shape[-1])) for row in zip(*gathered, strict=True)]

    def _core_of(self, column: Sequence[Source]) -> int | None:
        """Number of the core of several beats that has one of its outputs at all positions in ``column``."""
        first = column[0]
        if not isinstance(first, Tap) or first.vector < len(self.graph.inputs):
            return None
        place = first.vector - len(self.graph.inputs)
        core = self.cores[place]
        size = len(core.writes)
        whole = {Tap(first.vector, first.number % size + position * size) for position in range(len(core.inputs))}
        return place if core.beats > 1 and len(column) == len(whole) and set(column) == whole else None

    def _total(self, place: int, column: Sequence[Source], *, maximum: bool) -> list[Source]:
        """Where the copies of a core have what they gather of one of its outputs, which may be constant."""
        vector, core = place + len(self.graph.inputs), self.cores[place]
        terms = [1 if maximum else len(core.positions(copy)) for copy in range(core.copies)]
        first = column[0]  # of the others, each is the same at its own position
        if isinstance(first, Constant):
            return [Constant(first.value * number) for number in terms]
        number = first.number % len(core.writes)
        low, high, step = self._intervals[vector][number]
        intervals = [(many * low, many * high, step) for many in terms]
        made = [Tap(vector, len(self._intervals[vector]) + copy) for copy in range(core.copies)]
        self._intervals[vector] += intervals
        self.cores[place] = core.with_total(number, maximum=maximum, wires=[_holding(*found) for found in intervals])
        return [*made]

    def interval(self, sources: Iterable[Source]) -> Interval:
        """The narrowest interval that holds all of ``sources``."""
        found = [_point(s.value) if isinstance(s, Constant) else self._intervals[s.vector][s.number] for s in sources]
        steps = [step for _, _, step in found if step]
        return min(low for low, _, _ in found), max(high for _, high, _ in found), min(steps, default=Fraction(1))


class _Inside:
    """One copy of the core of ``stage`` while it is traced: its tensors have length 1 along the axes of positions."""

    def __init__(self, tracer: _Tracer, stage: Stage, outputs: Sequence[str]) -> None:
        self.ports: dict[tuple[Source, ...], Element] = {}
        self.copies = math.prod(stage.positions)
        self._tracer = tracer
        self._graph = tracer.graph
        self._stage = stage
        self._tensors: dict[str, Elements] = {}
        if not stage.positions:
            # Ports first, in their own order.
            read = origins(self._graph, [*_read(self._graph, [stage]), *outputs])
            for name in self._graph.inputs:
                if name in read:
                    self.tensor(name)

    def compute(self, name: str) -> None:
        """Trace a node whose inputs are there."""
        node = self._graph.nodes[name]
        node, inputs = self._gathered(node) or (node, [self.tensor(source) for source in node.inputs])
        try:
            self._tensors[name] = operate(node, self._tracer.arithmetic, inputs, self._graph)
        except UnsupportedError as error:
            raise UnsupportedError(f"layer {node.layer!r}: {error}") from error

    def _gathered(self, node: nodes.Node) -> tuple[nodes.Node, list[Elements]] | None:
        """A pool of what the copies of an earlier core have gathered, in place of one of all positions."""
        if not isinstance(node, nodes.Pool) or origins(self._graph, node.inputs).intersection(self._stage.nodes):
            return None
        totals = self._tracer.totals(node)
        if totals is None:
            return None
        members = self._read(np.concatenate(totals)).reshape(*(1 for _ in node.window[1:]), len(totals), -1)
        window = members.shape[:-1]
        return replace(node, window=window, strides=window), [members]

    def computed(self) -> list[tuple[str, Elements]]:
        """The tensors that are computed here, each with its layer, in the order of the graph."""
        inside = [node for node in self._graph if node.name in self._tensors]
        ours = [node for node in inside if origins(self._graph, [node.name]).intersection(self._stage.nodes)]
        return [(node.layer, self._tensors[node.name]) for node in ours]

    def tensor(self, name: str) -> Elements:
        """Elements of a tensor that is computed here or earlier."""
        if name not in self._tensors:
            if origins(self._graph, [name]).intersection(self._stage.nodes):
                self.compute(name)
            else:
                self._tensors[name] = self._read(self._tracer.tensor(name))
        return self._tensors[name]

    def _read(self, sources: Elements) -> Elements:
        shape = sources.shape
        if self._stage.positions:
            # What has no such axes is the same for all positions.
            sources = np.broadcast_to(sources, (*self._stage.positions, shape[-1]))
            shape = (*(1 for _ in self._stage.positions), shape[-1])
        return as_array([self._port(tuple(column)) for column in sources.reshape(self.copies, -1).T], shape)

    def _port(self, column: tuple[Source, ...]) -> Element:
        if column not in self.ports:
            low, high, step = self._tracer.interval(column)
            if low == high:
                return self._tracer.arithmetic.constant(low)
            fraction = step.denominator.bit_length() - step.numerator.bit_length()
            self.ports[column] = self._tracer.arithmetic.port(int(low / step), int(high / step), fraction)
        return self.ports[column]


def _is_one_constant(column: Sequence[Source]) -> bool:
    return isinstance(column[0], Constant) and len(set(column)) == 1


def _sources(tensors: Sequence[Elements], vector: int) -> list[list[Source]]:
    """Where the elements of one copy's tensors come from: of those that change, each is the next of ``vector``."""
    numbers = count()
    return [
        [Constant(constant_value(e)) if is_constant(e) else Tap(vector, next(numbers)) for e in tensor.ravel()]
        for tensor in tensors
    ]


def _for_all(copies: int, sources: Sequence[Source], size: int) -> list[Source]:
    """``sources`` of the first copy, then those of the others, each ``size`` elements further on in the same vector.

    >>> _for_all(2, [Tap(7, 1), Constant(Fraction(3))], size=5)  # doctest: +NORMALIZE_WHITESPACE
    [Tap(vector=7, number=1), Constant(value=Fraction(3, 1)),
     Tap(vector=7, number=6), Constant(value=Fraction(3, 1))]
    """
    return [
        source if isinstance(source, Constant) else Tap(source.vector, source.number + copy * size)
        for copy in range(copies)
        for source in sources
    ]


def _core(inside: _Inside, outputs: Sequence[Element]) -> Core:
    comb = _program(inside, outputs)
    inputs = tuple(zip(*inside.ports, strict=True))
    return Core(comb, inputs, tuple(map(_wire, comb.inp_qint)), tuple(map(_wire, comb.out_qint)))


def _program(inside: _Inside, outputs: Sequence[Element]) -> Program:
    from alkaid.trace import trace as alkaid_trace
    from alkaid.trace.passes import optimize

    # Tracing a second time, as alkaid does by default, would bring back the wide coefficients and saves nothing here.
    made: Program = optimize(alkaid_trace(list(inside.ports.values()), list(outputs), optimize=False), retrace=False)
    return made


def _watched(inside: _Inside) -> tuple[Program, list[str]]:
    """The same program, but for its outputs: all elements of all layers, in their order; and the layer of each."""
    made = [(layer, e) for layer, tensor in inside.computed() for e in tensor.ravel() if not is_constant(e)]
    return _program(inside, [element for _, element in made]), [layer for layer, _ in made]


def _wire(interval: Bounds) -> Wire:
    precision = interval.kif
    return Wire(bool(precision.signed), int(sum(precision)), int(precision.fractional))


def _holding(low: Fraction, high: Fraction, step: Fraction) -> Wire:
    """The narrowest wire for what lies between two multiples of ``step``.

    >>> _holding(Fraction(-3, 4), Fraction(7, 4), Fraction(1, 4))
    Wire(signed=True, width=4, fraction=2)
    """
    fraction = step.denominator.bit_length() - step.numerator.bit_length()
    lowest, highest = (int(end * Fraction(2) ** fraction) for end in (low, high))
    width = max(highest.bit_length(), (~lowest).bit_length() if lowest < 0 else 0)
    return Wire(lowest < 0, width + (lowest < 0), fraction)


def _interval(interval: Bounds) -> Interval:
    return Fraction(interval.min), Fraction(interval.max), Fraction(interval.step)


def _point(value: Fraction) -> Interval:
    return value, value, Fraction(value.numerator & -value.numerator, value.denominator)
