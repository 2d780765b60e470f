"""Logic as an and-inverter graph: two circuits in one, where what both compute alike by structure is there once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

FALSE = 0
TRUE = 1

Literal = int
"""Twice the number of a node, plus one for its complement. Node 0 is constant: its literals are FALSE and TRUE."""


class Aig:
    """Nodes are variables and conjunctions of two literals; a node reads only nodes before it.

    ``left`` and ``right`` are the literals that a conjunction reads; of a variable and of node 0 both are -1.
    """

    def __init__(self) -> None:
        self.left: list[Literal] = [-1]
        self.right: list[Literal] = [-1]
        self._known: dict[tuple[Literal, Literal], Literal] = {}

    def __len__(self) -> int:
        return len(self.left)

    def variable(self) -> Literal:
        """A new variable."""
        return self._node(-1, -1)

    def conjunction(self, a: Literal, b: Literal) -> Literal:
        """``a`` and ``b``."""
        if a > b:
            a, b = b, a
        if a == FALSE or a == b ^ 1:
            return FALSE
        if a in (TRUE, b):
            return b
        known = self._known.get((a, b))
        if known is None:
            known = self._known[a, b] = self._node(a, b)
        return known

    def disjunction(self, a: Literal, b: Literal) -> Literal:
        """``a`` or ``b``."""
        return self.conjunction(a ^ 1, b ^ 1) ^ 1

    def difference(self, a: Literal, b: Literal) -> Literal:
        """Whether ``a`` and ``b`` are not the same; complements make it no other node."""
        flipped = (a ^ b) & 1
        a, b = a & ~1, b & ~1
        return self.disjunction(self.conjunction(a, b ^ 1), self.conjunction(a ^ 1, b)) ^ flipped

    def choice(self, a: Literal, b: Literal, chosen: Literal) -> Literal:
        """``b`` if ``chosen``, else ``a``."""
        if a == b:
            return a
        return self.disjunction(self.conjunction(a, chosen ^ 1), self.conjunction(b, chosen))

    def _node(self, left: Literal, right: Literal) -> Literal:
        self.left.append(left)
        self.right.append(right)
        return 2 * (len(self.left) - 1)


GATES: Mapping[str, Callable[..., Literal]] = {
    "$_BUF_": lambda aig, a: a,
    "$_NOT_": lambda aig, a: a ^ 1,
    "$_AND_": Aig.conjunction,
    "$_NAND_": lambda aig, a, b: aig.conjunction(a, b) ^ 1,
    "$_OR_": Aig.disjunction,
    "$_NOR_": lambda aig, a, b: aig.disjunction(a, b) ^ 1,
    "$_XOR_": Aig.difference,
    "$_XNOR_": lambda aig, a, b: aig.difference(a, b) ^ 1,
    "$_ANDNOT_": lambda aig, a, b: aig.conjunction(a, b ^ 1),
    "$_ORNOT_": lambda aig, a, b: aig.disjunction(a, b ^ 1),
    "$_MUX_": Aig.choice,
}
"""What Yosys's gates compute of the literals at their pins."""


@dataclass(frozen=True)
class Cones:
    """What some pairs of literals depend on, in an and-inverter graph of its own: small enough to send to a process.

    ``left`` and ``right`` are as in ``Aig``; ``origin`` says which node each was in the graph it is of.
    """

    left: Sequence[Literal]
    right: Sequence[Literal]
    origin: Sequence[int]
    pairs: Sequence[tuple[Literal, Literal]]


def cones(aig: Aig, pairs: Sequence[tuple[Literal, Literal]]) -> Cones:
    """The cones of ``pairs``."""
    origin = [0, *(node for node in support(aig, (literal for pair in pairs for literal in pair)) if node)]
    place = {node: number for number, node in enumerate(origin)}

    def moved(literal: Literal) -> Literal:
        return literal if literal < 0 else 2 * place[literal >> 1] | literal & 1

    return Cones(
        [moved(aig.left[node]) for node in origin],
        [moved(aig.right[node]) for node in origin],
        origin,
        [(moved(a), moved(b)) for a, b in pairs],
    )


def variables_of(cones: Cones) -> list[int]:
    """The nodes that are variables."""
    return [node for node, left in enumerate(cones.left) if left < 0 and node]


def support(aig: Aig, roots: Iterable[Literal]) -> list[int]:
    """All nodes that ``roots`` depend on, themselves among them, in order."""
    seen: set[int] = set()
    waiting = [literal >> 1 for literal in roots]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            if aig.left[node] >= 0:
                waiting += (aig.left[node] >> 1, aig.right[node] >> 1)
    return sorted(seen)


def evaluate(aig: Aig, literals: Sequence[Literal], variables: Mapping[int, bool]) -> list[bool]:
    """The values of ``literals`` where the variables, by node, have those values; those that are not named are 0."""
    known: dict[int, bool] = {0: False}
    for node in support(aig, literals):
        left, right = aig.left[node], aig.right[node]
        if left < 0:
            known[node] = variables.get(node, False)
        else:
            known[node] = known[left >> 1] != bool(left & 1) and known[right >> 1] != bool(right & 1)
    return [known[literal >> 1] != bool(literal & 1) for literal in literals]
