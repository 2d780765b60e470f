"""Logic synthesis by Yosys: a netlist of the family's own cells, what it holds and how deep it is."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from hls.errors import ToolError
from hls.machine.cache import cached_folder, digest
from hls.rtl.netlist.family import ASIC, Family
from hls.rtl.netlist.yosys import run_yosys, yosys_version
from hls.rtl.rtl_project import RtlProject
from hls.rtl.tools import TookTooLongError
from hls.target.resources import Counts, Needs

NETLIST = "netlist.v"
GATES = "gates.json"
SOURCES = "src"
_TIMING_SECONDS = 120.0
"""Yosys adds up delays in seconds, of large designs too; of engines in cells of ECP5 it never ends."""
_STATISTICS, _TIMING, _CMOS = "stat.json", "timing.txt", "cmos.txt"
BLOCK_KBIT = 18
"""Size of the memory blocks that a netlist counts."""
_BLOCK_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Rows and bits of a row that a block can have."""
_HERE = Path(__file__).parent
_NOT_CELLS = "$scopeinfo"
# Transistors of a NAND gate of two inputs in static CMOS: one gate equivalent.
_NAND2_TRANSISTORS = 4


@dataclass(frozen=True)
class NetlistResources:
    """What a netlist holds, counted before placement.

    ``lut_high`` counts every LUT as one (shift registers in LUTs too), ``lut_low`` is what is left if every LUT of up
    to five inputs found a partner in its physical LUT (LUT6_2, or an ALM): packing ends between the two. ``bram``
    counts blocks of 18 kbit. ``delay_ns`` and ``depth`` (cells on it) belong to the slowest path from register to
    register by cell delays alone, before routing; None where Yosys knows no delays; ``delays`` says whose they are.
    ``gate_equivalents`` (NAND2) and ``area`` (with a liberty file, in its unit) are for an ASIC.
    """

    family: str
    cells: Mapping[str, int]
    lut_low: int
    lut_high: int
    ff: int
    carry: int
    dsp: int
    bram: int
    depth: int | None = None
    delay_ns: float | None = None
    delays: str | None = None
    gate_equivalents: float | None = None
    area: float | None = None
    source: Literal["yosys"] = "yosys"

    @property
    def lut_range(self) -> tuple[int, int] | None:
        """From every LUT with a partner to every LUT by itself; None for an ASIC, which has none."""
        return None if self.family == ASIC else (self.lut_low, self.lut_high)

    @property
    def counts(self) -> Counts:
        """What is counted, every LUT as one; memory in blocks of ``BLOCK_KBIT``."""
        counts = Counts(ff=self.ff, dsp=self.dsp, bram=self.bram)
        return counts if self.family == ASIC else Counts(lut=self.lut_high) + counts

    def needed(self) -> Needs:
        """What the design takes of a part: the counts, and of the LUTs the middle of their range with its ends."""
        if self.lut_range is None:
            return self.counts
        low, high = self.lut_range
        return {**self.counts, "lut": ((low + high) / 2, low, high)}


@dataclass(frozen=True)
class Netlist:
    """A synthesised design: in ``folder`` its cells as Verilog (``NETLIST``) and as gates to simulate (``GATES``), the
    RTL that they were made of (``SOURCES``), and the scripts that made them."""

    folder: Path
    resources: NetlistResources


def synthesise(project: RtlProject, family: Family, cache: Path, liberty: Path | None = None) -> Netlist:
    """Synthesise ``project`` for ``family``, or take the result of an earlier run from ``cache``.

    Weights whose contents have a file of their own are black boxes, which Yosys would take minutes to fill; the blocks
    that hold them are counted by their size. A result is found again if the Verilog, family, liberty file and version
    of Yosys are the same.

    Args:
        project: the RTL.
        family: from ``family_of`` or ``FAMILIES``.
        cache: folder of finished results.
        liberty: cell library for an ASIC; without one, gates are counted as NAND2 equivalents.

    Raises:
        ToolError: Yosys failed.
    """
    sources = project.sources
    # This file among them: its scripts are as much a cause of the result as the tool that runs them.
    causes: list[str | Path] = [
        yosys_version(),
        repr(family),
        project.top,
        *project.shared,
        Path(__file__),
        *sources,
        *project.memories,
        *(_HERE / name for name in family.own_models),
        *([liberty] if liberty else []),
    ]
    key = digest(causes)

    def fill(folder: Path) -> None:
        # Copies, since the folder outlives the build that the sources are of, and its scripts are to run again.
        (folder / SOURCES).mkdir()
        for source in sources:
            shutil.copy(source, folder / SOURCES)
        for memory in project.memories:
            _empty(folder / SOURCES / f"{memory.stem}.v")
        names = " ".join(f"{SOURCES}/{source.name}" for source in sources)
        run_yosys(_synthesis(family, project, names, folder, liberty), folder, "synthesis")
        if not project.memories:  # what is black neither computes nor has delays
            run_yosys(_gates(family, project.top, project.shared, folder, liberty), folder, "gates")
        if family.timing is not None and not project.memories:
            with suppress(TookTooLongError):  # the delay is then not known
                run_yosys(_static_timing(family, family.timing, project), folder, "timing", _TIMING_SECONDS)

    folder = cached_folder(cache, f"netlist-{key[:32]}", fill)
    resources = _resources(folder, project.top, family)
    blocks = sum(memory_blocks(memory) for memory in project.memories)
    return Netlist(folder, replace(resources, bram=resources.bram + blocks))


def memory_blocks(contents: Path) -> int:
    """Blocks of ``BLOCK_KBIT`` that hold a file of contents: a row a line, in hexadecimal."""
    rows = contents.read_text(encoding="utf-8").split()
    return min(-(-len(rows) // depth) * -(-4 * len(rows[0]) // width) for depth, width in _BLOCK_SHAPES)


def netlist_gates(netlist: Path, family: Family, top: str, cache: Path) -> Path:
    """The file of gates of ``NETLIST`` in folder ``netlist``, as its text is now: of all instances, none shared.

    Raises:
        ToolError: there is no such file, or it holds what are no cells of ``family``.
    """
    source = netlist / NETLIST
    if not source.is_file():
        raise ToolError(f"{source}: no such netlist; run `qtrigger build` with the witness netlist again")

    def fill(folder: Path) -> None:
        shutil.copy(source, folder)
        run_yosys(_gates(family, top, (), folder, None), folder, "gates")

    key = digest([yosys_version(), repr(family), top, source, *netlist_causes(family)])
    return cached_folder(cache, f"gates-{key[:32]}", fill) / GATES


def _synthesis(family: Family, project: RtlProject, sources: str, folder: Path, liberty: Path | None) -> str:
    lines = [f"read_verilog {sources}", *_kept(project.shared)]
    lines.append(f"{family.synthesis} -top {project.top}")
    statistics = "stat -json"
    if liberty is not None:
        library = os.path.relpath(liberty, folder)
        lines += [f"dfflibmap -liberty {library}", f"abc -liberty {library}", "opt_clean -purge"]
        statistics += f" -liberty {library}"
    elif family.name == ASIC:
        lines += ["abc -g simple", "opt_clean -purge", f"tee -o {_CMOS} stat -tech cmos"]
    lines += [f"tee -o {_STATISTICS} {statistics}", f"write_verilog -noattr {NETLIST}"]
    return "\n".join([*lines, ""])


def _empty(source: Path) -> None:
    """Leave the ports of a module: Yosys opens a file of contents as soon as it reads the module that names it."""
    ports, _ = source.read_text(encoding="utf-8").replace("module", "(* blackbox *)\nmodule", 1).split(");\n", 1)
    source.write_text(f"{ports});\nendmodule\n", encoding="utf-8")


def _kept(shared: Sequence[str]) -> list[str]:
    """Modules that are there once for every position are synthesised once: their instances are not dissolved."""
    return [f"setattr -mod -set keep_hierarchy 1 {name}" for name in shared]


def _gates(family: Family, top: str, shared: Sequence[str], folder: Path, liberty: Path | None) -> str:
    """The netlist read back, each cell replaced by its simulation model, and nothing optimised but constants.

    A model becomes gates once for all cells of its kind, before they are one circuit.
    """
    lines = [*_read_back(family, top, shared, folder, liberty), "proc", "opt_expr"]
    lines += ["memory", "async2sync", "dffunmap", "simplemap", "techmap", "flatten", "opt_expr"]
    return "\n".join([*lines, "opt_clean -purge", f"write_json {GATES}", ""])


def netlist_models(family: Family, top: str, folder: Path) -> list[str]:
    """Commands of Yosys that read ``NETLIST`` in ``folder`` and replace each cell by its simulation model."""
    return [*_read_back(family, top, (), folder, None), "proc", "flatten", "opt_expr"]


def netlist_causes(family: Family) -> list[Path]:
    """Files that ``netlist_models`` depends on."""
    return [Path(__file__), *(_HERE / name for name in family.own_models)]


def _read_back(family: Family, top: str, shared: Sequence[str], folder: Path, liberty: Path | None) -> list[str]:
    lines = [f"read_liberty -ignore_miss_func {os.path.relpath(liberty, folder)}"] if liberty is not None else []
    # Some models include what others define again; of hundreds, a few are used.
    lines += [f"read_verilog -overwrite -defer +/{name}" for name in family.models]
    for name in family.own_models:
        shutil.copy(_HERE / name, folder)
        lines.append(f"read_verilog -defer {name}")
    return [*lines, f"read_verilog {NETLIST}", f"hierarchy -top {top}", *_kept(shared)]


def _static_timing(family: Family, timing: str, project: RtlProject) -> str:
    defines = " ".join(f"-D{name}" for name in family.defines)
    models = " ".join(f"+/{name}" for name in timing.split())
    # In a session of its own: synthesis has by then replaced the delays of some cells by those of abc9's boxes.
    lines = [f"read_verilog {defines} -lib -specify {models}", f"read_verilog {NETLIST}"]
    lines += [f"hierarchy -top {project.top}", *(["flatten"] if project.shared or project.folded else [])]
    return "\n".join([*lines, f"tee -o {_TIMING} sta", ""])


def _resources(folder: Path, top: str, family: Family) -> NetlistResources:
    cells, area = _cells(folder / _STATISTICS, top)
    counts = family.count(cells)
    depth, delay = _slowest_path(folder / _TIMING)
    return NetlistResources(
        family.name,
        MappingProxyType(cells),
        lut_low=counts["lut"] - family.paired(cells),
        lut_high=counts["lut"],
        ff=counts["ff"],
        carry=counts["carry"],
        dsp=counts["dsp"],
        bram=counts["bram"],
        depth=depth,
        delay_ns=delay,
        delays=None if delay is None else family.delays,
        gate_equivalents=_gate_equivalents(folder / _CMOS),
        area=area,
    )


def _cells(path: Path, top: str) -> tuple[dict[str, int], float | None]:
    """Cells of the whole design by type, and their area if there is a library."""
    try:
        statistics = json.loads(path.read_text(encoding="utf-8"))
        modules = statistics["modules"]
        # With modules inside the top one, the cells of all their instances stand under "design".
        counted = modules[f"\\{top}"] if len(modules) == 1 else statistics["design"]
        listed = counted.get("num_cells_by_type", {})
        cells = {
            name: _number(entry) for name, entry in listed.items() if name != _NOT_CELLS and f"\\{name}" not in modules
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"{path}: not the statistics of {top}; remove {path.parent} and build again") from error
    return cells, counted.get("area")


def _number(entry: int | Mapping[str, str | int]) -> int:
    """Yosys writes a plain number, or one beside its area."""
    return int(entry["count"] if isinstance(entry, Mapping) else entry)


def _slowest_path(path: Path) -> tuple[int | None, float | None]:
    """Combinational cells on the slowest path, and its delay in ns, from the report of Yosys's ``sta``."""
    if not path.is_file():
        return None, None
    report = path.read_text(encoding="utf-8")
    latest = re.search(r"^Latest arrival time in '.*' is (\d+):$", report, re.MULTILINE)
    if latest is None:
        return None, None
    passed = re.findall(r"^ +\d+ \S+ \(\S+->\S+\)$", report.split("Arrival histogram")[0], re.MULTILINE)
    # The last of them is the register where the path begins.
    return max(len(passed) - 1, 0), int(latest[1]) / 1000


def _gate_equivalents(path: Path) -> float | None:
    if not path.is_file():
        return None
    found = re.findall(r"Estimated number of transistors:\s+(\d+)", path.read_text(encoding="utf-8"))
    # The last is that of the whole design.
    return int(found[-1]) / _NAND2_TRANSISTORS if found else None
