"""Single nodes of an and-inverter graph that are the same: guessed by random values, proved by Bitwuzla."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from hls.proof.netlist.aig import Aig, Cones, Literal, cones
from hls.proof.netlist.settling import solved, told_apart, vanishes
from hls.proof.subject import Deadline

_SECONDS = 0.25
"""For one pair: most take a hundredth of a second, and those that take long are left to others."""
_LARGEST = 2_000
"""Nodes that a pair depends on, beyond which it is not tried."""
_BITS = 512


class Same:
    """Answers of which literals of ``aig`` are the same; each is sought once."""

    def __init__(self, aig: Aig, deadline: Deadline) -> None:
        self._aig = aig
        self._deadline = deadline
        self._known: dict[tuple[Literal, Literal], bool] = {}
        self._random = np.random.default_rng(4)
        self._ones = (1 << _BITS) - 1
        self._values = [0]

    def proved(self, a: Literal, b: Literal) -> bool:
        """Whether both are shown to be the same, whatever the variables."""
        if a == b:
            return True
        if a == b ^ 1 or not self._deadline.left:
            return False
        a, b = (a, b) if a < b else (b, a)
        key = a & ~1, b ^ (a & 1)
        if key not in self._known:
            made = cones(self._aig, [key])
            self._known[key] = len(made.left) < _LARGEST and self._settled(made)
        return self._known[key]

    def _settled(self, made: Cones) -> bool:
        if told_apart(made)[0].verdict != "open":
            return False
        return solved(made, made.pairs[0], min(_SECONDS, self._deadline.left)).verdict == "equal"

    def zero(self, weights: Mapping[int, int], constant: int, bits: int) -> bool:
        """Whether ``constant + sum of weight * node`` is shown to be 0 modulo ``2 ** bits``, whatever the variables."""
        if not self._deadline.left:
            return False
        made = cones(self._aig, [(2 * node, 0) for node in weights])
        if len(made.left) >= _LARGEST:
            return False
        return vanishes(made, [*weights.values()], constant, bits, min(_SECONDS, self._deadline.left))

    def pairs(self, nodes: Iterable[int]) -> dict[int, Literal]:
        """For nodes that are the same as an earlier one of ``nodes``, or constant, that literal."""
        groups: dict[int, list[int]] = defaultdict(list, {0: [0]})
        for node in sorted(nodes):
            value = self._value(node)
            groups[value ^ (self._ones if value & 1 else 0)].append(node)
        found: dict[int, Literal] = {}
        for group in groups.values():
            for place, node in enumerate(group[1:], start=1):
                same = self._first(node, group[:place])
                if same is not None:
                    found[node] = same
        return found

    def _first(self, node: int, others: Sequence[int]) -> Literal | None:
        for other in others:
            literal = 2 * other ^ ((self._value(node) ^ self._value(other)) & 1)
            if self.proved(2 * node, literal):
                return literal
        return None

    def _value(self, node: int) -> int:
        """What a node is for random values of the variables, a bit each."""
        left, right, values = self._aig.left, self._aig.right, self._values
        for next_ in range(len(values), node + 1):
            if left[next_] < 0:
                values.append(int.from_bytes(self._random.bytes(_BITS // 8), "little"))
                continue
            a, b = (values[read >> 1] ^ (self._ones if read & 1 else 0) for read in (left[next_], right[next_]))
            values.append(a & b)
        return values[node]
