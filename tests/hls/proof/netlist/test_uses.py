"""Registers that no run tells apart: which of the two circuits are taken for the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hls.proof.netlist.correspondence import Member
from hls.proof.netlist.uses import shared_out


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
