"""Small circuits in which data go round, by hand: equal from a reset on, or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from hls.proof.netlist.circuits import Circuits, Verdict
from hls.proof.subject import Deadline
from tests.hls.proof.netlist.circuits_by_hand import RST, Bit, Circuit, design

Made = Callable[[Circuit], list[Bit]]


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Verdict]:
    """The verdict on two circuits of which x has ``bits`` bits and an event comes each two clocks."""

    def compare(bits: int, first: Made, second: Made) -> Verdict:
        paths, outputs = [], 0
        for name, make in zip("ab", (first, second), strict=True):
            circuit = Circuit(bits)
            made = make(circuit)
            outputs = len(made)
            paths.append(circuit.write(tmp_path / f"{name}.json", made))
        slow = replace(design(bits, outputs), interval=2)
        return Circuits(slow, *paths).compare(Deadline(60.0), lambda step, done, total: None)

    return compare


def counter(c: Circuit, length: int) -> list[Bit]:
    """Counts the clocks in which x is 1; a reset begins again."""
    held = [c.bit() for _ in range(length)]
    carry: Bit = c.inputs[0]
    for register in held:
        total = c.gate("XOR", register, carry)
        carry = c.gate("AND", register, carry)
        c.register(c.gate("ANDNOT", total, RST), register)
    return list(held)


def memory(c: Circuit, rows: int) -> list[Bit]:
    """Keeps x[0] in one of 4 rows, of which ``rows`` are there, and reads it back; x[1:3] is the row, x[3] writes."""
    data, *address, write = c.inputs
    words: list[Bit] = []
    for row in range(rows):
        chosen = c.all_of([bit if row >> place & 1 else c.gate("NOT", bit) for place, bit in enumerate(address)])
        held = c.bit()
        words.append(c.register(c.gate("MUX", held, data, c.gate("AND", chosen, write)), held))
    words += ["x"] * (4 - rows)
    low = [c.gate("MUX", words[2 * half], words[2 * half + 1], address[0]) for half in (0, 1)]
    return [c.register(c.gate("MUX", *low, address[1]))]


def test_a_counter_in_other_gates_is_proved(compared: Callable[..., Verdict]) -> None:
    def other(c: Circuit) -> list[Bit]:
        held, low = c.bit(), c.bit()
        both = c.gate("AND", low, c.inputs[0])
        c.register(c.gate("AND", c.gate("XNOR", low, c.inputs[0]), c.gate("NOT", RST)), None)
        c.register(c.gate("NOR", c.gate("XNOR", low, c.inputs[0]), RST), low)
        c.register(c.gate("NOR", c.gate("XNOR", held, both), RST), held)
        return [low, held]

    verdict = compared(1, lambda c: counter(c, 2), other)
    assert (verdict.where, verdict.difference) == (None, None)
    # Two bits of the counter and the flag, as registers and as outputs, and that the next event may come.
    assert verdict.proved == verdict.all == 7


def test_a_counter_that_skips_is_refuted_with_its_event(compared: Callable[..., Verdict]) -> None:
    def stuck(c: Circuit) -> list[Bit]:
        low, high = counter(c, 2)
        return [low, c.gate("AND", high, c.inputs[0])]

    difference = compared(1, lambda c: counter(c, 2), stuck).difference
    assert difference is not None
    assert difference.place == 3
    assert (difference.expected[0], difference.got[0]) == (True, True)
    assert difference.given[0, 1]  # a reset, from which on the difference shows


@pytest.mark.parametrize("rows", [3, 4])
def test_a_memory_is_proved_and_a_row_that_is_not_there_may_be_anything(
    rows: int, compared: Callable[..., Verdict]
) -> None:
    verdict = compared(4, lambda c: memory(c, rows), lambda c: memory(c, 4))
    assert (verdict.where, verdict.difference) == (None, None)


def test_a_row_that_only_the_netlist_leaves_open_is_not_proved(compared: Callable[..., Verdict]) -> None:
    verdict = compared(4, lambda c: memory(c, 4), lambda c: memory(c, 3))
    assert verdict.difference is not None or verdict.where is not None


def test_registers_that_only_happen_to_wake_up_equal_are_not_proved(compared: Callable[..., Verdict]) -> None:
    """Two that turn at each clock stay as they woke up, equal or not: no reset settles it."""

    def turning(c: Circuit) -> int:
        held = c.bit()
        return c.register(c.gate("NOT", held), held)

    def never(c: Circuit) -> list[Bit]:
        return [c.gate("XOR", c.register(c.inputs[0]), "0")]

    def sometimes(c: Circuit) -> list[Bit]:
        return [c.gate("XOR", c.register(c.inputs[0]), c.gate("XOR", turning(c), turning(c)))]

    verdict = compared(1, never, sometimes)
    assert verdict.difference is not None or verdict.where is not None


def test_a_register_that_wakes_up_is_not_one_that_a_reset_clears(compared: Callable[..., Verdict]) -> None:
    def cleared(c: Circuit) -> list[Bit]:
        held = c.bit()
        return [c.register(c.gate("ANDNOT", c.gate("OR", held, "0"), RST), held)]

    def kept(c: Circuit) -> list[Bit]:
        held = c.bit()
        return [c.register(held, held)]

    verdict = compared(1, cleared, kept)
    assert verdict.difference is not None or verdict.where is not None


def test_registers_that_never_hold_a_1_are_matched_by_what_reads_them(compared: Callable[..., Verdict]) -> None:
    """No reset clears them, and no constant does: of two words one is above the other, or it is not."""

    def both(c: Circuit, other: Callable[[Bit, Bit], Bit]) -> list[Bit]:
        held = [c.register(bit) for bit in c.inputs]
        never = [c.register(c.gate("AND", c.gate("AND", a, b), other(a, b))) for a, b in pairwise(held)]
        return [c.gate("XOR", c.register(bit), zero) for bit, zero in zip(held, never, strict=False)]

    def first(c: Circuit) -> list[Bit]:
        return both(c, lambda a, b: c.gate("XOR", a, b))

    def second(c: Circuit) -> list[Bit]:
        return both(c, lambda a, b: c.gate("NAND", a, b))

    assert compared(4, first, second).where is None


def test_copies_that_took_the_same_are_one(compared: Callable[..., Verdict]) -> None:
    """Of x[0] one circuit has a register for each reader, the other two for all, which it takes to be equal."""

    def first(c: Circuit) -> list[Bit]:
        return [c.gate("AND", c.register(c.inputs[0]), c.register(bit)) for bit in c.inputs[1:]]

    def second(c: Circuit) -> list[Bit]:
        a, b = c.register(c.inputs[0]), c.register(c.inputs[0])
        held = (c.gate("OR", a, b), c.gate("AND", a, b), b)
        return [c.gate("AND", copy, c.register(bit)) for copy, bit in zip(held, c.inputs[1:], strict=True)]

    assert compared(4, first, second).where is None
