"""Two circuits cut at their registers, and the cones between the cuts proved equal.

Registers of one class, of both circuits, are one variable. Where each of them then takes the same bit at the clock's
edge, and every output is the same, the circuits are equal from a few clocks after power-up on, whatever their registers
woke up with: the classes are proved in the order in which data pass them (C. A. J. van Eijk, IEEE Trans. CAD 19 (2000)
814, for pipelines).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hls.proof.netlist.aig import Aig, Literal, cones, evaluate, support
from hls.proof.netlist.correspondence import Classes, Member
from hls.proof.netlist.settling import settle
from hls.proof.netlist.side import Side
from hls.proof.subject import Deadline, NotClosedError


@dataclass(frozen=True)
class Target:
    """Two nets that are to be equal: what a member of class ``number`` takes, or bit ``-number - 1`` of the outputs.

    ``member`` is None for an output.
    """

    number: int
    member: Member | None
    pair: tuple[Literal, Literal]


@dataclass
class Findings:
    """What is known of the targets: ``equal`` and ``open`` ones by (class, net), with those that differ."""

    equal: int = 0
    all: int = 0
    open: list[Target] = field(default_factory=list)
    different: list[tuple[Target, Mapping[int, bool]]] = field(default_factory=list)


class Cut:
    """Both circuits in one and-inverter graph, cut at the registers of ``classes``."""

    def __init__(self, sides: Sequence[Side], outputs: Sequence[tuple[int, int]], inputs: Sequence[tuple[int, int]],
                 classes: Classes) -> None:  # fmt: skip
        self.sides = sides
        self.classes = classes
        self.aig = Aig()
        self.inputs = [self.aig.variable() for _ in inputs]
        self.variables: dict[int, Literal] = {0: 0}
        self._number = {(m.side, m.net): (n, m.flipped) for n, members in enumerate(classes.members) for m in members}
        self._ports = [
            {pair[side]: literal for pair, literal in zip(inputs, self.inputs, strict=True)} for side in (0, 1)
        ]
        self.logic = [side.logic(self.aig, self._at(number)) for number, side in enumerate(sides)]
        self.targets = list(self._targets(outputs))

    def _at(self, side: int) -> Callable[[int], Literal | None]:
        def variable(net: int) -> Literal | None:
            if net in self._ports[side]:
                return self._ports[side][net]
            known = self._number.get((side, net))
            return None if known is None else self.held(known[0]) ^ known[1]

        return variable

    def held(self, number: int) -> Literal:
        """The variable of a class."""
        if number not in self.variables:
            self.variables[number] = self.aig.variable()
        return self.variables[number]

    def next(self, member: Member) -> Literal:
        """What the class of a register becomes, by that register."""
        side = self.sides[member.side]
        return self.logic[member.side].literal(side.following[member.net]) ^ member.flipped

    def _targets(self, outputs: Sequence[tuple[int, int]]) -> Iterator[Target]:
        for place, nets in enumerate(outputs):
            pair = self.logic[0].literal(nets[0]), self.logic[1].literal(nets[1])
            yield Target(-place - 1, None, pair)
        done = {0} if not self.classes.members[0] else set[int]()
        while waiting := sorted(self.variables.keys() - done):
            for number in waiting:
                done.add(number)
                members = self.classes.members[number]
                first = 0 if number == 0 else self.next(members[0])
                for member in members if number == 0 else members[1:]:
                    yield Target(number, member, (first, self.next(member)))

    @property
    def floating(self) -> bool:
        """Whether something depends on bits that nobody drives."""
        return any(logic.free for logic in self.logic)

    def where(self, found: Findings) -> str:
        """The first target, on the way from the inputs, that is not proved."""
        order = self.order()
        failed = [*found.open, *(target for target, _ in found.different)]
        target = min(failed, key=lambda target: order.get(target.number, len(order)))
        if target.member is None:
            return "an output"
        side = self.sides[target.member.side]
        return f"register {side.name(target.member.net)} of the {side.label}, stage {order[target.number]}"

    def order(self) -> dict[int, int]:
        """Classes by the longest way from the inputs; raises ``NotClosedError`` where registers read themselves."""
        node_of = {literal >> 1: number for number, literal in self.variables.items() if number}
        reads: dict[int, set[int]] = {number: set() for number in self.variables}
        for target in self.targets:
            if target.member is not None:
                reads[target.number] |= {node_of[n] for n in support(self.aig, target.pair) if n in node_of}
        depth: dict[int, int] = {}
        left = dict(reads)
        while left:
            ready = [number for number, read in left.items() if all(r in depth for r in read)]
            if not ready:
                raise NotClosedError("registers wait for each other in a ring, which a pipeline has none of")
            for number in ready:
                depth[number] = 1 + max((depth[r] for r in left[number]), default=0)
            left = {number: read for number, read in left.items() if number not in depth}
        return depth


def solve(cut: Cut, deadline: Deadline, progress: Callable[[int, int], None]) -> Findings:
    """All targets of ``cut``, register after register in the order of the pipeline."""
    found = Findings(all=len(cut.targets))
    asked = [target for target in cut.targets if target.pair[0] != target.pair[1]]
    found.equal = found.all - len(asked)
    for group in _jobs(cut, asked):
        made = cones(cut.aig, [target.pair for target in group])
        for target, result in zip(group, settle(made, deadline), strict=True):
            if result.verdict == "equal":
                found.equal += 1
            elif result.verdict == "open":
                found.open.append(target)
            else:
                shown = {made.origin[node]: value for node, value in result.shown_by.items()}
                found.different.append((target, shown))
        progress(found.equal, found.all)
    return found


def _jobs(cut: Cut, targets: Sequence[Target]) -> Iterator[list[Target]]:
    """Targets of one register stage together, as they share their logic."""
    order = cut.order()
    by_depth: dict[int, list[Target]] = {}
    for target in targets:
        by_depth.setdefault(order.get(target.number, 0), []).append(target)
    yield from (by_depth[depth] for depth in sorted(by_depth))


def refine(cut: Cut, different: Sequence[tuple[Target, Mapping[int, bool]]]) -> bool:
    """Split classes whose registers take different bits in some state; whether any is split."""
    split = False
    for target, shown in different:
        if target.member is None:
            continue
        members = cut.classes.members[target.number]
        if target.member not in members:
            continue  # split already
        values = evaluate(cut.aig, [cut.next(member) for member in members], shown)
        first = values[0] if target.number else False
        groups = [[m for m, v in zip(members, values, strict=True) if v == wanted] for wanted in (first, not first)]
        if groups[1]:
            cut.classes.split(target.number, groups)
            split = True
    return split
