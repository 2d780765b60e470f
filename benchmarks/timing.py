"""Clocks that our RTL meets when it is placed and routed, and the delays from which its pipeline is cut.

    python -m benchmarks.timing operations
    python -m benchmarks.timing projects [FOLDER ...] [--clock-ns 5] [--device ecp5-85k]

Operations: single adders, multiplexers and products between two registers, on a Lattice ECP5 placed and routed by
nextpnr, of AMD's cells by Yosys before placement (Artix-7 delays, which are the ones it knows). Projects: each network
cut by alkaid's rule for the clock, and by `latency = "auto"`, on the same device with the same seed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hls.importing import import_model
from hls.project import read_project
from hls.rtl import RtlProject, write_rtl
from hls.rtl.netlist import DEVICES, FAMILIES, close_timing, place_and_route, routed_on, synthesise
from hls.rtl.pipeline import FAMILY_DELAYS, Delays
from hls.target import project_identifier

DEVICE = DEVICES["ecp5-85k"]
COPIES = 16
"""Of each operation, so that they get in each other's way as in a design."""


@dataclass(frozen=True)
class Operation:
    """Bits of ``a``, ``b`` and the result, Verilog of it, and what it takes by the model of a family's delays."""

    a: int
    b: int
    result: int
    formula: str
    modelled: Callable[[Delays], float]


OPERATIONS = {
    "adder of 8 bits": Operation(8, 8, 9, "a + b", lambda of: of.sum(9)),
    "adder of 16 bits": Operation(16, 16, 17, "a + b", lambda of: of.sum(17)),
    "adder of 32 bits": Operation(32, 32, 33, "a + b", lambda of: of.sum(33)),
    "three numbers of 8 bits": Operation(8, 16, 10, "a + b[7:0] + b[15:8]", lambda of: of.sum(10, 3)),
    "three numbers of 24 bits": Operation(24, 48, 26, "a + b[23:0] + b[47:24]", lambda of: of.sum(26, 3)),
    "multiplexer of 16 bits": Operation(17, 16, 16, "a[16] ? a[15:0] : b", lambda of: of.lut),
    "row of a product, 12 bits": Operation(
        12, 2, 14, "({12{b[0]}} & a) + ({12{b[1]}} & a) * 2", lambda of: of.product(2, 12, in_luts=True)
    ),
    "product of 12 bits, DSP": Operation(
        12, 12, 24, "$signed(a) * $signed(b)", lambda of: of.product(12, 12, in_luts=False)
    ),
}


def module(operation: Operation) -> str:
    """Verilog: ``COPIES`` of the operation, each between registers."""
    a, b, result = operation.a, operation.b, operation.result
    ports = ((a, "input", "a"), (b, "input", "b"), (result, "output", "r"))
    heads = ", ".join(f"{way} [{width * COPIES - 1}:0] all_{name}" for width, way, name in ports)
    lines = [f"module operation_top(input clk, {heads});"]
    for n in range(COPIES):
        where = {name: f"all_{name}[{width * (n + 1) - 1}:{width * n}]" for width, _, name in ports}
        lines += [
            f"if (1) begin : copy{n}",
            f"reg [{a - 1}:0] a; reg [{b - 1}:0] b; reg [{result - 1}:0] r; assign {where['r']} = r;",
            f"always @(posedge clk) begin a <= {where['a']}; b <= {where['b']}; r <= {operation.formula}; end",
            "end",
        ]
    return "\n".join([*lines, "endmodule", ""])


def operations(place: Path) -> Iterator[str]:
    """A row for each operation."""
    yield (
        f"| operation between two registers | {DEVICE.title}, routed [ns] | by the model "
        "| Artix-7 cells, unplaced [ns] | by the model |"
    )
    yield "|---|---|---|---|---|"
    (place / "src").mkdir()
    project = RtlProject(place, "operation_top", ("src/operation.v",), (), (), 3.0, 1, 0)
    for name, operation in OPERATIONS.items():
        (place / "src" / "operation.v").write_text(module(operation), encoding="utf-8")
        routed = place_and_route(project, DEVICE, place / "cache")
        cells = synthesise(project, FAMILIES["xcup"], place / "cache").resources
        known = f"{cells.delay_ns:.2f}" if cells.delay_ns and not cells.dsp else "–"
        ecp5, artix = (
            FAMILY_DELAYS[family].register + operation.modelled(FAMILY_DELAYS[family]) for family in ("ecp5", "xcup")
        )
        yield f"| {name} | {routed.path_ns:.2f} | {ecp5:.2f} | {known} | {artix:.2f} |"


def projects(folders: list[Path], clock_ns: float, device_name: str, place: Path) -> Iterator[str]:
    """Two rows for each project."""
    device = DEVICES[device_name]
    yield f"| project | pipeline | registers | LUT | FF | slowest path [ns] | MHz, {device.title} |"
    yield "|---|---|---|---|---|---|---|"
    for folder in folders:
        project = read_project(folder)
        graph = import_model(project.weights, project.file.model.statements())
        name, multipliers = project_identifier(project.name), project.target.multipliers
        closure = close_timing(graph, name, clock_ns, multipliers, routed_on(device, place / "cache"))
        for title, pipelining in (("alkaid's rule", None), ('latency = "auto"', closure.pipelining)):
            rtl = write_rtl(graph, name, place / "rtl", clock_ns, multipliers=multipliers, pipelining=pipelining)
            found = place_and_route(rtl, device, place / "cache")
            counts = f"{found.counts['lut']:,} | {found.counts['ff']:,}"
            yield f"| {project.name} | {title} | {rtl.stages} | {counts} | {found.path_ns:.2f} | {found.fmax_mhz:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("operations", "projects"))
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--clock-ns", type=float, default=5.0)
    parser.add_argument("--device", choices=tuple(DEVICES), default=DEVICE.name)
    given = parser.parse_args()
    folders = given.folders or [Path("firmware_projects") / name for name in ("evn-two-body", "evn-semivisible")]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        asked = projects(folders, given.clock_ns, given.device, place)
        for line in operations(place) if given.what == "operations" else asked:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
