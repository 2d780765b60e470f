"""Arithmetic coding of symbols with known frequencies, exact, many strings at a time.

The classical coder of Witten, Neal and Cleary (Commun. ACM 30 (1987) 520) in 48-bit integers, with digits of 16 bits.
A string ends with the fewest bits that name a binary interval inside the final one: at most two more than the
information in its symbols. The same rule tells the decoder where the string ended, so strings follow each other
without marks between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.bit_fields import Bytes, read_bits
from qmodels.compression.packing.latent_layout import Ints, Quantizer
from qmodels.errors import ModelDataError

Digits = npt.NDArray[np.uint16]
TOTAL_BITS = 16
_TOTAL = 1 << TOTAL_BITS
_TOP, _DIGIT = 48, 16
_LEAST = 1 << (_TOP - _DIGIT)  # a smaller range is due for a digit
_TOP_MASK, _LEAST_MASK = (1 << _TOP) - 1, _LEAST - 1
_SHORTEST = _TOP - _DIGIT - 2  # a range of 2**32 or more holds an aligned interval of 2**30


@dataclass(frozen=True, eq=False)
class FrequencyTables:
    """Cumulative frequencies of many alphabets (rows), each ascending from 0 to 2**16, one after the other.

    ``keys`` are those numbers plus 2**16 times the row, without each row's last: one sorted array, in which a single
    search finds the symbols of all strings.
    """

    keys: Ints
    starts: Ints

    def interval(self, rows: Ints, symbols: Ints) -> tuple[Ints, Ints]:
        """First part of 2**16 that belongs to each symbol, and how many do."""
        place = self.starts[rows] + symbols
        low = self.keys[place]
        return low - rows * _TOTAL, self.keys[place + 1] - low

    def find(self, rows: Ints, parts: Ints) -> Ints:
        """The symbols to which these parts belong."""
        return np.searchsorted(self.keys, rows * _TOTAL + parts, side="right") - 1 - self.starts[rows]


def frequency_tables(quantizers: Sequence[Quantizer]) -> FrequencyTables:
    """One row a quantizer."""
    rows = [cumulative(quantizer)[:-1] + row * _TOTAL for row, quantizer in enumerate(quantizers)]
    starts = np.cumsum([0, *(len(row) for row in rows)])[:-1]
    return FrequencyTables(np.concatenate([*rows, [len(rows) * _TOTAL]]), starts)


def cumulative(quantizer: Quantizer) -> Ints:
    """(levels + 1,) from 0 to 2**16: each symbol has one part at least, the rest goes by weight.

    >>> cumulative(Quantizer(1, 0, 3, 0, 1, weights=(2, 1, 1))).tolist()
    [0, 32767, 49151, 65536]
    """
    levels = quantizer.levels
    weights = np.repeat(np.array(quantizer.weights or (1,), np.int64), quantizer.cell)[:levels]
    ends = np.concatenate([[0], np.cumsum(weights)])
    return np.arange(levels + 1) + (_TOTAL - levels) * ends // max(int(ends[-1]), 1)


def encode_strings(symbols: Ints, rows: Ints, tables: FrequencyTables) -> tuple[Digits, Ints]:
    """One string for each line of ``symbols`` (strings, length), whose alphabets are ``rows`` of the tables.

    Returns digits (strings, most digits), first bit highest, and the length of each string in bits.

    Five symbols of probabilities about ½, ¼, ½, ½ and ¼ hold 7 bits of information; a string has at most two more.

    >>> tables = frequency_tables([Quantizer(1, 0, 3, 0, 1, weights=(2, 1, 1))])
    >>> symbols = np.array([[0, 1, 0, 0, 2]])
    >>> digits, lengths = encode_strings(symbols, np.zeros_like(symbols), tables)
    >>> 7 <= int(lengths[0]) <= 9
    True
    >>> data = digits.astype(">u2").tobytes() + bytes(8)
    >>> decode_strings(np.frombuffer(data, np.uint8), np.array([0]), np.zeros_like(symbols), tables)[0].tolist()
    [[0, 1, 0, 0, 2]]
    """
    count, length = symbols.shape
    digits = np.zeros((count, length + 2), np.int64)
    filled = np.zeros(count, np.int64)
    low, span = np.zeros(count, np.int64), np.full(count, 1 << _TOP, np.int64)
    for position in range(length):
        first, parts = tables.interval(rows[:, position], symbols[:, position])
        unit = span >> TOTAL_BITS
        low += unit * first
        np.multiply(unit, parts, out=span)
        due = np.flatnonzero(span < _LEAST)
        if due.size:
            out = low[due]
            digits[due, filled[due]] = out >> (_TOP - _DIGIT)  # may hold a carry, which _carried settles
            filled[due] += 1
            low[due] = (out & _LEAST_MASK) << _DIGIT
            span[due] <<= _DIGIT
    end, bits = _ending(low, span)
    lines = np.arange(count)
    digits[lines, filled] += end >> _DIGIT
    digits[lines, filled + 1] = end & (_LEAST_MASK >> _DIGIT)
    return _carried(digits[:, : int(filled.max(initial=0)) + 2]), filled * _DIGIT + bits


def decode_strings(data: Bytes, starts: Ints, rows: Ints, tables: FrequencyTables) -> tuple[Ints, Ints]:
    """Undo :func:`encode_strings`: symbols as ``rows`` (strings, length), and the bit behind each string.

    ``data`` are bytes, first bit highest; ``starts`` the first bit of each string. Raises ModelDataError where the
    bits are those of no symbols.
    """
    return decode_chosen(data, starts, rows.shape[1], lambda position, _: rows[:, position], tables)


def decode_chosen(
    data: Bytes, starts: Ints, length: int, row_of: Callable[[int, Ints], Ints], tables: FrequencyTables
) -> tuple[Ints, Ints]:
    """As :func:`decode_strings`, where a symbol's alphabet may depend on those before it.

    ``row_of`` a position gives the row of each string there, from the symbols (strings, length), of which those at
    earlier positions are known.
    """
    count = len(starts)
    symbols = np.empty((count, length), np.int64)
    place = starts + _TOP
    code = read_bits(data, starts, 16) << 32 | read_bits(data, starts + 16, 16) << 16 | read_bits(data, starts + 32, 16)
    low, span = np.zeros(count, np.int64), np.full(count, 1 << _TOP, np.int64)
    for position in range(length):
        row, unit = row_of(position, symbols), span >> TOTAL_BITS
        part = code // unit
        if (part >= _TOTAL).any():
            raise ModelDataError(f"string {int(np.argmax(part >= _TOTAL))} is damaged: no symbol has these bits")
        symbol = tables.find(row, part)
        symbols[:, position] = symbol
        first, parts = tables.interval(row, symbol)
        below = unit * first
        code -= below
        low += below
        np.multiply(unit, parts, out=span)
        due = np.flatnonzero(span < _LEAST)
        if due.size:
            code[due] = code[due] << _DIGIT | read_bits(data, place[due], _DIGIT)
            place[due] += _DIGIT
            low[due] = (low[due] & _LEAST_MASK) << _DIGIT
            span[due] <<= _DIGIT
    _, bits = _ending(low & _TOP_MASK, span)
    return symbols, place - _TOP + bits


def _ending(low: Ints, span: Ints) -> tuple[Ints, Ints]:
    """Shortest binary interval inside [low, low + span): its first bits at the head of 32, and how many they are."""
    end, bits = np.zeros_like(low), np.full_like(low, -1)
    for shift in range(_TOP, _SHORTEST - 1, -1):
        number = (low + (1 << shift) - 1) >> shift
        fits = (bits < 0) & (((number + 1) << shift) <= low + span)
        end[fits] = number[fits] << (shift - (_TOP - 32))
        bits[fits] = _TOP - shift
    return end, bits


def _carried(digits: Ints) -> Digits:
    for column in range(digits.shape[1] - 1, 0, -1):
        digits[:, column - 1] += digits[:, column] >> _DIGIT
    return digits.astype(np.uint16)  # keeps the low 16 bits; nothing is carried out of the first digit
