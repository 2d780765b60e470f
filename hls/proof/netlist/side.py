"""One of the two circuits: its registers and ports by net, and its logic as nodes of an and-inverter graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hls.errors import ToolError
from hls.proof.netlist.adders import FullAdder, beside, read_adders
from hls.proof.netlist.aig import GATES, Aig, Literal
from hls.rtl.netlist.circuit import CONSTANTS, KINDS, PINS, numbered
from hls.rtl.netlist.gates import Gates

_UNKNOWN = (CONSTANTS.index("x"), CONSTANTS.index("z"))


@dataclass(frozen=True)
class Side:
    """A circuit with its ``gates`` to simulate, read from ``path``; ``label`` says which of the two it is.

    ``adders`` are full adders that are known among its gates.
    """

    label: str
    path: Path
    top: str
    gates: Gates
    adders: Sequence[FullAdder] = ()

    @property
    def files(self) -> list[Path]:
        """All that it was read from."""
        return [path for path in (self.path, beside(self.path)) if path.is_file()]

    @cached_property
    def ports(self) -> Mapping[str, tuple[int, ...]]:
        """Nets of each port."""
        return {name: tuple(numbered(bits).tolist()) for name, bits in self.gates.ports.items()}

    @cached_property
    def following(self) -> Mapping[int, int]:
        """From the net of a register to the net that it takes at the clock's edge."""
        circuit = self.gates.circuit
        return dict(zip(circuit.registers.tolist(), circuit.following.tolist(), strict=True))

    @cached_property
    def names(self) -> Mapping[int, str]:
        """What the file calls the nets of registers: the shortest of the names of each."""
        module = json.loads(self.path.read_text(encoding="utf-8"))["modules"][self.top]
        known: dict[int, str] = {}
        for name, entry in module["netnames"].items():
            first = entry.get("offset", 0)
            for place, net in enumerate(numbered(entry["bits"]).tolist()):
                bit = f"{name}[{place + first}]"
                if net in self.following and (net not in known or len(bit) < len(known[net])):
                    known[net] = bit
        return known

    def place(self, net: int) -> int:
        """Where a net stands in an order in which each comes after those that it depends on."""
        return int(self.gates.rows_of(np.array(net)))

    def registers_on_the_way(self, net: int) -> int:
        """The most registers between the inputs and a net; raises ``ToolError`` where data go round."""
        known: dict[int, int] = {}
        waiting, entered = [net], set[int]()
        while waiting:
            now = waiting[-1]
            before = self._before(now)
            missing = [other for other in before if other not in known]
            if not missing:
                known[now] = max((known[other] for other in before), default=0) + (now in self.following)
                waiting.pop()
            elif now in entered:
                raise ToolError(f"{self.path}: the {self.label} is no pipeline: data go round")
            else:
                entered.add(now)
                waiting += missing
        return known[net]

    def _before(self, net: int) -> Sequence[int]:
        if net in self.following:
            return (self.following[net],)
        driver = self.driver(net)
        return () if driver is None else driver[1]

    def name(self, net: int) -> str:
        """What a register is called in messages."""
        return self.names.get(net, f"register {net}")

    def logic(self, aig: Aig, variables: Callable[[int], Literal | None]) -> Logic:
        """The logic between ``variables``, a literal for each net where cones begin, built in ``aig`` on demand."""
        return Logic(self, aig, variables)

    @cached_property
    def _drivers(self) -> Mapping[int, int]:
        return {net: gate for gate, net in enumerate(self.gates.circuit.output.tolist())}

    @cached_property
    def _operands(self) -> Sequence[Sequence[int]]:
        return self.gates.circuit.operands.tolist()  # type: ignore[no-any-return]

    def driver(self, net: int) -> tuple[str, Sequence[int]] | None:
        """The kind of the gate that drives a net and the nets at its pins; None where no gate does."""
        gate = self._drivers.get(net)
        if gate is None:
            return None
        kind = KINDS[self.gates.circuit.kind[gate]]
        return kind, self._operands[gate][: len(PINS[kind])]


class Logic:
    """Literals of the nets of a ``Side``. What nobody drives is a variable: nothing may depend on it.

    An x or z that a gate reads is a variable of its own for each pin.
    """

    def __init__(self, side: Side, aig: Aig, variables: Callable[[int], Literal | None]) -> None:
        self._side = side
        self._aig = aig
        self._variables = variables
        self._known: dict[int, Literal] = {0: 0, 1: 1}
        self.free: list[Literal] = []

    def equate(self, net: int, literal: Literal) -> None:
        """A net is known to be ``literal``: what is built from now on reads that."""
        self._known[net] = literal

    def literal(self, net: int) -> Literal:
        """The literal of a net, and of all that it depends on; raises ``ToolError`` where it depends on itself."""
        if net in _UNKNOWN:
            return self._free()
        waiting, open_nets = [net], set[int]()
        while waiting:
            now = waiting[-1]
            if now in self._known:
                waiting.pop()
                continue
            read = self._reads(now)
            if read is None:
                waiting.pop()
                continue
            missing = [net for net in read[1] if net not in self._known and net not in _UNKNOWN]
            if not missing:
                pins = [self._free() if net in _UNKNOWN else self._known[net] for net in read[1]]
                self._known[now] = GATES[read[0]](self._aig, *pins)
                waiting.pop()
            elif now in open_nets:
                raise ToolError(f"{self._side.path}: bit {now - len(CONSTANTS)} drives itself")
            else:
                open_nets.add(now)
                waiting += missing
        return self._known[net]

    def _reads(self, net: int) -> tuple[str, Sequence[int]] | None:
        """The gate behind a net, unless the cone begins there."""
        variable = self._variables(net)
        if variable is not None:
            self._known[net] = variable
            return None
        driver = self._side.driver(net)
        if driver is None:
            self._known[net] = self._free()
        return driver

    def _free(self) -> Literal:
        self.free.append(self._aig.variable())
        return self.free[-1]


def read_side(label: str, path: Path, top: str) -> Side:
    """Read a file of gates; raises ``ToolError`` if it holds anything else."""
    return Side(label, path, top, Gates(path, top), read_adders(path))
