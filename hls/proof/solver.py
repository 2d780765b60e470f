"""Bitwuzla, a solver of bit-vector arithmetic: words of a circuit, and whether a statement about them ever fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

from hls.machine.extras import require
from hls.proof.subject import Deadline, NotClosedError

Term = Any
"""A term of Bitwuzla's, which ships no types."""


def solver_version() -> str:
    """Version of the solver; raises ``ToolError`` without one."""
    require("bitwuzla")
    return version("bitwuzla")


@cache
def bitwuzla_module() -> Any:
    """Bitwuzla itself; raises ``ToolError`` where it is not installed."""
    require("bitwuzla")
    import bitwuzla

    return bitwuzla


@dataclass(frozen=True)
class Words:
    """Makes terms. A word is a bit vector of any width; a truth is one of Bitwuzla's booleans."""

    manager: Any = field(default_factory=lambda: bitwuzla_module().TermManager())

    def free(self, width: int) -> Term:
        """A word of which nothing is known."""
        return self.manager.mk_const(self.manager.mk_bv_sort(width))

    def array(self, address: int, width: int) -> Term:
        """Words of so many bits, of which nothing is known, at places whose number has ``address`` bits."""
        sorts = self.manager.mk_bv_sort(address), self.manager.mk_bv_sort(width)
        return self.manager.mk_const(self.manager.mk_array_sort(*sorts))

    def number(self, value: int, width: int) -> Term:
        """A constant, modulo ``2**width``."""
        return self.manager.mk_bv_value(self.manager.mk_bv_sort(width), value % (1 << width))

    def make(self, kind: str, *operands: Term, at: Sequence[int] = ()) -> Term:
        """A term of the kind that Bitwuzla calls ``kind``; ``at`` are its indices."""
        return self.manager.mk_term(getattr(bitwuzla_module().Kind, kind), list(operands), list(at))

    def width(self, word: Term) -> int:
        """Bits of a word."""
        return int(word.sort().bv_size())

    def bits(self, word: Term, low: int, count: int) -> Term:
        """``count`` bits of a word from ``low`` on."""
        if low == 0 and count == self.width(word):
            return word
        return self.make("BV_EXTRACT", word, at=(low + count - 1, low))

    def joined(self, parts: Sequence[Term]) -> Term:
        """One word of several, the lowest first."""
        whole = parts[0]
        for part in parts[1:]:
            whole = self.make("BV_CONCAT", part, whole)
        return whole

    def extended(self, word: Term, width: int, signed: bool) -> Term:
        """A word as one of ``width`` bits of the same integer, or of its lowest bits."""
        missing = width - self.width(word)
        if missing < 0:
            return self.bits(word, 0, width)
        return self.make("BV_SIGN_EXTEND" if signed else "BV_ZERO_EXTEND", word, at=(missing,)) if missing else word

    def flag(self, truth: Term) -> Term:
        """A truth as a word of one bit."""
        return self.make("ITE", truth, self.number(1, 1), self.number(0, 1))

    def truth(self, word: Term) -> Term:
        """Whether a word is not 0."""
        return self.make("DISTINCT", word, self.number(0, self.width(word)))

    def model(self, statements: Sequence[Term], wanted: Sequence[Term], deadline: Deadline) -> list[int] | None:
        """Values of ``wanted`` for which all ``statements`` hold; None if there are none.

        Raises:
            NotClosedError: the solver did not find out in time.
        """
        bitwuzla = bitwuzla_module()
        options = bitwuzla.Options()
        options.set(bitwuzla.Option.PRODUCE_MODELS, True)
        options.set(bitwuzla.Option.TIME_LIMIT_PER, max(int(deadline.left * 1000), 1))
        solver = bitwuzla.Bitwuzla(self.manager, options)
        for statement in statements:
            solver.assert_formula(statement)
        found = solver.check_sat()
        if found == bitwuzla.Result.UNSAT:
            return None
        if found != bitwuzla.Result.SAT:
            deadline.check("a question to the solver")
            raise NotClosedError("the solver gave up")
        return [int(solver.get_value(word).value(10)) for word in wanted]
