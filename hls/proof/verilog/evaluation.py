"""Cells of logic on known words: what each drives, as the language defines it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Cell

UNKNOWN = "?"
"""A bit of another event, or of none; ``x`` is one that the Verilog itself leaves open."""

_TWO: Mapping[str, Callable[[int, int], int]] = {
    "$add": lambda a, b: a + b,
    "$sub": lambda a, b: a - b,
    "$mul": lambda a, b: a * b,
    "$and": lambda a, b: a & b,
    "$or": lambda a, b: a | b,
    "$xor": lambda a, b: a ^ b,
    "$eq": lambda a, b: a == b,
    "$ne": lambda a, b: a != b,
    "$lt": lambda a, b: a < b,
    "$le": lambda a, b: a <= b,
    "$gt": lambda a, b: a > b,
    "$ge": lambda a, b: a >= b,
    "$logic_and": lambda a, b: bool(a) and bool(b),
    "$logic_or": lambda a, b: bool(a) or bool(b),
}
_ONE: Mapping[str, Callable[[int], int]] = {"$not": lambda a: ~a, "$neg": lambda a: -a, "$pos": lambda a: a}
_OF_ALL_BITS: Mapping[str, Callable[[int, int], int]] = {
    "$logic_not": lambda a, _: a == 0,
    "$reduce_or": lambda a, _: a != 0,
    "$reduce_bool": lambda a, _: a != 0,
    "$reduce_and": lambda a, width: a == (1 << width) - 1,
}
_COMPARISONS = ("$eq", "$ne", "$lt", "$le", "$gt", "$ge", "$logic_and", "$logic_or")
_DECIDES = {"$and": 0, "$logic_and": 0, "$logic_or": 1}
"""What one operand must be for the other not to matter."""


def evaluated(cell: Cell, reads: Mapping[str, int | None]) -> int | None:
    """What ``cell`` drives, as a number of its bits, if it is told by what it ``reads``; None there is no value.

    Raises:
        NotClosedError: nobody has told what the cell computes.
    """
    (driven,) = cell.drives.values()
    width = len(driven)
    if cell.kind == "$mux":
        chosen = reads["S"]
        return None if chosen is None else reads["B" if chosen else "A"]
    if cell.kind == "$pmux":
        return _one_of_many(reads, width)
    if cell.kind in _TWO:
        made = _of_two(cell, reads, width)
    elif reads["A"] is None:
        return None
    elif cell.kind in _OF_ALL_BITS:
        made = int(_OF_ALL_BITS[cell.kind](reads["A"], len(cell.reads["A"])))
    elif cell.kind in _ONE:
        made = int(_ONE[cell.kind](extended(cell, "A", reads["A"], width)))
    else:
        raise NotClosedError(f"nobody has told what a cell {cell.kind} means")
    return None if made is None else made & ((1 << width) - 1)


def _of_two(cell: Cell, reads: Mapping[str, int | None], width: int) -> int | None:
    a, b = reads["A"], reads["B"]
    if a is None or b is None:
        known = b if a is None else a
        decided = known is not None and cell.kind in _DECIDES and bool(known) == bool(_DECIDES[cell.kind])
        return _DECIDES[cell.kind] if decided else None
    if cell.kind in _COMPARISONS:
        width = max(len(cell.reads["A"]), len(cell.reads["B"]))
    return int(_TWO[cell.kind](extended(cell, "A", a, width), extended(cell, "B", b, width)))


def is_signed(cell: Cell) -> bool:
    """Whether a cell takes what it reads as numbers with a sign."""
    return all(int(cell.parameters.get(f"{side}_SIGNED", "0"), 2) for side in "AB" if side in cell.reads)


def extended(cell: Cell, pin: str, word: int, width: int) -> int:
    """A word of a pin as an integer: negative where the operation is one of signed numbers; cut to ``width``."""
    own = min(len(cell.reads[pin]), width)
    word &= (1 << own) - 1
    return word - (1 << own) if is_signed(cell) and word >> (own - 1) & 1 else word


def _one_of_many(reads: Mapping[str, int | None], width: int) -> int | None:
    chosen, values = reads["S"], reads["B"]
    if chosen is None or (chosen and values is None):
        return None
    if not chosen:
        return reads["A"]
    if chosen & (chosen - 1):
        raise NotClosedError("a choice of several, of which more than one is asked for at once")
    return (values or 0) >> (chosen.bit_length() - 1) * width & ((1 << width) - 1)
