"""Which registers of the two circuits hold the same bit: found by running both, to be proved afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hls.proof.netlist.side import Side
from hls.rtl import Design
from hls.rtl.netlist.circuit import Nets
from hls.rtl.netlist.gates import Gates
from hls.rtl.ports import RtlPort

Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Held = tuple[bytes, bool]
"""What a net held, the same for nets that held the complement, and whether it did."""

_LANES = 1024
_RESETS = 1 / 16
"""How often a lane is reset."""
_REPLAYED = 64
_OBSERVED = 16
"""Clocks of which the registers' values are kept, after what they woke up with is gone."""
NOTHING = b""
"""What a constant held."""
CONTROL = ("valid_in", "rst")


@dataclass(frozen=True)
class Member:
    """A register: that of net ``net`` of side number ``side``; ``flipped`` ones hold the complement of their class."""

    side: int
    net: int
    flipped: bool


@dataclass(frozen=True)
class Run:
    """Both circuits given the same at every clock.

    ``given`` are the bits at the inputs (clocks, bits, lanes), in the order of ``input_bits``; ``registers`` say of
    each side's registers, by net, what they held, and ``seen`` of those and of the nets at its full adders;
    ``differences`` are (clock, output bit, lane) where outputs differed.
    """

    given: Flags
    registers: Sequence[Mapping[int, Held]]
    seen: Sequence[Mapping[int, Held]]
    differences: Sequence[tuple[int, int, int]]


@dataclass
class Classes:
    """Registers of both circuits that hold the same bit, as far as is known; class 0 is that of constant 0."""

    members: list[list[Member]] = field(default_factory=lambda: [[]])

    def name(self, number: int) -> str:
        """What a class is called whatever its number: by one of its registers, of the second side if it has any."""
        last = max(self.members[number], key=lambda member: (member.side, -member.net))
        return f"{last.side}.{last.net}"

    def split(self, number: int, groups: Sequence[Sequence[Member]]) -> None:
        """A class falls apart: the first group stays, the others become classes of their own."""
        self.members[number] = list(groups[0])
        self.members += [list(group) for group in groups[1:]]


def classes_of(run: Run) -> Classes:
    """Registers by what they held, up to complement; of one class, those of the first side first."""
    found = Classes()
    numbers: dict[bytes, int] = {NOTHING: 0}
    for side, registers in enumerate(run.registers):
        for net, (key, flipped) in registers.items():
            number = numbers.setdefault(key, len(found.members))
            if number == len(found.members):
                found.members.append([])
            found.members[number].append(Member(side, net, flipped))
    return found


def input_bits(design: Design) -> list[tuple[str, int]]:
    """The bits at the inputs, the clock left out: valid and reset first, then the ports."""
    bits = [(name, 0) for name in CONTROL]
    return bits + [(port.signal, place) for port in design.inputs for place in range(port.bits)]


def flags(design: Design) -> tuple[str, ...]:
    """Outputs that always count: the others do only where the first of these says so."""
    return ("valid_out", "ready_in") if design.interval > 1 else ("valid_out",)


def output_bits(design: Design) -> list[tuple[str, int]]:
    """The bits at the outputs: the flags first, then the ports."""
    bits = [(name, 0) for name in flags(design)]
    return bits + [(port.signal, place) for port in design.outputs for place in range(port.bits)]


def output_name(design: Design, place: int) -> str:
    """What an output bit is called in messages."""
    name, bit = output_bits(design)[place]
    port = next((port for port in design.outputs if port.signal == name), None)
    if port is None:
        return f"the flag {name}"
    element, low = divmod(bit, port.type.width)
    index = ", ".join(str(number) for number in np.unravel_index(element, port.shape))
    return f"bit {low} of output {port.name}[{index}]"


def run_both(sides: Sequence[Side], design: Design, clocks: int, seed: int = 1) -> Run:
    """Run both circuits for ``clocks`` and then for as many more as are observed."""
    random = np.random.default_rng(seed)
    given = np.stack([random_inputs(design, random) for _ in range(clocks + _OBSERVED)])
    runs = [Lanes(side.gates, design, random) for side in sides]
    watched = [np.array([*side.following, *at_adders(side)], np.int64) for side in sides]
    held: list[list[Words]] = [[], []]
    differences: list[tuple[int, int, int]] = []
    for clock, bits in enumerate(given):
        outputs = [lanes.step(bits) for lanes in runs]
        if clock >= clocks:
            for kept, lanes, nets in zip(held, runs, watched, strict=True):
                kept.append(lanes.held(nets))
            different = np.argwhere(outputs[0] != outputs[1])
            differences += [(clock, int(bit), int(lane)) for bit, lane in different]
        for lanes in runs:
            lanes.clock()
    found = [_by_net(nets, np.concatenate(kept, axis=1)) for nets, kept in zip(watched, held, strict=True)]
    registers = [{net: by_net[net] for net in side.following} for side, by_net in zip(sides, found, strict=True)]
    return Run(given, registers, found, differences)


def at_adders(side: Side) -> set[int]:
    """The nets at the full adders of a side that are known."""
    return {net for adder in side.adders for net in (*adder.operands, adder.total, adder.carry)}


def _by_net(nets: Nets, held: Words) -> dict[int, Held]:
    return {net: _held(row) for net, row in zip(nets.tolist(), held, strict=True)}


def _held(row: Words) -> Held:
    """Sixteen bytes stand for all that was seen."""
    flipped = bool(row[0] & np.uint64(1))
    plain = ~row if flipped else row
    return hashlib.blake2b(plain.tobytes(), digest_size=16).digest() if plain.any() else NOTHING, flipped


def replay(gates: Gates, design: Design, given: Flags) -> Flags:
    """The bits at the outputs (bits, lanes) in the last clock of ``given`` (clocks, bits).

    In each lane the circuit wakes up with other values, and finds others on what nobody drives.
    """
    lanes = Lanes(gates, design, np.random.default_rng(2), _REPLAYED)
    for bits in given:
        outputs = lanes.step(np.repeat(bits[:, None], _REPLAYED, axis=1))
        lanes.clock()
    return outputs


class Lanes:
    """A circuit at work in many lanes at once; it wakes up with anything in its registers, or with zeros."""

    def __init__(
        self, gates: Gates, design: Design, random: np.random.Generator, lanes: int = _LANES, zeros: bool = False
    ) -> None:
        self._gates = gates
        self._state = gates.wake_up(lanes // 64, random)
        if zeros:
            self._state[gates.registers] = 0
            self._state[gates.undriven] = 0
        self._in = gates.rows([gates.ports[name][place] for name, place in input_bits(design)])
        self._out = gates.rows([gates.ports[name][place] for name, place in output_bits(design)])

    def step(self, bits: Flags) -> Flags:
        """The bits at the outputs while ``bits`` are at the inputs."""
        self._state[self._in] = np.packbits(bits, axis=1).view(np.uint64)
        self._gates.evaluate(self._state)
        return np.unpackbits(self._state[self._out].view(np.uint8), axis=1).astype(np.bool_)

    def clock(self) -> None:
        """The edge."""
        self._gates.clock(self._state)

    def held(self, nets: Nets) -> Words:
        """What is on ``nets``, a row each."""
        return self._state[self._gates.rows_of(nets)]


def random_inputs(design: Design, random: np.random.Generator, lanes: int = _LANES, resets: float = _RESETS) -> Flags:
    """Bits at the inputs for one clock: numbers of every magnitude and ends, which are rare among random bits."""
    control = np.stack([random.random(lanes) < 0.6, random.random(lanes) < resets])
    return np.concatenate([control, *(_numbers(port, random, lanes) for port in design.inputs)])


def _numbers(port: RtlPort, random: np.random.Generator, lanes: int) -> Flags:
    width = port.type.width
    raw = random.integers(-(1 << 62), 1 << 62, (port.elements, lanes))
    raw >>= 62 - width + np.where(random.random(raw.shape) < 0.5, 0, random.integers(0, width + 1, raw.shape))
    # Where both factors are lowest, and only there, a product has a bit of its own.
    ends = np.where(random.random(raw.shape) < 0.5, 1 << (width - 1), (1 << (width - 1)) - 1)
    raw = np.where(random.random(raw.shape) < 1 / 8, ends, raw)
    bits = (raw[:, None, :] >> np.arange(width)[:, None]) & 1
    return bits.reshape(port.bits, lanes).astype(np.bool_)
