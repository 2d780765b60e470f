"""Numbers of a ``Space`` as words of a solver, to find an event for which they are what one looks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hls.proof.forms import Form, Function, Maximum, Port, Product, Value
from hls.proof.runs import Runs
from hls.proof.solver import Term, Words
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.words import Space

_MOST_RUNS = 3000
"""Of a function that is written out for the solver: a question with more is not answered in minutes."""
_WIDTH = 64


@dataclass(frozen=True)
class Encoding:
    """Every number is a signed word of 64 bits, which hold more than any number of a proof."""

    space: Space
    words: Words = field(default_factory=Words)
    ports: dict[tuple[int, int], Term] = field(default_factory=dict)
    """The words of port elements that were met."""
    _atoms: dict[int, Term] = field(default_factory=dict)
    _facts: list[Term] = field(default_factory=list)

    def of(self, value: Value) -> Term:
        """A number as a word."""
        if isinstance(value, Function):
            return self._applied(value.runs, self.of(value.base.form))
        total = self._number(value.constant)
        for atom, weight in value.terms.items():
            scaled = self.words.make("BV_MUL", self._atom(atom), self._number(weight))
            total = self.words.make("BV_ADD", total, scaled)
        return total

    def equals(self, form: Form, number: int) -> Term:
        """The statement that a form is ``number``."""
        return self.words.make("EQUAL", self.of(form), self._number(number))

    def event(self, statements: Sequence[Term], deadline: Deadline) -> dict[tuple[int, int], int] | None:
        """Raw integers of port elements for which the statements hold; None if there are none."""
        wanted = list(self.ports.values())
        found = self.words.model([*self._facts, *statements], wanted, deadline)
        if found is None:
            return None
        signed = [value - (1 << _WIDTH) if value >> (_WIDTH - 1) else value for value in found]
        return dict(zip(self.ports, signed, strict=True))

    def _number(self, value: int) -> Term:
        return self.words.number(value, _WIDTH)

    def _atom(self, number: int) -> Term:
        if number not in self._atoms:
            self._atoms[number] = self._encoded(number)
        return self._atoms[number]

    def _encoded(self, number: int) -> Term:
        atom = self.space.atoms[number]
        origin = atom.origin
        if isinstance(origin, Port):
            word = self.ports[origin.port, origin.element] = self.words.free(_WIDTH)
            self._facts.append(self.words.make("BV_SLE", self._number(atom.low), word))
            self._facts.append(self.words.make("BV_SLE", word, self._number(atom.high)))
            return word
        if isinstance(origin, Product):
            return self.words.make("BV_MUL", self.of(origin.a), self.of(origin.b))
        if isinstance(origin, Maximum):
            members = [self.of(member) for member in origin.members]
            largest = members[0]
            for member in members[1:]:
                above = self.words.make("BV_SGT", member, largest)
                largest = self.words.make("ITE", above, member, largest)
            return largest
        return self.of(origin)

    def _applied(self, function: Runs, at: Term) -> Term:
        """A function as a choice between its runs, halved again and again."""
        if len(function) > _MOST_RUNS:
            raise NotClosedError(f"a function of {len(function):,} runs is too much for the solver")

        def between(first: int, last: int) -> Term:
            if first == last:
                slope = int(function.slope[first])
                offset = int(function.value[first]) - slope * int(function.start[first])
                scaled = self.words.make("BV_MUL", at, self._number(slope))
                return self.words.make("BV_ADD", scaled, self._number(offset))
            middle = (first + last + 1) // 2
            above = self.words.make("BV_SGE", at, self._number(int(function.start[middle])))
            return self.words.make("ITE", above, between(middle, last), between(first, middle - 1))

        return between(0, len(function) - 1)
