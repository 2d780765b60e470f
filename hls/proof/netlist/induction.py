"""Two circuits in which data go round, cut at their registers: what holds after a reset, and from clock to clock.

The claim: whatever state a reset of a few clocks leaves the second circuit in, there is one that it may leave the first
in, from which both give the same at every clock. Where the first leaves a bit open (an ``x``, a word that is not
there), it may be either; where the second does, it must not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hls.proof.netlist.aig import FALSE, TRUE, Aig, Literal, support
from hls.proof.netlist.correspondence import Classes, Member, Run, classes_of
from hls.proof.netlist.equivalence import Cut, Findings, Solver, Target, refine
from hls.proof.netlist.matching import Matcher
from hls.proof.netlist.side import Side
from hls.proof.subject import Deadline
from hls.rtl import Design

RESET_CLOCKS = 4
"""So long is the reset from which on both are compared: constants pass a few registers that no reset clears."""
_ROUNDS = 40
"""How often classes may be split before it is given up."""

Nets = Sequence[tuple[int, int]]
"""Nets of both sides that stand for the same bit of a port."""


def induced(
    sides: Sequence[Side], design: Design, outputs: Nets, inputs: Nets, run: Run, deadline: Deadline, solver: Solver
) -> tuple[Findings, str | None]:
    """What is proved of ``sides`` after ``run``; and where it stopped, if it did.

    Registers are matched by what a reset of some clocks makes of them. Where a long one matches badly, a single clock
    may serve; what holds after that holds after more, since reset is an input like others.
    """
    long, short = ([_after_reset(side, clocks) for side in sides] for clocks in (RESET_CLOCKS, 1))
    best = _Matched.after(long, sides, design, run, deadline)
    if best.alone and _cleared(long) != _cleared(short):
        best = min(best, _Matched.after(short, sides, design, run, deadline), key=lambda matched: matched.alone)
    classes, matcher = best.classes, best.matcher
    for _ in range(_ROUNDS):
        _second_first(classes)
        cut = _LoopedCut(sides, outputs, inputs, classes, run.seen, deadline)
        found = solver.solve(cut)
        if not found.different or not deadline.left or not refine(cut, found.different):
            break
        matcher.split()
    if found.equal < found.all:
        return found, cut.where(found, design)
    odd = _unsettled(cut, best.left)
    return found, None if odd is None else f"register {sides[odd.side].name(odd.net)}, which no reset settles"


@dataclass(frozen=True)
class _Matched:
    """Registers matched by what is ``left`` in those of each side after a reset."""

    left: Sequence[Mapping[int, Literal]]
    classes: Classes
    matcher: Matcher

    @classmethod
    def after(
        cls, left: Sequence[Mapping[int, Literal]], sides: Sequence[Side], design: Design, run: Run, deadline: Deadline
    ) -> _Matched:
        """Matched after a reset that leaves this."""
        classes = classes_of(run)
        matcher = Matcher(sides, design, classes, deadline)
        matcher.match(left)
        return cls(left, classes, matcher)

    @property
    def alone(self) -> int:
        """Classes of which the second side has all registers: what they hold, the first is not known to have."""
        return sum(bool(group) and all(member.side for member in group) for group in self.classes.members[1:])


def _second_first(classes: Classes) -> None:
    """What a class takes is told by the second side: the first may leave bits open."""
    for members in classes.members:
        members.sort(key=lambda member: -member.side)


class _LoopedCut(Cut):
    """As ``Cut``, with what the first side leaves open chosen for each register by itself."""

    def _targets(self, outputs: Sequence[tuple[int, int]]) -> Iterator[Target]:
        targets = list(super()._targets(outputs))
        free = {literal >> 1 for literal in self.logic[0].free}
        reads = [free.intersection(support(self.aig, target.pair)) if free else set() for target in targets]
        readers = Counter(node for nodes in reads for node in nodes)
        for target, nodes in zip(targets, reads, strict=True):
            if nodes and all(readers[node] == 1 for node in nodes):
                yield replace(target, pair=(self._neither(target.pair, nodes), FALSE))
            else:
                yield target

    def _neither(self, pair: tuple[Literal, Literal], nodes: set[int]) -> Literal:
        """Whether the two differ, be all of ``nodes`` 0 or be they 1."""
        result = TRUE
        for value in (FALSE, TRUE):
            a, b = _with_values(self.aig, pair, dict.fromkeys(nodes, value))
            result = self.aig.conjunction(result, self.aig.difference(a, b))
        return result


def _with_values(aig: Aig, literals: Sequence[Literal], values: Mapping[int, Literal]) -> list[Literal]:
    """``literals`` where the nodes ``values`` are those constants."""
    made: dict[int, Literal] = {0: FALSE, **values}
    for node in support(aig, literals):
        if node in made:
            continue
        left, right = aig.left[node], aig.right[node]
        if left < 0:
            made[node] = 2 * node
        else:
            made[node] = aig.conjunction(made[left >> 1] ^ left & 1, made[right >> 1] ^ right & 1)
    return [made[literal >> 1] ^ literal & 1 for literal in literals]


def _unsettled(cut: Cut, left: Sequence[Mapping[int, Literal]]) -> Member | None:
    """A register for which no state of the first side can be chosen after a reset, so that its class holds.

    Registers that a reset clears have one value then, all others any. Of those of the second side a class has one at
    most that may be anything, or several that took the same; and whatever it is, those of the first side must be free
    to be the same.
    """
    for number in cut.variables:
        known = {FALSE} if number == 0 else set[Literal]()
        for member in cut.classes.members[number]:
            literal = left[member.side][member.net] ^ member.flipped
            if member.side or literal in (TRUE, FALSE):
                known.add(literal)
        if len(known) > 1:
            return cut.classes.members[number][0]
    return None


def _after_reset(side: Side, clocks: int) -> dict[int, Literal]:
    """What each register holds after so many clocks of reset, whatever was before: with one literal the same."""
    known: dict[int, Literal] = {}
    for _ in range(clocks):
        known = _after_one(side, {net: literal for net, literal in known.items() if literal in (TRUE, FALSE)})
    return known


def _cleared(left: Sequence[Mapping[int, Literal]]) -> list[set[int]]:
    """The registers of each side that hold a constant."""
    return [{net for net, literal in of_side.items() if literal in (TRUE, FALSE)} for of_side in left]


def _after_one(side: Side, known: Mapping[int, Literal]) -> dict[int, Literal]:
    """What each register holds after one more clock of reset, where those of ``known`` held that constant before."""
    aig = Aig()
    variables = {**known, side.ports["rst"][0]: TRUE}
    ends = set(side.following) | {net for nets in side.ports.values() for net in nets}

    def variable(net: int) -> Literal | None:
        if net not in variables and net in ends and side.driver(net) is None:
            variables[net] = aig.variable()
        return variables.get(net)

    logic = side.logic(aig, variable)
    return {net: logic.literal(before) for net, before in side.following.items()}
