"""Gate-level simulation of a netlist: Yosys replaces each cell by its simulation model, numpy evaluates the gates."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hls.errors import EventError, ToolError, UnsupportedError
from hls.graph.raw import RawArray
from hls.machine.progress import Progress
from hls.rtl.netlist.gates import Gates, Words
from hls.rtl.netlist.synthesis import GATES, Netlist
from hls.rtl.ports import RtlPort
from hls.rtl.rtl_project import RtlProject
from hls.rtl.simulation import RtlTiming, SimulationRun

Flags = npt.NDArray[np.bool_]

_LANES = 1024
# Streams and clocks that prove what gaps and resets do.
_CONTROL_LANES, _CONTROL_CLOCKS = 64, 48
# Clocks beyond its latency in which the result of the last event must come.
_PATIENCE = 1000
_LONG_AGO = 1 << 40
"""Clocks since an event of which no beat is due any more."""


class NetlistSimulation:
    """Runs events through the gates of ``netlist``, as many streams side by side, in each one event an interval."""

    def __init__(self, project: RtlProject, netlist: Netlist) -> None:
        if project.memories:
            raise UnsupportedError(
                f"{project.top}: weights in files are black boxes of the netlist, without gates to simulate; "
                "fewer weights, or a shorter interval, are logic"
            )
        if project.streamed:
            raise UnsupportedError(
                f"{project.top}: gates are simulated clock by clock at a fixed pace, not with valid and ready; "
                'leave out io = "stream" for that'
            )
        self.project = project
        self.gates = Gates(netlist.folder / GATES, project.top)

    def run(self, raw_inputs: Sequence[RawArray], progress: Progress | None = None) -> SimulationRun:
        """Events as close as the interval lets them; then some with random gaps and resets, each flag checked.

        Args:
            raw_inputs: integers (n, *port shape) inside the range of each port.
            progress: called with (events done, events in all).

        Raises:
            EventError: no event.
            ToolError: a valid flag or a result is not what the back-to-back pass promised.
        """
        events = len(raw_inputs[0])
        if events == 0:
            raise EventError("no event to simulate; give at least one")
        bits = np.concatenate(
            [_to_bits(port, raw) for port, raw in zip(self.project.inputs, raw_inputs, strict=True)], axis=1
        )
        start = time.perf_counter()
        results, latency = self._straight(bits, progress)
        seconds = time.perf_counter() - start
        self._control(bits, results, latency)
        ends = np.cumsum([port.bits for port in self.project.outputs])[:-1]
        parts = np.split(results, ends, axis=1)
        outputs = [from_bits(port, part) for port, part in zip(self.project.outputs, parts, strict=True)]
        return SimulationRun(outputs, RtlTiming(latency, self.project.interval, self.project.clock_ns), seconds)

    def _straight(self, bits: Flags, progress: Progress | None) -> tuple[Flags, int]:
        """Results (events, bits) and latency; one result an interval in every stream, or ``ToolError``."""
        events, lanes = len(bits), min(_LANES, 64 * -(-len(bits) // 64))
        turns, interval = -(-events // lanes), self.project.interval
        stream = _Stream(self, lanes)
        results: list[Flags] = []
        latency = 0
        for clock in range(turns * interval + self.project.stages + _PATIENCE):
            turn, between = divmod(clock, interval)
            data = bits[turn * lanes : (turn + 1) * lanes] if not between else bits[:0]
            valid = np.arange(lanes) < len(data)
            flags, found = stream.step(valid, np.zeros(lanes, np.bool_), valid, data)
            if not results and not flags.any():
                latency += 1
                continue
            due = not (clock - latency) % interval
            expected = min(lanes, events - len(results) * lanes) if due else 0
            if not np.array_equal(flags, np.arange(lanes) < expected):
                raise ToolError(f"{self.project.top}: the netlist's valid flags skip or invent results")
            if not due:
                continue
            results.append(found[:expected])
            if progress is not None:
                progress(min(len(results) * lanes, events), events)
            if len(results) == turns:
                return np.concatenate(results), latency
        raise ToolError(f"{self.project.top}: no result of the netlist after {_PATIENCE} clocks")

    def _control(self, bits: Flags, results: Flags, latency: int) -> None:
        """Random gaps in every stream and random resets in half of them: each flag and result is predicted.

        What comes sooner after an event than the interval is not taken.
        """
        random = np.random.default_rng(3)
        lanes, clocks = _CONTROL_LANES, _CONTROL_CLOCKS + 2 * latency
        valid = random.random((clocks, lanes)) < 0.6
        reset = random.random((clocks, lanes)) < 1 / (2 * latency + 2)
        reset[:, : lanes // 2] = False
        taken = _taken(valid, reset, self.project.interval)
        chosen = random.integers(0, len(bits), (clocks, lanes))
        stream = _Stream(self, lanes)
        for clock in range(clocks):
            begun = bits[chosen[clock, taken[clock]]]
            flags, found = stream.step(valid[clock], reset[clock], taken[clock], begun)
            sent = clock - latency
            due = taken[sent] & ~reset[sent:clock].any(axis=0) if sent >= 0 else np.zeros(lanes, np.bool_)
            if not np.array_equal(flags, due) or not np.array_equal(found[due], results[chosen[sent][due]]):
                raise ToolError(f"{self.project.top}: with gaps and resets the netlist gives other results")


def _taken(valid: Flags, reset: Flags, interval: int) -> Flags:
    """(clocks, streams) where an event is taken: none is that comes less than ``interval`` clocks after another, unless
    a reset lies between."""
    taken = np.zeros_like(valid)
    waits = np.zeros(valid.shape[1], np.int64)
    for clock, (offered, forgotten) in enumerate(zip(valid, reset, strict=True)):
        taken[clock] = offered & ~forgotten & (waits == 0)
        waits = np.where(taken[clock], interval - 1, np.maximum(waits - 1, 0))
        waits[forgotten] = 0
    return taken


class _Stream:
    """A state of the gates, the events on their way in, and what comes out, ``lanes`` streams at once."""

    def __init__(self, simulation: NetlistSimulation, lanes: int) -> None:
        gates, project = simulation.gates, simulation.project
        self._gates = gates
        self._lanes = lanes
        self._random = np.random.default_rng(1)
        self._state = gates.wake_up(lanes // 64, self._random)
        inputs = [bit for port in project.inputs for bit in gates.ports[port.signal]]
        outputs = [bit for port in project.outputs for bit in gates.ports[port.signal]]
        self._inputs = project.inputs
        self._event = np.zeros((sum(port.size * port.type.width for port in project.inputs), lanes), np.bool_)
        self._age = np.full(lanes, _LONG_AGO)
        self._in = gates.rows([*gates.ports["valid_in"], *gates.ports["rst"], *inputs])
        self._out = gates.rows([*gates.ports["valid_out"], *outputs])
        none = np.zeros(lanes, np.bool_)
        self.step(none, ~none, none, self._event.T[:0])

    def step(self, valid: Flags, reset: Flags, taken: Flags, begun: Flags) -> tuple[Flags, Flags]:
        """Flags and results (lanes, bits) that stand at the outputs during this clock, then its edge.

        Streams ``taken`` begin the events ``begun`` (streams taken, bits of an event); the others go on with the beats
        of theirs. Where none is due, anything is on the wires.
        """
        self._age += 1
        self._age[reset] = _LONG_AGO
        self._age[taken] = 0
        self._event[:, taken] = begun.T
        driven = self._random.random((len(self._in), self._lanes)) < 0.5
        driven[0], driven[1] = valid, reset
        low, first = 2, 0
        for port in self._inputs:
            beat, between = np.divmod(self._age, port.beats.apart)
            due = np.flatnonzero((between == 0) & (beat < port.beats.number))
            rows = first + beat[due] * port.bits + np.arange(port.bits)[:, None]
            driven[low : low + port.bits, due] = self._event[rows, due]
            low, first = low + port.bits, first + port.size * port.type.width
        self._state[self._in] = _pack(driven)
        self._gates.evaluate(self._state)
        seen = _unpack(self._state[self._out])
        self._gates.clock(self._state)
        return seen[0], seen[1:].T


def _pack(bits: Flags) -> Words:
    return np.packbits(bits, axis=1).view(np.uint64)


def _unpack(words: Words) -> Flags:
    return np.unpackbits(words.view(np.uint8), axis=1).astype(np.bool_)


def _to_bits(port: RtlPort, raw: RawArray) -> Flags:
    """(events, port bits), element 0 first, each from its lowest bit."""
    shifts = np.arange(port.type.width)
    spread = (raw.reshape(len(raw), -1, 1) >> shifts) & 1
    return spread.reshape(len(raw), -1).astype(np.bool_)


def from_bits(port: RtlPort, bits: Flags) -> RawArray:
    """Integers (events, *port shape) of bits as ``_to_bits`` lists them."""
    weights = np.int64(1) << np.arange(port.type.width, dtype=np.int64)
    if port.type.signed:
        weights[-1] = -weights[-1]
    raw: RawArray = bits.reshape(len(bits), -1, port.type.width).astype(np.int64) @ weights
    return raw.reshape(len(bits), *port.shape)
