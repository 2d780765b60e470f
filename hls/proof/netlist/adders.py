"""Full adders, of which the sums of a circuit are made: written as gates, and remembered beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from hls.errors import ToolError
from hls.rtl.netlist.circuit import Bit, numbered

_FULL_ADDER = "$fa"


@dataclass(frozen=True)
class FullAdder:
    """Nets: ``total + 2 * carry`` is ``a + b + c``."""

    a: int
    b: int
    c: int
    total: int
    carry: int

    @property
    def operands(self) -> tuple[int, int, int]:
        """The nets that are added."""
        return self.a, self.b, self.c


def write_gates(words: Path, gates: Path, top: str) -> None:
    """Write the circuit in ``words`` with its full adders as gates to ``gates``, and beside it which gates they are.

    Raises:
        ToolError: ``words`` is not what Yosys writes.
    """
    try:
        design = json.loads(words.read_text(encoding="utf-8"))
        module = design["modules"][top]
        cells = module["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{words}: not what Yosys writes of {top}; remove {words.parent} and run it again") from error
    fresh = count(1 + max((bit for bits in _wires(module) for bit in bits if isinstance(bit, int)), default=1))
    made: dict[str, Any] = {}
    adders: list[list[Bit]] = []
    for name, cell in cells.items():
        if cell["type"] != _FULL_ADDER:
            made[name] = cell
            continue
        pins = cell["connections"]
        for place, adder in enumerate(zip(*(pins[pin] for pin in "ABCYX"), strict=True)):
            adders.append([*adder])
            for gate, (kind, *bits) in enumerate(_as_gates(adder, fresh)):
                named = {pin: [bit] for pin, bit in zip("ABY", bits, strict=True)}
                made[f"{name}.{place}.{gate}"] = {"type": kind, "connections": named}
    module["cells"] = made
    gates.write_text(json.dumps(design), encoding="utf-8")
    beside(gates).write_text(json.dumps(adders), encoding="utf-8")


def _wires(module: Mapping[str, Any]) -> Iterator[Sequence[Bit]]:
    for port in module["ports"].values():
        yield port["bits"]
    for cell in module["cells"].values():
        yield from cell["connections"].values()


def _as_gates(adder: Sequence[Bit], fresh: Iterator[int]) -> Iterator[tuple[str, Bit, Bit, Bit]]:
    a, b, c, total, carry = adder
    half, both, passed = next(fresh), next(fresh), next(fresh)
    yield "$_XOR_", a, b, half
    yield "$_XOR_", half, c, total
    yield "$_AND_", a, b, both
    yield "$_AND_", half, c, passed
    yield "$_OR_", both, passed, carry


def read_adders(gates: Path) -> list[FullAdder]:
    """The full adders of a file of gates; none of one that ``write_gates`` did not write."""
    path = beside(gates)
    if not path.is_file():
        return []
    return [FullAdder(*numbered(bits).tolist()) for bits in json.loads(path.read_text(encoding="utf-8"))]


def beside(gates: Path) -> Path:
    """Where the full adders of a file of gates stand."""
    return gates.with_suffix(".adders.json")


def chains(adders: Sequence[FullAdder]) -> list[list[FullAdder]]:
    """Adders of which each takes the carry of the one before as its last operand: the sums of two numbers.

    >>> first, second = FullAdder(10, 11, 0, 12, 13), FullAdder(14, 15, 13, 16, 17)
    >>> chains([second, first]) == [[first, second]]
    True
    """
    after = {adder.c: adder for adder in reversed(adders)}
    follows = {after[adder.carry] for adder in adders if adder.carry in after}
    found = []
    for adder in adders:
        if adder in follows:
            continue
        chain = [adder]
        while chain[-1].carry in after:
            chain.append(after[chain[-1].carry])
        found.append(chain)
    return found
