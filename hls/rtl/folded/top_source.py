"""Verilog of the top module: the door, the pulses that start engines, the engines, and what collects their results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from hls.graph import FixedGraph, nodes
from hls.rtl.folded.bits import Piece, converted, instance, joined
from hls.rtl.folded.engine import Engine, Operand
from hls.rtl.folded.grouping import elements_of, source_of
from hls.rtl.folded.layout import HOLE, Numbers
from hls.rtl.folded.schedule import Schedule
from hls.rtl.ports import RtlPort, beats_names, stated_beats
from hls.rtl.wrapper import INTERVAL


@dataclass(frozen=True, eq=False)
class Design:
    """Engines with their times, and the ports of the top module."""

    graph: FixedGraph
    name: str
    top: str
    engines: tuple[Engine, ...]
    schedule: Schedule
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]

    def module(self, engine: Engine) -> str:
        """Name of an engine's module."""
        return f"{self.name}_{engine.unit.name}"

    def maker(self, tensor: str) -> Engine:
        """The engine that a tensor leaves."""
        return next(engine for engine in self.engines if tensor in engine.unit.exports)


def top_source(design: Design) -> str:
    """The module; its clocks and what they mean stand in the comment."""
    ports = ["input clk", "input rst", "input valid_in", "output ready_in", "output valid_out"]
    ports += [f"input [{port.bits - 1}:0] {port.signal}" for port in design.inputs]
    ports += [f"output [{port.bits - 1}:0] {port.signal}" for port in design.outputs]
    text = _Top(design)
    body = [*text.engines(), *text.outputs()]
    lines = [*text.door(), *text.pulses(), *text.arrivals(), *text.registers, *body]
    head = ",\n".join(f"    {port}" for port in ports)
    inside = "\n".join(f"  {line}" for line in lines)
    schedule = design.schedule
    comment = (
        f"// An event each {schedule.interval} clocks or less often; its results leave after {schedule.latency}.\n"
    )
    return f"`timescale 1ns / 1ps\n\n{comment}module {design.top} (\n{head}\n);\n{inside}\nendmodule\n"


class _Top:
    """Collects the registers and pulses that the parts of the text ask for."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.registers: list[str] = []
        self._in_beats = {port.name: port for port in design.inputs if port.beats.number > 1}
        self._made: set[str] = set()
        self._clocks = {0, design.schedule.latency, *(timing.start for timing in design.schedule.engines)}

    def arrivals(self) -> Iterator[str]:
        """``<port>_comes`` is high when a beat of the port is on it."""
        for port in self._in_beats.values():
            number, apart = beats_names(port)
            yield stated_beats(port)
            yield f"wire {port.signal}_comes;"
            yield from instance(
                "folded_arrival", f"beats_of_{port.signal}", {"BEATS": number, "CLOCKS": apart},
                {"clk": "clk", "rst": "rst", "start": "pulse_0", "comes": f"{port.signal}_comes"},
            )  # fmt: skip

    def door(self) -> list[str]:
        """What lets an event in."""
        return [
            f"{INTERVAL} = {self.design.schedule.interval};",
            "wire pulse_0;",
            *instance("folded_door", "door", {"INTERVAL": "INTERVAL"},
                      {"clk": "clk", "rst": "rst", "valid": "valid_in", "ready": "ready_in", "accepted": "pulse_0"}),
        ]  # fmt: skip

    def pulses(self) -> Iterator[str]:
        """``pulse_<n>`` is high n clocks after an event; none waits longer than the interval for the one before."""
        interval = self.design.schedule.interval
        wanted = sorted(self._clocks)
        steps = [wanted[0]]
        for before, after in pairwise(wanted):
            steps += [*range(before + interval, after, interval), after]
        for before, after in pairwise(steps):
            yield f"wire pulse_{after};"
            yield from instance(
                "folded_delay", f"until_{after}", {"CLOCKS": after - before},
                {"clk": "clk", "rst": "rst", "pulse": f"pulse_{before}", "delayed": f"pulse_{after}"},
            )  # fmt: skip
        yield f"assign valid_out = pulse_{self.design.schedule.latency};"

    def engines(self) -> list[str]:
        """All engines and the wires that leave them."""
        lines = []
        for engine, timing in zip(self.design.engines, self.design.schedule.engines, strict=True):
            unit = engine.unit
            wired = {"clk": "clk", "rst": "rst", "start": f"pulse_{timing.start}", "written": f"{unit.name}_written"}
            lines.append(f"wire {unit.name}_written;")
            for place, tensor in enumerate(unit.exports):
                bits = engine.lanes * self.design.graph.edges[tensor].type.width
                lines.append(f"wire [{bits - 1}:0] {unit.name}_out_{place};")
                wired[f"out_{place}"] = f"{unit.name}_out_{place}"
            for place, operand in enumerate(engine.operands):
                if operand.source is None:
                    wired[f"frame_{place}"] = f"{unit.name}_frame_{place}"
                    lines += self._frame(f"{unit.name}_frame_{place}", operand, timing.copies[place])
                else:
                    wired |= {f"{key}_{place}": value for key, value in self._beat(operand.source).items()}
            lines += instance(self.design.module(engine), unit.name, {}, wired)
        return lines

    def _beat(self, source: str) -> dict[str, str]:
        if source in self._in_beats:
            signal = self._in_beats[source].signal
            return {"write": f"{signal}_comes", "beat": signal}
        maker = self.design.maker(source)
        place = maker.unit.exports.index(source)
        return {"write": f"{maker.unit.name}_written", "beat": f"{maker.unit.name}_out_{place}"}

    def _frame(self, name: str, operand: Operand, copies: Sequence[int]) -> list[str]:
        """The elements of ports that an operand reads, in words."""
        type_ = self.design.graph.edges[operand.tensor].type
        places = _port_elements(self.design.graph, operand.tensor).ravel()
        numbers = operand.layout.numbers.ravel()
        return [
            f"wire [{numbers.size * type_.width - 1}:0] {name} = "
            f"{self._elements(operand.tensor, [int(places[n]) if n != HOLE else HOLE for n in numbers], copies)};"
        ]

    def _elements(self, tensor: str, codes: Sequence[int], copies: Sequence[int]) -> str:
        """Elements of ports, those of ``tensor``, as it carries them."""
        target = self.design.graph.edges[tensor].type
        ports = self.design.inputs
        read = {code % len(ports) for code in codes if code != HOLE}
        names = {number: self._held(ports[number], copies) for number in sorted(read)}
        if all(ports[number].type == target for number in read):
            pieces = [
                Piece("", 0, target.width) if code == HOLE
                else Piece(names[code % len(ports)], code // len(ports) * target.width, target.width)
                for code in codes
            ]  # fmt: skip
            return joined(pieces)
        texts = []
        for code in codes:
            number, low = code % len(ports), code // len(ports) * ports[code % len(ports)].type.width
            texts.append(
                f"{target.width}'b0" if code == HOLE else converted(names[number], low, ports[number].type, target)
            )
        return "{" + ",\n      ".join(reversed(texts)) + "}"

    def _held(self, port: RtlPort, copies: Sequence[int]) -> str:
        """The register of a port: of the event, or of a copy of it that is made later."""
        signal, name = port.signal, f"event_{port.signal}"
        self._hold(name, signal, port.bits, 0)
        for clock in copies:
            before, name = name, f"{name}_{clock}"
            self._hold(name, before, port.bits, clock)
        return name

    def _hold(self, name: str, value: str, bits: int, clock: int) -> None:
        if name in self._made:
            return
        self._made.add(name)
        self._clocks.add(clock)
        self.registers += [
            f"wire [{bits - 1}:0] {name};",
            *instance("folded_hold", f"hold_{name}", {"BITS": bits},
                      {"clk": "clk", "capture": f"pulse_{clock}", "value": value, "held": name}),
        ]  # fmt: skip

    def outputs(self) -> list[str]:
        """Each output of the graph on its port."""
        lines: list[str] = []
        design = self.design
        for port, name, output in zip(design.outputs, design.graph.outputs, design.schedule.outputs, strict=True):
            source = source_of(design.graph, name)
            if source is None:
                codes = [int(code) for code in _port_elements(design.graph, name).ravel()]
                lines.append(f"assign {port.signal} = {self._elements(name, codes, output.copies)};")
                continue
            held = self._collected(source, output.copies, lines)
            layout = design.maker(source).layout
            place = np.empty(prod(design.graph.edges[source].shape) + 1, np.int64)
            place[layout.numbers.ravel()] = np.arange(layout.numbers.size)
            elements = place[elements_of(design.graph, name, source).ravel()]
            width = port.type.width
            pieces = [Piece(held, int(element) * width, width) for element in elements]
            lines.append(f"assign {port.signal} = {joined(pieces)};")
        return lines

    def _collected(self, source: str, copies: Sequence[int], lines: list[str]) -> str:
        engine = self.design.maker(source)
        beat = self._beat(source)
        name = f"all_{beat['beat']}"
        width = engine.lanes * self.design.graph.edges[source].type.width
        if name not in self._made:
            self._made.add(name)
            lines += [
                f"wire [{engine.layout.words * width - 1}:0] {name};",
                *instance("folded_collector", f"collect_{beat['beat']}",
                          {"BEATS": engine.layout.words, "BITS": width},
                          {"clk": "clk", "write": beat["write"], "beat": beat["beat"], "beats": name}),
            ]  # fmt: skip
        for clock in copies:
            before, name = name, f"{name}_{clock}"
            self._hold(name, before, engine.layout.words * width, clock)
        return name


def _port_elements(graph: FixedGraph, name: str) -> Numbers:
    """For each element of a tensor that is wires of ports: its number in its port times the ports, plus the port's."""
    node = graph.nodes[name]
    shape = graph.edges[name].shape
    if isinstance(node, nodes.Input):
        return np.arange(prod(shape)).reshape(shape) * len(graph.inputs) + graph.inputs.index(name)
    sources = [_port_elements(graph, source) for source in node.inputs]
    if isinstance(node, nodes.Concatenate):
        return np.concatenate(sources, axis=node.axis)
    return sources[0].transpose(node.permutation) if isinstance(node, nodes.Transpose) else sources[0].reshape(shape)
