"""The and-inverter graph against truth tables, and what ABC and Bitwuzla say of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hls.errors import ToolError
from hls.proof.netlist.abc import always_equal, constant_outputs
from hls.proof.netlist.aig import GATES, Aig, Literal, cones, evaluate
from hls.proof.netlist.settling import settle, solved, told_apart
from hls.proof.subject import Deadline
from hls.rtl.netlist.circuit import PINS
from hls.rtl.netlist.gates import _compute, _compute_open

Word = list[Literal]


@pytest.mark.parametrize("kind", GATES)
def test_gates_are_those_that_are_simulated(kind: str) -> None:
    aig = Aig()
    pins = [aig.variable() for _ in PINS[kind]]
    made = GATES[kind](aig, *pins)
    for values in product([False, True], repeat=len(pins)):
        named = {pin >> 1: value for pin, value in zip(pins, values, strict=True)}
        words = [np.array([-int(value)], np.int64).view(np.uint64) for value in values]
        assert evaluate(aig, [made], named) == [bool(_compute(kind, words)[0] & np.uint64(1))]


@pytest.mark.parametrize("kind", GATES)
def test_what_open_bits_leave_open(kind: str) -> None:
    """Of each pin 0, 1 or both: a gate can give what some of their values give."""
    words = {bit: np.array([-bit], np.int64).view(np.uint64) for bit in (0, 1)}
    for pins in product([(0,), (1,), (0, 1)], repeat=len(PINS[kind])):
        given = {int(_compute(kind, [words[bit] for bit in bits])[0] & np.uint64(1)) for bits in product(*pins)}
        found = _compute_open(kind, [(words[int(0 in pin)], words[int(1 in pin)]) for pin in pins])
        assert [bool(each[0] & np.uint64(1)) for each in found] == [0 in given, 1 in given]


def test_what_is_the_same_by_structure_is_one_node() -> None:
    aig = Aig()
    a, b = aig.variable(), aig.variable()
    assert aig.conjunction(a, b) == aig.conjunction(b, a)
    assert aig.disjunction(a, b) == aig.conjunction(a ^ 1, b ^ 1) ^ 1
    assert [aig.conjunction(a, 0), aig.conjunction(a, 1), aig.conjunction(a, a ^ 1), aig.choice(a, a, b)] == [
        0,
        a,
        0,
        a,
    ]


def sums(bits: int) -> tuple[Aig, list[tuple[Literal, Literal]]]:
    """a + b by ripple, and with each carry written as a majority of XORs: other nodes, the same bits."""
    aig = Aig()
    a, b = ([aig.variable() for _ in range(bits)] for _ in range(2))
    pairs, carries = [], (0, 0)
    for x, y in zip(a, b, strict=True):
        half = aig.difference(x, y)
        pairs.append((aig.difference(half, carries[0]), aig.difference(x, aig.difference(y, carries[1]))))
        first = aig.disjunction(aig.conjunction(x, y), aig.conjunction(half, carries[0]))
        second = aig.choice(aig.conjunction(x, y), aig.disjunction(x, y), carries[1])
        carries = first, second
    return aig, pairs


def test_two_adders_are_proved_and_a_wrong_carry_is_found() -> None:
    aig, pairs = sums(8)
    made = cones(aig, pairs)
    assert {result.verdict for result in told_apart(made)} == {"open"}
    assert all(always_equal(made, 60.0))
    assert {solved(made, pair, 60.0).verdict for pair in made.pairs} == {"equal"}
    wrong = [(a, b ^ 1) if bit == 7 else (a, b) for bit, (a, b) in enumerate(pairs)]
    results = settle(cones(aig, wrong), Deadline(60.0))
    assert [result.verdict for result in results] == ["equal"] * 7 + ["different"]


def test_bitwuzla_shows_the_values_that_differ() -> None:
    aig = Aig()
    inputs = [aig.variable() for _ in range(40)]
    rare = 1
    for place, literal in enumerate(inputs):
        rare = aig.conjunction(rare, literal ^ (place % 2))
    made = cones(aig, [(rare, 0)])
    [result] = settle(made, Deadline(60.0))
    assert result.verdict == "different"
    shown = {made.origin[node]: value for node, value in result.shown_by.items()}
    assert [shown[literal >> 1] for literal in inputs] == [place % 2 == 0 for place in range(40)]


@pytest.mark.parametrize(
    "text", [b"", b"aig 3 1 0", b"aig 3 1 0 2 0\n0\n", b"aag 1 1 0 1 0\n0\n", b"aig 1 1 0 1 0\nx\n"]
)
def test_results_of_abc_that_are_cut_short_prove_nothing(text: bytes) -> None:
    with pytest.raises(ToolError, match="ABC inside Yosys"):
        constant_outputs(text)
