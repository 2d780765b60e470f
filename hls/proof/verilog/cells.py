"""What a cell of logic or of arithmetic makes of the words that it reads, as a number of a ``Space``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hls.proof import runs as functions
from hls.proof.forms import Form, Function, Value
from hls.proof.runs import Ints, Runs
from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import MEMORY, Cell, Primitive
from hls.proof.verilog.evaluation import is_signed
from hls.proof.verilog.primitives import AND, MULTIPLIER, OR, XOR, inputs_of, meaning_of, output_width
from hls.proof.verilog.sums import Number, Sum, settled
from hls.proof.verilog.wires import Source, Word, cut, stretched, width_of, without_extension
from hls.proof.words import Space

Reads = Mapping[str, Word]
"""What stands on the pins that a cell reads."""

_COMPARED = 60
"""Bits that are compared at once."""
_MOST_WORDS = 1 << 12
"""Words whose integers are remembered; with one more all are forgotten."""


@dataclass
class Cells:
    """Numbers of cells. ``used`` are the names of primitives that were met, ``met`` the atoms that came up."""

    space: Space
    primitives: Mapping[str, Primitive]
    used: set[str] = field(default_factory=set)
    met: set[int] = field(default_factory=set)
    _integers: dict[tuple[Word, bool], Value] = field(default_factory=dict)

    def made(self, cell: Cell, reads: Reads) -> Number:
        """The number of which a cell drives the lowest bits.

        Raises:
            NotClosedError: nobody has told what it computes, or it is none of the operations that a proof follows.
        """
        found = self._primitive(cell, reads) if cell.kind in self.primitives else self._cell(cell, reads)
        if isinstance(found, Form):
            self.met.update(found.terms)
        return found

    # -- words

    def word(self, word: Word, signed: bool) -> Value:
        """The integer that a word means."""
        return settled(self._integer(word, signed), self.space)

    def _integer(self, word: Word, signed: bool) -> Number:
        """The same, which may be a sum that was not added yet."""
        if len(word) > 1 or isinstance(word[0], str) or not _fits(word[0], signed):
            word, signed = without_extension(word, signed)
        if len(word) == 1 and isinstance(word[0], Source) and _fits(word[0], signed):
            return word[0].value
        key = word, signed
        if key not in self._integers:
            if len(self._integers) >= _MOST_WORDS:
                self._integers.clear()
            self._integers[key] = self._sum_of_parts(word, signed)
        return self._integers[key]

    def _sum_of_parts(self, word: Word, signed: bool) -> Value:
        """The sum of the parts of a word, of which the last may carry the sign."""
        terms: list[tuple[int, Value]] = []
        constant = place = 0
        for number, part in enumerate(word):
            last = signed and number == len(word) - 1
            if isinstance(part, str):
                constant += _known(part, last) << place
            else:
                terms.append((1 << place, self._slice(part, last)))
            place += width_of(part)
        return self.space.affine(terms, constant)

    def _slice(self, part: Source, signed: bool) -> Value:
        shifted = self.space.shift(settled(part.value, self.space), part.place)
        return self.space.modulo(shifted, part.width, -(1 << (part.width - 1)) if signed else 0)

    def _held(self, word: Word) -> Number:
        """A number whose lowest bits are ``word``: with a sign if they are of a number that may have one.

        Enough for what goes on to be cut to these bits, as sums are. That number need not lie in the word: an
        accumulator may leave its bits on the way and come back.
        """
        zeros = len(word[0]) if isinstance(word[0], str) and not word[0].strip("0") else 0
        above = word[1:] if zeros else word
        if len(above) == 1 and isinstance(above[0], Source) and above[0].place == 0:
            number = above[0].value
            return self._weighted([(1 << zeros, number)]) if zeros else number
        return self._integer(word, signed=_may_be_negative(word))

    def _weighted(self, parts: Sequence[tuple[int, Number]]) -> Number:
        """A sum, which is added now if it may be a function of one number: that has to be told from others."""
        terms = [(weight, number) for weight, number in parts if not isinstance(number, Sum)]
        if len(terms) == len(parts) and any(isinstance(number, Function) for _, number in terms):
            return self.space.affine(terms)
        return Sum(parts)

    # -- cells

    def _primitive(self, cell: Cell, reads: Reads) -> Number:
        found = self.primitives[cell.kind]
        self.used.add(cell.kind)
        pins = inputs_of(found.kind, found.parameters)
        if len(cell.drives["out"]) != output_width(found.parameters):
            raise NotClosedError("an output of another width than its parameter says")
        words = {pin: (cut(reads[pin], 0, width), signed) for pin, (width, signed) in pins.items()}
        if found.kind == MULTIPLIER:  # a weight often is known, and its product then a part of a sum
            return self._product(*(self._integer(*word) for word in words.values()))
        inputs = {pin: self.word(*word) for pin, word in words.items()}
        return meaning_of(found.kind, found.parameters, inputs, _Numbers(self.space))

    def _cell(self, cell: Cell, reads: Reads) -> Number:
        (driven,) = cell.drives.values()
        width = len(driven)
        if cell.kind == MEMORY:
            return self._memory(cell, reads)
        if cell.kind == "$pmux":
            return self._one_of_many(reads, width)
        if cell.kind == "$mux":
            signed = any(_may_be_negative(reads[pin]) for pin in "AB")
            return self.space.select(self.word(reads["S"], False), *(self.word(reads[pin], signed) for pin in "BA"))
        if cell.kind in ("$add", "$sub"):
            a, b = (self._held(stretched(reads[pin], width, is_signed(cell))) for pin in "AB")
            return self._weighted([(1, a), (1 if cell.kind == "$add" else -1, b)])
        if cell.kind == "$mul":
            return self._product(*(self._integer(reads[pin], is_signed(cell)) for pin in "AB"))
        if cell.kind in ("$gt", "$lt", "$ge", "$le"):
            return self._compared(cell, reads)
        if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
            found = self._different(reads["A"], ("0" * len(cell.reads["A"]),))
            return self._not(found) if cell.kind == "$logic_not" else found
        if cell.kind == "$reduce_and":
            return self._not(self._different(reads["A"], ("1" * len(cell.reads["A"]),)))
        if cell.kind == "$not":
            return self.space.affine([(-1, self._operand(cell, reads, "A", width))], (1 << width) - 1)
        if cell.kind in ("$eq", "$ne"):
            widest = max(len(cell.reads["A"]), len(cell.reads["B"]))
            found = self._different(*(stretched(reads[pin], widest, is_signed(cell)) for pin in "AB"))
            return self._not(found) if cell.kind == "$eq" else found
        if cell.kind in ("$and", "$or", "$xor"):
            a, b = (self._operand(cell, reads, pin, width) for pin in "AB")
            return _Numbers(self.space).unsigned_bitwise(cell.kind[1:], a, b, width)
        raise NotClosedError(f"nobody has told what a cell {cell.kind} means")

    def _operand(self, cell: Cell, reads: Reads, pin: str, width: int) -> Value:
        """An input as an unsigned integer, extended to ``width`` or cut to it, as its sign wants it."""
        return self.word(stretched(reads[pin], width, is_signed(cell)), signed=False)

    def _product(self, a: Number, b: Number) -> Number:
        for weight, number in ((a, b), (b, a)):
            if isinstance(weight, Form) and weight.is_constant and weight.constant:
                return self._weighted([(weight.constant, number)])
        return self.space.product(settled(a, self.space), settled(b, self.space))

    def _different(self, a: Word, b: Word) -> Value:
        """1 where any bit of two words of equal width differs. Those wider than a number may be are cut into parts."""
        width = sum(map(width_of, a))
        parts = []
        for low in range(0, width, _COMPARED):
            x, y = (self.word(cut(word, low, min(_COMPARED, width - low)), signed=False) for word in (a, b))
            parts.append(self._nonzero(self.space.affine([(1, x), (-1, y)])))
        return parts[0] if len(parts) == 1 else self._nonzero(self.space.affine([(1, part) for part in parts]))

    def _nonzero(self, value: Value) -> Value:
        return self.space.apply("nonzero", [value], functions.differs_from_zero)

    def _not(self, bit: Value) -> Value:
        return self.space.affine([(-1, bit)], 1)

    def _compared(self, cell: Cell, reads: Reads) -> Value:
        a, b = (self.word(reads[pin], is_signed(cell)) for pin in "AB")
        low, high = (b, a) if cell.kind in ("$gt", "$ge") else (a, b)
        ahead = 1 if cell.kind in ("$gt", "$lt") else 0
        difference = self.space.affine([(1, high), (-1, low)])
        return self.space.apply(("at least", ahead), [difference], lambda f: functions.at_least(f, ahead))

    def _memory(self, cell: Cell, reads: Reads) -> Value:
        """A table: a memory that nobody writes, read without a clock."""
        plain = cell.number("RD_PORTS") == 1 and cell.number("WR_PORTS") == 0 and cell.number("RD_CLK_ENABLE") == 0
        if not plain:
            raise NotClosedError("a memory that is no table")
        width, size, offset = (cell.number(name) for name in ("WIDTH", "SIZE", "OFFSET"))
        whole = cell.parameters["INIT"][::-1]
        rows = [whole[row * width : (row + 1) * width][::-1] for row in range(size)]

        def entries(address: Ints) -> Ints:
            return np.array([_entry(rows, row) for row in (address - offset).tolist()], np.int64)

        address = self.word(reads["RD_ADDR"], signed=False)
        key = ("memory", cell.parameters["INIT"], width, offset)
        return self.space.apply(key, [address], lambda f: functions.pointwise([f], entries))

    def _one_of_many(self, reads: Reads, width: int) -> Value:
        """What the one selecting bit that is set selects; where none may be set, the default must be a number.

        What is never selected may be no number.
        """
        number = sum(map(width_of, reads["S"]))
        bits = [self.word(cut(reads["S"], place, 1), signed=False) for place in range(number)]
        some = self.space.affine([(1, bit) for bit in bits])
        if some.high > 1 or some.low < 0:
            raise NotClosedError("a choice of several, of which more than one may be asked for at once")
        choices = [
            (bit, self.word(cut(reads["B"], place * width, width), signed=False))
            for place, bit in enumerate(bits)
            if bit.high > 0
        ]
        if some.low == 1:
            (_, found), *choices = choices
        else:
            found = self.word(reads["A"], signed=False)
        for bit, choice in choices:
            found = self.space.select(bit, choice, found)
        return found


def _fits(part: Source, signed: bool) -> bool:
    """Whether a part is a whole number, of which no bit is missing."""
    half = 1 << (part.width - 1)
    low, high = (-half, half) if signed else (0, 2 * half)
    return part.place == 0 and low <= part.value.low and part.value.high < high


def _may_be_negative(word: Word) -> bool:
    """Whether the last bit is of a number that may be negative."""
    return isinstance(word[-1], Source) and word[-1].value.low < 0


def _known(bits: str, signed: bool) -> int:
    """The integer of known bits, the lowest first; the last may be a sign."""
    if bits.strip("01"):
        missing = bits.strip("01")[0]
        raise NotClosedError(f"a bit is read that is {missing!r} in the Verilog: it has no value")
    value = int(bits[::-1], 2)
    return value - (1 << len(bits)) if signed and bits[-1] == "1" else value


def _entry(rows: Sequence[str], row: int) -> int:
    """A row of a table; one without a value must not be reached."""
    if not 0 <= row < len(rows) or set(rows[row]) - {"0", "1"}:
        raise NotClosedError(f"a table is read at {row}, where it has no value")
    return int(rows[row], 2)


@dataclass(frozen=True)
class _Numbers:
    """Arithmetic of primitives on numbers of a space."""

    space: Space

    def affine(self, terms: Sequence[tuple[int, Value]]) -> Value:
        return self.space.affine(terms)

    def product(self, a: Value, b: Value) -> Value:
        return self.space.product(a, b)

    def select(self, chosen: Value, a: Value, b: Value) -> Value:
        return self.space.select(chosen, a, b)

    def shift(self, value: Value, bits: int) -> Value:
        return self.space.shift(value, bits)

    def bitwise(self, operation: str, a: Value, b: Value) -> Value:
        """Two numbers of any sign: bit by bit on so many bits that both fit, the last of which is the sign."""
        widest = max(abs(end) for value in (a, b) for end in (value.low, value.high))
        width = widest.bit_length() + 1
        x, y = (self.space.modulo(value, width, 0) for value in (a, b))
        return self.space.modulo(self.unsigned_bitwise(operation, x, y, width), width, -(1 << (width - 1)))

    def unsigned_bitwise(self, operation: str, a: Value, b: Value, width: int) -> Value:
        """Two numbers of ``width`` bits; "or" and "exclusive or" by what is left of the sum of both."""

        def both(x: Runs, y: Runs) -> Runs:
            return functions.masked(x, y, width)

        common = self.space.apply(("and", width), [a, b], both)
        if operation == AND:
            return common
        weight = {OR: -1, XOR: -2}[operation]
        return self.space.affine([(1, a), (1, b), (weight, common)])
