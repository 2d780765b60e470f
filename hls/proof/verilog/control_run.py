"""The record of a run of control: each of its bits at each clock, and what follows from them for data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Bit, Bits, Cell, FlatDesign
from hls.proof.verilog.evaluation import UNKNOWN

NO_VALUE = ord(UNKNOWN)
"""Of a bit in the record: a register before its first value, or what depends on one."""
_LEVELS = ord("0"), ord("1")

Clocks = npt.NDArray[np.int64]


@dataclass
class Run:
    """``table`` is (clocks, nets): the character of each bit, or ``NO_VALUE``; ``nets`` gives columns."""

    design: FlatDesign
    nets: Mapping[Bit, int]
    table: npt.NDArray[np.uint8]
    _when: dict[tuple[Bit, int], Clocks] = field(default_factory=dict)
    _writes: dict[str, dict[int, Clocks]] = field(default_factory=dict)

    @classmethod
    def of(cls, design: FlatDesign, nets: Mapping[Bit, int], rows: Iterable[bytes]) -> Run:
        """The run of which these are the clocks."""
        table = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, len(nets))
        return cls(design, nets, np.asfortranarray(table))

    def value(self, bit: Bit, clock: int) -> str:
        """A bit of control at ``clock``."""
        return chr(self.table[clock, self.nets[bit]])

    def bit(self, bit: Bit, clock: int) -> str | None:
        """A bit at ``clock``; None of one that depends on data."""
        if isinstance(bit, str):
            return bit
        return self.value(bit, clock) if bit in self.nets else None

    def bits(self, nets: npt.NDArray[np.int64], clocks: Clocks) -> npt.NDArray[np.uint8]:
        """Many bits, each at its clock."""
        columns = np.zeros(int(nets.max(initial=0)) + 1, np.int64)
        different = np.unique(nets)
        columns[different] = [self.nets[int(net)] for net in different]
        found: npt.NDArray[np.uint8] = self.table[clocks, columns[nets]]
        return found

    def word(self, bits: Bits, clock: int) -> int | None:
        """A number at ``clock``; None if it has no value there, or depends on data."""
        value = 0
        for place, bit in enumerate(bits):
            known = self.bit(bit, clock)
            if known not in ("0", "1"):
                return None
            value |= int(known) << place
        return value

    def states(self, registers: Sequence[int], clocks: Sequence[int]) -> list[bytes]:
        """Some columns at each of some clocks."""
        return [row.tobytes() for row in self.table[np.ix_(list(clocks), list(registers))]]

    def last(self, bit: Bit, level: int, clock: int) -> int | None:
        """The last clock, up to ``clock``, at which a bit was ``level``; None if it never was, or may have been later.

        It may have been where it has no value.
        """
        found = _latest(self._clocks(bit, level), clock)
        return None if found is None or self.table[found, self.nets[bit]] == NO_VALUE else found

    def written(self, memory: Cell, address: int, clock: int) -> int | None:
        """The last clock before ``clock`` at which ``memory`` was written at ``address``; None if it never was.

        Raises:
            NotClosedError: when or where it is written depends on data.
        """
        if memory.name not in self._writes:
            self._writes[memory.name] = self._all_writes(memory)
        found = self._writes[memory.name].get(address)
        return None if found is None else _latest(found, clock - 1)

    def _clocks(self, bit: Bit, level: int) -> Clocks:
        key = bit, level
        if key not in self._when:
            column = self.table[:, self.nets[bit]]
            self._when[key] = np.flatnonzero((column == _LEVELS[level]) | (column == NO_VALUE))
        return self._when[key]

    def _all_writes(self, memory: Cell) -> dict[int, Clocks]:
        enables = [bit for bit in memory.reads["WR_EN"] if bit != "1"]
        one = all(memory.number(name) == 1 for name in ("RD_PORTS", "WR_PORTS", "WR_CLK_ENABLE", "WR_CLK_POLARITY"))
        if not one or memory.number("RD_CLK_ENABLE") or memory.reads["WR_CLK"] != self.design.ports["clk"]:
            raise NotClosedError(
                f"the memory {memory.name} is not read through one port and written through one, clocked"
            )
        if not enables:
            raise NotClosedError(f"the memory {memory.name} is written at every clock")
        if not all(bit in self.nets for bit in enables):
            raise NotClosedError(f"when the memory {memory.name} is written depends on data")
        columns = self.table[:, [self.nets[bit] for bit in enables]]
        if (columns != columns[:, :1]).any():
            raise NotClosedError(f"the memory {memory.name} is not written a word at once")
        if (columns[1:, 0] == NO_VALUE).any():
            raise NotClosedError(f"when the memory {memory.name} is written has no value after a reset")
        enable = enables[0]
        clocks: dict[int, list[int]] = defaultdict(list)
        for clock in self._clocks(enable, 1).tolist():
            address = self.word(memory.reads["WR_ADDR"], clock)
            if address is None and clock:
                raise NotClosedError(f"where the memory {memory.name} is written depends on data")
            clocks[address or 0].append(clock)
        return {address: np.array(found) for address, found in clocks.items()}


def _latest(clocks: Clocks, until: int) -> int | None:
    place = int(np.searchsorted(clocks, until, "right"))
    return int(clocks[place - 1]) if place else None
