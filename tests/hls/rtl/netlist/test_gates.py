"""Gates of one bit, 64 streams a word: by hand, no Yosys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.errors import ToolError
from hls.rtl.netlist.gates import Gates


def cell(kind: str, **pins: Any) -> dict[str, Any]:
    return {"type": kind, "connections": {pin: [bit] for pin, bit in pins.items()}}


def write(path: Path, cells: list[dict[str, Any]]) -> Path:
    """clk is bit 2, a 3, b 4, s 5; y is bit 20."""
    ports = {name: {"direction": "input", "bits": [bit]} for name, bit in (("clk", 2), ("a", 3), ("b", 4), ("s", 5))}
    ports["y"] = {"direction": "output", "bits": [20]}
    module = {"ports": ports, "cells": {str(number): cell for number, cell in enumerate(cells)}}
    path.write_text(json.dumps({"modules": {"top": module}}))
    return path


REGISTER = cell("$_DFF_P_", C=2, D=20, Q=30)
A, B, S = (np.array([int(f"{n:08b}"[7 - bit]) for n in range(8)]) for bit in (0, 1, 2))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("$_AND_", A & B),
        ("$_NAND_", 1 - (A & B)),
        ("$_OR_", A | B),
        ("$_NOR_", 1 - (A | B)),
        ("$_XOR_", A ^ B),
        ("$_XNOR_", 1 - (A ^ B)),
        ("$_ANDNOT_", A & (1 - B)),
        ("$_ORNOT_", A | (1 - B)),
        ("$_MUX_", np.where(S == 1, B, A)),
        ("$_NOT_", 1 - A),
        ("$_BUF_", A),
    ],
)
def test_every_gate_on_every_input(kind: str, expected: np.ndarray, tmp_path: Path) -> None:
    gates = Gates(write(tmp_path / "g.json", [cell(kind, A=3, B=4, S=5, Y=20), REGISTER]), "top")
    state = gates.wake_up(1, np.random.default_rng(0))
    for bit, column in ((3, A), (4, B), (5, S)):
        state[gates.rows([bit])] = np.packbits(np.resize(column, 64)).view(np.uint64)
    gates.evaluate(state)
    assert np.unpackbits(state[gates.rows([20])].view(np.uint8))[:8].tolist() == expected.tolist()
    gates.clock(state)
    assert state[gates.rows([30])] == state[gates.rows([20])]


def test_gates_are_evaluated_in_order_of_depth(tmp_path: Path) -> None:
    """y = not (a and 1), written backwards."""
    cells = [cell("$_NOT_", A=21, Y=20), cell("$_AND_", A=3, B="1", Y=21), REGISTER]
    gates = Gates(write(tmp_path / "g.json", cells), "top")
    state = gates.wake_up(1, np.random.default_rng(0))
    state[gates.rows([3])] = 5
    gates.evaluate(state)
    assert state[gates.rows([20])] == ~np.uint64(5)


def test_an_open_pin_is_anything(tmp_path: Path) -> None:
    gates = Gates(write(tmp_path / "g.json", [cell("$_BUF_", A=99, Y=20), REGISTER]), "top")
    state = gates.wake_up(1, np.random.default_rng(0))
    gates.evaluate(state)
    assert 0 < state[gates.rows([20])] < 2**64 - 1


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ([cell("LUT3", Y=20), REGISTER], "cells of type LUT3"),
        ([cell("$_NOT_", A=21, Y=20), cell("$_NOT_", A=20, Y=21), REGISTER], "drives itself"),
        ([cell("$_DFF_P_", C=3, D=4, Q=20)], "other clocks than clk"),
    ],
)
def test_what_is_no_synchronous_logic(cells: list[dict[str, Any]], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=complaint):
        Gates(write(tmp_path / "g.json", cells), "top")


def test_instances_are_copies_with_registers_of_their_own(tmp_path: Path) -> None:
    """Two copies of q <= not a, one after the other; the second is inverted outside: y = not not not a, later."""
    inner = {
        "ports": {
            "clk": {"direction": "input", "bits": [2]},
            "d": {"direction": "input", "bits": [3]},
            "q": {"direction": "output", "bits": [5]},
            "zero": {"direction": "output", "bits": ["0"]},
        },
        "cells": {"not": cell("$_NOT_", A=3, Y=4), "flop": cell("$_DFF_P_", C=2, D=4, Q=5)},
    }
    path = write(
        tmp_path / "g.json",
        [cell("inner", clk=2, d=3, q=21, zero=30), cell("inner", clk=2, d=21, q=22), cell("$_NOT_", A=22, Y=20)],
    )
    modules = json.loads(path.read_text())["modules"]
    path.write_text(json.dumps({"modules": modules | {"inner": inner}}))
    gates = Gates(path, "top")
    assert len(gates.registers) == 2
    state = gates.wake_up(1, np.random.default_rng(0))
    found = []
    for value in (5, 6, 7, 8):
        state[gates.rows([3])] = value
        gates.evaluate(state)
        found.append(int(~state[gates.rows([20])][0, 0]))
        assert state[gates.rows([30])] == 0
        gates.clock(state)
    assert found[2:] == [5, 6]


def test_an_instance_with_another_clock(tmp_path: Path) -> None:
    path = write(tmp_path / "g.json", [cell("inner", clk=3, q=20)])
    inner = {"ports": {"clk": {"direction": "input", "bits": [2]}, "q": {"direction": "output", "bits": [3]}},
             "cells": {"flop": cell("$_DFF_P_", C=2, D=3, Q=3)}}  # fmt: skip
    path.write_text(json.dumps({"modules": json.loads(path.read_text())["modules"] | {"inner": inner}}))
    with pytest.raises(ToolError, match="other clocks than clk"):
        Gates(path, "top")
