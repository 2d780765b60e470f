"""Whole numbers and statements about them, written as a solver's terms are read: with +, <, and, if."""

from __future__ import annotations

from dataclasses import dataclass

from hls.proof.solver import Term, Words


@dataclass(frozen=True)
class Statement:
    """What is true or not."""

    words: Words
    term: Term

    def __and__(self, other: Statement) -> Statement:
        return Statement(self.words, self.words.make("AND", self.term, other.term))

    def __or__(self, other: Statement) -> Statement:
        return Statement(self.words, self.words.make("OR", self.term, other.term))

    def __invert__(self) -> Statement:
        return Statement(self.words, self.words.make("NOT", self.term))

    def implies(self, other: Statement) -> Statement:
        """``other``, where this holds."""
        return ~self | other

    def same(self, other: Statement) -> Statement:
        """Both hold or neither does."""
        return Statement(self.words, self.words.make("EQUAL", self.term, other.term))

    def choose(self, yes: Whole, no: Whole) -> Whole:
        """``yes`` where this holds, else ``no``."""
        return Whole(self.words, self.words.make("ITE", self.term, yes.term, no.term))


@dataclass(frozen=True)
class Whole:
    """A word as a number of none or more. All that are put together have the same bits, enough for what comes of it."""

    words: Words
    term: Term

    def _number(self, other: Whole | int) -> Term:
        return self.words.number(other, self.words.width(self.term)) if isinstance(other, int) else other.term

    def alike(self, value: int) -> Whole:
        """``value`` as a number of as many bits."""
        return Whole(self.words, self._number(value))

    def _made(self, kind: str, other: Whole | int) -> Whole:
        return Whole(self.words, self.words.make(kind, self.term, self._number(other)))

    def _said(self, kind: str, other: Whole | int) -> Statement:
        return Statement(self.words, self.words.make(kind, self.term, self._number(other)))

    def __add__(self, other: Whole | int) -> Whole:
        return self._made("BV_ADD", other)

    def __sub__(self, other: Whole | int) -> Whole:
        return self._made("BV_SUB", other)

    def __mul__(self, other: int) -> Whole:
        return self._made("BV_MUL", other)

    def __lt__(self, other: Whole | int) -> Statement:
        return self._said("BV_ULT", other)

    def __le__(self, other: Whole | int) -> Statement:
        return self._said("BV_ULE", other)

    def __gt__(self, other: Whole | int) -> Statement:
        return self._said("BV_UGT", other)

    def __ge__(self, other: Whole | int) -> Statement:
        return self._said("BV_UGE", other)

    def equals(self, other: Whole | int) -> Statement:
        """Whether both are the same."""
        return self._said("EQUAL", other)

    def at_most(self, most: int) -> Whole:
        """This, or ``most`` if that is less."""
        return (self < most).choose(self, self.alike(most))

    def turned(self, places: int) -> Whole:
        """This, less than twice ``places``, as a place in a ring of so many."""
        return (self < places).choose(self, self - places)
