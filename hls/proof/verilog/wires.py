"""What stands on the wires of a design: parts of numbers, and bits that are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hls.proof.verilog.evaluation import UNKNOWN
from hls.proof.verilog.sums import Number


class Source(NamedTuple):
    """``width`` bits of a number, from ``place`` on."""

    value: Number
    place: int
    width: int


Part = Source | str
"""Bits of a number, or characters for known ones: "0", "1", "x", or ``UNKNOWN``. The lowest comes first."""
Word = tuple[Part, ...]
"""Parts beside each other, the lowest first; no two of them could be one."""


def width_of(part: Part) -> int:
    """Bits of a part."""
    return len(part) if isinstance(part, str) else part.width


def joined(parts: Iterable[Part]) -> Word:
    """One word of ``parts``; those that continue each other become one."""
    found: list[Part] = []
    for part in parts:
        if found:
            last = found[-1]
            if isinstance(last, str):
                if isinstance(part, str):
                    found[-1] = last + part
                    continue
            elif not isinstance(part, str) and part.value is last.value and part.place == last.place + last.width:
                found[-1] = Source(last.value, last.place, last.width + part.width)
                continue
        found.append(part)
    return tuple(found)


def cut(word: Word, place: int, width: int) -> Word:
    """``width`` bits of a word, from ``place`` on."""
    if len(word) == 1:
        (only,) = word
        if isinstance(only, str):
            return (only[place : place + width],)
        return word if width == only.width else (Source(only.value, only.place + place, width),)
    found: list[Part] = []
    end = place + width
    for part in word:
        size = len(part) if isinstance(part, str) else part.width
        first, last = max(place, 0), min(end, size)
        if first < last:
            if isinstance(part, str):
                found.append(part[first:last])
            else:
                found.append(Source(part.value, part.place + first, last - first))
        place, end = place - size, end - size
        if end <= 0:
            break
    return tuple(found)


def bits_of(word: Word) -> Iterator[Part]:
    """Each bit by itself."""
    for part in word:
        if isinstance(part, str):
            yield from part
        else:
            for place in range(part.place, part.place + part.width):
                yield Source(part.value, place, 1)


def stretched(word: Word, width: int, signed: bool) -> Word:
    """A word cut to ``width`` bits, or with copies of its last bit above it, or zeros."""
    own = sum(map(width_of, word))
    if own >= width:
        return word if own == width else cut(word, 0, width)
    top = cut(word, own - 1, 1)[0] if signed else "0"
    return joined([*word, *[top] * (width - own)])


def constant_of(word: Word) -> int | None:
    """The number of a word whose bits are all known; None of any other."""
    if len(word) == 1 and isinstance(word[0], str) and not word[0].strip("01"):
        return int(word[0][::-1], 2)
    return None


def is_unknown(words: Iterable[Word]) -> bool:
    """Whether a bit of any of ``words`` is of another event."""
    return any(isinstance(part, str) and UNKNOWN in part for word in words for part in word)


def same_bit(one: Part, other: Part) -> bool:
    """Whether two parts of one bit each are the same bit."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.value is other.value and one.place == other.place


def without_extension(word: Word, signed: bool) -> tuple[Word, bool]:
    """A word without the upper bits that change nothing: copies of its sign, or zeros; and whether it has a sign."""
    parts = list(word)
    while signed and _copies_below(parts):
        _drop(parts)
    if signed and _top(parts) == "0" and _several(parts):
        signed = False
        _drop(parts)
    while not signed and _top(parts) == "0" and _several(parts):
        _drop(parts)
    return tuple(parts), signed


def _top(parts: Sequence[Part]) -> Part:
    last = parts[-1]
    return last[-1] if isinstance(last, str) else Source(last.value, last.place + last.width - 1, 1)


def _several(parts: Sequence[Part]) -> bool:
    """Whether there is more than one bit."""
    return len(parts) > 1 or width_of(parts[0]) > 1


def _copies_below(parts: Sequence[Part]) -> bool:
    """Whether the uppermost bit is the one below it."""
    last = parts[-1]
    if isinstance(last, str):
        return len(last) > 1 and last[-1] == last[-2]
    return last.width == 1 and len(parts) > 1 and same_bit(last, _top(parts[:-1]))


def _drop(parts: list[Part]) -> None:
    """Take the uppermost bit away."""
    last = parts.pop()
    if isinstance(last, str):
        if len(last) > 1:
            parts.append(last[:-1])
    elif last.width > 1:
        parts.append(Source(last.value, last.place, last.width - 1))
