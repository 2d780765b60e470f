"""What happens at which clock whatever the data are: the cells and registers that read no data, run clock by clock.

Data are the ports but for the clock, the reset and the handshake, all that memories give, and whatever depends on
these. The rest is a small machine without inputs but ``valid_in``: its run tells of each multiplexer what it chooses,
of each memory what it reads and writes, and when an event is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat

from hls.proof.subject import NotClosedError
from hls.proof.verilog.control_machine import Machine
from hls.proof.verilog.control_run import NO_VALUE, Run
from hls.proof.verilog.design import MEMORY, REGISTER, Bit, Bits, Cell, FlatDesign, register_bits

CONTROL_PORTS = ("clk", "rst", "valid_in")


class Control:
    """Cells and registers of a design that read no data; ``cells`` stand in the order in which they are computed."""

    def __init__(self, design: FlatDesign, registers: dict[Bit, Bit], cells: Sequence[Cell]) -> None:
        self.design = design
        self._registers = registers
        self._cells = cells
        self._makers = {bit: cell for cell in cells for bits in cell.drives.values() for bit in bits}
        ports = (bit for port in CONTROL_PORTS for bit in design.ports[port])
        known = {bit for bit in (*registers, *self._makers, *ports) if isinstance(bit, int)}
        words = [[bit for bit in word if bit in known] for word in self._words()]
        self._machine_words = [tuple(word) for word in words if word]
        ordered = [bit for word in self._machine_words for bit in word]
        self.nets: Mapping[Bit, int] = {bit: column for column, bit in enumerate(ordered)}
        """Columns of the record of a run."""

    def _words(self) -> Iterator[Iterable[Bit]]:
        """Bits that change together."""
        yield from ([bit] for port in CONTROL_PORTS for bit in self.design.ports[port])
        for cell in self.design.cells:
            if cell.kind == REGISTER:
                yield [bit for bit in cell.drives["Q"] if bit in self._registers]
        yield from (bits for cell in self._cells for bits in cell.drives.values())

    def _deciding(self, bits: Iterable[Bit]) -> set[Bit]:
        """All that decides what ``bits`` are, now and ever after."""
        stack = [bit for bit in bits if bit in self.nets]
        met = set(stack)
        while stack:
            bit = stack.pop()
            before = (self._registers[bit],) if bit in self._registers else _read(self._makers.get(bit))
            fresh = {other for other in before if other in self.nets} - met
            met |= fresh
            stack += fresh
        return met

    def only(self, bits: Iterable[Bit]) -> Control:
        """No more of it than decides what ``bits`` are."""
        met = self._deciding(bits)
        registers = {q: d for q, d in self._registers.items() if q in met}
        names = {self._makers[bit].name for bit in met if bit in self._makers}
        return Control(self.design, registers, [cell for cell in self._cells if cell.name in names])

    def state(self, bits: Iterable[Bit]) -> list[int]:
        """Columns of the registers that decide what ``bits`` are, now and ever after."""
        return sorted(self.nets[bit] for bit in self._deciding(bits) if bit in self._registers)

    def rows(self, sent: Iterable[bool], watched: Container[Bit] | None = None) -> Iterator[bytes]:
        """The record of a run: a clock of reset, and then one for each of ``sent``, at which ``valid_in`` is that.

        With bits that are ``watched`` it raises ``NotClosedError`` unless they, and what control does later, are the
        same whatever ``valid_in`` is where no event is taken: in a reset, and while ``ready_in`` is low.
        """
        machine = Machine(self._machine_words, self._registers, self._cells)
        (rst,), (valid,) = (self.design.ports[name] for name in ("rst", "valid_in"))
        for reset, given in chain([(1, 0)], ((0, int(flag)) for flag in sent)):
            machine.put(rst, reset)
            machine.put(valid, given)
            machine.settle()
            row = bytes(machine.bits)
            if (
                watched is not None
                and (reset or not self.is_high("ready_in", row))
                and not machine.is_free_of(valid, watched)
            ):
                when = "in a reset" if reset else "while ready_in is low"
                raise NotClosedError(f"valid_in changes what the design does {when}, when no event is taken")
            yield row
            machine.clock()

    def is_high(self, port: str, row: bytes) -> bool:
        """Whether a port of one bit is high in a clock of a run, in which it must have a value."""
        (bit,) = self.design.ports[port]
        if isinstance(bit, str):
            return bit == "1"
        if bit not in self.nets:
            raise NotClosedError(f"{port} depends on data")
        level = row[self.nets[bit]]
        if level == NO_VALUE:
            raise NotClosedError(f"{port} has no value after a reset")
        return level == ord("1")

    def run(self, rows: Iterable[bytes]) -> Run:
        """Rows of a run as one table."""
        return Run.of(self.design, self.nets, rows)


def control_of(design: FlatDesign) -> Control:
    """The part of ``design`` that reads no data.

    Raises:
        NotClosedError: a register has another clock than the design, or logic reads what it computes.
    """
    registers = register_bits(design)
    data = _reached(design, registers)
    kept: dict[Bit, Bit] = {q: d for q, d in registers.items() if isinstance(q, int) and q not in data}
    return Control(design, kept, _in_order(design, data))


def _read(cell: Cell | None) -> Bits:
    return () if cell is None else tuple(bit for bits in cell.reads.values() for bit in bits)


def _reached(design: FlatDesign, registers: Mapping[Bit, Bit]) -> set[Bit]:
    """Bits that depend on data."""
    readers: dict[Bit, list[Bits]] = defaultdict(list)  # what is driven by those that read a bit
    driven = set(registers)
    for cell in design.cells:
        if cell.kind != REGISTER:
            made = tuple(bit for bits in cell.drives.values() for bit in bits)
            driven.update(made)
            for bit in {bit for bits in cell.reads.values() for bit in bits if isinstance(bit, int)}:
                readers[bit].append(made)
    for q, d in registers.items():
        readers[d].append((q,))
    ports = [bit for name, bits in design.ports.items() if name not in CONTROL_PORTS for bit in bits]
    stack = [bit for bit in ports if bit not in driven]
    stack += [bit for cell in design.cells if cell.kind == MEMORY for bit in cell.drives["RD_DATA"]]
    found = set(stack)
    while stack:
        for made in readers.pop(stack.pop(), ()):
            if made and made[-1] not in found:
                found.update(made)
                stack += made
    return found


def _in_order(design: FlatDesign, data: set[Bit]) -> list[Cell]:
    """Cells of logic that read no data, each after those that it reads."""
    makers: dict[Bit, Cell] = {}
    for cell in design.cells:
        driven = [bit for bits in cell.drives.values() for bit in bits]
        if cell.kind not in (REGISTER, MEMORY) and driven and not data.intersection(driven):
            makers.update(dict.fromkeys(driven, cell))
    order: dict[str, Cell] = {}
    begun: set[str] = set()
    stack = list(makers.values())
    while stack:
        cell = stack[-1]
        if cell.name in order:
            stack.pop()
            continue
        read = {makers[bit].name: makers[bit] for bits in cell.reads.values() for bit in bits if bit in makers}
        left = [other for name, other in read.items() if name not in order]
        if not left:
            order[cell.name] = stack.pop()
            continue
        if any(other.name in begun for other in left):
            raise NotClosedError(f"{cell.name} reads what it computes, in the same clock")
        begun.add(cell.name)
        stack += left
    return list(order.values())


def paced(interval: int) -> Iterator[bool]:
    """``valid_in`` for events as close as they may come, without an end."""
    while True:
        yield True
        yield from repeat(False, interval - 1)
