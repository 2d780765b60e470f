"""The cells of a module as words of a solver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hls.proof.solver import Term, Words
from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Bit, Bits, Cell

_ARITHMETIC = {"$add": "BV_ADD", "$sub": "BV_SUB", "$mul": "BV_MUL", "$and": "BV_AND", "$or": "BV_OR", "$xor": "BV_XOR"}
_UNARY = {"$neg": "BV_NEG", "$not": "BV_NOT"}
_COMPARISONS = {"$eq": "EQUAL", "$ne": "DISTINCT", "$lt": "ULT", "$le": "ULE", "$gt": "UGT", "$ge": "UGE"}
_OF_TRUTHS = {"$logic_and": "AND", "$logic_or": "OR"}


class Circuit:
    """Combinational cells. ``given`` are nets with their words: inputs, and cuts, whose cells are not looked at."""

    def __init__(self, words: Words, cells: Iterable[Cell], given: Mapping[Bits, Term]) -> None:
        self._words = words
        self._known: dict[Bit, tuple[Term, int]] = {}
        for bits, word in given.items():
            self._set(bits, word)
        self._drivers = {bit: cell for cell in cells for bits in cell.drives.values() for bit in bits}

    def word(self, bits: Bits) -> Term:
        """The word on ``bits``, the lowest first."""
        for bit in bits:
            self._compute(bit)
        parts: list[Term] = []
        place = 0
        while place < len(bits):
            bit = bits[place]
            if isinstance(bit, str):
                parts.append(self._words.number(_constant(bit), 1))
                place += 1
                continue
            word, low = self._known[bit]
            end = place + 1
            while end < len(bits) and self._follows(bits[end], word, low + end - place):
                end += 1
            parts.append(self._words.bits(word, low, end - place))
            place = end
        return self._words.joined(parts)

    def _follows(self, bit: Bit, word: Term, place: int) -> bool:
        known = self._known.get(bit)
        return known is not None and known[0] is word and known[1] == place

    def _set(self, bits: Bits, word: Term) -> None:
        for place, bit in enumerate(bits):
            self._known.setdefault(bit, (word, place))

    def _compute(self, wanted: Bit) -> None:
        """Make the word of a net, and first those of all nets that it depends on."""
        stack = [wanted]
        waiting: set[str] = set()
        while stack:
            bit = stack[-1]
            if isinstance(bit, str) or bit in self._known:
                stack.pop()
                continue
            if bit not in self._drivers:
                raise NotClosedError(f"net {bit} of a primitive has no driver")
            cell = self._drivers[bit]
            needed = [
                b for bits in cell.reads.values() for b in bits if not isinstance(b, str) and b not in self._known
            ]
            if not needed:
                (driven,) = cell.drives.values()
                self._set(driven, self._cell(cell, len(driven)))
            elif cell.name in waiting and any(self._drivers.get(b) is cell for b in needed):
                raise NotClosedError(f"{cell.name} reads what it computes")
            else:
                waiting.add(cell.name)
                stack += needed

    def _cell(self, cell: Cell, width: int) -> Term:
        words = self._words
        if cell.kind in _ARITHMETIC:
            return words.make(_ARITHMETIC[cell.kind], *self._operands(cell, "AB", width))
        if cell.kind in _UNARY:
            return words.make(_UNARY[cell.kind], *self._operands(cell, "A", width))
        if cell.kind == "$mux":
            a, b, key = (self.word(cell.reads[pin]) for pin in "ABS")
            return words.make("ITE", words.truth(key), b, a)
        if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
            found = words.truth(self.word(cell.reads["A"]))
            found = words.make("NOT", found) if cell.kind == "$logic_not" else found
            return words.extended(words.flag(found), width, signed=False)
        if cell.kind in _COMPARISONS or cell.kind in _OF_TRUTHS or cell.kind == "$reduce_and":
            return words.extended(words.flag(self._truth(cell)), width, signed=False)
        raise NotClosedError(f"nobody has told what a cell {cell.kind} means to the solver")

    def _truth(self, cell: Cell) -> Term:
        words = self._words
        if cell.kind == "$reduce_and":
            word = self.word(cell.reads["A"])
            return words.make("EQUAL", word, words.number(-1, words.width(word)))
        if cell.kind in _OF_TRUTHS:
            return words.make(_OF_TRUTHS[cell.kind], *(words.truth(self.word(cell.reads[pin])) for pin in "AB"))
        kind = _COMPARISONS[cell.kind]
        if kind.startswith("U"):
            signed = all(int(cell.parameters[f"{pin}_SIGNED"], 2) for pin in "AB")
            kind = f"BV_{kind.replace('U', 'S', 1) if signed else kind}"
        return words.make(kind, *self._operands(cell, "AB", max(len(cell.reads[pin]) for pin in "AB")))

    def _operands(self, cell: Cell, pins: str, width: int) -> Sequence[Term]:
        signed = all(int(cell.parameters[f"{pin}_SIGNED"], 2) for pin in pins)
        return [self._words.extended(self.word(cell.reads[pin]), width, signed) for pin in pins]


def _constant(bit: str) -> int:
    if bit not in ("0", "1"):
        raise NotClosedError(f"a primitive reads a bit that is {bit!r}")
    return int(bit)
