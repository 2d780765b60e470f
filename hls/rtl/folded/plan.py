"""How wide each engine is: as few multipliers as take no more clocks an event than the interval has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm, prod

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import FixedGraph, nodes
from hls.graph.nodes import Node
from hls.rtl.folded.arrival import arriving
from hls.rtl.folded.constants import kernel_of
from hls.rtl.folded.engine import Engine, Loops, Operand, Window, two_axes
from hls.rtl.folded.grouping import Kind, Unit, consumers, elements_of, group, port_of, source_of
from hls.rtl.folded.layout import HOLE, Layout, Numbers, in_order
from hls.target import BEATS


def plan(graph: FixedGraph, interval: int, ports: str = BEATS) -> tuple[Engine, ...]:
    """Engines of which none takes more than ``interval`` clocks an event, in the order in which data pass them.

    A port at positions comes in beats, a position each, or if ``ports`` says so as a whole.

    Raises:
        UnsupportedError: a layer needs more clocks, or tensors that no engine can read.
    """
    units = group(graph)
    layouts = arriving(graph, units, interval) if ports == BEATS else {}
    engines = []
    for unit in units:
        engine = _Folding(graph, units, unit, layouts, interval).engine()
        layouts.update(dict.fromkeys(unit.exports, engine.layout))
        engines.append(engine)
    return tuple(engines)


def least_interval(graph: FixedGraph) -> int:
    """Clocks an event below which folded engines cannot go: each takes one for a place of its window at a
    position, or for a position that it joins to others."""
    clocks = [1]
    for unit in group(graph):
        if unit.kind is Kind.JOIN:
            clocks.append(sum(prod(graph.edges[name].shape[:-1]) for name in unit.head.inputs))
            continue
        window = window_of(graph, unit)
        clocks.append(prod(window.out) * prod(window.size))
    return max(clocks)


def serial_interval(graph: FixedGraph) -> int:
    """Clocks an event from which on each engine has one lane of one product, and longer ones save nothing."""
    clocks = [1]
    for unit in group(graph):
        summed = unit.kind in (Kind.DENSE, Kind.DEPTHWISE)
        each = kernel_of(unit.head).shape[:-1] if summed else window_of(graph, unit).size
        clocks.append(prod(graph.edges[unit.head.name].shape) * prod(each))
    return max(clocks)


def window_of(graph: FixedGraph, unit: Unit) -> Window:
    """Window of a unit; of a join its positions are the turns of the axes before the one that it joins along."""
    node, shape = unit.head, graph.edges[unit.head.name].shape
    if isinstance(node, nodes.Conv | nodes.Pool):
        window, dilation = (
            (node.kernel.shape[: len(node.strides)], node.dilation)
            if isinstance(node, nodes.Conv)
            else (node.window, (1,) * len(node.window))
        )
        frame = graph.edges[node.inputs[0]].shape
        before = tuple(places for places, _ in node.padding)
        return Window(
            two_axes(frame[:-1]),
            two_axes(shape[:-1]),
            two_axes(window),
            two_axes(node.strides),
            two_axes(dilation),
            two_axes(before, 0),
        )
    if isinstance(node, nodes.Concatenate):
        outer = prod(shape[: _axis(node, shape)])
        return Window((1, outer), (1, outer))
    if unit.kind is Kind.ELEMENTWISE and any(graph.edges[name].shape != shape for name in unit.operands):
        rows = two_axes(shape[:-1])
        return Window(rows, rows)
    places = prod(shape[:-1])
    return Window((1, places), (1, places))


def _axis(node: Node, shape: tuple[int, ...]) -> int:
    """The axis along which a concatenation joins, counted from the first."""
    return node.axis % len(shape) if isinstance(node, nodes.Concatenate) else len(shape) - 1


@dataclass
class _Folding:
    """Finds the width of one unit."""

    graph: FixedGraph
    units: Sequence[Unit]
    unit: Unit
    layouts: Mapping[str, Layout]
    interval: int

    def engine(self) -> Engine:
        """The cheapest that is fast enough."""
        kind = self.unit.kind
        choices = {
            Kind.DENSE: self._dense,
            Kind.DEPTHWISE: self._by_channel,
            Kind.POOL: self._by_channel,
            Kind.ELEMENTWISE: self._elementwise,
            Kind.JOIN: self._join,
        }[kind]()
        best = min(choices, key=lambda choice: choice[0], default=None)
        if best is None:
            raise self._too_slow()
        return best[1]

    def _too_slow(self) -> UnsupportedError:
        least = least_interval(self.graph)
        layer = self.unit.head.layer
        if least > self.interval:
            return UnsupportedError(
                f"layer {layer!r}: an interval of {self.interval} clocks is too short for folded RTL; the network "
                f"needs {least} at least, or unrolled RTL"
            )
        return UnsupportedError(
            f"layer {layer!r}: its tensors cannot be read at an interval of {self.interval} clocks by folded RTL; "
            "choose a longer one, or unrolled RTL"
        )

    def _groups(self, window: Window, clocks: int) -> int:
        """Words of a position that there is time for, if each takes so many ``clocks``."""
        return self.interval // (prod(window.out) * clocks)

    def _source(self, tensor: str) -> str | None:
        """What writes a tensor word by word, an engine or a port that comes in beats; None if it is there at once."""
        source = source_of(self.graph, tensor) or port_of(self.graph, tensor)
        return source if source in self.layouts else None

    def _read(self, tensor: str, lanes: int) -> tuple[Layout, str | None]:
        """The words of ``tensor`` as they come, or, of a port that is there at once, as words of so many ``lanes``."""
        source = self._source(tensor)
        if source is None:
            return in_order(self.graph.edges[tensor].shape, lanes), None
        layout = self.layouts[source].seen_as(elements_of(self.graph, tensor, source))
        if layout is None:
            raise UnsupportedError(
                f"layer {self.unit.head.layer!r}: {tensor!r} reads {source!r} in an order in which folded RTL does not "
                "write it; transpose a port instead, or choose unrolled RTL"
            )
        return layout, source

    def _allowed(self, lanes: int, channels: int) -> bool:
        """Whether those who read the exports can do with words of so many lanes."""
        shapes = [shape for name in self.unit.exports for shape in consumers(self.graph, self.units, name)]
        return all(shape[-1] % channels == 0 or (channels % lanes == 0 and shape[-1] % lanes == 0) for shape in shapes)

    def _lanes(self, least: int, channels: int) -> int | None:
        """The fewest lanes from ``least`` on that are allowed."""
        return next((lanes for lanes in range(least, channels + 1) if self._allowed(lanes, channels)), None)

    def _dense(self) -> Iterator[tuple[float, Engine]]:
        window, (tensor,) = window_of(self.graph, self.unit), self.unit.operands
        edges = self.graph.edges
        kernel = kernel_of(self.unit.head)
        outputs = kernel.shape[-1]
        bits = edges[tensor].type.width, kernel.type.width, edges[self.unit.head.name].type.width
        for layout, source, beats, simd in self._widths(tensor):
            words, parts = layout.numbers.shape[1], layout.lanes // simd
            groups = self._groups(window, words * parts * prod(window.size))
            lanes = self._lanes(-(-outputs // groups), outputs) if groups else None
            if lanes is None:
                continue
            groups = -(-outputs // lanes)
            loops = Loops(parts, words, window.size[1], window.size[0], groups, window.out[1], window.out[0])
            operand = self._windowed(tensor, source, layout, beats, window, grouped=False)
            out = in_order((prod(window.out), outputs), lanes)
            yield _luts(simd, lanes, *bits), Engine(self.unit, window, loops, simd, lanes, (operand,), out)

    def _widths(self, tensor: str) -> Iterator[tuple[Layout, str | None, int, int]]:
        """Layout of the words, their source, beats of a word, and products of a clock and lane."""
        channels = self.graph.edges[tensor].shape[-1]
        if self._source(tensor) is None:
            for simd in _fewest(channels):
                layout, _ = self._read(tensor, simd)
                yield layout, None, 1, simd
            return
        layout, source = self._read(tensor, 0)
        for simd in range(1, layout.lanes):
            if layout.lanes % simd == 0:
                yield layout, source, 1, simd
        for beats in _fewest(layout.numbers.shape[1]):
            yield layout.packed(beats), source, beats, layout.lanes * beats

    def _windowed(
        self, tensor: str, source: str | None, layout: Layout, beats: int, window: Window, grouped: bool
    ) -> Operand:
        """How words are read in a window; ``grouped``: each word of the output is of one word of the input."""
        words = layout.numbers.shape[1]
        row = window.frame[1] * words
        inner, outer = (0, 1) if grouped else (1, 0)
        strides = (
            inner,
            window.dilation[1] * words,
            window.dilation[0] * row,
            outer,
            window.strides[1] * words,
            window.strides[0] * row,
        )
        origin = -window.before[0] * row - window.before[1] * words
        of_position = self._beats_of_position(source, tensor)
        return Operand(tensor, source, layout, beats, of_position, strides, origin)

    def _beats_of_position(self, source: str | None, tensor: str) -> int:
        return 1 if source is None else self._read(tensor, 0)[0].numbers.shape[1]

    def _by_channel(self) -> Iterator[tuple[float, Engine]]:
        window, tensor = window_of(self.graph, self.unit), self.unit.operands[0]
        channels = self.graph.edges[tensor].shape[-1]
        times = self.graph.edges[self.unit.head.name].shape[-1] // channels
        for layout, source, beats in self._packings(tensor):
            words = layout.numbers.shape[1]
            if words > self._groups(window, prod(window.size)) or not self._allowed(
                layout.lanes * times, channels * times
            ):
                continue
            loops = Loops(1, 1, window.size[1], window.size[0], words, window.out[1], window.out[0])
            operand = self._windowed(tensor, source, layout, beats, window, grouped=True)
            lanes = layout.lanes * times
            operand = replace(operand, pick=tuple(lane // times for lane in range(lanes)))
            out = _repeated(layout.channels, times, prod(window.out), channels)
            yield lanes, Engine(self.unit, window, loops, 1, lanes, (operand,), out)

    def _packings(self, tensor: str) -> Iterator[tuple[Layout, str | None, int]]:
        channels = self.graph.edges[tensor].shape[-1]
        if self._source(tensor) is None:
            for lanes in _fewest(channels):
                yield self._read(tensor, lanes)[0], None, 1
            return
        layout, source = self._read(tensor, 0)
        for beats in _fewest(layout.numbers.shape[1]):
            yield layout.packed(beats), source, beats

    def _common_lanes(self, tensors: Iterable[str]) -> tuple[list[int], int]:
        """Lanes of those tensors that come in words, and the fewest that are words of each; 1 if none does."""
        own = [self._read(name, 1)[0].lanes for name in tensors if self._source(name)]
        return own, lcm(*own)

    def _elementwise(self) -> Iterator[tuple[float, Engine]]:
        window, edges = window_of(self.graph, self.unit), self.graph.edges
        shape = edges[self.unit.head.name].shape
        own, unit = self._common_lanes(self.unit.operands)
        for lanes in dict.fromkeys([*range(unit, shape[-1] + 1, unit), *([] if own else [shape[-1]])]):
            engine = self._word_by_word(window, shape, lanes)
            if engine is not None:
                yield lanes, engine
        engine = self._at_once(window, shape)
        if engine is not None:
            yield engine.lanes + prod(shape), engine

    def _word_by_word(self, window: Window, shape: tuple[int, ...], lanes: int) -> Engine | None:
        """With words that are alike in all operands; None if there are none or too many."""
        operands = []
        channels: Numbers | None = None
        for name in self.unit.operands:
            if self.graph.edges[name].shape[-1] == 1 < shape[-1]:
                layout, source = self._read(name, 1)
                operands.append(self._spread(name, source, layout, 1, shape, (0,) * lanes))
                continue
            layout, source = self._read(name, lanes)
            beats = lanes // layout.lanes
            packed = layout.packed(beats)
            if channels is not None and not np.array_equal(channels, packed.channels):
                return None
            channels = packed.channels
            operands.append(self._spread(name, source, packed, beats, shape, tuple(range(lanes))))
        if channels is None or not self._allowed(lanes, shape[-1]):
            return None
        return self._of_words(window, shape, operands, channels)

    def _at_once(self, window: Window, shape: tuple[int, ...]) -> Engine | None:
        """With all channels of a position in one word, whatever lane they have in those of the operands."""
        operands = []
        for name in self.unit.operands:
            layout, source = self._read(name, self.graph.edges[name].shape[-1])
            beats = layout.numbers.shape[1]
            packed = layout.packed(beats)
            lane_of = {int(channel): lane for lane, channel in enumerate(packed.channels[0]) if channel != HOLE}
            wide = self.graph.edges[name].shape[-1] > 1
            pick = tuple(lane_of[channel if wide else 0] for channel in range(shape[-1]))
            operands.append(self._spread(name, source, packed, beats, shape, pick))
        return self._of_words(window, shape, operands, np.arange(shape[-1])[None])

    def _of_words(
        self, window: Window, shape: tuple[int, ...], operands: Iterable[Operand], channels: Numbers
    ) -> Engine | None:
        words, lanes = channels.shape
        if words > self._groups(window, 1):
            return None
        loops = Loops(groups=words, ox=window.out[1], oy=window.out[0])
        out = _repeated(channels, 1, prod(window.out), shape[-1])
        return Engine(self.unit, window, loops, 0, lanes, tuple(operands), out)

    def _spread(
        self, name: str, source: str | None, layout: Layout, beats: int, shape: tuple[int, ...], pick: tuple[int, ...]
    ) -> Operand:
        """Along the axes that an operand lacks the same words are read again."""
        own = self.graph.edges[name].shape
        window = window_of(self.graph, self.unit)
        words = layout.numbers.shape[1]
        by_word = 0 if own[-1] == 1 < shape[-1] else 1
        if own == shape or own[:-1] == shape[:-1]:
            ox, oy = words, window.out[1] * words
        else:
            y, x = two_axes(own[:-1])
            ox, oy = (words if x > 1 else 0), (x * words if y > 1 else 0)
        of_position = self._beats_of_position(source, name)
        return Operand(name, source, layout, beats, of_position, (0, 0, 0, by_word, ox, oy), 0, pick)

    def _join(self) -> Iterator[tuple[float, Engine]]:
        node = self.unit.head
        window = window_of(self.graph, self.unit)
        shape = self.graph.edges[node.name].shape
        axis = _axis(node, shape)
        _, unit = self._common_lanes(node.inputs)
        ends = np.cumsum([self.graph.edges[name].shape[axis] for name in node.inputs])[:-1]
        numbers = np.split(np.arange(prod(shape)).reshape(shape), ends, axis=axis)
        for lanes in range(unit, shape[-1] + unit, unit):
            operands, rows, sources = [], [], []
            for place, (name, part) in enumerate(zip(node.inputs, numbers, strict=True)):
                layout, source = self._read(name, lanes)
                beats = lanes // layout.lanes
                packed = layout.packed(beats)
                of_position = self._beats_of_position(source, name)
                operands.append(
                    Operand(name, source, packed, beats, of_position, (1, 0, 0, 1, 1, 1), 0, tuple(range(lanes)))
                )
                taken = np.where(packed.numbers == HOLE, HOLE, part.ravel()[packed.numbers])
                rows.append(taken.reshape(prod(window.out), -1, lanes))
                sources += [place] * rows[-1].shape[1]
            joined = np.concatenate(rows, axis=1)
            if joined.shape[1] <= self._groups(window, 1):
                loops = Loops(groups=joined.shape[1], ox=window.out[1])
                out = Layout(joined)
                yield lanes, Engine(self.unit, window, loops, 0, lanes, tuple(operands), out, tuple(sources))


def _fewest(count: int) -> Iterator[int]:
    """Sizes from 1 to ``count`` of which none is larger than the number of parts needs.

    >>> list(_fewest(10))  # 10, 5, 4, 3, 2 and 1 parts
    [1, 2, 3, 4, 5, 10]
    """
    seen = 0
    for size in range(1, count + 1):
        parts = -(-count // size)
        if parts != seen:
            yield size
        seen = parts


def _repeated(channels: Numbers, times: int, positions: int, of_position: int) -> Layout:
    """Words of ``times`` outputs for each of ``channels``, at each of ``positions``."""
    outputs = np.where(channels[..., None] == HOLE, HOLE, channels[..., None] * times + np.arange(times))
    row = outputs.reshape(len(channels), -1)
    offsets = np.arange(positions)[:, None, None] * (of_position * times)
    return Layout(np.where(row == HOLE, HOLE, row + offsets))


def luts_of(graph: FixedGraph, engine: Engine, in_dsps: bool = False) -> float:
    """About the LUTs of an engine."""
    head = engine.unit.head
    width = graph.edges[head.name].type.width
    if not engine.multipliers:
        return 2.0 * engine.lanes * width + _SURROUNDING
    x = graph.edges[engine.operands[0].tensor].type.width
    return _luts(engine.simd, engine.lanes, x, kernel_of(head).type.width, width, in_dsps) + _SURROUNDING


_SURROUNDING = 100.0
"""LUTs of an engine's counters, addresses and flags, about."""


def _luts(simd: int, lanes: int, x_bits: int, w_bits: int, sum_bits: int, in_dsps: bool = False) -> float:
    """A product takes most, then the way out of a lane, then a word."""
    product = (0.0 if in_dsps else 0.6 * x_bits * w_bits) + x_bits + 2 * w_bits
    return simd * lanes * product + lanes * 4 * sum_bits + simd * x_bits
