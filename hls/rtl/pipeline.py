"""Where a core's pipeline is cut: what a family's operations take, and how much of it fits between two registers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hls.rtl.program import Bounds, Opcode, Operation, Program

_LUT_INPUTS = 6
DIGIT_BITS = 2
"""Bits of a factor whose product is one row of adders without recoding (lut_multiplier.v)."""


@dataclass(frozen=True)
class Delays:
    """Nanoseconds that a family's operations take, each with the wire that leads to the next; ``source`` says whence.

    ``register`` is the way out of a register and into the next. An adder takes ``adder`` and ``carry`` for each bit,
    ``third`` more if it adds three numbers; None where a LUT has too few inputs for that. ``lut`` is one level of
    look-up tables, ``row`` what a row of a product takes beyond its adder, ``dsp`` a product in a multiplier block.

    >>> delays = FAMILY_DELAYS["ecp5"]
    >>> round(delays.product(12, 12, in_luts=True) / delays.product(2, 12, in_luts=True))  # rows
    6
    """

    register: float
    adder: float
    carry: float
    third: float | None
    lut: float
    row: float
    dsp: float
    source: str

    def sum(self, bits: int, numbers: int = 2) -> float:
        """An adder of two or three numbers whose sum has ``bits``."""
        return self.adder + self.carry * bits + (0.0 if numbers == 2 else self.third or self.adder + self.carry * bits)

    def product(self, narrow: int, wide: int, *, in_luts: bool, signed: bool = True) -> float:
        """A product; in LUTs a row of adders for each two bits of the narrower factor, and for what an unsigned one
        needs as a signed number."""
        rows = 1 if narrow <= DIGIT_BITS else math.ceil((narrow + (not signed)) / 2)
        return rows * (self.row + self.sum(wide + DIGIT_BITS)) if in_luts else self.dsp


# `python -m benchmarks.timing operations` measures them, but for the DSP of AMD's, of which Yosys knows no delay: that
# one is alkaid's for two factors of 12 bits.
_ARTIX = Delays(0.3, 1.0, 0.0285, 0.4, 0.41, 0.17, 4.4, "single operations by Yosys, Artix-7 cells, before routing")
_ECP5 = Delays(0.5, 1.5, 0.029, None, 1.15, 1.15, 5.1, "single operations placed and routed on a Lattice ECP5-85-8")
FAMILY_DELAYS: Mapping[str, Delays] = MappingProxyType({"xc7": _ARTIX, "xcu": _ARTIX, "xcup": _ARTIX, "ecp5": _ECP5})


@dataclass(frozen=True)
class Pipelining:
    """At most ``limit_ns`` from one register to the next by ``delays``; ``in_luts`` says what holds products."""

    limit_ns: float
    delays: Delays
    in_luts: bool

    @property
    def ternary(self) -> bool:
        """Whether three numbers are to be added at once where that is possible."""
        return self.delays.third is not None

    def digit_bits(self, narrow: int, wide: int, *, signed: bool) -> int:
        """So many bits of the narrower factor, ``signed`` or not, are multiplied at once: all of them if the product
        fits between two registers, else as many as do, taken unsigned; ``DIGIT_BITS`` at least."""
        if self.delays.product(narrow, wide, in_luts=self.in_luts, signed=signed) <= self._logic_ns:
            return narrow
        fitting = (
            bits
            for bits in range(narrow - 1, DIGIT_BITS, -1)
            if self.delays.product(bits, wide, in_luts=self.in_luts, signed=False) <= self._logic_ns
        )
        return min(next(fitting, DIGIT_BITS), narrow)

    @property
    def _logic_ns(self) -> float:
        return self.limit_ns - self.delays.register

    def staged(self, program: Program) -> tuple[Program, int]:
        """``program`` with the stage of each operation, from 1 on, in place of its latency, and the number of stages.

        An operation comes as early as what it reads allows; one that takes longer than the limit is alone in its stage.
        """
        placed: list[tuple[int, float]] = []
        for op in program.ops:
            stage, time = max((placed[i] for i in op.addr), default=(1, 0.0))
            delay = self._delay(op, program.ops)
            late = time > 0 and time + delay > self._logic_ns
            placed.append((stage + 1, delay) if late else (stage, time + delay))
        ops = [op._replace(latency=float(stage)) for op, (stage, _) in zip(program.ops, placed, strict=True)]
        return program._replace(ops=ops), max((stage for stage, _ in placed), default=1)

    def _delay(self, op: Operation, ops: Sequence[Operation]) -> float:
        delays = self.delays
        if op.opcode in (Opcode.ADD, Opcode.SUBTRACT, Opcode.NEGATE, Opcode.ADD_CONSTANT):
            return delays.sum(_bits(op.qint))
        if op.opcode == Opcode.TERNARY:
            return delays.sum(_bits(op.qint), 3)
        if op.opcode in (Opcode.RELU, Opcode.MUX, -Opcode.MUX, Opcode.BIT, Opcode.BITS):
            return delays.lut
        if op.opcode == Opcode.MULTIPLY:
            narrow, wide = sorted((ops[i].qint for i in op.addr), key=_bits)
            signed = bool(narrow.kif.signed)
            return delays.product(_bits(narrow), _bits(wide), in_luts=self.in_luts, signed=signed)
        if op.opcode == Opcode.LOOKUP:
            return delays.lut * (1 + max(_bits(ops[op.addr[0]].qint) - _LUT_INPUTS, 0))
        return 0.0  # wires


def _bits(interval: Bounds) -> int:
    return sum(interval.kif)
