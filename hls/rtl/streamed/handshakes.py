"""Valid and ready on both sides of a paced design: queues before it and behind it, and nothing in it that waits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources

from hls.rtl.port_map import port_map_comment
from hls.rtl.ports import Beats, RtlPort, stated_beats
from hls.rtl.rtl_project import RtlProject
from hls.rtl.wrapper import INTERVAL, STREAMED

_MODULES = ("fifo", "port", "door")
_ON_THE_WAY = 3
"""Clocks that the queues take: two before the paced design and two behind it, less the last transfer's own."""


def with_handshakes(project: RtlProject) -> RtlProject:
    """``project``, which was just written, inside a module that takes over the name of its top.

    An event is as many transfers as its port of most beats has beats; the others come with the first of them.
    """
    name, paced = project.top.removesuffix("_top"), paced_top(project.top)
    source = project.folder / project.files[0]
    text = re.sub(rf"\b{project.top}\b", paced, source.read_text(encoding="utf-8"))
    source.with_name(f"{paced}.v").write_text(text, encoding="utf-8")
    source.write_text(_named(_top(project, paced), name), encoding="utf-8")
    for module in _MODULES:
        library = resources.files("hls.rtl.streamed").joinpath(f"{module}.v").read_text(encoding="utf-8")
        (source.parent / f"{name}_stream_{module}.v").write_text(_named(library, name), encoding="utf-8")
    added = (f"{paced}.v", *(f"{name}_stream_{module}.v" for module in _MODULES))
    files = (*project.files, *(f"{source.parent.name}/{file}" for file in added))
    inputs = tuple(replace(port, beats=Beats(port.beats.number)) for port in project.inputs)
    stages = project.stages + transfers(inputs) + _ON_THE_WAY
    return replace(project, files=files, inputs=inputs, stages=stages, streamed=True)


def paced_top(top: str) -> str:
    """The module that a streamed design of such a name puts queues around."""
    return f"{top.removesuffix('_top')}_paced"


def transfers(inputs: tuple[RtlPort, ...]) -> int:
    """In which an event comes."""
    return max(port.beats.number for port in inputs)


def _named(text: str, name: str) -> str:
    return re.sub(rf"\bstream_({'|'.join(_MODULES)})\b", rf"{name}_stream_\1", text)


def _top(project: RtlProject, paced: str) -> str:
    declared = ["input wire clk", "input wire rst", "input wire valid_in", "output wire ready_in"]
    declared += ["output wire valid_out", "input wire ready_out"]
    declared += [f"input wire [{port.bits - 1}:0] {port.signal}" for port in project.inputs]
    declared += [f"output wire [{port.bits - 1}:0] {port.signal}" for port in project.outputs]
    head = ",\n".join(f"    {line}" for line in declared)
    inside = "\n".join(f"    {line}" for line in _body(project, paced))
    inputs = [replace(port, beats=Beats(port.beats.number)) for port in project.inputs]
    comment = "// A transfer is made in each clock in which both valid and ready are high.\n"
    comment += port_map_comment(inputs, project.outputs)
    return f"`timescale 1 ns / 1 ps\n\n{comment}module {project.top} (\n{head}\n);\n{inside}\nendmodule\n"


def _body(project: RtlProject, paced: str) -> Iterator[str]:
    # So many events can be under way and waiting to be taken that the paced design is never idle for want of a place.
    results = (project.stages + _ON_THE_WAY) // project.interval + 2
    yield f"{INTERVAL} = {project.interval};"
    yield f"{STREAMED} = {transfers(project.inputs)};"
    for port in project.inputs:
        if port.beats.number > 1:
            yield stated_beats(replace(port, beats=Beats(port.beats.number)))
    yield "wire taken = valid_in & ready_in;"
    yield "wire left = valid_out & ready_out;"
    yield "wire begun, ready, came, unused_room;"
    yield "wire [31:0] transfer;"
    yield f"wire [{len(project.inputs) - 1}:0] room;"
    yield "assign ready_in = &room;"
    yield f"stream_door #(.TRANSFERS(TRANSFERS), .RESULTS({results})) door ("
    yield "    .clk(clk), .rst(rst), .taken(taken), .transfer(transfer), .ready(ready), .begun(begun), .left(left));"
    for number, port in enumerate(project.inputs):
        beats = f".BEATS({port.beats.number}), .APART({port.beats.apart})"
        yield f"wire [{port.bits - 1}:0] paced_{port.signal};"
        yield f"stream_port #(.BITS({port.bits}), {beats}) queue_{port.signal} ("
        yield f"    .clk(clk), .rst(rst), .taken(taken), .transfer(transfer), .value({port.signal}),"
        yield f"    .room(room[{number}]), .begun(begun), .beat(paced_{port.signal}));"
    for port in project.outputs:
        yield f"wire [{port.bits - 1}:0] paced_{port.signal};"
    signals = ["clk", "rst", *(port.signal for port in (*project.inputs, *project.outputs))]
    wired = [f".{signal}({signal if signal in ('clk', 'rst') else f'paced_{signal}'})" for signal in signals]
    if project.interval > 1:
        wired.append(".ready_in(ready)")
    else:
        yield "assign ready = 1'b1;"
    yield f"{paced} paced (.valid_in(begun), .valid_out(came), {', '.join(wired)});"
    found = ", ".join(f"paced_{port.signal}" for port in reversed(project.outputs))
    given = ", ".join(port.signal for port in reversed(project.outputs))
    bits = sum(port.bits for port in project.outputs)
    yield f"stream_fifo #(.BITS({bits}), .DEPTH({results})) results ("
    yield f"    .clk(clk), .rst(rst), .push(came), .word({{{found}}}), .room(unused_room),"
    yield f"    .pop(left), .front({{{given}}}), .filled(valid_out));"
