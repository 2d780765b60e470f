"""Standard normal numbers in Verilog: a shift register with feedback and a table for each, all of them new each event.

A register of n bits follows s(t) = s(t - n) + s(t - m), whose trinomial is primitive, so it runs through all 2**n - 1
states but zero. Each event shifts it by as many bits as a number needs: one is the sign, the others choose a quantile
of the half normal distribution. The registers have different lengths, so that no two numbers are of one sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from hls.errors import FirmwareError
from hls.graph.fixed import FixedType
from hls.machine.files import write_text
from hls.rtl.ports import RtlPort
from hls.rtl.rtl_project import VERILOG, RtlProject

TAPS = ((31, 28), (33, 20), (35, 33), (36, 25), (39, 35), (41, 38), (47, 42), (49, 40), (52, 49), (55, 31), (57, 50),
        (58, 39), (60, 59), (63, 62))  # fmt: skip
"""n and m of each register; Xilinx XAPP 052 lists those of fewest taps."""
ADDRESS_BITS = 10
DRAWN_BITS = ADDRESS_BITS + 1
"""Of a number: fewer than any m, so that no new bit needs another of the same event."""

Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class NoiseSource:
    """``numbers`` of ``type`` an event, from the start that ``seed`` gives."""

    numbers: int
    type: FixedType
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.numbers <= len(TAPS):
            raise FirmwareError(f"{self.numbers} random numbers an event are asked for; there are 1 to {len(TAPS)}")
        if not self.type.signed:
            raise FirmwareError("a port of unsigned numbers takes no normal noise; choose one with a sign")

    def table(self) -> npt.NDArray[np.int64]:
        """Magnitudes in steps of the type: quantiles of the half normal distribution, cut where the type ends."""
        middles = (np.arange(1 << ADDRESS_BITS) + 0.5) / (1 << ADDRESS_BITS)
        steps = stats.norm.ppf(0.5 + middles / 2) * 2.0**self.type.fraction
        return np.asarray(np.minimum(np.rint(steps), self.type.raw_max), np.int64)

    def starts(self) -> list[int]:
        """The first state of each register; never zero, which it would not leave."""
        words = np.random.SeedSequence(self.seed).generate_state(self.numbers, np.uint64)
        return [int(word) % ((1 << n) - 1) + 1 for word, (n, _) in zip(words, TAPS, strict=False)]

    def draw(self, events: int) -> npt.NDArray[np.int64]:
        """The numbers (events, numbers) that the Verilog gives, in steps of the type."""
        table = self.table()
        columns = []
        for start, (n, m) in zip(self.starts(), TAPS, strict=False):
            drawn = _sequence(start, n, m, events * DRAWN_BITS).reshape(events, DRAWN_BITS).astype(np.int64)
            address = drawn[:, 1:] @ (1 << np.arange(ADDRESS_BITS))
            columns.append(np.where(drawn[:, 0] == 1, -table[address], table[address]))
        return np.stack(columns, axis=1)


def _sequence(start: int, n: int, m: int, length: int) -> Bits:
    """``length`` bits from the ``start``, whose bit i is the one of i + 1 clocks ago."""
    bits = np.empty(n + length, np.uint8)
    bits[:n] = [start >> (n - 1 - place) & 1 for place in range(n)]
    for begin in range(n, n + length, m):  # m bits at once: none of them needs another
        end = min(begin + m, n + length)
        bits[begin:end] = bits[begin - n : end - n] ^ bits[begin - m : end - m]
    return bits[n:]


def noise_verilog(name: str, source: NoiseSource) -> str:
    """Module ``NAME_noise``: ``noise`` holds the numbers of the event to come, and changes when ``next`` is high."""
    width = source.type.width
    entries = enumerate(source.table())
    rows = "\n".join(f"      {ADDRESS_BITS}'d{i}: magnitude = {width}'d{value};" for i, value in entries)
    registers = zip(TAPS, source.starts(), strict=False)
    parts = [_register(index, n, m, start, width) for index, ((n, m), start) in enumerate(registers)]
    return f"""\
// {source.numbers} standard normal numbers of {width} bits an event, seed {source.seed}: see hls/rtl/noise.py.
module {name}_noise (
  input  wire clk,
  input  wire rst,
  input  wire next,
  output wire [{source.numbers * width - 1}:0] noise
);
  function automatic [{width - 1}:0] magnitude(input [{ADDRESS_BITS - 1}:0] address);
    case (address)
{rows}
    endcase
  endfunction

{"".join(parts)}endmodule
"""


def _register(index: int, n: int, m: int, start: int, width: int) -> str:
    new = ", ".join(f"s{index}[{n - 1 - k}] ^ s{index}[{m - 1 - k}]" for k in range(DRAWN_BITS))
    address = ", ".join(f"f{index}[{place}]" for place in range(ADDRESS_BITS))
    return f"""\
  reg [{n - 1}:0] s{index};
  wire [{DRAWN_BITS - 1}:0] f{index} = {{{new}}};
  wire [{width - 1}:0] m{index} = magnitude({{{address}}});
  always @(posedge clk)
    if (rst) s{index} <= {n}'d{start};
    else if (next) s{index} <= {{s{index}[{n - 1 - DRAWN_BITS}:0], f{index}}};
  assign noise[{(index + 1) * width - 1}:{index * width}] = f{index}[{DRAWN_BITS - 1}] ? -m{index} : m{index};

"""


def write_alone(project: RtlProject, noisy: Sequence[str], seed: int) -> tuple[Path, Path]:
    """Write modules ``NAME_alone`` and ``NAME_noise`` beside the Verilog of ``project``; returns their files.

    ``NAME_alone`` is ``NAME_top`` with its ports ``noisy`` driven from inside.

    Raises:
        FirmwareError: there is no such port, they are of several types or unsigned, or no event comes each clock.
    """
    drawn = _named(project.inputs, noisy)
    types = {port.type for port in drawn}
    if len(types) > 1:
        raise FirmwareError(
            f"ports {', '.join(noisy)} have several types ({', '.join(map(str, types))}); give those of one"
        )
    if project.interval != 1 or project.streamed:
        raise FirmwareError(f"{project.top} takes no event each clock; noise goes with interval = 1 and without io")
    source = NoiseSource(sum(port.size for port in drawn), types.pop(), seed)
    name, place = project.top.removesuffix("_top"), project.sources[0].parent
    texts = {"alone": alone_verilog(name, project.inputs, project.outputs, noisy), "noise": noise_verilog(name, source)}
    files = {kind: place / f"{name}_{kind}.{VERILOG.suffix}" for kind in texts}
    for kind, text in texts.items():
        write_text(files[kind], text)
    return files["alone"], files["noise"]


def _named(ports: Sequence[RtlPort], names: Sequence[str]) -> list[RtlPort]:
    """Those of the names, in the order of the ports."""
    unknown = [name for name in names if name not in {port.name for port in ports}]
    if unknown or not names:
        known = ", ".join(port.name for port in ports)
        raise FirmwareError(
            f"no input is called {unknown[0]!r}; choose of {known}" if unknown else f"choose of {known}"
        )
    return [port for port in ports if port.name in names]


def alone_verilog(name: str, inputs: Sequence[RtlPort], outputs: Sequence[RtlPort], noisy: Sequence[str]) -> str:
    """Module ``NAME_alone``: ``NAME_top`` with its ports ``noisy`` driven by ``NAME_noise``, the others as they are."""
    given, drawn = [port for port in inputs if port.name not in noisy], _named(inputs, noisy)
    total = sum(port.bits for port in drawn)
    ports = [f"  input  wire [{port.bits - 1}:0] {port.signal}," for port in given]
    ports += [f"  output wire [{port.bits - 1}:0] {port.signal}," for port in outputs]
    wires, place = [f".{port.signal}({port.signal})" for port in (*given, *outputs)], 0
    for port in drawn:
        wires.append(f".{port.signal}(noise[{place + port.bits - 1}:{place}])")
        place += port.bits
    return f"""\
// {name}_top with noise of its own: each event that comes takes the next numbers.
module {name}_alone (
  input  wire clk,
  input  wire rst,
  input  wire valid_in,
{chr(10).join(ports)}
  output wire valid_out
);
  wire [{total - 1}:0] noise;
  {name}_noise source (.clk(clk), .rst(rst), .next(valid_in), .noise(noise));
  {name}_top top (.clk(clk), .rst(rst), .valid_in(valid_in), .valid_out(valid_out), {", ".join(wires)});
endmodule
"""
