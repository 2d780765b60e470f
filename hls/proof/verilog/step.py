"""A clock of a design, whatever its registers and memories hold and whatever comes in, as words of a solver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from hls.proof.solver import Term, Words
from hls.proof.subject import NotClosedError
from hls.proof.verilog.circuit import Circuit
from hls.proof.verilog.design import MEMORY, REGISTER, Bit, Bits, Cell, FlatDesign, register_bits


@dataclass(frozen=True)
class Memory:
    """What a memory holds in the clock and then, its places, and the bits of their numbers."""

    now: Term
    after: Term
    places: int
    address_bits: int


class Step:
    """``inner`` is the module that is not looked into: whatever leaves it is free. ``names`` are those of nets.

    What memories give is told by ``facts``, which hold of every clock.
    """

    def __init__(self, design: FlatDesign, names: Mapping[str, Bits], inner: str, words: Words) -> None:
        self._words, self._names = words, names
        self._design = replace(design, cells=tuple(_without_x(design.cells)))
        self._registers = register_bits(self._design)
        found = [cell for cell in self._design.cells if cell.kind == inner]
        if len(found) != 1:
            raise NotClosedError(f"{inner} stands {len(found)} times in the Verilog, and not once")
        self.inner = found[0]
        self._memories = {cell.name: cell for cell in self._design.cells if cell.kind == MEMORY}
        self._held = {name: self._memory(cell) for name, cell in self._memories.items()}
        logic = [cell for cell in self._design.cells if cell.kind not in (REGISTER, MEMORY, inner)]
        self._circuit = Circuit(words, logic, {bits: words.free(len(bits)) for bits in self._free(logic)})
        self.facts = [self._read(name) for name in self._memories]

    def port(self, name: str) -> Term:
        """What is on a port of the design."""
        return self.word(_found(self._design.ports, name))

    def pin(self, name: str) -> Term:
        """What is on a pin of the inner module."""
        return self.word(_found({**self.inner.reads, **self.inner.drives}, name))

    def word(self, bits: Bits) -> Term:
        """What is on some nets."""
        return self._circuit.word(bits)

    def named(self, name: str) -> Bits:
        """The nets of this name."""
        if name not in self._names:
            raise NotClosedError(f"there is no {name} in the Verilog, which is part of how its queues are proved")
        return self._names[name]

    def next(self, name: str) -> Term:
        """What a register becomes."""
        bits = self.named(name)
        if not all(bit in self._registers for bit in bits):
            raise NotClosedError(f"{name} in the Verilog is no register")
        return self.word(tuple(self._registers[bit] for bit in bits))

    def memory(self, name: str) -> Memory:
        """What a memory holds."""
        if name not in self._memories:
            raise NotClosedError(f"there is no memory {name} in the Verilog")
        cell, held = self._memories[name], self._held[name]
        place, data, enabled = (self.word(cell.reads[pin]) for pin in ("WR_ADDR", "WR_DATA", "WR_EN"))
        make = self._words.make
        before = make("ARRAY_SELECT", held, place)
        kept = make("BV_AND", before, make("BV_NOT", enabled))
        written = make("BV_OR", kept, make("BV_AND", data, enabled))
        after = make("ARRAY_STORE", held, place, written)
        return Memory(held, after, cell.number("SIZE"), cell.number("ABITS"))

    def _memory(self, cell: Cell) -> Term:
        numbers = "RD_PORTS", "WR_PORTS", "WR_CLK_ENABLE", "WR_CLK_POLARITY"
        alike = all(cell.number(name) == 1 for name in numbers) and not cell.number("RD_CLK_ENABLE")
        if not alike or cell.number("OFFSET") or cell.reads["WR_CLK"] != self._design.ports["clk"]:
            raise NotClosedError(f"the memory {cell.name} is not read through one port and written through one")
        return self._words.array(cell.number("ABITS"), cell.number("WIDTH"))

    def _free(self, logic: Iterable[Cell]) -> Iterator[Bits]:
        """Nets that may have any value: what no logic drives."""
        driven = {bit for cell in logic for bits in cell.drives.values() for bit in bits}
        yield from (bits for bits in self._design.ports.values() if driven.isdisjoint(bits))
        for cell in self._design.cells:
            if cell.kind == REGISTER:
                yield cell.drives["Q"]
            elif cell.kind == MEMORY:
                yield cell.drives["RD_DATA"]
            else:
                yield from (_open(bits) for bits in cell.reads.values() if _open(bits))
        yield from self.inner.drives.values()

    def _read(self, name: str) -> Term:
        cell, make = self._memories[name], self._words.make
        given = make("ARRAY_SELECT", self._held[name], self.word(cell.reads["RD_ADDR"]))
        return make("EQUAL", self.word(cell.drives["RD_DATA"]), given)


def _found(ports: Mapping[str, Bits], name: str) -> Bits:
    if name not in ports:
        raise NotClosedError(f"the Verilog has no port {name}")
    return ports[name]


def _open(bits: Bits) -> Bits:
    return tuple(bit for bit in bits if isinstance(bit, int) and bit < 0)


def _without_x(cells: Iterable[Cell]) -> Iterator[Cell]:
    """The same with a net of its own, of a negative number, for each bit that the Verilog leaves open."""
    fresh = count(-1, -1)

    def named(bit: Bit) -> Bit:
        return next(fresh) if bit == "x" else bit

    for cell in cells:
        yield replace(cell, reads={pin: tuple(map(named, bits)) for pin, bits in cell.reads.items()})
