"""The proof of a project: of the Verilog in its build folder, or of what a build would write there."""

from __future__ import annotations

from pathlib import Path

from hls.errors import ProjectError
from hls.graph import FixedGraph
from hls.importing import import_model
from hls.machine.extras import require
from hls.machine.files import write_text
from hls.machine.progress import StageProgress
from hls.project.project_file import Project, read_project
from hls.project.report.schema import REPORT_FILE, Report, read_report
from hls.proof import PROOF_FILE, Proof, Subject, Tested, prove
from hls.rtl import Design, read_design, rtl_design, write_rtl
from hls.target import project_identifier
from hls.verification.build_folder import BuildFolder

_MODEL_WITNESSES = ("qkeras", "hgq2")


def prove_project(folder: str | Path, time_limit: float, progress: StageProgress | None = None) -> Proof:
    """Prove what is written of the project in ``folder``, and leave the certificate in its build folder.

    Args:
        folder: a folder with a project.toml.
        time_limit: seconds for each link.
        progress: called with (stage, done, total).

    Raises:
        FirmwareError: the project is not usable, or was changed since it was built.
    """
    project = read_project(folder)
    graph = import_model(project.weights, project.file.model.statements())
    home = BuildFolder(project.build_folder, project.cache_folder)
    report = _report(project, graph)
    subject = Subject(
        project=project.name,
        graph=graph,
        target=project.target,
        cache=home.cache / "proof",
        verilog=_verilog(project, graph, home),
        hls4ml=home.hls if home.hls.is_dir() else None,
        netlist=home.netlist if home.netlist.is_dir() else None,
        tested=None if report is None else tested_model(report),
        time_limit=time_limit,
        progress=progress,
    )
    proof = prove(subject)
    write_text(home.home / PROOF_FILE, proof.model_dump_json(indent=2) + "\n")
    return proof


def _report(project: Project, graph: FixedGraph) -> Report | None:
    """The report of the build that lies there, if it is one of this network."""
    if not (project.build_folder / REPORT_FILE).is_file():
        return None
    report = read_report(project.build_folder)
    if report.graph.digest != graph.digest():
        raise ProjectError(f"{project.build_folder}: built from another network; run `qtrigger build {project.folder}`")
    return report


def _verilog(project: Project, graph: FixedGraph, home: BuildFolder) -> Design:
    name, target = project_identifier(project.name), project.target
    found = read_design(graph, name, home.rtl, target.clock_ns)
    if found is not None:
        return found
    require("alkaid")
    return rtl_design(write_rtl(graph, name, home.rtl, target.clock_ns, multipliers=target.multipliers))


def tested_model(report: Report) -> Tested | None:
    """What a build found of the model file: the witness that runs it, if it ran and nothing differed unexplained."""
    for name in _MODEL_WITNESSES:
        witness = report.witnesses.get(name)
        if witness is not None and witness.status == "ran" and not witness.mismatches:
            return Tested(name, witness.version or "", witness.events, witness.seconds or 0.0)
    return None
