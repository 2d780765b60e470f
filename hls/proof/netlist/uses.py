"""Registers that always hold the same told apart by who reads them: of two copies of a word each goes its own way.

If two are equal in either circuit, steps do not tell which is which. Taken crosswise they would be right up to the
outputs, and wrong there. So one register at a time is flipped, and what then is another is compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from hls.proof.netlist.aig import FALSE, TRUE, Literal
from hls.proof.netlist.correspondence import Classes, Member, input_bits, output_bits
from hls.proof.netlist.side import Side
from hls.rtl import Design

Uses = npt.NDArray[np.uint8]
"""For each state, and each output and class, whether it is another when a register is flipped."""

Left = Sequence[Mapping[int, Literal]]
"""For each side what a reset leaves in its registers, by net: registers of one literal hold the same."""

_LANES = 512
_WORDS = _LANES // 64
_STATES = 384
"""Registers are flipped in so many states: what saturates hides a bit of a word in most."""
_ONES = ~np.uint64(0)


def awake(members: Sequence[Member], left: Left) -> tuple[list[Member], list[list[Member]]]:
    """Those of ``members`` that a reset does not clear: of the first side, and of the second by what they then hold.

    Registers that took the same are one: whatever it is, they hold it together.
    """
    first: list[Member] = []
    second: dict[Literal, list[Member]] = defaultdict(list)
    for member in members:
        literal = left[member.side][member.net] ^ member.flipped
        if literal not in (TRUE, FALSE):
            (second[literal] if member.side else first).append(member)
    return first, list(second.values())


def shared_out(
    sides: Sequence[Side], first: Sequence[Member], second: Sequence[Sequence[Member]]
) -> list[list[Member]]:
    """For each group of ``second`` one with those of ``first`` of the same name, or the same module; others evenly."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, group in enumerate(second):
        for path in {path for member in group for path in _paths(sides[1], member)}:
            places[path].append(place)
    found = [(next(path for path in _paths(sides[0], member) if path in places), member) for member in first]
    dealt: list[list[Member]] = [[] for _ in second]
    for path, member in sorted(found, key=lambda one: -len(one[0])):
        dealt[min(places[path], key=lambda place: len(dealt[place]))].append(member)
    return [[*mine, *group] for mine, group in zip(dealt, second, strict=True)]


def _paths(side: Side, member: Member) -> Iterator[tuple[str, ...]]:
    """A register's name as modules within modules, and each that it is in; the whole circuit last."""
    parts = tuple(side.names.get(member.net, "").split("."))
    return (parts[:length] for length in range(len(parts), -1, -1))


def told_by_use(
    sides: Sequence[Side], design: Design, classes: Classes, left: Left, random: np.random.Generator
) -> bool:
    """Split classes with registers of the second side that may wake up differently; whether any is split."""
    waking = {number: awake(members, left) for number, members in enumerate(classes.members) if number}
    waking = {number: found for number, found in waking.items() if len(found[1]) > 1}
    named = {number: _named_alike(sides, *found) for number, found in waking.items()}
    unknown = [found for number, found in waking.items() if named[number] is None]
    asked = [member for first, second in unknown for group in ([*first], *second) for member in group]
    uses = _uses(sides, design, classes, asked, random, readers=True) if asked else {}
    split = False
    for number, (first, second) in waking.items():
        groups = named[number] or _used_alike(sides, first, second, uses)
        if len(groups) > 1:
            told = {member for group in groups for member in group}
            rest = [member for member in classes.members[number] if member not in told]
            classes.split(number, [*([rest] if rest else []), *groups])
            split = True
    return split


def _named_alike(
    sides: Sequence[Side], first: Sequence[Member], second: Sequence[Sequence[Member]]
) -> list[list[Member]] | None:
    """Each group of ``second`` with those of ``first`` of the same names; None unless that leaves none alone.

    Uses need not be asked then, which of ten thousand registers takes hours.
    """
    place_of = {sides[1].names.get(member.net): place for place, group in enumerate(second) for member in group}
    mine: list[list[Member]] = [[] for _ in second]
    for member in first:
        name = sides[0].names.get(member.net)
        if name is None or name not in place_of:
            return None
        mine[place_of[name]].append(member)
    return [[*some, *group] for some, group in zip(mine, second, strict=True)] if all(mine) else None


def _used_alike(
    sides: Sequence[Side], first: Sequence[Member], second: Sequence[Sequence[Member]], uses: Mapping[Member, Uses]
) -> list[list[Member]]:
    """Groups of ``second`` of the same uses, each with those of ``first`` of a name in it, or of the nearest uses."""
    groups: dict[bytes, list[Member]] = defaultdict(list)
    for alike in second:
        groups[np.bitwise_or.reduce([uses[member] for member in alike]).tobytes()] += alike
    named = {sides[1].names.get(member.net, ""): key for key, group in groups.items() for member in group}
    for member in first:
        near = named.get(sides[0].names.get(member.net, "none")) or min(groups, key=partial(_apart, uses[member]))
        groups[near].append(member)
    return list(groups.values())


def _apart(uses: Uses, key: bytes) -> tuple[int, int]:
    """How far a register of the first side is from some of the second: what it alone changes counts before all else.

    Synthesis makes one register of several that take the same, and that one is read by all that read them.
    """
    other = np.frombuffer(key, np.uint8)
    mine = uses.ravel()
    return int(np.bitwise_count(mine & ~other).sum()), int(np.bitwise_count(mine ^ other).sum())


def wake_constants(
    sides: Sequence[Side], design: Design, classes: Classes, left: Left, random: np.random.Generator
) -> None:
    """Give registers of the second side that always hold 0, but wake up with anything, classes of their own.

    Those of the first side that the same read are taken along; others may wake up with 0.
    """
    first, second = awake(classes.members[0], left)
    if not second:
        return
    uses = _uses(sides, design, classes, [*first, *(member for group in second for member in group)], random)
    partners: dict[bytes, list[Member]] = defaultdict(list)
    for member in first:
        if uses[member].any():
            partners[uses[member].tobytes()].append(member)
    alike: dict[bytes, list[list[Member]]] = defaultdict(list)
    for group in second:
        alike[np.bitwise_or.reduce([uses[member] for member in group]).tobytes()].append(group)
    groups = [group for key, found in alike.items() for group in shared_out(sides, partners[key], found)]
    gone = {member for group in groups for member in group}
    classes.split(0, [[member for member in classes.members[0] if member not in gone], *groups])


def _uses(
    sides: Sequence[Side],
    design: Design,
    classes: Classes,
    asked: Sequence[Member],
    random: np.random.Generator,
    readers: bool = False,
) -> dict[Member, Uses]:
    """Of each of ``asked`` what it changes, in the same states of both sides; and what reads it, if that is asked too.

    What reads a register tells of one that changes nothing in any of these states.
    """
    count = len(classes.members)
    seed = int(random.integers(1 << 32))
    found: dict[Member, Uses] = {}
    for number, side in enumerate(sides):
        draw = np.random.default_rng(seed)
        flipper = _Flipper(number, side, design, classes)
        mine = [member for member in asked if member.side == number]
        parts: dict[Member, list[Uses]] = defaultdict(list)
        for _ in range(_STATES):
            held = np.where(draw.random(count) < 0.5, _ONES, np.uint64(0))
            held[0] = 0
            inputs = np.where(draw.random(len(input_bits(design))) < 0.5, _ONES, np.uint64(0))
            for start in range(0, len(mine), _LANES - 1):
                some = mine[start : start + _LANES - 1]
                for member, changed in zip(some, flipper.changed(some, held, inputs), strict=True):
                    parts[member].append(np.packbits(changed))
        for start in range(0, len(mine) * readers, _LANES - 1):
            some = mine[start : start + _LANES - 1]
            for member, reached in zip(some, flipper.reached(some), strict=True):
                parts[member].append(np.packbits(reached))
        found |= {member: np.stack(list(rows)) for member, rows in parts.items()}
    return found


class _Flipper:
    """One side at work in lanes that are alike but for one register each."""

    def __init__(self, number: int, side: Side, design: Design, classes: Classes) -> None:
        gates = side.gates
        self._gates = gates
        found = [(m, n) for n, group in enumerate(classes.members) for m in group if m.side == number]
        self._numbers = np.array([n for _, n in found], np.int64)
        self._rows = gates.rows_of(np.array([m.net for m, _ in found], np.int64))
        self._flips = np.array([_ONES if m.flipped else np.uint64(0) for m, _ in found], np.uint64)
        self._in = gates.rows([gates.ports[name][place] for name, place in input_bits(design)])
        out = gates.rows([gates.ports[name][place] for name, place in output_bits(design)])
        following = gates.rows_of(np.array([side.following[m.net] for m, _ in found], np.int64))
        self._seen = np.concatenate([out, following])
        # What the class of each becomes; of classes that one side has for itself nothing is told.
        keys = np.concatenate([np.arange(len(out)), len(out) + self._numbers])
        self._order = np.argsort(keys, kind="stable")
        self._keys, self._starts = np.unique(keys[self._order], return_index=True)
        both = [n for n, group in enumerate(classes.members) if {m.side for m in group} == {0, 1}]
        self._told = np.concatenate([np.arange(len(out)), len(out) + np.array(both, np.int64)])
        self._all = len(out) + len(classes.members)

    def changed(self, members: Sequence[Member], held: npt.NDArray[np.uint64], inputs: npt.NDArray[np.uint64]) -> Uses:
        """What each of ``members`` changes (members, outputs and classes)."""
        state = np.zeros((self._gates.size, _WORDS), np.uint64)
        state[1] = _ONES
        state[self._rows] = (held[self._numbers] ^ self._flips)[:, None]
        state[self._in] = inputs[:, None]
        lanes = np.arange(len(members))
        rows = self._gates.rows_of(np.array([member.net for member in members], np.int64))
        state.view(np.uint8)[rows, lanes // 8] ^= (128 >> lanes % 8).astype(np.uint8)
        self._gates.evaluate(state)
        bits = np.unpackbits(state[self._seen].view(np.uint8), axis=1)
        return self._by_class((bits ^ bits[:, -1:])[:, : len(members)])

    def reached(self, members: Sequence[Member]) -> Uses:
        """What reads each of ``members`` (members, outputs and classes), in whatever state it matters."""
        marks = np.zeros((self._gates.size, _WORDS), np.uint64)
        lanes = np.arange(len(members))
        rows = self._gates.rows_of(np.array([member.net for member in members], np.int64))
        marks.view(np.uint8)[rows, lanes // 8] |= (128 >> lanes % 8).astype(np.uint8)
        self._gates.mark(marks)
        return self._by_class(np.unpackbits(marks[self._seen].view(np.uint8), axis=1)[:, : len(members)])

    def _by_class(self, different: npt.NDArray[np.uint8]) -> Uses:
        members = different.shape[1]
        by_key = np.zeros((self._all, members), np.uint8)
        by_key[self._keys] = np.maximum.reduceat(different[self._order], self._starts, axis=0)
        told: Uses = by_key[self._told].T
        return told
