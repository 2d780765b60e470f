"""Time and memory of the proof that firmware projects compute their networks.

    python -m benchmarks.proof firmware_projects/evn-*
    python -m benchmarks.proof --netlist firmware_projects/evn-pair

Each project is copied without what was built of it, so that nothing is remembered, and proved by a process of its own:
its Verilog against its network, or with ``--netlist`` its netlist, synthesised before, against its Verilog.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hls.graph import FixedGraph
from hls.importing import import_model
from hls.machine.programs import run_program
from hls.project import read_project
from hls.project.project_file import Project
from hls.rtl import write_rtl
from hls.rtl.netlist import family_of, synthesise
from hls.target import project_identifier
from hls.verification.build_folder import BuildFolder

# The verb, which tells at its end how many KB it or what it started took.
_VERB = """
import atexit, resource, sys
most = lambda: max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
atexit.register(lambda: sys.stderr.write(f"\\nmemory {most()}\\n"))
from hls.cli import main
main()
"""
_VERILOG, _NETLIST = "graph = verilog", "verilog = netlist"
_ROW = "| {:<22} | {:>10} | {:>10} | {:>7} | {:>7} | {:>6} | {} |"


@dataclass(frozen=True)
class Measured:
    """A link as the verb states it, and the memory of the largest process in MB."""

    link: dict[str, Any]
    memory: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--netlist", action="store_true", help="measure the link from Verilog to netlist")
    parser.add_argument("--time-limit", type=float, default=3600.0)
    asked = parser.parse_args()
    size = "LUT" if asked.netlist else "primitives"
    sys.stdout.write(_ROW.format("project", "parameters", size, "outputs", "seconds", "MB", "state") + "\n")
    for project in asked.projects:
        sys.stdout.write(row(project, asked.time_limit, asked.netlist) + "\n")
        sys.stdout.flush()


def row(project: Path, time_limit: float, netlist: bool) -> str:
    """What the proof of one project took."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / project.name
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build", ".cache"))
        found = read_project(copy)
        graph = import_model(found.model_file(), found.file.model.statements())
        luts = synthesised(found, graph) if netlist else None
        measured = proved(copy, time_limit, _NETLIST if netlist else _VERILOG)
    primitives = re.search(r"(\d+) primitives", measured.link["method"])
    size = luts if luts is not None else primitives.group(1) if primitives else "–"
    outputs, state = measured.link["outputs"], measured.link["state"]
    told = state if state == "proved" else f"{state}: {measured.link['reason']}"
    seconds = f"{measured.link['seconds']:.1f}"
    count = outputs["proved"] if outputs else 0
    return _ROW.format(project.name, graph.parameters(), size, count, seconds, measured.memory, told)


def synthesised(project: Project, graph: FixedGraph) -> int:
    """Leave the Verilog and its netlist where a build does; returns how many LUTs it takes."""
    home = BuildFolder(project.build_folder, project.cache_folder)
    target = project.target
    name = project_identifier(project.name)
    rtl = write_rtl(graph, name, home.rtl, target.clock_ns, multipliers=target.multipliers)
    made = synthesise(rtl, family_of(target.part), home.cache)
    shutil.copytree(made.folder, home.netlist)
    return made.resources.lut_high


def proved(project: Path, time_limit: float, name: str) -> Measured:
    """The link of that name, as the verb states it."""
    command = [sys.executable, "-c", _VERB, "prove", str(project), "--json", "--time-limit", str(time_limit)]
    done = run_program(command)
    links: list[dict[str, Any]] = json.loads(done.stdout)["links"]
    memory = re.search(r"^memory (\d+)$", done.stderr, re.MULTILINE)
    assert memory is not None
    return Measured(next(link for link in links if link["name"] == name), int(memory[1]) // 1024)


if __name__ == "__main__":
    main()
