"""The machine that is control, clock by clock: its words, and what is computed again when one of them changes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hls.proof.verilog.control_run import NO_VALUE
from hls.proof.verilog.design import Bit, Bits, Cell, number_of
from hls.proof.verilog.evaluation import evaluated

_MOST_REMEMBERED = 1 << 10
"""Results that are remembered of one cell; with one more all are forgotten."""


@dataclass(frozen=True)
class _Slice:
    """Bits of a word of the machine that stand in a word that is read."""

    word: int
    place: int
    mask: int
    at: int


@dataclass(frozen=True)
class _Source:
    """Where a word that is read comes from: bits that never change, and slices of words."""

    constant: int
    slices: tuple[_Slice, ...]


@dataclass(frozen=True)
class _Step:
    """A cell ready to run. Control does the same again and again: ``known`` are its results by what it reads."""

    cell: Cell
    pins: tuple[str, ...]
    reads: tuple[_Source, ...]
    drives: int
    known: dict[tuple[int | None, ...], int | None] = field(default_factory=dict)

    def result(self, words: Sequence[int | None]) -> int | None:
        """What the cell drives, by the words of the machine."""
        found = tuple([_value(source, words) for source in self.reads])
        if found not in self.known:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[found] = evaluated(self.cell, dict(zip(self.pins, found, strict=True)))
        return self.known[found]


def _value(source: _Source, words: Sequence[int | None]) -> int | None:
    """The number that is read; None if a bit of it has no value."""
    value = source.constant
    for part in source.slices:
        word = words[part.word]
        if word is None:
            return None
        value |= (word >> part.place & part.mask) << part.at
    return value


class Machine:
    """``bits`` are the characters of all ``words``, one after the other, each with its lowest bit first.

    What reads a word that changed is computed again, in the order of ``cells``, each of which reads only words before
    its own. Of a word of which one bit has no value no bit has one.
    """

    def __init__(self, words: Sequence[Bits], registers: Mapping[Bit, Bit], cells: Sequence[Cell]) -> None:
        self._numbers = {bit: (number, place) for number, word in enumerate(words) for place, bit in enumerate(word)}
        self._given = words
        self._words: list[int | None] = [None] * len(words)
        self._widths = [len(word) for word in words]
        self._starts = [sum(self._widths[:number]) for number in range(len(words))]
        self.bits = bytearray([NO_VALUE]) * sum(self._widths)
        self._steps = [self._step(cell) for cell in cells]
        self._stale = bytearray([1]) * len(self._steps)
        self._readers = self._by_word(step.reads for step in self._steps)
        taken = [word for word in words if all(bit in registers for bit in word)]
        self._registers = [
            (self._numbers[word[0]][0], self._source([registers[bit] for bit in word])) for word in taken
        ]
        self._followers = self._by_word((source,) for _, source in self._registers)
        self._waiting = set(range(len(self._registers)))
        self._changed: list[int] = []

    def _source(self, bits: Sequence[Bit]) -> _Source:
        slices: list[_Slice] = []
        for at, bit in enumerate(bits):
            if isinstance(bit, str):
                continue
            word, place = self._numbers[bit]
            last = slices[-1] if slices else None
            width = 0 if last is None else last.mask.bit_length()
            if last is not None and (last.word, last.place + width, last.at + width) == (word, place, at):
                slices[-1] = _Slice(word, last.place, last.mask << 1 | 1, last.at)
            else:
                slices.append(_Slice(word, place, 1, at))
        return _Source(number_of(tuple(bits)), tuple(slices))

    def _step(self, cell: Cell) -> _Step:
        (driven,) = cell.drives.values()
        reads = tuple(self._source(bits) for bits in cell.reads.values())
        return _Step(cell, tuple(cell.reads), reads, self._numbers[driven[0]][0])

    def _by_word(self, readers: Iterable[Iterable[_Source]]) -> list[list[int]]:
        """For each word the numbers of those that read it."""
        found: list[list[int]] = [[] for _ in self._words]
        for number, sources in enumerate(readers):
            for word in sorted({part.word for source in sources for part in source.slices}):
                found[word].append(number)
        return found

    def put(self, bit: Bit, value: int) -> None:
        """A port of one bit has this value from now on."""
        self._put(self._numbers[bit][0], value)

    def _put(self, word: int, value: int | None) -> None:
        if self._words[word] == value:
            return
        self._words[word] = value
        self._changed.append(word)
        start, width = self._starts[word], self._widths[word]
        if value is None:
            self.bits[start : start + width] = bytes([NO_VALUE]) * width
        elif width == 1:
            self.bits[start] = 48 + value
        else:
            self.bits[start : start + width] = f"{value:0{width}b}"[::-1].encode()
        for number in self._readers[word]:
            self._stale[number] = 1
        self._waiting.update(self._followers[word])

    def is_free_of(self, bit: Bit, watched: Container[Bit]) -> bool:
        """Whether with the other value of a port of one bit every register would take, and every ``watched`` bit be,
        what it does and is."""
        port = self._numbers[bit][0]
        value = self._words[port]
        self._changed.clear()
        self._put(port, 1 - (value or 0))
        self.settle()
        changed = set(self._changed)
        followers = [self._registers[number] for word in sorted(changed) for number in self._followers[word]]
        other = [_value(source, self._words) for _, source in followers]
        self._put(port, value)
        self.settle()
        own = [_value(source, self._words) for _, source in followers]
        return own == other and not any(bit in watched for word in changed for bit in self._given[word])

    def settle(self) -> None:
        """Compute what has become stale."""
        number = self._stale.find(1)
        while number >= 0:
            self._stale[number] = 0
            step = self._steps[number]
            self._put(step.drives, step.result(self._words))
            number = self._stale.find(1, number + 1)

    def clock(self) -> None:
        """Registers take what they read; those whose source did not change hold it already."""
        self._changed.clear()
        taken = [
            (word, _value(source, self._words)) for word, source in map(self._registers.__getitem__, self._waiting)
        ]
        self._waiting.clear()
        for word, value in taken:
            self._put(word, value)
