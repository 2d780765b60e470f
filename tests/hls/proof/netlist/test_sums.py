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
from hls.proof.subject import Deadline
from hls.rtl.netlist.gates import Gates
from tests.hls.proof.netlist.circuits_by_hand import Bit, Circuit, design

WIDTH = 14
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
    totals = Totals(aig)
    known = [0, 1, *(aig.variable() for _ in range(5))]
    for _ in range(6):
        picked = [known[place] ^ int(random.integers(2)) for place in random.integers(0, len(known), 3)]
        known += adder(aig, totals, *picked)
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
    totals = Totals(aig)
    a, b = aig.variable(), aig.variable()
    total, both = adder(aig, totals, a, b, 0)
    _, either = adder(aig, totals, a, b, 1)
    assert totals.zeros([(2, either), (-2, both), (-2, total)], 10) == 10
    assert totals.zeros([(2, either), (-2, both)], 10) == 1


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
