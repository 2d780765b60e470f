"""When which digit of each number of a program is there: words pass a digit of a few bits a clock, the lowest first.

A number is a *stream*: its digits come in as many clocks as the interval has, its *window*, the highest repeated to
the end, so that it is there modulo a power of two that no sum exceeds. A sum is an adder of one digit, whose carry
waits in a register; a factor of a power of two is a later window and bits of the digit before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hls.rtl.program import Bounds, Opcode, Operation, Program

_LINEAR = (Opcode.NEGATE, Opcode.INPUT, Opcode.ADD, Opcode.SUBTRACT, Opcode.ADD_CONSTANT)
_ADDER_NS, _CARRY_NS = 1.1, 0.025
"""alkaid's delays of an adder, and of each of its bits."""


@dataclass(frozen=True)
class Operand:
    """What a sum reads: a stream, ``delay`` clocks after it is there, ``shift`` places above the lowest of the sum."""

    number: int
    delay: int
    shift: int
    negative: bool = False


@dataclass(frozen=True)
class Stream:
    """A number whose first digit is there ``start`` clocks after its event, ``ns`` after the register before it.

    Its lowest bit counts ``2**lowest``. It is element ``source`` of what the core reads, or else the sum of one or two
    ``operands`` and of ``constant``, which counts in steps of the lowest bit.
    """

    start: int
    ns: float
    lowest: int
    source: int | None = None
    operands: tuple[Operand, ...] = ()
    constant: int = 0


@dataclass(frozen=True)
class Collected:
    """A result: bits ``low`` to ``low + width - 1`` of stream ``number``."""

    number: int
    low: int
    width: int

    def last(self, digit: int) -> int:
        """The number of the digit that has its highest bit."""
        return (self.low + self.width - 1) // digit


@dataclass(frozen=True)
class Schedule:
    """``streams`` by the numbers of their operations, in ``digits`` of ``digit`` bits; results are there at ``end``."""

    digit: int
    digits: int
    streams: tuple[Stream, ...]
    results: tuple[Collected, ...]
    end: int


def is_linear(program: Program) -> bool:
    """Whether it adds and nothing else, so that it can go digit by digit."""
    return all(op.opcode in _LINEAR for op in program.ops)


def schedule(program: Program, interval: int, limit_ns: float) -> Schedule:
    """``program``, which is linear, with a word in each ``interval`` clocks.

    As many adders follow each other without a register as fit into ``limit_ns``, one at least.
    """
    terms = [tuple(_terms(op)) for op in program.ops]
    lowest = list(_lowest(program.ops, terms))
    # A word begins where its lowest operand does, though its own lowest places may be known to be zero.
    widest = max((_top(op.qint) - low for op, low in zip(program.ops, lowest, strict=True)), default=1)
    digit = max(-(-widest // interval), 1)
    digits = -(-widest // digit)
    streams: list[Stream] = []
    for op, low, summed in zip(program.ops, lowest, terms, strict=True):
        if op.opcode == Opcode.INPUT:
            streams.append(Stream(1, 0.0, low, source=op.data[0]))
        else:
            streams.append(_sum(op, low, summed, streams, digit, limit_ns))
    results = tuple(
        Collected(number, -program.ops[number].qint.kif.fractional - lowest[number], sum(bounds.kif))
        for number, bounds in zip(program.out_idxs, program.out_qint, strict=True)
    )
    end = 1 + max((streams[found.number].start + found.last(digit) for found in results), default=0)
    return Schedule(digit, digits, tuple(streams), results, end)


def _terms(op: Operation) -> Iterator[tuple[int, int, bool]]:
    """What a sum adds: the number of an operation, the power of two by which it is multiplied, and whether negative."""
    if op.opcode in (Opcode.ADD, Opcode.SUBTRACT):
        yield op.addr[0], 0, False
        yield op.addr[1], op.data[0], op.opcode == Opcode.SUBTRACT
    elif op.opcode != Opcode.INPUT:
        yield op.addr[0], 0, op.opcode == Opcode.NEGATE


def _lowest(ops: Sequence[Operation], terms: Sequence[Sequence[tuple[int, int, bool]]]) -> Iterator[int]:
    found: list[int] = []
    for op, summed in zip(ops, terms, strict=True):
        low = min((found[number] + exponent for number, exponent, _ in summed), default=-op.qint.kif.fractional)
        found.append(min(low, -op.data[1]) if op.opcode == Opcode.ADD_CONSTANT else low)
        yield found[-1]


def _top(bounds: Bounds) -> int:
    """The place above the highest bit."""
    return sum(bounds.kif) - bounds.kif.fractional


def _sum(
    op: Operation,
    low: int,
    summed: Sequence[tuple[int, int, bool]],
    streams: Sequence[Stream],
    digit: int,
    limit_ns: float,
) -> Stream:
    shifts = [streams[number].lowest + exponent - low for number, exponent, _ in summed]
    # By so many digits an operand may come later than the sum's first.
    ready = [streams[number].start - shift // digit for (number, _, _), shift in zip(summed, shifts, strict=True)]
    start = max(ready)
    delay = _ADDER_NS + _CARRY_NS * digit
    waited = [streams[number].ns for (number, _, _), clock in zip(summed, ready, strict=True) if clock == start]
    ns = max(waited) + delay
    if ns > limit_ns and max(waited) > 0:
        start, ns = start + 1, delay
    constant = 0
    if op.opcode == Opcode.ADD_CONSTANT:
        constant = int(op.data[0] * Fraction(2) ** (-op.data[1] - low))
    operands = tuple(
        Operand(number, start - clock, shift, negative)
        for (number, _, negative), clock, shift in zip(summed, ready, shifts, strict=True)
    )
    return Stream(start, ns, low, operands=operands, constant=constant)
