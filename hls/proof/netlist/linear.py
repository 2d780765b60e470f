"""What full adders add up to: words of their totals as integer linear forms, equal where SAT would try out carries.

Of a full adder, ``total`` is ``a + b + c - 2 * carry``, as integers. Written so, total by total, a word of n bits
becomes an integer linear form of bits that are no totals, modulo ``2 ** n``. Carries that one adder drops and the next
takes cancel on the way, in whatever order numbers were summed; two words of one form are the same bit by bit. It takes
a step for each adder.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from hls.proof.netlist.aig import TRUE, Aig, Literal

Bools = npt.NDArray[np.bool_]
Sums = npt.NDArray[np.uint64]
Term = tuple[int, Literal]
"""A weight, and the literal that has it."""

_MOST_LEAVES = 14
"""Bits of which all values are tried."""
_MOST_STEPS = 20_000
"""Full adders that one form is written by, after which it is given up."""


class Totals:
    """What is known of nodes of ``aig`` that full adders make."""

    def __init__(self, aig: Aig) -> None:
        self._aig = aig
        # Of a node how many of it are which sum: one of a total, two of a carry.
        self._known: dict[int, tuple[int, list[Term]]] = {}
        self._made: set[int] = set()

    def add(self, total: Literal, a: Literal, b: Literal, c: Literal, carry: Literal) -> None:
        """``total`` is ``a + b + c - 2 * carry``. A second adder that makes a node tells what its carry is."""
        if total >> 1 in {a >> 1, b >> 1, c >> 1, 0}:
            return
        self._made |= {total >> 1, carry >> 1}
        operands = sorted((a, b, c))
        sum_ = _of_node(1, total, [*((1, literal) for literal in operands), (-2, carry)])
        known = self._known.setdefault(total >> 1, sum_)
        if known != sum_ and carry >> 1:
            twice = _of_node(2, carry, [*((1, literal) for literal in operands), (-1, total)])
            self._known.setdefault(carry >> 1, twice)

    def zeros(self, terms: Iterable[Term], bits: int) -> int:
        """How many of the lowest ``bits`` of ``sum of weight * literal`` are shown to be 0, whatever the variables."""
        form = _Form(bits)
        for weight, literal in terms:
            form.add(weight, literal)
        for _ in range(_MOST_STEPS):
            node = form.latest(self._known)
            if node is None:
                return self._most_zeros(form, bits)
            number, sum_ = self._known[node]
            weight = form.weights.pop(node) // number
            for factor, literal in sum_:
                form.add(factor * weight, literal)
        return 0

    def _most_zeros(self, form: _Form, bits: int) -> int:
        """``zeros`` of a form of which no total is left: its nodes as functions of fewer, or of more."""
        shown = 0
        for ends in (self._made, self._known, ()):
            shown = max(shown, self._zeros(form.weights, form.constant, bits, ends))
            if shown == bits:
                break
        return shown

    def _zeros(self, weights: Mapping[int, int], constant: int, bits: int, ends: Container[int]) -> int:
        """``zeros`` of ``constant + sum of weight * node``: nodes that share what they read are tried together."""
        groups: list[tuple[set[int], list[int]]] = []
        for root, weight in weights.items():
            leaves, members = self._leaves(root, ends, weights), [root]
            if len(leaves) > _MOST_LEAVES:
                bits = _zeros_of(weight, bits)
                continue
            for group in [group for group in groups if not leaves.isdisjoint(group[0])]:
                groups.remove(group)
                leaves |= group[0]
                members += group[1]
            groups.append((leaves, members))
        for leaves, members in groups:
            if len(leaves) > _MOST_LEAVES:
                bits = min(_zeros_of(weights[node], bits) for node in members)
                continue
            values = self._values(leaves, {node: weights[node] for node in members})
            bits = _zeros_of(int(np.bitwise_or.reduce(values - values[0])), bits)
            constant += int(values[0])
        return _zeros_of(constant, bits)

    def _leaves(self, root: int, ends: Container[int], roots: Container[int]) -> set[int]:
        """What ``root`` is a function of: variables and what is among ``ends``, but no others of ``roots``."""
        leaves, seen, waiting = set[int](), set[int](), [root]
        while waiting and len(leaves) <= _MOST_LEAVES:
            node = waiting.pop()
            if node in seen or not node:
                continue
            seen.add(node)
            if self._aig.left[node] < 0 or (node in ends and node not in roots):
                leaves.add(node)
            else:
                waiting += self._reads(node)
        return leaves

    def _values(self, leaves: set[int], weights: Mapping[int, int]) -> Sums:
        """``sum of weight * node`` for all values of ``leaves``, modulo ``2 ** 64``."""
        lanes = np.arange(1 << len(leaves))
        values = {0: np.zeros(len(lanes), np.bool_)}
        values |= {node: (lanes >> place & 1).astype(np.bool_) for place, node in enumerate(sorted(leaves))}

        def value(literal: Literal) -> Bools:
            return values[literal >> 1] ^ bool(literal & 1)

        waiting = list(weights)
        while waiting:
            node = waiting[-1]
            missing = [] if node in values else [read for read in self._reads(node) if read not in values]
            waiting += missing
            if not missing:
                waiting.pop()
                if node not in values:
                    values[node] = value(self._aig.left[node]) & value(self._aig.right[node])
        total = np.zeros(len(lanes), np.uint64)
        for node, weight in weights.items():
            total += values[node] * np.uint64(weight)
        return total

    def _reads(self, node: int) -> tuple[int, int]:
        return self._aig.left[node] >> 1, self._aig.right[node] >> 1


def _of_node(number: int, literal: Literal, sum_: list[Term]) -> tuple[int, list[Term]]:
    """``number`` of the node of ``literal``, if so many of ``literal`` are ``sum_``."""
    if literal & 1:
        return number, [(number, TRUE), *((-weight, other) for weight, other in sum_)]
    return number, sum_


def _zeros_of(value: int, bits: int) -> int:
    """How many of the lowest ``bits`` are 0 before the first that is 1.

    >>> _zeros_of(12, 5), _zeros_of(32, 5)
    (2, 5)
    """
    return min((value & -value).bit_length() - 1, bits) if value else bits


class _Form:
    """``constant + sum of weight * node`` modulo ``2 ** bits``."""

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._waiting: list[int] = []
        self.weights: dict[int, int] = {}
        self.constant = 0

    def add(self, weight: int, literal: Literal) -> None:
        """A literal more."""
        if literal & 1:
            self.constant = (self.constant + weight) & self._mask
            weight = -weight
        node = literal >> 1
        if not node:
            return
        heappush(self._waiting, -node)
        found = (self.weights.get(node, 0) + weight) & self._mask
        if found:
            self.weights[node] = found
        else:
            self.weights.pop(node, None)

    def latest(self, known: Mapping[int, tuple[int, object]]) -> int | None:
        """The last node of the form of which a whole number of sums is ``known``: none after it becomes it."""
        while self._waiting:
            node = -heappop(self._waiting)
            if node in known and node in self.weights and self.weights[node] % known[node][0] == 0:
                return node
        return None
