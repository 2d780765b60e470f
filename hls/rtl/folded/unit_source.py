"""Verilog of one engine: a sequencer, a memory for each operand, its lanes, and flags beside the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedType
from hls.rtl.folded.bits import Piece, converted, instance, joined
from hls.rtl.folded.constants import kernel_of
from hls.rtl.folded.contents import Memory
from hls.rtl.folded.engine import Engine, Operand
from hls.rtl.folded.grouping import Kind
from hls.rtl.folded.schedule import Timing, lane_latency
from hls.rtl.folded.tails import Tail

_LOOPS = ("PARTS", "WORDS", "KX", "KY", "GROUPS", "OX", "OY")
_JUMPS = ("WORD", "KX", "KY", "GROUP", "OX", "OY", "EVENT")


@dataclass(frozen=True, eq=False)
class UnitParts:
    """All that the text of an engine is made of. ``name`` is its module's."""

    graph: FixedGraph
    name: str
    engine: Engine
    timing: Timing
    tail: Tail | None
    memories: tuple[Memory, ...]
    """Weights and biases, of an engine that has them."""
    in_luts: bool

    def type_of(self, tensor: str) -> FixedType:
        """How its elements travel."""
        return self.graph.edges[tensor].type

    def word_bits(self, operand: Operand) -> int:
        """Of a word that the engine reads."""
        return operand.layout.lanes * self.type_of(operand.tensor).width


def unit_source(parts: UnitParts) -> str:
    """The module, with what it computes as a comment before it."""
    engine = parts.engine
    ports = ["input clk", "input rst", "input start"]
    for number, operand in enumerate(engine.operands):
        bits = parts.word_bits(operand)
        if operand.source is None:
            ports.append(f"input [{operand.layout.words * bits - 1}:0] frame_{number}")
        else:
            ports += [f"input write_{number}", f"input [{bits // operand.beats - 1}:0] beat_{number}"]
    ports.append("output written")
    for number, tensor in enumerate(engine.unit.exports):
        ports.append(f"output [{engine.lanes * parts.type_of(tensor).width - 1}:0] out_{number}")
    body = [*_sequencer(parts), *_source(parts)]
    for number, operand in enumerate(engine.operands):
        body += _operand(parts, number, operand)
    body += _lanes(parts)
    head = ",\n".join(f"    {port}" for port in ports)
    inside = "\n".join(f"  {line}" for line in body)
    return f"{_comment(parts)}module {parts.name} (\n{head}\n);\n{inside}\nendmodule\n"


def _comment(parts: UnitParts) -> str:
    engine = parts.engine
    nodes_ = dict.fromkeys([engine.unit.head.name, *(node.name for node in engine.unit.tail)])
    # A name may hold anything, and a comment ends with its line.
    names = [re.sub(r"[^ -~]", "?", name) for name in nodes_]
    products = f" of {engine.simd} products" if engine.simd else ""
    loops = engine.loops
    return (
        f"`timescale 1ns / 1ps\n\n// {', '.join(names)}: {loops.positions} positions of {loops.clocks} clocks, "
        f"{engine.lanes} lanes{products}.\n"
    )


def _sequencer(parts: UnitParts) -> list[str]:
    engine, timing = parts.engine, parts.timing
    sizes = {name: size for name, size in zip(_LOOPS, engine.loops.sizes, strict=True) if size > 1}
    signals = ("run", "first", "last", "ends", "step", "part", "kx", "ky", "group", "ox", "oy")
    return [
        "wire run, first, last;",
        "wire [6:0] ends;",
        "wire [31:0] step, part, kx, ky, group, ox, oy;",
        *instance(
            "folded_sequencer", "sequencer", {**sizes, "PERIOD": timing.period},
            {"clk": "clk", "rst": "rst", "start": "start", **{signal: signal for signal in signals}},
        ),
        *instance("folded_flag", "valid", {"CLOCKS": timing.latency},
                  {"clk": "clk", "rst": "rst", "flag": "last", "delayed": "written"}),
    ]  # fmt: skip


def _operand(parts: UnitParts, number: int, operand: Operand) -> list[str]:
    engine = parts.engine
    bits, depth = parts.word_bits(operand), parts.timing.depths[number]
    places = operand.layout.words if depth is None else depth
    jumps = (1,) * 7 if engine.sources else operand.jumps(engine.loops)
    steps = {name: jump % places for name, jump in zip(_JUMPS, jumps, strict=True) if jump % places}
    origin = {"ORIGIN": operand.origin % places} if operand.origin % places else {}
    run = f"run && source == {number}" if engine.sources else "run"
    lines = [
        f"wire [31:0] address_{number};",
        f"wire [{bits - 1}:0] word_{number};",
        *instance("folded_address", f"walk_{number}", {"DEPTH": places, **origin, **steps},
                  {"clk": "clk", "rst": "rst", "run": run, "ends": "ends", "address": f"address_{number}"}),
    ]  # fmt: skip
    if depth is None:
        lines += instance("folded_frame", f"frame_word_{number}", {"BITS": bits, "WORDS": places},
                          {"clk": "clk", "frame": f"frame_{number}", "address": f"address_{number}",
                           "word": f"word_{number}"})  # fmt: skip
    else:
        beats = {"BEATS": operand.beats, "POSITION": operand.beats_of_position} if operand.beats > 1 else {}
        lines += instance("folded_ring", f"ring_{number}", {"BITS": bits // operand.beats, **beats, "DEPTH": depth},
                          {"clk": "clk", "rst": "rst", "write": f"write_{number}", "beat": f"beat_{number}",
                           "address": f"address_{number}", "word": f"word_{number}"})  # fmt: skip
    return lines if engine.sources else [*lines, *_value(parts, number, operand)]


def _value(parts: UnitParts, number: int, operand: Operand) -> list[str]:
    """The part of the word for each step, with the padding."""
    engine, window = parts.engine, parts.engine.window
    bits = parts.word_bits(operand) // engine.loops.parts
    parameters: dict[str, int | str] = {"BITS": bits}
    if engine.loops.parts > 1:
        parameters["PARTS"] = engine.loops.parts
    if window.padded:
        names = ("H", "W", "STRIDE_Y", "STRIDE_X", "DILATION_Y", "DILATION_X", "TOP", "LEFT")
        values = (*window.frame, *window.strides, *window.dilation, *window.before)
        parameters |= {"PADDED": 1, **dict(zip(names, values, strict=True)), "FILL": _fill(parts, operand)}
    counters = {name: name for name in ("part", "kx", "ky", "ox", "oy")}
    return [
        f"wire [{bits - 1}:0] value_{number};",
        *instance("folded_operand", f"operand_{number}", parameters,
                  {"clk": "clk", **counters, "word": f"word_{number}", "value": f"value_{number}"}),
    ]  # fmt: skip


def _fill(parts: UnitParts, operand: Operand) -> str:
    """What stands for the padding in all lanes: nothing in a sum, the least value in a maximum."""
    head, edge = parts.engine.unit.head, parts.graph.edges[operand.tensor]
    least = edge.raw_min if _maximum(head) else 0
    lanes = parts.word_bits(operand) // parts.engine.loops.parts // edge.type.width
    width = edge.type.width
    return f"{{{lanes}{{{width}'h{least & ((1 << width) - 1):x}}}}}"


def _maximum(head: nodes.Node) -> bool:
    return isinstance(head, nodes.Pool) and head.maximum


def _source(parts: UnitParts) -> list[str]:
    """Of a join, the operand that a word is of."""
    engine = parts.engine
    if not engine.sources:
        return []
    ends = [engine.sources.index(number) for number in range(1, len(engine.operands))]
    chosen = "".join(f"group < {end} ? {number} : " for number, end in enumerate(ends))
    return [
        f"wire [7:0] source = {chosen}{len(engine.operands) - 1};",
        "reg [7:0] chosen;",
        "always @(posedge clk) chosen <= source;",
    ]


def _join(parts: UnitParts) -> list[str]:
    """Words of each operand with elements of the joint type, and of them the one whose turn it is."""
    engine = parts.engine
    total = parts.type_of(engine.unit.head.name)
    bits = engine.lanes * total.width
    lines, words = [], ""
    for number, operand in enumerate(engine.operands):
        own = parts.type_of(operand.tensor)
        elements = [converted(f"word_{number}", lane * own.width, own, total) for lane in range(engine.lanes)]
        lines.append(f"wire [{bits - 1}:0] joint_{number} = {{{', '.join(reversed(elements))}}};")
        words += f"chosen == {number} ? joint_{number} : " if number + 1 < len(engine.operands) else f"joint_{number}"
    return [*lines, f"reg [{bits - 1}:0] sums;", f"always @(posedge clk) sums <= {words};"]


def _lanes(parts: UnitParts) -> list[str]:
    kind = parts.engine.unit.kind
    if kind is Kind.ELEMENTWISE:
        return [*_picked(parts), *_tails(parts, [f"picked_{n}" for n in range(len(parts.engine.operands))])]
    sums = {Kind.DENSE: _products, Kind.DEPTHWISE: _products, Kind.POOL: _pools, Kind.JOIN: _join}[kind](parts)
    return [*sums, *_tails(parts, ["sums"])]


def _picked(parts: UnitParts) -> list[str]:
    """Of each operand the elements that the lanes read, one beside the other."""
    lines = []
    for number, operand in enumerate(parts.engine.operands):
        width = parts.type_of(operand.tensor).width
        pieces = [Piece(f"value_{number}", lane * width, width) for lane in operand.pick]
        lines.append(f"wire [{len(pieces) * width - 1}:0] picked_{number} = {joined(pieces)};")
    return lines


def _sums(parts: UnitParts, lane: Sequence[str]) -> list[str]:
    engine = parts.engine
    width = parts.type_of(engine.unit.head.name).width
    return [
        f"wire [{engine.lanes * width - 1}:0] sums;",
        "genvar lane;",
        "generate",
        f"  for (lane = 0; lane < {engine.lanes}; lane = lane + 1) begin : lanes",
        *(f"    {line}" for line in lane),
        "  end",
        "endgenerate",
    ]


def _late_first(clocks: int) -> list[str]:
    return [
        "wire first_sum;",
        *instance("folded_flag", "begins", {"CLOCKS": clocks},
                  {"clk": "clk", "rst": "rst", "flag": "first", "delayed": "first_sum"}),
    ]  # fmt: skip


def _products(parts: UnitParts) -> list[str]:
    engine, (weights, biases) = parts.engine, parts.memories
    (operand,) = engine.operands
    x, total = parts.type_of(operand.tensor), parts.type_of(engine.unit.head.name)
    kernel = kernel_of(engine.unit.head)
    shift = total.fraction - x.fraction - kernel.fraction
    clocks = lane_latency(engine) - 1
    lines = [] if engine.unit.kind is Kind.DENSE else _picked(parts)
    read = "value_0" if engine.unit.kind is Kind.DENSE else f"picked_0[lane*{x.width}+:{x.width}]"
    row = engine.simd * weights.type.width
    parameters: dict[str, int | str] = {
        "SIMD": engine.simd, "X_BITS": x.width, "X_SIGNED": int(x.signed), "W_BITS": weights.type.width,
        "W_SIGNED": int(weights.type.signed), "BIAS_BITS": biases.type.width, "SUM_BITS": total.width,
        "SHIFT": shift, "IN_LUTS": int(parts.in_luts),
    }  # fmt: skip
    wired = {
        "clk": "clk", "x": read, "w": f"weights[lane*{row}+:{row}]",
        "bias": f"biases[lane*{biases.type.width}+:{biases.type.width}]", "first": "first_sum",
        "sum": f"sums[lane*{total.width}+:{total.width}]",
    }  # fmt: skip
    return [
        *lines,
        f"wire [{weights.bits - 1}:0] weights;",
        *instance(f"{parts.name}_weights", "weight_memory", {}, {"clk": "clk", "address": "step", "row": "weights"}),
        *_late_first(clocks),
        *_bias_of_group(parts, biases, clocks),
        *_sums(parts, instance("folded_mac_lane", "mac", parameters, wired)),
    ]


def _bias_of_group(parts: UnitParts, biases: Memory, clocks: int) -> list[str]:
    """Biases change after the last product of a word has been added."""
    return [
        "wire last_sum, unused_group_end;",
        "wire [31:0] group_sum;",
        f"wire [{biases.bits - 1}:0] biases;",
        *instance("folded_flag", "ends_sum", {"CLOCKS": clocks},
                  {"clk": "clk", "rst": "rst", "flag": "last", "delayed": "last_sum"}),
        *instance("folded_counter", "groups", {"SIZE": parts.engine.loops.groups},
                  {"clk": "clk", "rst": "rst", "step": "last_sum", "value": "group_sum", "ended": "unused_group_end"}),
        *instance(f"{parts.name}_biases", "bias_table", {}, {"address": "group_sum", "row": "biases"}),
    ]  # fmt: skip


def _pools(parts: UnitParts) -> list[str]:
    engine = parts.engine
    head, (operand,) = engine.unit.head, engine.operands
    x, total = parts.type_of(operand.tensor), parts.type_of(head.name)
    parameters: dict[str, int | str] = {
        "MAXIMUM": int(_maximum(head)), "X_BITS": x.width, "X_SIGNED": int(x.signed), "SUM_BITS": total.width,
    }  # fmt: skip
    wired = {"clk": "clk", "x": f"picked_0[lane*{x.width}+:{x.width}]", "first": "first_sum",
             "sum": f"sums[lane*{total.width}+:{total.width}]"}  # fmt: skip
    return [
        *_picked(parts),
        *_late_first(lane_latency(engine) - 1),
        *_sums(parts, instance("folded_pool_lane", "pool", parameters, wired)),
    ]


def _tails(parts: UnitParts, vectors: Sequence[str]) -> list[str]:
    """What follows in each lane; the sums themselves if nothing does."""
    engine, tail = parts.engine, parts.tail
    if tail is None:
        return [f"assign out_{number} = {vectors[0]};" for number in range(len(engine.unit.exports))]
    lines, wired = [], {"clk": "clk", "rst": "rst", "valid_in": "1'b0", "valid_out": ""}
    for (signal, tensor), vector in zip(tail.inputs, vectors, strict=True):
        width = parts.type_of(tensor).width
        wired[signal] = f"{vector}[place*{width}+:{width}]"
    driven = []
    for number, output in enumerate(tail.outputs):
        width = parts.type_of(output.tensor).width
        lines.append(f"wire [{output.type.width - 1}:0] made_{number};")
        wired[output.signal] = f"made_{number}"
        value = converted(f"made_{number}", 0, output.type, parts.type_of(output.tensor))
        driven.append(f"assign out_{number}[place*{width}+:{width}] = {value};")
    body = [*lines, *instance(tail.top, "tail", {}, wired), *driven]
    return [
        "genvar place;",
        "generate",
        f"  for (place = 0; place < {engine.lanes}; place = place + 1) begin : tails",
        *(f"    {line}" for line in body),
        "  end",
        "endgenerate",
    ]
