"""A netlist of gates as Yosys writes it, with all instances of its modules, as arrays of net numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ToolError

Nets = npt.NDArray[np.int64]

FLIP_FLOP = "$_DFF_P_"
KINDS = ("$_BUF_", "$_NOT_", "$_MUX_", "$_AND_", "$_NAND_", "$_OR_", "$_NOR_", "$_XOR_", "$_XNOR_", "$_ANDNOT_",
         "$_ORNOT_")  # fmt: skip
PINS: Mapping[str, str] = dict.fromkeys(KINDS, "AB") | {"$_BUF_": "A", "$_NOT_": "A", "$_MUX_": "ABS"}
# Yosys numbers bits from 2 on. An "x" is a bit on which nothing depends; as a 0 it would hide one on which
# something does.
CONSTANTS = ("0", "1", "x", "z")


@dataclass(frozen=True)
class Circuit:
    """Gates and registers; nets 0 to 3 are ``CONSTANTS``.

    Gate ``g`` is of kind ``KINDS[kind[g]]``, drives net ``output[g]`` and reads ``operands[g]``, three columns of which
    it needs those of its ``PINS``; the others are net 0. At the clock's edge ``registers`` take ``following``.
    """

    nets: int
    kind: npt.NDArray[np.int8]
    output: Nets
    operands: Nets
    registers: Nets
    following: Nets


def numbered(bits: Sequence[Any]) -> Nets:
    """Nets of bits of the top module as JSON has them: integers and names of constants."""
    return np.array([_net(bit) for bit in bits], np.int64)


def _net(bit: Any) -> int:
    return CONSTANTS.index(bit) if isinstance(bit, str) else bit + len(CONSTANTS)


def read_circuit(path: Path, top: str) -> tuple[Circuit, Mapping[str, Any]]:
    """The circuit of module ``top`` in what Yosys wrote with ``write_json``, and the ports of ``top``.

    Raises:
        ToolError: other cells than gates are in it, or a register has another clock than ``clk``.
    """
    modules = json.loads(path.read_text(encoding="utf-8"))["modules"]

    @lru_cache
    def read(name: str) -> Circuit:
        return _read(modules, name, path, read)

    return read(top), modules[top]["ports"]


def _read(modules: Mapping[str, Any], name: str, path: Path, read: Any) -> Circuit:
    cells = [cell for cell in modules[name]["cells"].values() if cell["type"] != "$scopeinfo"]
    unknown = {cell["type"] for cell in cells} - set(PINS) - {FLIP_FLOP} - set(modules)
    if unknown:
        raise ToolError(f"{path}: cannot simulate cells of type {', '.join(sorted(unknown))}")
    ports = modules[name]["ports"]
    flops = [cell["connections"] for cell in cells if cell["type"] == FLIP_FLOP]
    inner = [cell for cell in cells if cell["type"] in modules]
    clocks = [flop["C"] for flop in flops] + [cell["connections"]["clk"] for cell in inner]
    if any(clock != ports["clk"]["bits"] for clock in clocks):
        raise ToolError(f"{path}: the registers have other clocks than clk")
    gates = [cell for cell in cells if cell["type"] in PINS]
    wired = [*(port["bits"] for port in ports.values()), *(bits for c in inner for bits in c["connections"].values())]
    parts = [_own([bit for bits in wired for bit in bits], gates, flops)]
    for cell in inner:
        parts += _instance(read(cell["type"]), modules[cell["type"]]["ports"], cell["connections"], parts[-1].nets)
    return Circuit(
        parts[-1].nets,
        *(np.concatenate([getattr(part, field) for part in parts])
          for field in ("kind", "output", "operands", "registers", "following")),
    )  # fmt: skip


def _own(named: Sequence[int | str], gates: Sequence[Any], flops: Sequence[Any]) -> Circuit:
    """Gates and registers of one module, without its instances; ``named`` are the bits of its ports and of theirs."""
    kind = np.array([KINDS.index(gate["type"]) for gate in gates], np.int8)
    pins = [gate["connections"] for gate in gates]
    output = numbered([found["Y"][0] for found in pins])
    rows = [
        [_net(found[pin][0]) if pin in PINS[gate["type"]] else 0 for pin in "ABS"]
        for gate, found in zip(gates, pins, strict=True)
    ]
    operands = np.array(rows, np.int64).reshape(-1, 3)
    registers, following = (numbered([flop[pin][0] for flop in flops]) for pin in "QD")
    every = (output, operands, registers, following, numbered(named))
    highest = max((int(nets.max()) for nets in every if nets.size), default=0)
    return Circuit(max(highest + 1, len(CONSTANTS)), kind, output, operands, registers, following)


def _instance(
    inside: Circuit, ports: Mapping[str, Any], connections: Mapping[str, Sequence[Any]], offset: int
) -> list[Circuit]:
    """A copy of a module whose nets start at ``offset``, and buffers between its ports and what is around it."""

    def moved(nets: Nets) -> Nets:
        return np.where(nets < len(CONSTANTS), nets, nets + offset)

    drives, reads = [], []
    for name, port in ports.items():
        within, around = moved(numbered(port["bits"])), numbered(connections.get(name, []))
        if len(around):
            into = port["direction"] == "input"
            drives.append(within if into else around)
            reads.append(around if into else within)
    driven = np.concatenate(drives)
    operands = np.zeros((len(driven), 3), np.int64)
    operands[:, 0] = np.concatenate(reads)
    none = np.zeros(0, np.int64)
    nets = offset + inside.nets
    buffers = np.full(len(driven), KINDS.index("$_BUF_"), np.int8)
    return [
        Circuit(nets, buffers, driven, operands, none, none),
        Circuit(nets, inside.kind, moved(inside.output), moved(inside.operands), moved(inside.registers),
                moved(inside.following)),
    ]  # fmt: skip
