"""A run of two circuits in which registers hold on and data go round: from a reset on, for as long as an event takes.

Both wake up with zeros. They may: of the registers that no reset clears, those of the Verilog may hold anything, thus
also what those of the netlist hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hls.proof.netlist.correspondence import NOTHING, Flags, Held, Lanes, Run, Words, at_adders, flags, random_inputs
from hls.proof.netlist.side import Side
from hls.proof.subject import Deadline, NotClosedError
from hls.rtl import Design

_LANES = 64
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""A number stands for all that was held: it is multiplied by this, and the next word added to it."""
_MOST_CLOCKS = 1 << 17
"""So many clocks are waited for the first result."""
_MARGIN = 8
_MOST_DIFFERENCES = 64
"""A run in which outputs differ so often ends."""


def run_from_reset(sides: Sequence[Side], design: Design, deadline: Deadline, seed: int = 1) -> tuple[Run, int]:
    """Run both circuits, which wake up with zeros, from a reset until events have gone through them; and the latency.

    Raises:
        NotClosedError: no result comes.
    """
    random = np.random.default_rng(seed)
    tracks = [_Track(side, design, random) for side in sides]
    given: list[Flags] = []
    differences: list[tuple[int, int, int]] = []
    end, latency = _MOST_CLOCKS, 0
    while len(given) < end and len(differences) < _MOST_DIFFERENCES:
        clock = len(given)
        bits = random_inputs(design, random, _LANES, 1 / (4 * design.interval))
        # Half of the lanes are reset once; the first of them takes an event in the clock after that.
        bits[1, : _LANES // 2] = False
        bits[1] |= clock == 0
        bits[0, 0] |= clock == 1
        given.append(bits)
        outputs = [track.step(bits) for track in tracks]
        # Without the flag anything may be on the other outputs.
        different = outputs[0] != outputs[1]
        different[len(flags(design)) :] &= outputs[0][0]
        differences += [(clock, int(bit), int(lane)) for bit, lane in np.argwhere(different)]
        if not latency and clock > 1 and outputs[0][0, 0]:
            latency = clock - 1
            end = clock + design.interval + _MARGIN
        deadline.check("the run of Verilog and netlist")
    if not latency and not differences:
        raise NotClosedError(f"valid_out is not high in {len(given):,} clocks after an event")
    seen = [track.held() for track in tracks]
    registers = [{net: by_net[net] for net in side.following} for side, by_net in zip(sides, seen, strict=True)]
    return Run(np.stack(given), registers, seen, differences), latency


class _Track:
    """One of the circuits at work, and for each of its nets a number that stands for what it held."""

    def __init__(self, side: Side, design: Design, random: np.random.Generator) -> None:
        self._lanes = Lanes(side.gates, design, random, _LANES, zeros=True)
        self._nets = np.array([*side.following, *at_adders(side)], np.int64)
        self._number = np.zeros((len(self._nets), 1), np.uint64)
        self._ones = np.uint64(0)
        self._first: Words = self._number[:, :1]
        self._clocks = 0

    def step(self, bits: Flags) -> Flags:
        """The bits at the outputs; what is held before the first edge is not looked at."""
        outputs = self._lanes.step(bits)
        if self._clocks:
            held = self._lanes.held(self._nets)
            if self._clocks == 1:
                self._first = held
            self._number = self._number * _FACTOR + held
            with np.errstate(over="ignore"):
                self._ones = self._ones * _FACTOR + ~np.uint64(0)
        self._clocks += 1
        self._lanes.clock()
        return outputs

    def held(self) -> dict[int, Held]:
        """What each net held, up to complement."""
        flipped = (self._first[:, 0] & np.uint64(1)).astype(np.bool_)
        plain = np.where(flipped, self._ones - self._number[:, 0], self._number[:, 0])
        return {
            net: (number.to_bytes(8, "little") if number else NOTHING, flip)
            for net, number, flip in zip(self._nets.tolist(), plain.tolist(), flipped.tolist(), strict=True)
        }
