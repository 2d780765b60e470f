"""Which layer of the network an operation of the written Verilog computes a part of."""

from __future__ import annotations

import re
from collections.abc import Container, Hashable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate
from typing import Protocol

from hls.rtl.logic import Logic
from hls.rtl.pipeline import Pipelining
from hls.rtl.program import Bounds, Opcode, Program
from hls.rtl.rtl_project import cut
from hls.rtl.wiring import core_names

Layers = tuple[str | None, ...]
"""Of operations or bits, in their order; None for inputs, which no layer makes."""


class Named(Protocol):
    """A bit of a wire: ``core.logic3.v14`` is alkaid's name in a core's module, ``core.stage3_inp`` that of a register
    of results before it."""

    @property
    def name(self) -> str:
        """The wire."""

    @property
    def bit(self) -> int:
        """The bit."""


def layers_between(
    begin: Sequence[Named], end: Sequence[Named], logic: Logic, clock_ns: float, pipelining: Pipelining | None
) -> tuple[str, ...]:
    """Layers through which data pass from one register to the next, in their order; none if it is not known.

    ``begin`` and ``end`` are names of what the two hold in the Verilog that ``write_in`` writes of ``logic``, which was
    traced ``with_layers``.
    """
    for name, core in zip(core_names(logic), logic.cores, strict=True):
        stages = list(cut(_numbered(core.comb), clock_ns, False, pipelining).logic.values())
        for number, program in enumerate(stages):
            first = _inputs(begin, name, number, program)
            after = _inputs(end, name, number + 1, stages[number + 1]) if number + 1 < len(stages) else ()
            last = {program.out_idxs[n] for n in after or _outputs(end, name, core.comb, number + 1 == len(stages))}
            if first and last:
                return _passed(program, first, last, core.layers)
    return ()


def _numbered(program: Program) -> Program:
    """With the number of each operation, from 1 on, as its cost, which stays with it wherever it goes."""
    return program._replace(ops=[op._replace(cost=float(n)) for n, op in enumerate(program.ops, start=1)])


def _inputs(names: Sequence[Named], core: str, stage: int, program: Program) -> set[int]:
    """Inputs of a stage that one of the names stands for; all that an operation reads for a wire inside of it."""
    found: set[int] = set()
    for name in names:
        if name.name == f"{core}.{f'stage{stage}_inp' if stage else 'model_inp_reg'}":
            found.add(_place(program.inp_qint, name.bit))
        elif match := re.fullmatch(rf"{core}\.logic{stage}\.(v|op_)(\d+)(?:\.(.*))?", name.name):
            number = int(match[2])
            read = program.ops[number].addr
            of = (number,) if match[1] == "v" else _ports(read).get(match[3], read)
            found |= {program.ops[n].data[0] for n in of if program.ops[n].opcode == Opcode.INPUT}
    return found


def _outputs(names: Sequence[Named], core: str, program: Program, is_last: bool) -> set[int]:
    """Outputs of a core that one of the names stands for."""
    return {_place(program.out_qint, name.bit) for name in names if is_last and name.name == f"{core}.model_out"}


def _ports(addresses: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The operations that each port of an instance reads."""
    ports = {"in": addresses[:1], "key": addresses[-1:]}
    return ports | {f"in{place}": (of,) for place, of in enumerate(addresses)}


def _place(bounds: Sequence[Bounds], bit: int) -> int:
    """The number of the value that has the bit."""
    ends = list(accumulate(sum(of.kif) for of in bounds))
    return next(place for place, end in enumerate(ends) if bit < end)


def _passed(program: Program, first: Container[int], last: AbstractSet[int], layers: Layers) -> tuple[str, ...]:
    reached: set[int] = set()
    for number, op in enumerate(program.ops):
        begins = op.opcode == Opcode.INPUT and op.data[0] in first
        if begins or not reached.isdisjoint(op.addr):
            reached.add(number)
    needed = set(last)
    for number in reversed(range(len(program.ops))):
        if number in needed:
            needed.update(program.ops[number].addr)
    costs = [int(program.ops[number].cost) for number in sorted(reached & needed) if program.ops[number].addr]
    return tuple(dict.fromkeys(layer for cost in costs if (layer := layers[cost - 1]) is not None))


def layers_of(program: Program, watched: Program, outputs: Sequence[str]) -> Layers:
    """The layer of each operation of ``program``: the first that needs it. Inputs have none.

    ``watched`` computes the same, and writes the elements of every layer, in the order of the layers, which ``outputs``
    names.
    """
    same: dict[Hashable, int] = {}
    keys = _keys(watched, same)
    found: dict[int, str] = {}
    for output, layer in zip(watched.out_idxs, outputs, strict=True):
        for number in _before(watched, output, found, keys):
            found[keys[number]] = layer
    return tuple(found.get(key) for key in _keys(program, same))


def _keys(program: Program, same: dict[Hashable, int]) -> list[int]:
    """A number for each operation, the same for those that do the same with the same; ``same`` is added to."""
    keys: list[int] = []
    for op in program.ops:
        # Which table it is depends on how many others there are.
        data = () if op.opcode == Opcode.LOOKUP else op.data
        key = (op.opcode, data, tuple(keys[i] for i in op.addr))
        keys.append(same.setdefault(key, len(same)))
    return keys


def _before(program: Program, last: int, found: Container[int], keys: Sequence[int]) -> Iterator[int]:
    """Operations that lead to ``last``, itself included, and are neither inputs nor among ``found`` yet."""
    waiting = [last]
    while waiting:
        number = waiting.pop()
        op = program.ops[number]
        if op.opcode != Opcode.INPUT and keys[number] not in found:
            yield number
            waiting += op.addr
