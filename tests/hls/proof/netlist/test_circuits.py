"""Small circuits, by hand: what is equal is proved, what is not comes with the input that shows it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hls.errors import ToolError
from hls.proof.netlist import circuits, equivalence
from hls.proof.netlist.aig import Cones
from hls.proof.netlist.circuits import Circuits, Verdict
from hls.proof.netlist.correspondence import Classes, Run, classes_of
from hls.proof.netlist.settling import PairResult, settle
from hls.proof.netlist.unrolled import Unrolled
from hls.proof.subject import Deadline
from tests.hls.proof.netlist.circuits_by_hand import Bit, Circuit, design

Made = Callable[[Circuit], list[Bit]]


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Verdict]:
    def compare(bits: int, first: Made, second: Made, limit: float = 60.0, stages: tuple[int, int] = (1, 1)) -> Verdict:
        paths, outputs = [], 0
        for name, make, depth in zip("ab", (first, second), stages, strict=True):
            circuit = Circuit(bits)
            made = make(circuit)
            outputs = len(made)
            paths.append(circuit.write(tmp_path / f"{name}.json", made, depth))
        return Circuits(design(bits, outputs), *paths).compare(Deadline(limit), lambda step, done, total: None)

    return compare


def inputs(verdict: Verdict, bits: int, age: int = 1) -> int:
    """The integer at x, ``age`` clocks before the outputs that differ."""
    assert verdict.difference is not None
    row = verdict.difference.given[-1 - age, 2:]
    return int((row.astype(np.int64) << np.arange(bits)).sum())


def test_equal_in_other_gates_with_a_complemented_register(compared: Callable[..., Verdict]) -> None:
    def first(c: Circuit) -> list[Bit]:
        return [c.register(c.gate("AND", *c.inputs))]

    def second(c: Circuit) -> list[Bit]:
        return [c.gate("NOT", c.register(c.gate("OR", *(c.gate("NOT", bit) for bit in c.inputs))))]

    # A register and its valid flag, and two outputs with their flag.
    assert compared(2, first, second) == Verdict(4, 4)


def test_two_registers_swapped(compared: Callable[..., Verdict]) -> None:
    def straight(c: Circuit) -> list[Bit]:
        return [c.register(bit) for bit in c.inputs]

    verdict = compared(2, straight, lambda c: straight(c)[::-1])
    assert inputs(verdict, 2) in (1, 2)  # the two values of which the bits differ


@pytest.mark.parametrize("key", [0xA5A5A5, 0x000001])
def test_one_input_of_16_million(compared: Callable[..., Verdict], key: int) -> None:
    def is_key(c: Circuit) -> Bit:
        return c.all_of([b if key >> n & 1 else c.gate("NOT", b) for n, b in enumerate(c.inputs)])

    def first(c: Circuit) -> list[Bit]:
        return [c.register(c.inputs[0])]

    verdict = compared(24, first, lambda c: [c.register(c.gate("XOR", c.inputs[0], is_key(c)))])
    assert inputs(verdict, 24) == key


def test_a_state_that_never_is(compared: Callable[..., Verdict]) -> None:
    """Of a, b and their AND and OR a clock later: AND without OR is never."""

    def first(c: Circuit) -> list[Bit]:
        both, any_ = c.register(c.gate("AND", *c.inputs)), c.register(c.gate("OR", *c.inputs))
        return [c.register(c.gate("ANDNOT", both, any_))]

    assert compared(2, first, lambda c: ["0"], stages=(2, 2)).proved


def test_a_register_too_few(compared: Callable[..., Verdict]) -> None:
    def late(c: Circuit) -> list[Bit]:
        return [c.register(c.register(c.inputs[0]))]

    verdict = compared(1, late, lambda c: [c.register(c.inputs[0])], stages=(2, 2))
    assert inputs(verdict, 1, age=1) != inputs(verdict, 1, age=2)


def test_a_valid_flag_that_the_reset_does_not_clear(compared: Callable[..., Verdict], tmp_path: Path) -> None:
    right, wrong = Circuit(1), Circuit(1)
    first = right.write(tmp_path / "a.json", [right.register(right.inputs[0])])
    out = wrong.register(wrong.inputs[0])
    text = wrong.write(tmp_path / "b.json", [out]).read_text(encoding="utf-8")
    second = tmp_path / "c.json"
    second.write_text(
        text.replace(
            '"$_ANDNOT_", "connections": {"A": [4], "B": [3]', '"$_AND_", "connections": {"A": [4], "B": ["1"]'
        )
    )
    assert text != second.read_text(encoding="utf-8")
    found = Circuits(design(1), first, second).compare(Deadline(60), lambda step, done, total: None).difference
    assert found is not None
    assert found.place == 0
    assert found.given[-2, :2].tolist() == [True, True]  # valid and reset at once


def test_what_is_proved_is_not_asked_again(compared: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two registers are taken for one at first; that they are two changes nothing for the others."""
    asked: list[int] = []

    def counted(cones: Cones, deadline: Deadline) -> list[PairResult]:
        asked.append(len(cones.pairs))
        return settle(cones, deadline)

    def mistaken(run: Run) -> Classes:
        found = classes_of(run)
        last = found.members.pop()
        found.members[-1] += last
        return found

    monkeypatch.setattr(equivalence, "settle", counted)
    monkeypatch.setattr(circuits, "classes_of", mistaken)

    def straight(c: Circuit) -> list[Bit]:
        a, b = (c.register(bit) for bit in c.inputs[:2])
        return [c.register(c.gate("XOR", a, b)), *(c.register(bit) for bit in c.inputs[2:])]

    def roundabout(c: Circuit) -> list[Bit]:
        a, b = (c.register(bit) for bit in c.inputs[:2])
        both = c.gate("AND", c.gate("OR", a, b), c.gate("NAND", a, b))
        return [c.register(both), *(c.register(bit) for bit in c.inputs[2:])]

    assert compared(4, straight, roundabout, stages=(2, 2)).where is None
    # The sum of a and b, and what was taken for one register; then nothing is left to ask.
    assert sum(asked) == 3, asked


@pytest.mark.parametrize("nobody", ["x", 999])
def test_what_nobody_drives_equals_nothing(compared: Callable[..., Verdict], nobody: Bit) -> None:
    def first(c: Circuit) -> list[Bit]:
        return [c.register(c.inputs[0])]

    verdict = compared(1, first, lambda c: [c.register(c.gate("XOR", c.inputs[0], nobody))])
    assert verdict.difference is not None or verdict.where is not None


def test_what_nobody_drives_and_nothing_depends_on(compared: Callable[..., Verdict]) -> None:
    def first(c: Circuit) -> list[Bit]:
        return [c.register(c.inputs[0])]

    assert compared(1, first, lambda c: [c.register(c.gate("OR", c.inputs[0], c.gate("AND", "0", 999)))]).proved


def test_data_that_go_round_are_no_pipeline(compared: Callable[..., Verdict]) -> None:
    def count(c: Circuit) -> list[Bit]:
        held = c.bit()
        return [c.register(c.gate("XOR", held, c.inputs[0]), into=held)]

    with pytest.raises(ToolError, match="keeps data"):
        compared(1, count, count)


def test_without_time_nothing_is_proved(compared: Callable[..., Verdict]) -> None:
    def first(c: Circuit) -> list[Bit]:
        return [c.register(c.gate("AND", *c.inputs))]

    def second(c: Circuit) -> list[Bit]:
        return [c.register(c.gate("NOR", *(c.gate("NOT", bit) for bit in c.inputs)))]

    def third(c: Circuit) -> list[Bit]:
        a, b = c.inputs
        return [c.register(c.gate("MUX", "0", b, c.gate("MUX", a, a, b)))]

    assert compared(2, first, second, limit=0.0) == Verdict(4, 4)  # the same by structure
    stopped = compared(
        2, first, lambda c: [c.register(c.gate("ANDNOT", c.inputs[0], c.gate("XOR", *c.inputs)))], limit=0.0
    )
    assert stopped.where is not None
    assert "register r0" in stopped.where


def test_a_port_too_narrow_is_named(tmp_path: Path) -> None:
    wide, narrow = Circuit(2), Circuit(1)
    first = wide.write(tmp_path / "a.json", [wide.register(wide.inputs[1])])
    second = narrow.write(tmp_path / "b.json", [narrow.register(narrow.inputs[0])])
    with pytest.raises(ToolError, match="no bit 1 of port in_x"):
        Circuits(design(2), first, second)


@pytest.mark.parametrize("text", ["", "{", '{"modules": {}}', "[]"])
def test_files_cut_short_are_named(tmp_path: Path, text: str) -> None:
    circuit = Circuit(1)
    first = circuit.write(tmp_path / "a.json", [circuit.register(circuit.inputs[0])])
    second = tmp_path / "b.json"
    second.write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=r"b\.json"):
        Circuits(design(1), first, second)


def test_a_proof_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two outputs is not settled at first; then nothing else is asked, and at last nothing at all."""
    first_path, second_path = tmp_path / "a.json", tmp_path / "b.json"
    for path in (first_path, second_path):
        circuit = Circuit(3)
        held = [circuit.register(bit) for bit in circuit.inputs]
        plain = [circuit.gate("AND", a, b) for a, b in pairwise(held)]
        other = [circuit.gate("ANDNOT", a, circuit.gate("XOR", a, b)) for a, b in pairwise(held)]
        circuit.write(path, plain if path == first_path else other)
    asked: list[int] = []
    stopped = True

    def some(cones: Cones, deadline: Deadline) -> list[PairResult]:
        asked.append(len(cones.pairs))
        results = settle(cones, deadline)
        return [*results[:-1], PairResult("open")] if stopped else results

    def verdict() -> Verdict:
        asked.clear()
        made = Circuits(design(3, 2), first_path, second_path, cache=tmp_path / "kept")
        return made.compare(Deadline(60), lambda step, done, total: None)

    monkeypatch.setattr(equivalence, "settle", some)
    monkeypatch.setattr(Unrolled, "compare", lambda *_: ([PairResult("open")], None))
    first = verdict()
    assert asked == [2, 1]
    assert (first.proved, first.where) == (first.all - 1, "bit 1 of output y[0]")
    stopped = False
    assert verdict() == Verdict(first.all, first.all)
    assert asked == [1]
    assert verdict() == Verdict(first.all, first.all)
    assert asked == []
