"""The top module in Verilog: packed ports, cores, and valid flags that travel along the pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from hls.rtl.wiring import Assignment, Bits, Fill, Held, Instance, Slice, Wiring


def wrapper_source(wiring: Wiring) -> str:
    """Verilog of the top module.

    One event a clock: data are taken when ``valid_in`` is high and leave ``wiring.stages`` clocks later with
    ``valid_out``. The synchronous reset ``rst`` forgets the events in flight; data registers need none.
    """
    declared = ["input wire clk", "input wire rst", "input wire valid_in", "output wire valid_out"]
    declared += [f"input wire [{port.bits - 1}:0] {port.signal}" for port in wiring.inputs]
    declared += [f"output wire [{port.bits - 1}:0] {port.signal}" for port in wiring.outputs]
    body = _valid(wiring.stages)
    for held in wiring.held:
        body += _held(held)
    for instance in wiring.instances:
        body += _core(instance)
    body += _assignments(wiring.drives)
    header = ",\n".join(f"    {line}" for line in declared)
    inside = "\n".join(f"    {line}" if line else "" for line in body)
    return f"`timescale 1 ns / 1 ps\n\nmodule {wiring.top} (\n{header}\n);\n\n{inside}\n\nendmodule\n"


def _valid(stages: int) -> list[str]:
    shifted = "valid_in" if stages == 1 else f"{{valid[{stages - 2}:0], valid_in}}"
    return [
        f"reg [{stages - 1}:0] valid;",
        "always @(posedge clk)",
        f"    valid <= rst ? {stages}'b0 : {shifted};",
        f"assign valid_out = valid[{stages - 1}];",
        "",
    ]


def _held(held: Held) -> list[str]:
    parts: list[Bits] = [*held.parts]
    if held.depth > 1:
        parts.append(Slice(held.name, 0, (held.depth - 1) * held.width))
    return [
        f"reg [{held.depth * held.width - 1}:0] {held.name};",
        "always @(posedge clk)",
        f"    {held.name} <= {_joined(parts)};",
        "",
    ]


def _core(core: Instance) -> list[str]:
    lines = [
        f"wire [{core.copies * core.bits_in - 1}:0] {core.name}_in;",
        f"wire [{core.copies * core.bits_out - 1}:0] {core.name}_out;",
    ]
    if core.copies == 1:
        lines.append(f"{core.module} {core.name} (.clk(clk), .model_inp({core.name}_in), .model_out({core.name}_out));")
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
            f"        {core.module} core (.clk(clk), .model_inp({read}), .model_out({made}));",
            "    end",
            "endgenerate",
        ]
    lines += _assignments(core.inputs)
    return [*lines, *(_held(core.held) if core.held else ())]


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
