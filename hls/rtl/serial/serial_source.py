"""Verilog of a core whose numbers pass a digit a clock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from hls.rtl.logic import Core
from hls.rtl.serial.streams import Collected, Operand, Schedule, Stream

_IN_LOGIC = 2
"""Bits of a digit up to which a chain of carries, of which a slice has one, would take more room than LUTs do."""


def serial_source(module: str, core: Core, schedule: Schedule) -> str:
    """A module that takes ``model_inp`` when ``at[0]`` is high, ``at[n]`` n clocks later, and has ``model_out``
    ``schedule.end`` clocks later, for one clock."""
    reads, writes = (sum(wire.width for wire in wires) for wires in (core.reads, core.writes))
    ports = ["input wire clk", f"input wire [{schedule.end - 1}:0] at"]
    ports += [f"input wire [{reads - 1}:0] model_inp", f"output wire [{writes - 1}:0] model_out"]
    text = _Text(core, schedule)
    body = [*text.streams(), *text.results()]
    inside = "\n".join(f"  {line}" for line in [*text.control(), *body])
    head = ",\n".join(f"    {port}" for port in ports)
    comment = f"// {schedule.digits} digits of {schedule.digit} bits a word, the lowest first.\n"
    return f"`timescale 1 ns / 1 ps\n\n{comment}module {module} (\n{head}\n);\n{inside}\nendmodule\n"


class _Text:
    """Collects the flags and delays that the text asks for."""

    def __init__(self, core: Core, schedule: Schedule) -> None:
        self.core = core
        self.schedule = schedule
        self._early: set[tuple[int, int]] = set()
        self._phases: set[int] = set()
        self._delays: dict[int, int] = {}
        for stream in schedule.streams:
            for operand in stream.operands:
                # What comes later than the window begins has a register of its own.
                waited = operand.delay - (operand.delay > 0 and operand.shift % schedule.digit == 0 < operand.shift)
                self._delays[operand.number] = max(self._delays.get(operand.number, 0), waited)

    def control(self) -> Iterator[str]:
        """What says where in a window a clock is."""
        for start, digits in sorted(self._early):
            name = _early(start, digits)
            yield f"reg {name};"
            yield "always @(posedge clk)"
            yield f"  if (at[{start - 1}]) {name} <= 1'b1; else if (at[{start + digits - 1}]) {name} <= 1'b0;"
        last = max(self._phases, default=0)
        bits = max((self.schedule.digits - 1).bit_length(), 1)
        for start in range(1, last + 1):
            before = f"at[0] ? {bits}'d0 : phase_1 + 1'b1" if start == 1 else f"phase_{start - 1}"
            yield f"reg [{bits - 1}:0] phase_{start};"
            yield f"always @(posedge clk) phase_{start} <= {before};"

    def streams(self) -> Iterator[str]:
        """Each number as digits ``v<n>``, and ``v<n>_<k>`` k clocks later."""
        digit = self.schedule.digit
        for number, stream in enumerate(self.schedule.streams):
            yield f"wire [{digit - 1}:0] v{number};"
            yield from self._input(number, stream.source) if stream.source is not None else self._sum(number, stream)
            for clocks in range(1, self._delays.get(number, 0) + 1):
                before = f"v{number}" if clocks == 1 else f"v{number}_{clocks - 1}"
                yield f"reg [{digit - 1}:0] v{number}_{clocks};"
                yield f"always @(posedge clk) v{number}_{clocks} <= {before};"

    def _input(self, number: int, source: int) -> Iterator[str]:
        """A shift register that is loaded with a word."""
        digit, wire = self.schedule.digit, self.core.reads[source]
        low = sum(read.width for read in self.core.reads[:source])
        bits = -(-wire.width // digit) * digit
        word, top = f"model_inp[{low + wire.width - 1}:{low}]", f"model_inp[{low + wire.width - 1}]"
        sign = f"{top}" if wire.signed else "1'b0"
        padded = f"{{{{{bits - wire.width}{{{sign}}}}}, {word}}}" if bits > wire.width else word
        held = f"word_{number}"
        fill = f"{{{digit}{{{held}[{bits - 1}]}}}}" if wire.signed else f"{digit}'b0"
        shifted = f"{{{fill}, {held}[{bits - 1}:{digit}]}}" if bits > digit else fill
        yield f"reg [{bits - 1}:0] {held};"
        yield f"always @(posedge clk) {held} <= at[0] ? {padded} : {shifted};"
        yield f"assign v{number} = {held}[{digit - 1}:0];"

    def _sum(self, number: int, stream: Stream) -> Iterator[str]:
        """An adder of one digit. The carry into the first is what a negative operand lacks."""
        digit = self.schedule.digit
        a, b, carry, sent = (f"{kind}{number}" for kind in "abco")
        yield f"wire [{digit - 1}:0] {a}, {b};"
        sides = [a, b]
        for side, operand in zip(sides, stream.operands, strict=False):
            yield from self._operand(side, operand, stream.start)
        if len(stream.operands) == 1:
            yield f"assign {b} = {self._constant(stream)};"
        yield f"reg {carry};"
        if digit > _IN_LOGIC:
            # The place below the digit makes the carry: a bit and itself.
            yield f"wire [{digit + 1}:0] s{number} = {{1'b0, {a}, {carry}}} + {{1'b0, {b}, {carry}}};"
            yield f"assign v{number} = s{number}[{digit}:1];"
            yield f"wire {sent} = s{number}[{digit + 1}];"
        else:
            yield from self._in_logic(number)
        negative = any(operand.negative for operand in stream.operands)
        yield f"always @(posedge clk) {carry} <= at[{stream.start - 1}] ? 1'b{int(negative)} : {sent};"

    def _in_logic(self, number: int) -> Iterator[str]:
        """An adder of so few bits that a carry chain would take more room than its LUTs."""
        into = f"c{number}"
        for bit in range(self.schedule.digit):
            a, b = f"a{number}[{bit}]", f"b{number}[{bit}]"
            sent = f"o{number}" if bit == self.schedule.digit - 1 else f"o{number}_{bit}"
            yield f"assign v{number}[{bit}] = {a} ^ {b} ^ {into};"
            yield f"wire {sent} = ({a} & {b}) | ({into} & ({a} | {b}));"
            into = sent

    def _operand(self, side: str, operand: Operand, start: int) -> Iterator[str]:
        """Its digit in the window of the sum: zeros below it, and above them what is left of the digit before.

        Zeros come from the reset of a register where there is one.
        """
        digit = self.schedule.digit
        digits, bits = divmod(operand.shift, digit)
        sign = "~" if operand.negative else ""
        now = _delayed(operand.number, operand.delay)
        if not operand.shift:
            yield f"assign {side} = {sign}{now};"
            return
        upper = f"{now}[{digit - bits - 1}:0]"
        if digits and operand.delay:
            before = _delayed(operand.number, operand.delay - 1)
            upper = f"{side}_upper"
            yield from self._cleared(upper, f"{before}[{digit - bits - 1}:0]", digit - bits, start, digits)
        elif digits:
            upper = f"({upper} & {{{digit - bits}{{~{self._flag(start, digits)}}}}})"
        if not bits:
            yield f"assign {side} = {sign}{upper};"
            return
        lower = f"{side}_lower"
        yield from self._cleared(lower, f"{now}[{digit - 1}:{digit - bits}]", bits, start, digits + 1)
        yield f"assign {side} = {sign}{{{upper}, {lower}}};"

    def _cleared(self, name: str, value: str, bits: int, start: int, digits: int) -> Iterator[str]:
        """``value`` a clock later, and zeros in the first digits of a window."""
        yield f"reg [{bits - 1}:0] {name};"
        yield f"always @(posedge clk) {name} <= {self._flag(start - 1, digits)} ? {bits}'b0 : {value};"

    def _flag(self, start: int, digits: int) -> str:
        """High in the first digits of a window."""
        if digits == 1:
            return f"at[{start}]"
        if start == 0:
            return f"(at[0] | {self._flag(1, digits - 1)})"
        self._early.add((start, digits))
        return _early(start, digits)

    def _constant(self, stream: Stream) -> str:
        digit, digits = self.schedule.digit, self.schedule.digits
        if not stream.constant:
            return f"{digit}'b0"
        self._phases.add(stream.start)
        rows = []
        for bit in range(digit):
            taken = sum((stream.constant >> (place * digit + bit) & 1) << place for place in range(digits))
            rows.append(f"|({digits}'h{taken:x} & ({digits}'h1 << phase_{stream.start}))")
        return "{" + ", ".join(reversed(rows)) + "}"

    def results(self) -> Iterator[str]:
        """Shift registers that all words have filled when the last of them is complete."""
        lows = [0, *accumulate(found.width for found in self.schedule.results)]
        for place, (found, low) in enumerate(zip(self.schedule.results, lows, strict=False)):
            yield from self._result(place, found, low)

    def _result(self, place: int, found: Collected, low: int) -> Iterator[str]:
        digit, start = self.schedule.digit, self.schedule.streams[found.number].start
        first = found.low // digit
        held = self.schedule.end - start - first
        bits = held * digit
        name = f"result_{place}"
        yield f"reg [{bits - 1}:0] {name};"
        entered = f"{{v{found.number}, {name}[{bits - 1}:{digit}]}}" if held > 1 else f"v{found.number}"
        yield f"always @(posedge clk) {name} <= {entered};"
        bottom = found.low - first * digit
        yield f"assign model_out[{low + found.width - 1}:{low}] = {name}[{bottom + found.width - 1}:{bottom}];"


def _early(start: int, digits: int) -> str:
    return f"early_{start}_{digits}"


def _delayed(number: int, clocks: int) -> str:
    return f"v{number}_{clocks}" if clocks else f"v{number}"
