"""The top module in Verilog: packed ports, cores, and valid flags that travel along the pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from hls.rtl.places import Assignment, Bits, Fill, Held, Slice
from hls.rtl.port_map import port_map_comment
from hls.rtl.wiring import Beats, Instance, Wiring

INTERVAL = "localparam INTERVAL"
STREAMED = "localparam TRANSFERS"
"""Of a design behind valid and ready."""
START = ".at(at["
"""Tells a core that takes its numbers digit by digit when they are there."""


def wrapper_source(wiring: Wiring) -> str:
    """Verilog of the top module.

    Data are taken when ``valid_in`` is high and leave ``wiring.stages`` clocks later with ``valid_out``: an event a
    clock, or where the interval is longer, one whenever ``ready_in`` is high too. The synchronous reset ``rst`` forgets
    the events in flight; data registers need none.
    """
    shared = wiring.interval > 1
    declared = ["input wire clk", "input wire rst", "input wire valid_in", "output wire valid_out"]
    declared += ["output wire ready_in"] if shared else []
    declared += [f"input wire [{port.bits - 1}:0] {port.signal}" for port in wiring.inputs]
    declared += [f"output wire [{port.bits - 1}:0] {port.signal}" for port in wiring.outputs]
    body = _door(wiring.stages, wiring.interval) if shared else _valid(wiring.stages)
    for held in wiring.held:
        body += _held(held)
    for instance in wiring.instances:
        body += _core(instance)
    body += _assignments(wiring.drives)
    header = ",\n".join(f"    {line}" for line in declared)
    inside = "\n".join(f"    {line}" if line else "" for line in body)
    comment = port_map_comment(wiring.inputs, wiring.outputs)
    return f"`timescale 1 ns / 1 ps\n\n{comment}module {wiring.top} (\n{header}\n);\n\n{inside}\n\nendmodule\n"


def _valid(stages: int) -> list[str]:
    shifted = "valid_in" if stages == 1 else f"{{valid[{stages - 2}:0], valid_in}}"
    return [
        f"reg [{stages - 1}:0] valid;",
        "always @(posedge clk)",
        f"    valid <= rst ? {stages}'b0 : {shifted};",
        f"assign valid_out = valid[{stages - 1}];",
        "",
    ]


def _door(stages: int, interval: int) -> list[str]:
    # The flags of results that are there sooner than the next event may come are kept until then.
    kept = max(stages, interval - 1)
    return [
        "// An event is taken if so many clocks have passed since the last one. What comes earlier is not seen.",
        f"{INTERVAL} = {interval};",
        f"reg [{kept - 1}:0] valid;",
        "assign ready_in = ~|valid[INTERVAL-2:0];",
        "// Bit n is high n clocks after an event was taken: all that happens to an event happens at a fixed clock.",
        f"wire [{kept}:0] at = {{valid, valid_in & ready_in}};",
        "always @(posedge clk)",
        f"    valid <= rst ? {kept}'b0 : at[{kept - 1}:0];",
        f"assign valid_out = valid[{stages - 1}];",
        "",
    ]


def _held(held: Held) -> list[str]:
    declared = f"reg [{held.depth * held.width - 1}:0] {held.name};"
    parts: list[Bits] = [*held.parts]
    if not held.loads:
        if held.depth > 1:
            parts.append(Slice(held.name, 0, (held.depth - 1) * held.width))
        return [declared, "always @(posedge clk)", f"    {held.name} <= {_joined(parts)};", ""]
    steps = [_text(Slice(held.name, step * held.width, held.width)) for step in range(held.depth)]
    sources = [_joined(parts), *steps]
    lines = [
        f"    if (at[{load}]) {step} <= {source};"
        for load, step, source in zip(held.loads, steps, sources, strict=False)
    ]
    return [declared, "always @(posedge clk) begin", *lines, "end", ""]


def _core(core: Instance) -> list[str]:
    lines = [
        f"wire [{core.copies * core.bits_in - 1}:0] {core.name}_in;",
        f"wire [{core.copies * core.bits_out - 1}:0] {core.name}_out;",
    ]
    if core.beats is not None:
        lines += _beats(core.name, core.beats)
    clock = ".clk(clk)" if core.clocks is None else f".clk(clk), {START}{core.clocks.stop - 1}:{core.clocks.start}])"
    if core.copies == 1:
        lines.append(f"{core.module} {core.name} ({clock}, .model_inp({core.name}_in), .model_out({core.name}_out));")
    else:
        read, made = (
            f"{core.name}_{side}[{core.name}_place * {bits} +: {bits}]"
            for side, bits in (("in", core.bits_in), ("out", core.bits_out))
        )
        place = f"{core.name}_place"
        lines += [
            f"genvar {place};",
            "generate",
            f"    for ({place} = 0; {place} < {core.copies}; {place} = {place} + 1) begin : {core.name}",
            f"        {core.module} core ({clock}, .model_inp({read}), .model_out({made}));",
            "    end",
            "endgenerate",
        ]
    lines += _assignments(core.inputs)
    lines += _gathered(core)
    return [*lines, *(line for held in core.held for line in _held(held))]


def _beats(name: str, beats: Beats) -> list[str]:
    """What is taken at once and read beat by beat; what is the same in all of them is kept as it is."""
    lines = []
    if beats.width:
        last = (beats.count - 1) * beats.width
        bits = beats.count * beats.width - 1
        lines += [
            f"wire [{bits}:0] {name}_event;",
            f"reg [{bits}:0] {name}_beats;",
            "always @(posedge clk)",
            f"    {name}_beats <= at[{beats.load}] ? {name}_event",
            f"        : {{{name}_beats[{bits}:{last}], {name}_beats[{bits}:{beats.width}]}};",
            *_assignments(beats.event),
        ]
    if beats.kept_width:
        bits = beats.kept_width - 1
        lines += [
            f"wire [{bits}:0] {name}_alike;",
            f"reg [{bits}:0] {name}_kept;",
            "always @(posedge clk)",
            f"    if (at[{beats.load}]) {name}_kept <= {name}_alike;",
            *_assignments(beats.kept),
        ]
    return lines


def _gathered(core: Instance) -> list[str]:
    if not core.gathered:
        return []
    bits = max(gathering.total.low + gathering.total.width for gathering in core.gathered)
    lines = [f"wire [{bits - 1}:0] {core.name}_totals;"]
    for number, gathering in enumerate(core.gathered):
        settings = {
            "BITS": gathering.value.width,
            "SIGNED": int(gathering.signed),
            "TOTAL": gathering.total.width,
            "MAXIMUM": int(gathering.maximum),
        }
        given = ", ".join(f".{name}({value})" for name, value in settings.items())
        taken = f"|at[{gathering.last}:{gathering.first}]"
        lines += [
            f"{core.accumulator} #({given}) {core.name}_total_{number} (.clk(clk), .first(at[{gathering.first}]),",
            f"    .taken({taken}), .value({_text(gathering.value)}), .total({_text(gathering.total)}));",
        ]
    return lines


def _assignments(assignments: Sequence[Assignment]) -> list[str]:
    return [f"assign {_text(assigned.target)} = {_joined(assigned.parts)};" for assigned in assignments]


def _joined(parts: Sequence[Bits]) -> str:
    texts = [_text(part) for part in reversed(parts)]
    return f"{{{', '.join(texts)}}}" if len(texts) > 1 else texts[0]


def _text(part: Bits) -> str:
    if isinstance(part, Slice):
        return f"{part.vector}[{part.low + part.width - 1}:{part.low}]"
    if isinstance(part, Fill):
        bit = "1'b0" if part.vector is None else f"{part.vector}[{part.bit}]"
        return f"{{{part.width}{{{bit}}}}}"
    return f"{part.width}'h{part.value:x}" if part.value else f"{part.width}'b0"
