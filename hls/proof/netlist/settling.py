"""Pairs of literals settled: told apart by random values, proved equal by ABC, or either of them by Bitwuzla."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls.machine.extras import require
from hls.proof.netlist.abc import always_equal
from hls.proof.netlist.aig import Cones, variables_of
from hls.proof.netlist.aig import Literal as Lit
from hls.proof.subject import Deadline

Words = npt.NDArray[np.uint64]
Verdict = Literal["equal", "different", "open"]

_WORDS = 16
_SMALL = 400
"""Nodes of cones for which ABC is not started: Bitwuzla has settled them by then."""
_SHARE = 0.6
"""Part of the time for ABC, which is asked about all pairs at once; Bitwuzla has the rest."""


@dataclass(frozen=True)
class PairResult:
    """What became of a pair: for different ones, the values of the variables (nodes of the cones) that show it."""

    verdict: Verdict
    shown_by: Mapping[int, bool] = field(default_factory=dict)


def settle(cones: Cones, deadline: Deadline) -> list[PairResult]:
    """A result for each pair of ``cones``: "open" are those that were not settled by the deadline."""
    results = told_apart(cones)
    left = _open(results)
    if left and deadline.left and len(cones.left) > _SMALL:
        proved = always_equal(_of(cones, left), _SHARE * deadline.left)
        for place, equal in zip(left, proved, strict=True):
            if equal:
                results[place] = PairResult("equal")
    for place in _open(results):
        if deadline.left:
            results[place] = solved(cones, cones.pairs[place], deadline.left)
    return results


def _open(results: Sequence[PairResult]) -> list[int]:
    return [place for place, result in enumerate(results) if result.verdict == "open"]


def _of(cones: Cones, places: Sequence[int]) -> Cones:
    return replace(cones, pairs=[cones.pairs[place] for place in places])


def told_apart(cones: Cones) -> list[PairResult]:
    """Pairs that random values of the variables tell apart; the others are "open"."""
    random = np.random.default_rng(2)
    variables = variables_of(cones)
    patterns = random.integers(0, 1 << 64, (len(variables), _WORDS), np.uint64)
    values = _simulated(cones, variables, patterns)
    results = []
    for pair in cones.pairs:
        a, b = _complemented(values, np.array(pair))
        places = np.flatnonzero(a != b)
        if not len(places):
            results.append(PairResult("open"))
            continue
        word = int(places[0])
        bit = int(a[word] ^ b[word]).bit_length() - 1
        results.append(PairResult("different", {node: bool(int(values[node, word]) >> bit & 1) for node in variables}))
    return results


def _simulated(cones: Cones, variables: Sequence[int], patterns: Words) -> Words:
    """The values of all nodes, a row each, where ``variables`` have the values of ``patterns``."""
    values = np.zeros((len(cones.left), patterns.shape[1]), np.uint64)
    values[variables] = patterns
    left, right, level = np.array(cones.left), np.array(cones.right), np.array(_levels(cones))
    order = np.argsort(level, kind="stable")
    for nodes in np.split(order, np.searchsorted(level[order], np.arange(1, level.max() + 1))):
        if left[nodes[0]] >= 0:
            values[nodes] = _complemented(values, left[nodes]) & _complemented(values, right[nodes])
    return values


def _complemented(values: Words, literals: npt.NDArray[np.int64]) -> Words:
    flipped = -(literals & 1).astype(np.int64)
    result: Words = values[literals >> 1] ^ flipped.astype(np.uint64)[:, None]
    return result


def _levels(cones: Cones) -> list[int]:
    levels = [0] * len(cones.left)
    for node, (left, right) in enumerate(zip(cones.left, cones.right, strict=True)):
        if left >= 0:
            levels[node] = 1 + max(levels[left >> 1], levels[right >> 1])
    return levels


def solved(cones: Cones, pair: tuple[Lit, Lit], limit: float) -> PairResult:
    """Whether Bitwuzla finds values for which the two literals differ, or none that there are, in ``limit`` seconds.

    Raises:
        ToolError: it is not installed.
    """
    require("bitwuzla")
    import bitwuzla

    manager, kind = bitwuzla.TermManager(), bitwuzla.Kind
    terms = _terms(cones, pair, manager, kind)
    solver = _solver(manager, limit)
    solver.assert_formula(manager.mk_term(kind.XOR, [_literal(terms, literal, manager, kind) for literal in pair]))
    answer = solver.check_sat()
    if answer == bitwuzla.Result.UNSAT:
        return PairResult("equal")
    if answer != bitwuzla.Result.SAT:
        return PairResult("open")
    known = [node for node in variables_of(cones) if node in terms]
    return PairResult("different", {node: solver.get_value(terms[node]).is_true() for node in known})


def vanishes(cones: Cones, weights: Sequence[int], constant: int, bits: int, limit: float) -> bool:
    """Whether Bitwuzla shows in ``limit`` seconds that ``constant`` and ``weights`` of what is first in each pair add
    up to 0 modulo ``2 ** bits``, whatever the variables.

    Raises:
        ToolError: it is not installed.
    """
    require("bitwuzla")
    import bitwuzla

    manager, kind = bitwuzla.TermManager(), bitwuzla.Kind
    literals = [first for first, _ in cones.pairs]
    terms = _terms(cones, literals, manager, kind)
    word = manager.mk_bv_sort(bits)
    zero, total = (manager.mk_bv_value(word, value) for value in (0, constant))
    for weight, literal in zip(weights, literals, strict=True):
        chosen = [_literal(terms, literal, manager, kind), manager.mk_bv_value(word, weight), zero]
        total = manager.mk_term(kind.BV_ADD, [total, manager.mk_term(kind.ITE, chosen)])
    solver = _solver(manager, limit)
    solver.assert_formula(manager.mk_term(kind.DISTINCT, [total, zero]))
    return bool(solver.check_sat() == bitwuzla.Result.UNSAT)


def _solver(manager: Any, limit: float) -> Any:
    """One that tells the values it finds, and stops after ``limit`` seconds."""
    import bitwuzla

    options = bitwuzla.Options()
    options.set(bitwuzla.Option.PRODUCE_MODELS, True)
    options.set(bitwuzla.Option.TIME_LIMIT_PER, max(int(1000 * limit), 1))
    return bitwuzla.Bitwuzla(manager, options)


def _terms(cones: Cones, literals: Sequence[Lit], manager: Any, kind: Any) -> dict[int, Any]:
    """A term for each node that the literals depend on."""
    needed = {literal >> 1 for literal in literals}
    for node in range(len(cones.left) - 1, 0, -1):
        if node in needed and cones.left[node] >= 0:
            needed |= {cones.left[node] >> 1, cones.right[node] >> 1}
    terms: dict[int, Any] = {}
    for node in sorted(needed):
        if node == 0:
            terms[node] = manager.mk_false()
        elif cones.left[node] < 0:
            terms[node] = manager.mk_const(manager.mk_bool_sort())
        else:
            read = (cones.left[node], cones.right[node])
            terms[node] = manager.mk_term(kind.AND, [_literal(terms, literal, manager, kind) for literal in read])
    return terms


def _literal(terms: Mapping[int, Any], literal: Lit, manager: Any, kind: Any) -> Any:
    term = terms[literal >> 1]
    return manager.mk_term(kind.NOT, [term]) if literal & 1 else term
