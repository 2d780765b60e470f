"""Time and memory of the proof that the Verilog of firmware projects computes their networks.

    python -m benchmarks.proof firmware_projects/evn-*

Each project is copied without what was built of it, so that nothing is remembered, and proved by a process of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hls.importing import import_model
from hls.machine.programs import run_program
from hls.project import read_project

_VERB = "from hls.cli import main; main()"
_LINK = "graph = verilog"
_ROW = "| {:<22} | {:>10} | {:>10} | {:>7} | {:>7} | {:>6} | {} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--time-limit", type=float, default=3600.0)
    asked = parser.parse_args()
    sys.stdout.write(_ROW.format("project", "parameters", "primitives", "outputs", "seconds", "MB", "state") + "\n")
    for project in asked.projects:
        sys.stdout.write(row(project, asked.time_limit) + "\n")
        sys.stdout.flush()


def row(project: Path, time_limit: float) -> str:
    """What the proof of one project took; memory is that of the largest process so far."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / project.name
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build", ".cache"))
        found = read_project(copy)
        parameters = import_model(found.model_file(), found.file.model.statements()).parameters()
        link = proved(copy, time_limit)
    primitives = re.search(r"(\d+) primitives", link["method"])
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    count = primitives.group(1) if primitives else "–"
    return _ROW.format(
        project.name, parameters, count, link["outputs"]["proved"], f"{link['seconds']:.1f}", memory, link["state"]
    )


def proved(project: Path, time_limit: float) -> dict[str, Any]:
    """The link from graph to Verilog, as the verb states it."""
    command = [sys.executable, "-c", _VERB, "prove", str(project), "--json", "--time-limit", str(time_limit)]
    done = run_program(command)
    links: list[dict[str, Any]] = json.loads(done.stdout)["links"]
    return next(link for link in links if link["name"] == _LINK)


if __name__ == "__main__":
    main()
