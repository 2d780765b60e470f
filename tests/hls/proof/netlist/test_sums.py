"""Sums in another order, proved without SAT; full adders and what they add up to, against integers."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hls.errors import ToolError
from hls.proof.netlist import equivalence
from hls.proof.netlist.adders import FullAdder, chains, read_adders, write_gates
from hls.proof.netlist.aig import Aig, Literal, evaluate
from hls.proof.netlist.circuits import Circuits, Verdict
from hls.proof.netlist.linear import Totals
from hls.proof.netlist.sameness import Same
from hls.proof.subject import Deadline
from hls.rtl.netlist.gates import Gates
from tests.hls.proof.netlist.circuits_by_hand import Bit, Circuit, design

WIDTH = 14
FACTOR = 9
Made = Callable[[Circuit], list[Bit]]


def ripple(c: Circuit, a: list[Bit], b: list[Bit], carry: Bit = "0") -> list[Bit]:
    """``a + b``, as wide as they are."""
    total: list[Bit] = []
    for x, y in zip(a, b, strict=True):
        bit, carry = c.full_adder(x, y, carry)
        total.append(bit)
    return total


def operands(c: Circuit) -> list[list[Bit]]:
    """Three signed numbers of the input, two bits wider."""
    parts = [c.inputs[place : place + WIDTH] for place in range(0, 3 * WIDTH, WIDTH)]
    return [[*part, part[-1], part[-1]] for part in parts]


def one_after_the_other(c: Circuit) -> list[Bit]:
    a, b, d = operands(c)
    return [c.register(bit) for bit in ripple(c, ripple(c, a, b), d)]


def with_carries_saved(c: Circuit, wrong: bool = False) -> list[Bit]:
    made = [c.full_adder(*bits) for bits in zip(*operands(c), strict=True)]
    saved: list[Bit] = ["0", *(carry for _, carry in made[:-1])]
    if wrong:
        saved[5] = c.gate("AND", saved[5], c.gate("NAND", c.all_of(c.inputs[:12]), c.all_of(c.inputs[28:36])))
    return [c.register(bit) for bit in ripple(c, [total for total, _ in made], saved)]


@pytest.fixture
def compared(tmp_path: Path) -> Callable[[Made, Made], Verdict]:
    def compare(first: Made, second: Made) -> Verdict:
        paths = []
        for name, make in (("a", first), ("b", second)):
            circuit = Circuit(3 * WIDTH)
            paths.append(circuit.write(tmp_path / f"{name}.json", make(circuit)))
        return Circuits(design(3 * WIDTH, WIDTH + 2), *paths).compare(Deadline(60), lambda step, done, total: None)

    return compare


def test_three_numbers_in_another_order(compared: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 42 bits at the input, SAT would be at it for minutes; it is not asked."""
    monkeypatch.setattr(equivalence, "settle", lambda cones, deadline: pytest.fail("SAT was asked"))
    # A register for each bit, and the valid flag; the outputs are those registers.
    assert compared(one_after_the_other, with_carries_saved) == Verdict(2 * (WIDTH + 3), 2 * (WIDTH + 3))
    assert compared(with_carries_saved, one_after_the_other) == Verdict(2 * (WIDTH + 3), 2 * (WIDTH + 3))


def test_a_saved_carry_that_is_wrong_at_few_inputs(compared: Callable[..., Verdict]) -> None:
    verdict = compared(one_after_the_other, lambda c: with_carries_saved(c, wrong=True))
    assert verdict.difference is not None
    given = verdict.difference.given[-2, 2:]
    assert given[:12].all()
    assert given[28:36].all()


def masked_and_negated(masked: bool, early: bool) -> Made:
    """``d - m``, with m the first number where it is not negative: negated in as many bits as it has, or whole."""

    def make(c: Circuit) -> list[Bit]:
        x, d = c.inputs[:WIDTH], c.inputs[WIDTH : 2 * WIDTH]
        m: list[Bit] = [c.gate("ANDNOT", bit, x[-1]) for bit in x] if masked else [*x]
        inverse: list[Bit] = [c.gate("NOT", bit) for bit in m]
        wide: list[Bit] = [*d, d[-1], d[-1]]
        if not early:
            return [c.register(bit) for bit in ripple(c, [*inverse, inverse[-1], inverse[-1]], wide, "1")]
        negated = ripple(c, inverse, ["0"] * WIDTH, "1")
        return [c.register(bit) for bit in ripple(c, [*negated, negated[-1], negated[-1]], wide)]

    return make


def test_a_masked_number_is_negated_without_overflow(
    compared: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a ReLU whose result is subtracted: its sign is 0, so that one bit more would tell nothing."""
    monkeypatch.setattr(equivalence, "settle", lambda cones, deadline: pytest.fail("SAT was asked"))
    verdict = compared(masked_and_negated(True, early=True), masked_and_negated(True, early=False))
    assert verdict == Verdict(verdict.all, verdict.all)


def test_a_number_that_is_not_masked_overflows_where_it_is_lowest(compared: Callable[..., Verdict]) -> None:
    verdict = compared(masked_and_negated(False, early=True), masked_and_negated(False, early=False))
    assert verdict.difference is not None
    assert verdict.difference.given[-2, 2 : 2 + WIDTH].tolist() == [False] * (WIDTH - 1) + [True]


def multiplied(rows_first: bool, square: bool = False, wrong: bool = False) -> Made:
    """The product of two signed numbers, modulo ``2 ** (WIDTH + 2)``: row by row, or with carries saved."""

    def make(c: Circuit) -> list[Bit]:
        bits = WIDTH + 2
        parts = c.inputs[:FACTOR], c.inputs[WIDTH : WIDTH + FACTOR]
        x, y = ([*part, *[part[-1]] * (bits - FACTOR)] for part in parts)
        y = x if square else y
        total: list[Bit] = ["0"] * bits
        saved: list[Bit] = ["0"] * bits
        if rows_first:
            for place in range(bits):
                total = ripple(c, total, ["0"] * place + [c.gate("AND", x[place], bit) for bit in y[: bits - place]])
            return [c.register(bit) for bit in total]
        rows: list[list[Bit]] = []
        for place in range(bits):
            rows.append(["0"] * place + [c.gate("AND", bit, x[place]) for bit in y[: bits - place]])
        if wrong:
            rows[5][9] = c.gate("XOR", rows[5][9], c.all_of([*x, *y]))
        total = rows[0]
        for row in rows[1:]:
            made = [c.full_adder(*column) for column in zip(total, saved, row, strict=True)]
            total, saved = [bit for bit, _ in made], ["0", *(carry for _, carry in made[:-1])]
        return [c.register(bit) for bit in ripple(c, total, saved)]

    return make


@pytest.mark.parametrize("square", [False, True])
def test_products_in_another_way(
    square: bool, compared: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equivalence, "settle", lambda cones, deadline: pytest.fail("SAT was asked"))
    for ways in ((True, False), (False, True)):
        verdict = compared(*(multiplied(way, square) for way in ways))
        assert verdict == Verdict(verdict.all, verdict.all)


def test_a_product_that_is_wrong_at_one_input(compared: Callable[..., Verdict]) -> None:
    verdict = compared(multiplied(True), multiplied(False, wrong=True))
    assert verdict.difference is not None
    assert verdict.difference.given[-2, 2 : 2 + FACTOR].all()


@pytest.mark.parametrize("seed", range(10))
def test_nodes_called_the_same_are(seed: int) -> None:
    random = np.random.default_rng(seed)
    aig = Aig()
    variables = [aig.variable() for _ in range(4)]
    known = [*variables]
    for _ in range(40):
        a, b = (known[place] ^ int(random.integers(2)) for place in random.integers(0, len(known), 2))
        known.append(aig.difference(a, b) if random.integers(2) else aig.conjunction(a, b))
    found = Same(aig, Deadline(60)).pairs({literal >> 1 for literal in known})
    tables = [
        evaluate(aig, known, dict(zip([v >> 1 for v in variables], values, strict=True)))
        for values in product([False, True], repeat=4)
    ]
    functions = {
        literal >> 1: [row[place] ^ bool(literal & 1) for row in tables] for place, literal in enumerate(known)
    }
    functions[0] = [False] * 16
    for node, literal in found.items():
        assert functions[node] == [bit ^ bool(literal & 1) for bit in functions[literal >> 1]]
    left = [functions[node] for node in functions.keys() - found.keys()]
    up_to_complement = {tuple(bit ^ table[0] for bit in table) for table in left}
    assert len(up_to_complement) == len(left)


def adder(aig: Aig, totals: Totals, a: Literal, b: Literal, c: Literal) -> tuple[Literal, Literal]:
    half = aig.difference(a, b)
    total = aig.difference(half, c)
    carry = aig.disjunction(aig.conjunction(a, b), aig.conjunction(half, c))
    totals.add(total, a, b, c, carry)
    return total, carry


@pytest.mark.parametrize("seed", range(20))
def test_bits_called_zero_are_zero(seed: int) -> None:
    """Random sums of few bits: what is shown holds for every input, by trying them."""
    random = np.random.default_rng(seed)
    aig = Aig()
    totals = Totals(aig, Same(aig, Deadline(60)))
    known = [0, 1, *(aig.variable() for _ in range(5))]
    for _ in range(6):
        picked = [known[place] ^ int(random.integers(2)) for place in random.integers(0, len(known), 3)]
        known += adder(aig, totals, *picked)
        known.append(aig.conjunction(*picked[:2]))
    terms = [(int(random.integers(-8, 8)), known[place]) for place in random.integers(0, len(known), 5)]
    # Halves of what the totals are made of, so that some sums do vanish.
    if seed % 2:
        total, carry = adder(aig, totals, *known[2:5])
        terms = [
            (4, total),
            (8, carry),
            *((-4, literal) for literal in known[2:5]),
            (int(random.integers(2)) << 5, known[6]),
        ]
    shown = totals.zeros(terms, 7)
    for values in product([False, True], repeat=5):
        named = dict(zip(range(1, 6), values, strict=True))
        bits = evaluate(aig, [literal for _, literal in terms], named)
        assert sum(weight * bit for (weight, _), bit in zip(terms, bits, strict=True)) % (1 << shown) == 0
    if seed % 2:
        assert shown == (7 if terms[-1][0] == 0 else 5)


def test_one_bit_that_two_adders_make_tells_how_their_carries_differ() -> None:
    """a ^ b is the total of (a, b, 0) and of (a, b, 1) up to complement: 2 (a | b) is 2 (a & b) + 2 (a ^ b)."""
    aig = Aig()
    totals = Totals(aig, Same(aig, Deadline(60)))
    a, b = aig.variable(), aig.variable()
    total, both = adder(aig, totals, a, b, 0)
    _, either = adder(aig, totals, a, b, 1)
    assert totals.zeros([(2, either), (-2, both), (-2, total)], 10) == 10
    assert totals.zeros([(2, either), (-2, both)], 10) == 1


def test_products_with_bits_and_with_their_complements() -> None:
    """x (y + not y) is x for each bit of y: together they read too many bits to try them."""
    aig = Aig()
    totals = Totals(aig, Same(aig, Deadline(60)))
    x, *y = (aig.variable() for _ in range(31))
    both = [(1 << n, aig.conjunction(x, bit ^ flip)) for n, bit in enumerate(y) for flip in (0, 1)]
    either = [(1 << n, aig.disjunction(x, bit ^ 1)) for n, bit in enumerate(y)]
    all_of_x = ((1 << len(y)) - 1, x ^ 1)
    assert totals.zeros([*both, all_of_x, (-((1 << len(y)) - 1), 1)], 32) == 32
    # Of x or not y, and x and y: 1 - y + 2 x y.
    twice = [(weight, literal) for weight, literal in both[::2]]
    rest = [(1 << n, bit) for n, bit in enumerate(y)]
    ones = (-((1 << len(y)) - 1), 1)
    assert totals.zeros([*either, *rest, *((-weight, literal) for weight, literal in twice), ones], 32) == 32
    assert totals.zeros([*either, *rest, *((-weight, literal) for weight, literal in twice)], 32) == 0


def carry_of(aig: Aig, a: list[Literal], b: list[Literal], either: bool) -> Literal:
    """The last carry of ``a + b``; what passes a carry on is ``x or y``, or ``x ^ y``, which makes no difference."""
    carry = 0
    for x, y in zip(a, b, strict=True):
        passed = aig.disjunction(x, y) if either else aig.difference(x, y)
        carry = aig.disjunction(aig.conjunction(x, y), aig.conjunction(passed, carry))
    return carry


@pytest.mark.parametrize("wrong", [False, True])
def test_a_word_negated_by_a_sign_that_other_gates_make(wrong: bool) -> None:
    """x s + (not x) s is s for each bit of x, and s the carry of another circuit: of 40 bits, as no adder tells."""
    aig = Aig()
    totals = Totals(aig, Same(aig, Deadline(60)))
    a, b, x = ([aig.variable() for _ in range(bits)] for bits in (10, 10, 20))
    one, other = carry_of(aig, a, b, True), carry_of(aig, a, b, False)
    if wrong:
        other = aig.conjunction(other, aig.conjunction(a[3], b[7]) ^ 1)
    word = [(1 << n, aig.conjunction(one, bit ^ flip)) for n, bit in enumerate(x) for flip in (0, 1)]
    split = [(-((1 << len(x)) - 1), aig.conjunction(other, a[0] ^ flip)) for flip in (0, 1)]
    assert totals.zeros([*word, *split], 24) == (0 if wrong else 24)


def test_full_adders_are_written_as_gates(tmp_path: Path) -> None:
    """A carry-save adder of two bits, as Yosys writes it."""
    port = {name: {"direction": "input", "bits": bits} for name, bits in (("clk", [2]), ("a", [3, 4]), ("b", [5, 6]))}
    port["y"] = {"direction": "output", "bits": [7, 8, 9, 10]}
    pins = {"A": [3, 4], "B": [5, 6], "C": ["1", 4], "Y": [7, 8], "X": [9, 10]}
    cell = {"type": "$fa", "connections": pins}
    words, gates = tmp_path / "words.json", tmp_path / "gates.json"
    words.write_text(json.dumps({"modules": {"top": {"ports": port, "cells": {"sum": cell}, "netnames": {}}}}))
    write_gates(words, gates, "top")
    assert read_adders(gates) == [FullAdder(7, 9, 1, 11, 13), FullAdder(8, 10, 8, 12, 14)]
    made = Gates(gates, "top")
    state = np.zeros((made.size, 1), np.uint64)
    state[1] = ~np.uint64(0)
    for bit, row in enumerate(made.rows([3, 4, 5, 6])):
        state[row] = sum(1 << lane for lane in range(16) if lane >> bit & 1)
    made.evaluate(state)
    y = [int(state[row, 0]) for row in made.rows([7, 8, 9, 10])]
    for lane in range(16):
        low = (lane & 1) + (lane >> 2 & 1) + 1
        high = 2 * (lane >> 1 & 1) + (lane >> 3 & 1)
        assert [bits >> lane & 1 for bits in y] == [low & 1, high & 1, low >> 1, high >> 1]


def test_two_chains_behind_one_carry_are_two() -> None:
    first, second, third = FullAdder(4, 5, 0, 6, 7), FullAdder(8, 9, 7, 10, 11), FullAdder(12, 13, 7, 14, 15)
    assert chains([first, second, third]) == [[first, second], [third]]


@pytest.mark.parametrize("text", ["", "{", '{"modules": {}}', '{"modules": {"top": {}}}', "[]"])
def test_words_cut_short_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "words.json").write_text(text)
    with pytest.raises(ToolError, match=r"words\.json"):
        write_gates(tmp_path / "words.json", tmp_path / "gates.json", "top")
