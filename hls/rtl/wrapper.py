"""The top module: packed ports, and valid flags that travel along the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hls.fixed import FixedType
from hls.rtl.ports import RtlPort
from hls.rtl.trace import Logic, Wire


@dataclass(frozen=True)
class Fit:
    """An element of a port from its lowest bit up: ``zeros``, then ``kept`` bits of the core's wire, then ``missing``
    ones that repeat its sign. The wire's lowest ``dropped`` bits are left out."""

    dropped: int
    zeros: int
    kept: int
    missing: int


def fitted(wire: Wire, type_: FixedType) -> Fit:
    """How a wire of at least one bit becomes an element of ``type_``."""
    shift = type_.fraction - wire.fraction
    dropped = max(-shift, 0)  # bits finer than the port's grid: the graph says that they are zero
    zeros = max(shift, 0)
    kept = min(wire.width - dropped, type_.width - zeros)
    return Fit(dropped, zeros, kept, type_.width - zeros - kept)


def wrapper_source(top: str, core: str | None, logic: Logic, ports: Sequence[RtlPort], stages: int) -> str:
    """Verilog of module ``top`` around module ``core`` with ``stages`` registers from input to output.

    One event a clock: data are taken when ``valid_in`` is high and leave ``stages`` clocks later with ``valid_out``.
    The synchronous reset ``rst`` forgets the events in flight; data registers need none. ``ports`` are the inputs,
    then the outputs; ``core`` is None if every output is constant.
    """
    inputs, outputs = ports[: len(logic.inputs)], ports[len(logic.inputs) :]
    declared = ["input wire clk", "input wire rst", "input wire valid_in", "output wire valid_out"]
    declared += [f"input wire [{port.bits - 1}:0] {port.signal}" for port in inputs]
    declared += [f"output wire [{port.bits - 1}:0] {port.signal}" for port in outputs]
    body = _valid(stages)
    if core is not None:
        body += _core(core, logic, inputs)
    body += _outputs(logic, outputs)
    header = ",\n".join(f"    {line}" for line in declared)
    inside = "\n".join(f"    {line}" if line else "" for line in body)
    return f"`timescale 1 ns / 1 ps\n\nmodule {top} (\n{header}\n);\n\n{inside}\n\nendmodule\n"


def _valid(stages: int) -> list[str]:
    shifted = "valid_in" if stages == 1 else f"{{valid[{stages - 2}:0], valid_in}}"
    return [
        f"reg [{stages - 1}:0] valid;",
        "always @(posedge clk)",
        f"    valid <= rst ? {stages}'b0 : {shifted};",
        f"assign valid_out = valid[{stages - 1}];",
        "",
    ]


def _core(core: str, logic: Logic, inputs: Sequence[RtlPort]) -> list[str]:
    bits_in, bits_out = (sum(w.width for port in side for w in port) for side in (logic.inputs, logic.outputs))
    lines, place = [], 0
    for port, wires in zip(inputs, logic.inputs, strict=True):
        for number, wire in enumerate(wires):
            if wire.width:
                source = _slice(port.signal, number * port.type.width, wire.width)
                lines.append(f"assign {_slice('core_in', place, wire.width)} = {source};")
            place += wire.width
    return [
        f"wire [{bits_in - 1}:0] core_in;",
        f"wire [{bits_out - 1}:0] core_out;",
        f"{core} core (.clk(clk), .model_inp(core_in), .model_out(core_out));",
        *lines,
    ]


def _outputs(logic: Logic, outputs: Sequence[RtlPort]) -> list[str]:
    lines, place = [], 0
    for port, wires in zip(outputs, logic.outputs, strict=True):
        for number, wire in enumerate(wires):
            width = port.type.width
            value = _extended(wire, place, port.type)
            lines.append(f"assign {_slice(port.signal, number * width, width)} = {value};")
            place += wire.width
    return lines


def _extended(wire: Wire, place: int, type_: FixedType) -> str:
    """A wire of the core, moved to the grid of its port and extended to the port's width."""
    if wire.width == 0:
        return f"{type_.width}'h{wire.constant & ((1 << type_.width) - 1):x}"
    fit = fitted(wire, type_)
    parts = [_slice("core_out", place + fit.dropped, fit.kept)]
    if fit.missing:
        filler = f"core_out[{place + wire.width - 1}]" if wire.signed else "1'b0"
        parts.insert(0, f"{{{fit.missing}{{{filler}}}}}")
    if fit.zeros:
        parts.append(f"{fit.zeros}'b0")
    return f"{{{', '.join(parts)}}}" if len(parts) > 1 else parts[0]


def _slice(signal: str, low: int, width: int) -> str:
    return f"{signal}[{low + width - 1}:{low}]"
