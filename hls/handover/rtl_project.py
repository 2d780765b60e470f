"""The Verilog as a project that others' tools open: port map, test benches with vectors, scripts of the vendors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hls.handover.vectors import Vectors, packed_rows
from hls.machine.texts import rendered
from hls.rtl import RtlProject
from hls.rtl.ports import RtlPort
from hls.target import Target

BENCH = "tb"
"""Folder of the test benches and their events."""
_AXIS, _TAGGED = "axis", "tagged"


@dataclass(frozen=True)
class _Handed:
    """What the templates ask of."""

    project: RtlProject
    target: Target
    events: int

    @property
    def top(self) -> str:
        return self.project.top

    @property
    def verilog(self) -> tuple[str, ...]:
        return self.project.files

    @property
    def contents(self) -> tuple[str, ...]:
        return self.project.contents

    @property
    def bits_in(self) -> int:
        return sum(_event_bits(port) for port in self.project.inputs)

    @property
    def bits_out(self) -> int:
        return sum(_event_bits(port) for port in self.project.outputs)

    @property
    def bytes_in(self) -> int:
        return -(-sum(port.bits for port in self.project.inputs) // 8)

    @property
    def bytes_out(self) -> int:
        return -(-self.bits_out // 8)

    @property
    def axis(self) -> str | None:
        return f"{_AXIS}/{self.top}_axis.v" if self.project.streamed else None

    @property
    def tagged(self) -> str | None:
        return None if self.project.streamed else f"{_TAGGED}/{self.top}_tagged.v"

    @property
    def under_way(self) -> int:
        """Events at most, from the clock in which one is taken to that in which its result leaves."""
        return self.latency // self.interval + 1

    @property
    def transfers(self) -> int:
        return max(port.beats.number for port in self.project.inputs)

    @property
    def in_beats(self) -> tuple[RtlPort, ...]:
        return tuple(port for port in self.project.inputs if port.beats.number > 1)

    @property
    def latency(self) -> int:
        return self.project.stages

    @property
    def interval(self) -> int:
        return self.project.interval


def complete_rtl_project(
    project: RtlProject, target: Target, vectors: Vectors, names: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> None:
    """Write README, port map, test benches and tools' files into the folder of ``project``.

    ``names`` are what inputs were made of, where events came from a file: of one an element, they are told.
    """
    stated = ((port, tuple(filter(None, names.get(port.name, ())))) for port in project.inputs)
    features = {port.name: given for port, given in stated if len(given) == port.size}
    handed = _Handed(project, target, len(vectors))
    top, folder = project.top, project.folder
    (folder / BENCH).mkdir(exist_ok=True)
    inputs, outputs = [port.type.width for port in project.inputs], [port.type.width for port in project.outputs]
    texts = {
        f"{BENCH}/inputs.hex": _lines(packed_rows(vectors.inputs, inputs)),
        f"{BENCH}/expected.hex": _lines(packed_rows(vectors.outputs, outputs)),
        "ports.json": json.dumps(_port_map(project, features), indent=2) + "\n",
    }
    for memory in project.memories:  # test benches look for the contents of memories where they run
        shutil.copy(memory, folder / BENCH)
    rows = list(_rows(project))
    bench = "_stream" if project.streamed else ""
    made = {
        "README.md": "rtl_readme.md.j2",
        f"{top}.core": "fusesoc.core.j2",
        "vivado.tcl": "vivado.tcl.j2",
        "package_ip.tcl": "package_ip.tcl.j2",
        "quartus.tcl": "quartus.tcl.j2",
        f"{BENCH}/{top}_tb.v": f"testbench{bench}.v.j2",
        f"{BENCH}/test_{top}.py": f"cocotb{bench}.py.j2",
        f"{BENCH}/Makefile": "cocotb.mk.j2",
    }
    for wrapper, template in ((handed.axis, "axis.v.j2"), (handed.tagged, "tagged.v.j2")):
        if wrapper is not None:
            (folder / wrapper).parent.mkdir(exist_ok=True)
            made[wrapper] = template
    values = {
        "handed": handed,
        "layout": [*_layout("s_axis_tdata", project.inputs), *_layout("m_axis_tdata", project.outputs)],
        "rows": rows,
        "features": features,
        "inputs": [(p.signal, p.bits, p.beats.number, p.beats.apart) for p in project.inputs],
        "outputs": [(p.signal, p.bits) for p in project.outputs],
    }
    texts |= {name: rendered("hls.handover", template, values) for name, template in made.items()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _lines(rows: Iterator[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _port_map(project: RtlProject, features: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Which element lies at which bits of which vector, and what a bit is worth."""
    return {
        "top": project.top,
        "clock_ns": project.clock_ns,
        "latency_clocks": project.stages,
        "interval_clocks": project.interval,
        **({"transfers": max(port.beats.number for port in project.inputs)} if project.streamed else {}),
        "inputs": [_port(port, project.streamed, features.get(port.name, ())) for port in project.inputs],
        "outputs": [_port(port, project.streamed) for port in project.outputs],
    }


def _port(port: RtlPort, streamed: bool, features: Sequence[str] = ()) -> dict[str, Any]:
    width = port.type.width
    beats = {} if port.beats.number == 1 else {"beats": port.beats.number, "clocks_between_beats": port.beats.apart}
    if streamed:  # a beat comes with a transfer, whenever that is
        beats.pop("clocks_between_beats", None)
    return {
        "name": port.name,
        "signal": port.signal,
        "shape": list(port.shape),
        "type": str(port.type),
        "signed": port.type.signed,
        "width": width,
        "fraction_bits": port.type.fraction,
        **beats,
        "elements": [_element(port, number, features) for number in range(port.size)],
    }


def _element(port: RtlPort, number: int, features: Sequence[str]) -> dict[str, Any]:
    beat, place = divmod(number, port.elements)
    low = place * port.type.width
    found: dict[str, Any] = {"element": number, "high": low + port.type.width - 1, "low": low}
    found |= {} if port.beats.number == 1 else {"beat": beat}
    return found | ({"feature": features[number]} if features else {})


def _layout(data: str, ports: Sequence[RtlPort]) -> Iterator[str]:
    """Which bits of a transfer are whose."""
    low = 0
    for port in ports:
        yield f"{data}[{low + port.bits - 1}:{low}]: {port.signal}"
        low += port.bits


def _event_bits(port: RtlPort) -> int:
    return port.size * port.type.width


def _rows(project: RtlProject) -> Iterator[str]:
    """The table of the README."""
    for direction, ports in (("in", project.inputs), ("out", project.outputs)):
        for port in ports:
            width, fraction = port.type.width, port.type.fraction
            shape = " x ".join(map(str, port.shape)) or "1"
            sign = "two's complement" if port.type.signed else "unsigned"
            where = f"bits {width - 1} to 0"
            if port.elements > 1:
                where = f"element i in bits {width}i+{width - 1} to {width}i"
            if port.beats.number > 1:
                begun = f"{port.elements}b" if port.elements > 1 else "b"
                when = "with transfer b" if project.streamed else f"{port.beats.apart}b clocks after `valid_in`"
                where += f", of beat b from element {begun} on, {when}"
            yield (f"{direction} | `{port.signal}` | `{port.name}` | {shape} | `{port.type}`, {sign} | {where} | "
                   f"integer * 2^{-fraction}")  # fmt: skip
