"""Sums that two circuits make of the same numbers in another order: those of the one read as those of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hls.proof.netlist.adders import FullAdder, chains
from hls.proof.netlist.aig import TRUE, Aig, Literal
from hls.proof.netlist.correspondence import NOTHING, Held
from hls.proof.netlist.linear import Term, Totals
from hls.proof.netlist.sameness import Same
from hls.proof.netlist.side import Logic, Side
from hls.proof.subject import Deadline


@dataclass(frozen=True)
class _Guess:
    """A net of the second side, or its complement, that may be the same."""

    net: int
    flipped: bool


_CONSTANT = _Guess(0, False)


def join(
    aig: Aig, sides: Sequence[Side], logic: Sequence[Logic], held: Sequence[Mapping[int, Held]], deadline: Deadline
) -> None:
    """Let the sums of the first side read as those of the second where they are proved to be the same by ``deadline``.

    ``held`` is what the nets at full adders held in a run of both sides: it says which to try.
    """
    same = Same(aig, deadline)
    totals = Totals(aig, same)
    carries: dict[tuple[Literal, ...], Literal] = {}
    first, second = (_Builder(*each, totals, carries, same) for each in zip(logic, held, strict=True))
    for adder in sorted(sides[1].adders, key=lambda adder: sides[1].place(adder.carry)):
        second.build(adder)
    alike = _Alike(sides[1].adders, held[1])
    for chain in _in_order(sides[0]):
        if not deadline.left:
            return
        for net in (net for adder in chain for net in adder.operands):
            guess = alike.net(held[0][net])
            own, other = first.literal(net), None if guess is None else second.literal(guess.net, guess.flipped)
            if other is not None and own != other and totals.zeros([(1, own), (-1, other)], 1):
                logic[0].equate(net, other)
        for adder in chain:
            first.build(adder)
        guesses = alike.word([held[0][adder.total] for adder in chain])
        for adder, literal in zip(chain, _proved(chain, first, second, guesses, totals), strict=False):
            first.read_as(adder, literal)


def _proved(
    chain: Sequence[FullAdder], first: _Builder, second: _Builder, guesses: Sequence[_Guess | None], totals: Totals
) -> list[Literal]:
    """What the totals of ``chain`` are on the second side: the lowest of ``guesses``, as far as they are right."""
    own = [first.literal(adder.total) for adder in chain]
    other = [
        mine if guess is None else second.literal(guess.net, guess.flipped)
        for mine, guess in zip(own, guesses, strict=True)
    ]
    if own == other:
        return []
    terms: list[Term] = []
    for place, (adder, guess) in enumerate(zip(chain, guesses, strict=True)):
        if guess is not None:
            terms += first.terms(1 << place, adder.total)
            terms += second.terms(-1 << place, guess.net, guess.flipped)
    return other[: totals.zeros(terms, len(chain))]


class _Builder:
    """Builds the full adders of one side, and puts down what they add up to."""

    def __init__(
        self, logic: Logic, held: Mapping[int, Held], totals: Totals, carries: dict[tuple[Literal, ...], Literal],
        same: Same,
    ) -> None:  # fmt: skip
        self._logic = logic
        self._held = held
        self._same = same
        self._totals = totals
        self._carries = carries
        self._operands: dict[Literal, set[Literal]] = {}
        self._sums: dict[int, tuple[Literal, Literal, Literal, Literal]] = {}

    def literal(self, net: int, flipped: bool = False) -> Literal:
        """The literal of a net, or of its complement."""
        return self._logic.literal(net) ^ flipped

    def build(self, adder: FullAdder) -> None:
        """An adder whose operands are known."""
        a, b, c = (self._logic.literal(net) for net in adder.operands)
        if self._extends(adder, a, b, c):
            self._logic.equate(adder.carry, c)
        carry = self._carries.setdefault(tuple(sorted((a, b, c))), self._logic.literal(adder.carry))
        self._logic.equate(adder.carry, carry)
        self._operands.setdefault(carry, {a, b})
        self._sums[adder.total] = a, b, c, carry
        self._totals.add(self._logic.literal(adder.total), a, b, c, carry)

    def _extends(self, adder: FullAdder, a: Literal, b: Literal, c: Literal) -> bool:
        """Whether the carry is the same as that before, as where a sum has come to its sign.

        In the sign's extension the operands stay the same, and majority(a, b, majority(a, b, c)) is majority(a, b, c).
        Words of fewer bits have none: there it depends on what is added that it does not overflow.
        """
        if self._operands.get(c) == {a, b}:
            return True
        return self._held[adder.carry] == self._held[adder.c] and self._same.proved(self._logic.literal(adder.carry), c)

    def read_as(self, adder: FullAdder, literal: Literal) -> None:
        """The total is known to be ``literal``, of which it then is known what it adds up."""
        self._logic.equate(adder.total, literal)
        self._totals.add(literal, *self._sums[adder.total])

    def terms(self, weight: int, net: int, flipped: bool = False) -> Iterator[Term]:
        """``weight`` times a net, or its complement: a total as its own adder makes it."""
        if flipped:
            yield weight, TRUE
            weight = -weight
        if net not in self._sums:
            yield weight, self._logic.literal(net)
            return
        for factor, literal in zip((1, 1, 1, -2), self._sums[net], strict=True):
            yield factor * weight, literal


class _Alike:
    """Nets at the adders of a side by what they held."""

    def __init__(self, adders: Sequence[FullAdder], held: Mapping[int, Held]) -> None:
        self._totals: dict[bytes, list[tuple[int, int, _Guess]]] = {}
        self._nets: dict[bytes, _Guess] = {NOTHING: _CONSTANT}
        for number, chain in enumerate(chains(adders)):
            for bit, adder in enumerate(chain):
                key, flipped = held[adder.total]
                self._totals.setdefault(key, []).append((number, bit, _Guess(adder.total, flipped)))
                for net in (adder.total, *adder.operands):
                    key, flipped = held[net]
                    self._nets.setdefault(key, _Guess(net, flipped))

    def net(self, held: Held) -> _Guess | None:
        """A net that held the same."""
        key, flipped = held
        found = self._nets.get(key)
        return None if found is None else _Guess(found.net, found.flipped != flipped)

    def word(self, bits: Sequence[Held]) -> list[_Guess | None]:
        """For each bit of a word what held the same: a total of the one sum that has most of them, or the constant."""
        found = [
            {(number, bit - place): guess for number, bit, guess in self._totals.get(key, [])}
            for place, (key, _) in enumerate(bits)
        ]
        votes = Counter(aligned for each in found for aligned in each)
        best = max(votes, key=lambda aligned: votes[aligned], default=None)
        guesses: list[_Guess | None] = []
        for each, (key, flipped) in zip(found, bits, strict=True):
            # In the sign's extension a sum may lack bits: there its last held the same.
            other = next((guess for (number, _), guess in each.items() if best and number == best[0]), None)
            guess = each.get(best, other) if best else other
            if guess is None and key == NOTHING:
                guess = _CONSTANT
            guesses.append(None if guess is None else _Guess(guess.net, guess.flipped != flipped))
        return guesses


def _in_order(side: Side) -> Iterator[list[FullAdder]]:
    """The sums of a side, each after all those that it reads."""
    words = chains(side.adders)
    word_of = {net: number for number, word in enumerate(words) for adder in word for net in (adder.total, adder.carry)}
    done: set[int] = set()
    for word in words:
        # Nets to be looked at, and as negative numbers words of which all that they read was looked at.
        waiting = [word[0].total]
        while waiting:
            now = waiting.pop()
            if now < 0:
                yield words[-now - 1]
                continue
            number = word_of.get(now)
            known = now if number is None else words[number][0].total
            if known in done:
                continue
            done.add(known)
            if number is not None:
                waiting.append(-number - 1)
                read = [net for adder in words[number] for net in adder.operands]
                waiting += (net for net in read if word_of.get(net) != number)
            elif (driver := side.driver(now)) is not None:
                waiting += driver[1]
