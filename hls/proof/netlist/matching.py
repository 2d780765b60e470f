"""Registers matched by single steps, from states drawn at random in which each class has one value.

A run tells which registers held the same. It does not tell of states that it never came to, and where the Verilog
leaves a bit open, the netlist may have made of it what no run of the Verilog shows. What a register takes at the next
edge tells both, as far as it depends on registers that are matched already. None of this need be believed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.proof.netlist.correspondence import Classes, Member, Words, input_bits, random_inputs
from hls.proof.netlist.side import Side
from hls.proof.netlist.uses import Left, awake, shared_out, told_by_use, wake_constants
from hls.proof.subject import Deadline
from hls.rtl import Design

Numbers = npt.NDArray[np.int64]

_LANES = 512
_WORDS = _LANES // 64
_QUIET = 16
"""So many steps one after the other have to leave the classes as they are."""
_FEW = 8
"""Of what a register takes, so many lanes must be known to be 0, and as many to be 1."""
_AGAIN = 2
_ONES = ~np.uint64(0)

Fits = Mapping[int, set[tuple[int, bool]]]
"""For classes of the first side alone those of the second, and whether complemented, that may be the same."""
Taken = tuple[Words, Words]
"""What a register takes, up to complement, and where that is known."""


@dataclass(frozen=True)
class _Registers:
    """Registers of one side: their classes, rows of a state, rows that they take, and all ones for the flipped."""

    members: Sequence[Member]
    numbers: Numbers
    rows: Numbers
    following: Numbers
    flips: Words


class Matcher:
    """Works on ``classes`` of the registers of ``sides``."""

    def __init__(self, sides: Sequence[Side], design: Design, classes: Classes, deadline: Deadline) -> None:
        self._sides = sides
        self._design = design
        self._classes = classes
        self._deadline = deadline
        self._random = np.random.default_rng(3)
        bits = input_bits(design)
        self._in = [side.gates.rows([side.gates.ports[name][place] for name, place in bits]) for side in sides]

    def match(self, left: Left) -> None:
        """Classes that are as fine as steps tell, and as what is ``left`` in the registers by a reset."""
        for _ in range(2):
            self.split()
            while told_by_use(self._sides, self._design, self._classes, left, self._random):
                self._deadline.check("the steps that tell copies apart")
            wake_constants(self._sides, self._design, self._classes, left, self._random)
            self._pair_up(left)
            self._join()
        self.split()

    def split(self) -> None:
        """Split classes whose registers take different bits, whatever those that are not matched hold."""
        quiet = 0
        while quiet < _QUIET:
            self._deadline.check("the steps that tell registers apart")
            quiet = 0 if self._split_once() else quiet + 1

    def _split_once(self) -> bool:
        held, inputs = self._state(), self._inputs()
        taken: dict[Member, Taken] = {}
        for side, alone in enumerate(self._alone()):
            registers = self._registers(side)
            taken.update(zip(registers.members, self._taken(side, registers, alone, held, inputs), strict=True))
        split = False
        for number, members in enumerate(list(self._classes.members)):
            if len(members) > 1 or (members and not number):
                groups = _grouped(members, taken, constant=not number)
                if len(groups) > 1:
                    self._classes.split(number, groups)
                    split = True
        return split

    def _pair_up(self, left: Left) -> None:
        """Leave what may be one thing after a reset in a class, of the second side: two may wake up differently."""
        for number, members in enumerate(list(self._classes.members)):
            first, second = awake(members, left)
            if len(second) < 2 or not number:
                continue
            groups = shared_out(self._sides, first, second)
            gone = {member for group in groups for member in group}
            rest = [member for member in members if member not in gone]
            self._classes.split(number, [*([rest] if rest else []), *groups])

    def _join(self) -> None:
        """Join classes of one side with those of the other that take the same."""
        while True:
            self._deadline.check("the steps that match registers")
            fits = self._fits()
            found = _certain(fits)
            if not found:
                for _ in range(_AGAIN):
                    other = self._fits()
                    fits = {number: fits[number] & other[number] for number in fits.keys() & other.keys()}
                found = _certain(fits) or _any(fits)
            if not found:
                return
            members = self._classes.members
            for number, (same, flipped) in found.items():
                members[number] += [replace(m, flipped=m.flipped != flipped) for m in members[same]]
                members[same] = []

    def _alone(self) -> list[list[int]]:
        """Classes with registers of one side only, for each side."""
        return [
            [n for n, group in enumerate(self._classes.members) if n and group and {m.side for m in group} == {side}]
            for side in (0, 1)
        ]

    def _fits(self) -> Fits:
        alone = self._alone()
        if not all(alone):
            return {}
        held, inputs = self._state(), self._inputs()
        (first, first_known), (second, second_known) = (
            self._taken_by(side, alone[side], held, inputs) for side in (0, 1)
        )
        fits: dict[int, set[tuple[int, bool]]] = {}
        for number, value, known in zip(alone[0], first, first_known, strict=True):
            both = known & second_known
            few = np.minimum(*(np.bitwise_count(bits & both).sum(axis=1) for bits in (value, ~value)))
            different = (value ^ second) & both
            same = [
                (alone[1][place], flipped)
                for flipped, wrong in ((False, different), (True, different ^ both))
                for place in np.flatnonzero((few >= _FEW) & ~wrong.any(axis=1)).tolist()
            ]
            if same:
                fits[number] = set(same)
        return fits

    def _taken_by(self, side: int, alone: Sequence[int], held: Words, inputs: Words) -> Taken:
        """What the classes ``alone`` take, by the first register of each."""
        registers = self._registers(side)
        first = {int(number): place for place, number in reversed(list(enumerate(registers.numbers)))}
        taken = self._taken(side, registers, alone, held, inputs)
        values, known = zip(*(taken[first[number]] for number in alone), strict=True)
        return np.stack(values), np.stack(known)

    def _state(self) -> Words:
        held = self._random.integers(0, 1 << 64, (len(self._classes.members), _WORDS), np.uint64)
        held[0] = 0
        return held

    def _inputs(self) -> Words:
        return np.packbits(random_inputs(self._design, self._random, _LANES), axis=1).view(np.uint64)

    def _registers(self, side: int) -> _Registers:
        found = [(m, n) for n, group in enumerate(self._classes.members) for m in group if m.side == side]
        members = [member for member, _ in found]
        gates, following = self._sides[side].gates, self._sides[side].following
        return _Registers(
            members,
            np.array([number for _, number in found], np.int64),
            gates.rows_of(np.array([m.net for m in members], np.int64)),
            gates.rows_of(np.array([following[m.net] for m in members], np.int64)),
            np.array([[_ONES if m.flipped else np.uint64(0)] for m in members], np.uint64).reshape(-1, 1),
        )

    def _taken(self, side: int, registers: _Registers, alone: Sequence[int], held: Words, inputs: Words) -> list[Taken]:
        """What each register takes, where the classes ``alone`` are open, and what the first side leaves so."""
        gates = self._sides[side].gates
        one = gates.wake_up(_WORDS, self._random)
        one[registers.rows] = held[registers.numbers] ^ registers.flips
        one[self._in[side]] = inputs
        zero = ~one
        opened = registers.rows[np.isin(registers.numbers, alone)]
        if not side:
            opened = np.concatenate([opened, gates.undriven])
        zero[opened] = one[opened] = _ONES
        gates.evaluate_open(zero, one)
        values = one[registers.following] ^ registers.flips
        known = zero[registers.following] ^ one[registers.following]
        return list(zip(values, known, strict=True))


def _grouped(members: Sequence[Member], taken: Mapping[Member, Taken], constant: bool) -> list[list[Member]]:
    """Members by what they take, as far as it is known; with 0 first if the class is the ``constant``."""
    groups: list[list[Member]] = [[]] if constant else []
    takes = [(np.zeros(_WORDS, np.uint64), np.full(_WORDS, _ONES))] if constant else []
    # Those of which most is known first: others join them.
    for member in sorted(members, key=lambda member: -int(np.bitwise_count(taken[member][1]).sum())):
        value, known = taken[member]
        for place, (other, other_known) in enumerate(takes):
            if not ((value ^ other) & known & other_known).any():
                groups[place].append(member)
                takes[place] = (other & other_known | value & ~other_known, known | other_known)
                break
        else:
            groups.append([member])
            takes.append((value, known))
    return groups


def _certain(fits: Fits) -> dict[int, tuple[int, bool]]:
    """Those for which there is one, that fits no other."""
    wanted: dict[int, int] = defaultdict(int)
    for found in fits.values():
        for other in {other for other, _ in found}:
            wanted[other] += 1
    ones = {number: next(iter(found)) for number, found in fits.items() if len(found) == 1}
    return {number: one for number, one in ones.items() if wanted[one[0]] == 1}


def _any(fits: Fits) -> dict[int, tuple[int, bool]]:
    """One for each, as long as there are some: registers that take the same may be matched in any order."""
    gone: set[int] = set()
    chosen = {}
    for number, found in fits.items():
        left = sorted((each for each in found if each[0] not in gone), key=lambda each: (each[1], each[0]))
        if left:
            chosen[number] = left[0]
            gone.add(left[0][0])
    return chosen
