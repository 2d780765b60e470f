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
from hls.proof.verilog.cells import Cells
from hls.proof.verilog.design import Bit, Cell, FlatDesign
from hls.proof.verilog.evaluation import UNKNOWN
from hls.proof.verilog.valid import flag_chain
from hls.proof.verilog.ways import Input, Ways, words_of
from hls.proof.verilog.wires import Word
from hls.proof.words import Space
from hls.rtl import Design


def of_shared_cores(
    design: FlatDesign,
    verilog: Design,
    cells: Cells,
    inputs: Mapping[str, Input],
    visit: Callable[[int, int], None],
) -> dict[str, Word]:
    """The words of the output ports for an event that is taken at clock 0.

    ``visit`` is called with the clock of each cell that is read, and the last one.

    Raises:
        NotClosedError: the door takes events sooner after each other than at the interval, or an output depends on
            something else than its event.
    """
    flags = flag_chain(design)
    _check_door(design, flags, verilog.interval)
    last = len(flags) - 1
    times = _of_this_event(flags, verilog.interval)
    return words_of(Ways(design, times, cells, inputs, lambda clock: visit(clock, last)), verilog, last)


def _check_door(design: FlatDesign, flags: Sequence[Bit], interval: int) -> None:
    """Raise unless ``ready_in`` is high, and with it an event taken, exactly if none was shortly before."""
    (valid,), (ready,) = design.ports["valid_in"], design.ports["ready_in"]
    taken, young = flags[0], flags[1:interval]
    idle: dict[Bit, str] = dict.fromkeys(young, "0")
    cases = [({flag: "1"}, "00") for flag in young]
    cases += [({**idle, valid: "1"}, "11"), ({**idle, valid: "0"}, "01")]
    for bits, wanted in cases:
        if Ways(design, _always(bits), Cells(Space(), design.primitives)).at((taken, ready), 0) != (wanted,):
            clocks = interval - 1
            raise NotClosedError(f"the door does not take an event exactly if none came in the {clocks} clocks before")


@dataclass(frozen=True)
class _Flags:
    """Some bits are known at each clock; of memories that are written, and of registers that wait, nothing is."""

    known: Mapping[Bit, Callable[[int], str]]

    def tells(self, bit: Bit, /) -> bool:
        return bit in self.known

    def bit(self, bit: Bit, clock: int, /) -> str:
        return self.known[bit](clock)

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
