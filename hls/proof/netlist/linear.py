"""What full adders add up to: words of their totals as integer linear forms, equal where SAT would try out carries.

Of a full adder, ``total`` is ``a + b + c - 2 * carry``, as integers. Written so, total by total, a word of n bits
becomes an integer linear form of bits that are no totals, modulo ``2 ** n``. Carries that one adder drops and the next
takes cancel on the way, in whatever order numbers were summed; two words of one form are the same bit by bit. It takes
a step for each adder.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from hls.proof.netlist.aig import TRUE, Aig, Literal
from hls.proof.netlist.sameness import Same

Bools = npt.NDArray[np.bool_]
Sums = npt.NDArray[np.uint64]
Term = tuple[int, Literal]
"""A weight, and the literal that has it."""
_Sum = tuple[int, list[Term]]
"""How many of a node are which sum: one of a total, two of a carry."""

_MOST_LEAVES = 14
"""Bits of which all values are tried."""
_FEW = 32
"""Nodes of a form of which those that are the same are sought."""
_MOST_STEPS = 20_000
"""Full adders that one form is written by, after which it is given up."""


class Totals:
    """What is known of nodes of ``aig`` that full adders make."""

    def __init__(self, aig: Aig, same: Same) -> None:
        self._aig = aig
        self._same = same
        self._known: dict[int, _Sum] = {}
        self._made: set[int] = set()

    def add(self, total: Literal, a: Literal, b: Literal, c: Literal, carry: Literal) -> None:
        """``total`` is ``a + b + c - 2 * carry``. A second adder that makes a node tells what its carry is."""
        if total >> 1 in {a >> 1, b >> 1, c >> 1, 0}:
            return
        self._made |= {total >> 1, carry >> 1}
        operands = sorted((a, b, c))
        sum_ = _of_node(1, total, [*((1, literal) for literal in operands), (-2, carry)])
        known = self._known.setdefault(total >> 1, sum_)
        if known != sum_ and carry >> 1 not in {0, *(literal >> 1 for _, literal in known[1])}:
            twice = _of_node(2, carry, [*((1, literal) for literal in operands), (-1, total)])
            self._known.setdefault(carry >> 1, twice)

    def zeros(self, terms: Iterable[Term], bits: int) -> int:
        """How many of the lowest ``bits`` of ``sum of weight * literal`` are shown to be 0, whatever the variables."""
        form = _Form(bits)
        for weight, literal in terms:
            form.add(weight, literal)
        if not _written(form, self._sum):
            return 0
        shown = self._most_zeros(form, bits)
        if shown < bits and len(form.weights) <= _FEW and self._joined(form):
            shown = max(shown, self._most_zeros(form, bits) if _written(form, self._sum) else 0)
        if shown < bits and bits > 1 and self._settled(form, bits):
            return bits
        if shown < bits:
            form = form.again()
            shown = max(shown, self._most_zeros(form, bits) if _written(form, self._sum_or_product) else 0)
        return shown

    def _joined(self, form: _Form) -> bool:
        """Read nodes that are the same as one; whether there are any."""
        found = self._same.pairs(form.weights)
        for node, literal in found.items():
            form.add(form.weights.pop(node), literal)
        return bool(found)

    def _settled(self, form: _Form, bits: int) -> bool:
        """Whether a solver shows 0 of the few nodes that are left where halves of words are put together.

        A sign that conditionally negates a word is all that is left of its products; that it is the sign of a sum whose
        carries were saved no full adder tells, where synthesis made its last bit of other gates.
        """
        self._put_together(form)
        return len(form.weights) <= _FEW and self._same.zero(form.weights, form.constant, bits)

    def _put_together(self, form: _Form) -> None:
        """Read ``x and y`` and ``(not x) and y``, as many of the one as of the other, as ``y``."""
        halves: dict[tuple[Literal, Literal], int] = {}
        waiting = sorted(form.weights)
        while waiting:
            node = waiting.pop()
            read = self._aig.left[node], self._aig.right[node]
            if read[0] < 0 or node not in form.weights:
                continue
            for x, y in (read, read[::-1]):
                other = halves.get((x ^ 1, y))
                if other is not None and form.weights.get(other) == form.weights[node]:
                    form.add(form.weights.pop(node), y)
                    del form.weights[other]
                    waiting.append(y >> 1)
                    break
                halves[x, y] = node

    def _sum(self, node: int, weight: int) -> _Sum | None:
        """What ``weight`` of ``node`` are written by, if that is known."""
        known = self._known.get(node)
        return None if known is None or weight % known[0] else known

    def _sum_or_product(self, node: int, weight: int) -> _Sum | None:
        """As ``_sum``; and ``x and not y`` is ``x - x * y``, so that equal products have equal forms."""
        known = self._sum(node, weight)
        left, right = self._aig.left[node], self._aig.right[node]
        if known is not None or left < 0 or not (left | right) & 1:
            return known
        if not left & right & 1:
            plain, other = (right, left) if left & 1 else (left, right)
            return 1, [(1, plain), (-1, self._aig.conjunction(plain, other ^ 1))]
        if self._alike(left >> 1, right >> 1):
            return None
        both = self._aig.conjunction(left ^ 1, right ^ 1)
        return 1, [(1, TRUE), (-1, left ^ 1), (-1, right ^ 1), (1, both)]

    def _alike(self, a: int, b: int) -> bool:
        """Whether both read the same node, as the halves of an exclusive or do: their product is no simpler."""
        if self._aig.left[a] < 0 or self._aig.left[b] < 0:
            return False
        return not {*self._reads(a)}.isdisjoint(self._reads(b))

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


def _of_node(number: int, literal: Literal, sum_: list[Term]) -> _Sum:
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


def _written(form: _Form, sum_of: Callable[[int, int], _Sum | None]) -> bool:
    """Write ``form`` by the sums that its nodes are, the last node first; False if that takes too long."""
    for _ in range(_MOST_STEPS):
        found = form.latest(sum_of)
        if found is None:
            return True
        node, (number, terms) = found
        weight = form.weights.pop(node) // number
        for factor, literal in terms:
            form.add(factor * weight, literal)
    return False


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

    def again(self) -> _Form:
        """The same, of which all nodes are still to be looked at."""
        made = _Form(self._mask.bit_length())
        made.constant = self.constant
        for node, weight in self.weights.items():
            made.add(weight, 2 * node)
        return made

    def latest(self, sum_of: Callable[[int, int], _Sum | None]) -> tuple[int, _Sum] | None:
        """The last node of the form that is a sum of others: none after it becomes it."""
        while self._waiting:
            node = -heappop(self._waiting)
            sum_ = sum_of(node, self.weights[node]) if node in self.weights else None
            if sum_ is not None:
                return node, sum_
        return None
