"""Faults of netlists in which data go round, run beside the right one from a reset on, and held against the Verilog."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.proof_mutants import engines, shared, verdicts
from benchmarks.proof_mutants.faults import TextFault, netlist_faults
from benchmarks.proof_mutants.firmwares import corners
from benchmarks.proof_mutants.verdicts import Verdict
from hls.proof.netlist.circuits import Circuits
from hls.proof.netlist.correspondence import CONTROL, Lanes, flags, input_bits, output_bits
from hls.proof.netlist.elaboration import elaborate, prepare
from hls.rtl import Design, RtlProject, rtl_design, write_rtl
from hls.rtl.folded import write_folded
from hls.rtl.netlist import family_of, netlist_gates, synthesise
from hls.rtl.netlist.gates import Gates

_ENGINES = "corners-engines-netlist"
NETLISTS = {_ENGINES: "netlist of engines", "positions-shared-netlist": "netlist of shared cores"}
"""Firmwares, and what their netlist is of."""
CLOCKS, LANES = 300, 1024
_SETTLED = 6
"""Clocks after which the flags are those of the reset."""
_RESET, _RESETS = CONTROL.index("rst"), 1 / 64


@dataclass(frozen=True)
class Compared:
    """A fault, in how many clocks of how many it shows, and what the proof says."""

    fault: TextFault
    shown: int
    verdict: Verdict


def compared(name: str, count: int, folder: Path) -> Iterator[Compared]:
    """Faults of the netlist of one of ``NETLISTS``."""
    project = _written(name, folder)
    design = rtl_design(project)
    family = family_of(engines.TARGET.part)
    made = synthesise(project, family, folder / "cache")
    gates = elaborate(design, folder / "cache"), prepare(design, family, folder / "cache")
    own = netlist_gates(made.folder, family, design.top, folder / "cache")
    right, told = _told(own, design)
    text = (made.folder / "netlist.v").read_text(encoding="utf-8")
    for number, fault in enumerate(netlist_faults(text, count, random.Random(5))):  # noqa: S311
        wrong = folder / f"m{number}"
        shutil.copytree(made.folder, wrong)
        (wrong / "netlist.v").write_text(fault.files["netlist.v"], encoding="utf-8")
        path = netlist_gates(wrong, family, design.top, folder / f"cache-{number}")
        shown = int(((_outputs(path, design, 3) != right) & told).any(axis=1).sum())
        yield Compared(fault, shown, verdicts.compared(Circuits(design, gates[0], path, gates[1])))


def _written(name: str, folder: Path) -> RtlProject:
    if name == _ENGINES:
        return write_folded(corners(), "net", folder / "rtl", 5.0, engines.INTERVAL, "lut")
    return write_rtl(shared.positions(), "net", folder / "rtl", 5.0, multipliers="lut", interval=shared.INTERVAL)


def _told(path: Path, design: Design) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """What comes out of the right netlist, and which of it counts: flags, and results that they mark."""
    right, again = (_outputs(path, design, seed) for seed in (1, 2))
    told = right == again  # what depends on how registers woke up is nobody's
    names = [name for name, _ in output_bits(design)]
    number = len(flags(design))
    told[:, number:] &= right[:, names.index("valid_out")][:, None]
    told[:_SETTLED] = False
    return right, told


def _outputs(path: Path, design: Design, seed: int) -> npt.NDArray[np.bool_]:
    """Output bits (clocks, bits, lanes) of the same random events, resets and words each time.

    ``seed`` draws what registers wake up with.
    """
    lanes = Lanes(Gates(path, design.top), design, np.random.default_rng(seed), LANES)
    draw, number = np.random.default_rng(9), len(list(input_bits(design)))
    seen = []
    for clock in range(CLOCKS):
        # Words of nearly all zeros or ones come often: that is where sums meet their ends.
        ones = draw.choice([0.02, 0.5, 0.5, 0.98])
        bits = draw.random((number, LANES)) < ones
        bits[: len(CONTROL)] = draw.random((len(CONTROL), LANES)) < 1 / 2
        bits[_RESET] = clock < 4 or draw.random(LANES) < _RESETS
        seen.append(lanes.step(bits))
        lanes.clock()
    return np.array(seen)
