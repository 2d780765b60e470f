"""Two circuits cut at their registers, and the cones between the cuts proved equal.

Registers of one class, of both circuits, are one variable. Where each of them then takes the same bit at the clock's
edge, and every output is the same, the circuits are equal from a few clocks after power-up on, whatever their registers
woke up with: the classes are proved in the order in which data pass them (C. A. J. van Eijk, IEEE Trans. CAD 19 (2000)
814, for pipelines).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hls.proof.netlist.aig import Aig, Literal, cones, evaluate, support
from hls.proof.netlist.correspondence import Classes, Held, Member, output_name
from hls.proof.netlist.remembered import Remembered
from hls.proof.netlist.settling import Verdict, settle
from hls.proof.netlist.side import Side
from hls.proof.netlist.sums import join
from hls.proof.subject import Deadline, NotClosedError
from hls.rtl import Design

_LARGEST = 5_000
"""Nodes of one job: ABC takes seconds for so many, and minutes for ten times as many."""
_FIRST_TRY = 20.0
"""Seconds for a job before all others have been tried."""
_SIDE_BY_SIDE = 2

Progress = Callable[[int, int], None]
"""Told how many targets are proved, of how many."""


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

    def add(self, target: Target, verdict: Verdict, shown_by: Mapping[int, bool]) -> None:
        """What became of one more target."""
        if verdict == "equal":
            self.equal += 1
        elif verdict == "open":
            self.open.append(target)
        else:
            self.different.append((target, shown_by))


class Cut:
    """Both circuits in one and-inverter graph, cut at the registers of ``classes``."""

    def __init__(self, sides: Sequence[Side], outputs: Sequence[tuple[int, int]], inputs: Sequence[tuple[int, int]],
                 classes: Classes, seen: Sequence[Mapping[int, Held]], deadline: Deadline) -> None:  # fmt: skip
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
        if all(side.adders for side in sides):
            join(self.aig, sides, self.logic, seen, deadline)
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

    def first_net(self, number: int) -> int:
        """The net of a class's first register; of an output its place."""
        return -number if number < 0 or not self.classes.members[number] else self.classes.members[number][0].net

    def where(self, found: Findings, design: Design) -> str:
        """The first target, on the way from the inputs, that is not proved."""
        order = self.order()

        def place(target: Target) -> tuple[int, bool, int]:
            return order.get(target.number, len(order)), target.member is None, abs(target.number)

        target = min([*found.open, *(target for target, _ in found.different)], key=place)
        if target.member is None:
            return f"{output_name(design, -target.number - 1)}{self._alone(target)}"
        stage = f", stage {order[target.number]}" if target.number in order else ""
        return f"{self._called(target.member)}{stage}{self._alone(target)}"

    def _called(self, member: Member) -> str:
        side = self.sides[member.side]
        return f"register {side.name(member.net)} of the {side.label}"

    def _alone(self, target: Target) -> str:
        """The first register that a target reads and that none of the other circuit is known to equal."""
        number_of = {literal >> 1: number for number, literal in self.variables.items() if number}
        for node in support(self.aig, target.pair):
            members = self.classes.members[number_of[node]] if node in number_of else []
            if len({member.side for member in members}) == 1:
                return f", which reads {self._called(members[0])}, for which the other side has none"
        return ""

    def check_order(self) -> None:
        """Raise ``NotClosedError`` where registers read themselves: then what is proved of each proves nothing of all.

        Such a ring may be one of classes that are wrong, and fall apart.
        """
        if len(self.order()) < len(self.variables):
            raise NotClosedError("registers wait for each other in a ring, which a pipeline has none of")

    def order(self) -> dict[int, int]:
        """Classes by the longest way from the inputs; those that read themselves are left out."""
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
                break
            for number in ready:
                depth[number] = 1 + max((depth[r] for r in left[number]), default=0)
            left = {number: read for number, read in left.items() if number not in depth}
        return depth


class Solver:
    """Settles the targets of cuts, in jobs side by side; a pair whose equal was proved before is not asked again."""

    def __init__(self, deadline: Deadline, progress: Progress, proved: Remembered) -> None:
        self._deadline = deadline
        self._progress = progress
        self._proved = proved

    def solve(self, cut: Cut) -> Findings:
        """All targets of ``cut``. None may keep the others from being tried: what is left open has a second try."""
        marks = _marks(cut)
        keys = {target: _mark(marks, target.pair) for target in cut.targets if target.pair[0] != target.pair[1]}
        asked = [target for target, key in keys.items() if key not in self._proved]
        found = Findings(all=len(cut.targets), equal=len(cut.targets) - len(asked))
        self._settle(cut, asked, _FIRST_TRY, found, keys)
        if found.open and not found.different:
            left, found.open = found.open, []
            self._settle(cut, left, self._deadline.left * _SIDE_BY_SIDE / len(left), found, keys)
        return found

    def _settle(
        self, cut: Cut, targets: Sequence[Target], seconds: float, found: Findings, keys: Mapping[Target, str]
    ) -> None:
        made = [(group, cones(cut.aig, [target.pair for target in group])) for group in _jobs(cut, targets)]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            results = pool.map(lambda job: settle(job[1], Deadline(min(seconds, self._deadline.left))), made)
            for (group, job), settled in zip(made, results, strict=True):
                for target, result in zip(group, settled, strict=True):
                    shown = {job.origin[node]: value for node, value in result.shown_by.items()}
                    found.add(target, result.verdict, shown)
                self._proved.add(keys[t] for t, r in zip(group, settled, strict=True) if r.verdict == "equal")
                self._progress(found.equal, found.all)


def _mark(marks: Sequence[bytes], pair: tuple[Literal, Literal]) -> str:
    """What stands for a pair: the same in every cut that has it."""
    text = b"".join(marks[literal >> 1] + b"%d" % (literal & 1) for literal in pair)
    return hashlib.blake2b(text, digest_size=20).hexdigest()


def _marks(cut: Cut) -> list[bytes]:
    """For each node of a cut what it computes by structure: the same in every cut, however its nodes are numbered."""
    names = {literal >> 1: f"input {place}" for place, literal in enumerate(cut.inputs)}
    names |= {literal >> 1: f"class {cut.classes.name(n)}" for n, literal in cut.variables.items() if n}
    marks = [b"0"]
    for node in range(1, len(cut.aig)):
        read = cut.aig.left[node], cut.aig.right[node]
        if read[0] < 0:
            # A proof holds of any variables, so that what nobody drives needs no name that lasts.
            text = names.get(node, f"free {node}").encode()
        else:
            text = b"".join(sorted(marks[literal >> 1] + b"%d" % (literal & 1) for literal in read))
        marks.append(hashlib.blake2b(text, digest_size=20).digest())
    return marks


def _jobs(cut: Cut, targets: Sequence[Target]) -> Iterator[list[Target]]:
    """Targets of one register stage and of neighbouring bits together, as they share their logic, up to a size."""
    order = cut.order()
    place = {target: (order.get(target.number, 0), cut.first_net(target.number)) for target in targets}
    group, nodes, depth = list[Target](), set[int](), 0
    for target in sorted(targets, key=lambda target: place[target]):
        more = set(support(cut.aig, target.pair))
        if group and (place[target][0] != depth or len(nodes | more) > _LARGEST):
            yield group
            group, nodes = [], set()
        depth = place[target][0]
        group.append(target)
        nodes |= more
    if group:
        yield group


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
