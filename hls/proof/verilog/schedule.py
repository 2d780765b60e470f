"""A design in which an event takes several clocks, as the cells that compute one event: each at the clock of its turn.

What happens to an event happens at fixed clocks after it was taken, told by the flags that follow it. So every bit that
an output depends on is traced back in time to the clock in which the event was on the ports. On the way the flags of
this event are known, and so are those of events that the door has kept away: a multiplexer with such a choice is a
wire, a register is one from the clock before. What is left are cells, once for each clock in which they work for the
event, and no registers. That other events, which may be under way at the same time, change nothing follows: their flags
and data are unknown here, and no output may depend on what is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Bit, Bits, Cell, FlatDesign
from hls.proof.verilog.evaluation import UNKNOWN
from hls.proof.verilog.valid import flag_chain
from hls.proof.verilog.ways import Ways
from hls.rtl import Design


def of_shared_cores(design: FlatDesign, verilog: Design) -> FlatDesign:
    """The cells that make the outputs of an event that is taken at clock 0 of what is on the ports then.

    Raises:
        NotClosedError: the door takes events sooner after each other than at the interval, or an output depends on
            something else than its event.
    """
    flags = flag_chain(design)
    _check_door(design, flags, verilog.interval)
    last = len(flags) - 1
    ways = Ways(design, _of_this_event(flags, verilog.interval), {port.signal: port.beats for port in verilog.inputs})
    made: dict[str, Bits] = {}
    for name in (port.signal for port in verilog.outputs):
        made[name] = ways.at(design.ports[name], last)
        if UNKNOWN in made[name]:
            place = made[name].index(UNKNOWN)
            raise NotClosedError(f"bit {place} of {name} depends on something else than the event that it is of")
    return FlatDesign({**ways.ports, **made}, tuple(ways.cells), design.primitives)


def _check_door(design: FlatDesign, flags: Sequence[Bit], interval: int) -> None:
    """Raise unless ``ready_in`` is high, and with it an event taken, exactly if none was shortly before."""
    (valid,), (ready,) = design.ports["valid_in"], design.ports["ready_in"]
    taken, young = flags[0], flags[1:interval]
    idle: dict[Bit, str] = dict.fromkeys(young, "0")
    cases: list[tuple[dict[Bit, str], Bits]] = [({flag: "1"}, ("0", "0")) for flag in young]
    cases += [({**idle, valid: "1"}, ("1", "1")), ({**idle, valid: "0"}, ("0", "1"))]
    for bits, wanted in cases:
        if Ways(design, _always(bits)).at((taken, ready), 0) != wanted:
            clocks = interval - 1
            raise NotClosedError(f"the door does not take an event exactly if none came in the {clocks} clocks before")


@dataclass(frozen=True)
class _Flags:
    """Some bits are known at each clock; of memories that are written, and of registers that wait, nothing is."""

    known: Mapping[Bit, Callable[[int], str]]

    def bit(self, bit: Bit, clock: int, /) -> str | None:
        told = self.known.get(bit)
        return None if told is None else told(clock)

    def captured(self, _choice: Bit, _level: int, clock: int, /) -> int | None:
        return clock

    def written(self, memory: Cell, _clock: int, /) -> int | None:
        raise NotClosedError(f"the memory {memory.name} is written, in a design without engines")


def _always(bits: Mapping[Bit, str]) -> _Flags:
    return _Flags({bit: lambda _, value=value: value for bit, value in bits.items()})  # type: ignore[misc]


def _of_this_event(flags: Sequence[Bit], interval: int) -> _Flags:
    """The flags that follow an event taken at clock 0, none of which a reset has cleared."""

    def told(age: int) -> Callable[[int], str]:
        def at(clock: int) -> str:
            came = clock - age  # when the event was taken that would have set it
            if came == 0:
                return "1"
            return "0" if abs(came) < interval else UNKNOWN

        return at

    return _Flags({flag: told(age) for age, flag in enumerate(flags)})
