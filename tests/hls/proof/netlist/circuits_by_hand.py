"""Circuits written gate by gate, as Yosys would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hls.graph.fixed import FixedType
from hls.rtl import Design
from hls.rtl.ports import RtlPort

CLK, RST, VALID_IN, VALID = 2, 3, 4, 5
FIRST_INPUT = 10
Bit = int | str


def design(bits: int, out: int = 1) -> Design:
    """Ports x of ``bits`` bits and y of ``out`` bits, whose circuits stand in files of their own."""
    ports = (
        RtlPort(name, f"{way}_{name}", (1,), FixedType(False, width, width))
        for name, way, width in (("x", "in", bits), ("y", "out", out))
    )
    x, y = ports
    return Design((), "top", (x,), (y,), 5.0)


class Circuit:
    """Gates and registers; ``write`` adds the valid flag, one register behind that of the input for ``stages``."""

    def __init__(self, bits: int) -> None:
        self.inputs = list(range(FIRST_INPUT, FIRST_INPUT + bits))
        self.cells: dict[str, object] = {}
        self.adders: list[list[Bit]] = []
        self._next = FIRST_INPUT + bits

    def bit(self) -> int:
        """A new bit."""
        self._next += 1
        return self._next - 1

    def gate(self, kind: str, *pins: Bit) -> int:
        """The output of a new gate."""
        out = self.bit()
        self._cell(f"$_{kind}_", {**dict(zip("ABS", pins, strict=False)), "Y": out})
        return out

    def all_of(self, bits: Sequence[Bit]) -> Bit:
        """Whether all ``bits`` are 1."""
        result: Bit = "1"
        for bit in bits:
            result = self.gate("AND", result, bit)
        return result

    def full_adder(self, a: Bit, b: Bit, c: Bit) -> tuple[int, int]:
        """Total and carry of a full adder, which is known to be one."""
        half = self.gate("XOR", a, b)
        total = self.gate("XOR", half, c)
        carry = self.gate("OR", self.gate("AND", a, b), self.gate("AND", half, c))
        self.adders.append([a, b, c, total, carry])
        return total, carry

    def register(self, following: Bit, into: int | None = None) -> int:
        """A register that takes ``following``."""
        held = self.bit() if into is None else into
        self._cell("$_DFF_P_", {"C": CLK, "D": following, "Q": held})
        return held

    def _cell(self, kind: str, pins: Mapping[str, Bit]) -> None:
        connections = {pin: [bit] for pin, bit in pins.items()}
        self.cells[f"cell{len(self.cells)}"] = {"type": kind, "connections": connections}

    def write(self, path: Path, outputs: Sequence[Bit], stages: int = 1) -> Path:
        """The file of the circuit whose port y is ``outputs``."""
        flag: Bit = VALID_IN
        for _ in range(stages):
            flag = self.register(self.gate("ANDNOT", flag, RST))
        ports = {
            "clk": ("input", [CLK]),
            "rst": ("input", [RST]),
            "valid_in": ("input", [VALID_IN]),
            "in_x": ("input", self.inputs),
            "valid_out": ("output", [flag]),
            "ready_in": ("output", ["1"]),
            "out_y": ("output", list(outputs)),
        }
        held = [cell["connections"]["Q"][0] for cell in self.cells.values() if "Q" in cell["connections"]]  # type: ignore[index]
        module = {
            "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ports.items()},
            "cells": self.cells,
            "netnames": {f"r{number}": {"bits": [bit]} for number, bit in enumerate(held)},
        }
        path.write_text(json.dumps({"modules": {"top": module}}), encoding="utf-8")
        path.with_suffix(".adders.json").write_text(json.dumps(self.adders), encoding="utf-8")
        return path
