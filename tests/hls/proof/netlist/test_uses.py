"""Registers that no run tells apart: which of the two circuits are taken for the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from hls.proof.netlist.aig import FALSE
from hls.proof.netlist.correspondence import Classes, Member
from hls.proof.netlist.uses import shared_out, told_by_use


def shared(first: dict[int, str], second: dict[int, str]) -> list[list[int]]:
    """Nets of the groups of registers of such names, one of the second circuit in each."""
    sides: Any = [SimpleNamespace(names=names) for names in (first, second)]
    registers = [[Member(side, net, flipped=False) for net in names] for side, names in enumerate((first, second))]
    found = shared_out(sides, registers[0], [[member] for member in registers[1]])
    return [[member.net for member in group] for group in found]


def test_namesakes_are_matched_and_the_others_dealt_out() -> None:
    """Signs of cores that do the same at other events: crosswise they would be wrong where they are read."""
    verilog = {10: "core[0].sign", 11: "core[1].sign", 12: "spare", 13: "core[2].sign", 14: "other"}
    netlist = {20: "core[2].sign", 21: "core[1].sign", 22: "core[0].sign"}
    assert shared(verilog, netlist) == [[13, 12, 20], [11, 14, 21], [10, 22]]


def test_registers_that_synthesis_named_are_matched_by_the_module_that_they_are_in() -> None:
    verilog = {10: "core[0].logic.sign", 11: "core[1].logic.sign", 12: "core[2].logic.sign"}
    netlist = {20: "core[2].logic._7_.D[0]", 21: "core[0].logic._7_.D[0]", 22: "core[1].logic._7_.D[0]"}
    assert shared(verilog, netlist) == [[12, 20], [10, 21], [11, 22]]


def test_nameless_registers_are_dealt_out_evenly() -> None:
    assert shared({10: "", 11: "", 12: ""}, {20: "a", 21: "b"}) == [[10, 12, 20], [11, 21]]


def test_copies_whose_names_are_known_are_told_apart_without_a_simulation() -> None:
    """Of a network of pairs twelve thousand registers are copies; what reads each of them would take hours to see."""
    verilog, netlist = {10: "beats[0]", 11: "beats[1]", 12: "done"}, {20: "beats[1]", 21: "beats[0]", 22: "done"}
    sides: Any = [SimpleNamespace(names=verilog), SimpleNamespace(names=netlist)]
    copies = [Member(side, net, flipped=False) for side, net in ((0, 10), (0, 11), (1, 20), (1, 21))]
    cleared = [Member(side, net, flipped=False) for side, net in ((0, 12), (1, 22))]
    classes = Classes([[], [*cleared, *copies]])
    left = [{10: 2, 11: 4, 12: FALSE}, {20: 2, 21: 4, 22: FALSE}]
    design: Any = None
    assert told_by_use(sides, design, classes, left, np.random.default_rng(1))
    assert [[member.net for member in group] for group in classes.members] == [[], [12, 22], [11, 20], [10, 21]]
