"""The proof of a project: of the files in its build folder, or as a step of a build.

It is no witness. A witness computes events, and what it computes is compared; a proof computes none, and what it says
holds of all of them. So a build that is asked for "proof" takes this step after its witnesses, and fails if a link that
it made something for is not proved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hls.errors import ProjectError, ToolError
from hls.graph import FixedGraph
from hls.importing import import_model
from hls.machine.extras import require
from hls.machine.files import write_text
from hls.machine.notebook import notebook_progress
from hls.machine.progress import StageProgress
from hls.project.project_file import Project, read_project
from hls.project.report.schema import REPORT_FILE, Report, read_report
from hls.proof import PROOF_FILE, Proof, Subject, Tested, prove, unproved
from hls.rtl import Design, RtlProject, read_design, read_vhdl, rtl_design, write_rtl_for, write_vhdl_for
from hls.target import Target, project_identifier
from hls.verification.build_folder import BuildFolder
from hls.verification.verify import Verdict
from hls.witnesses import Skipped, Task

_MODEL_WITNESSES = ("qkeras", "hgq", "hgq2")


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
    graph = import_model(project.model_file(), project.file.model.statements())
    home = BuildFolder(project.build_folder, project.cache_folder)
    report = _report(project, graph)
    tested = None if report is None else _tested(report)
    subject = _subject(project, graph, home, _rtl(project, graph, home, read_design, write_rtl_for), tested)
    with notebook_progress(progress) as shown:
        proof = prove(replace(subject, time_limit=time_limit, progress=shown))
    write_text(home.home / PROOF_FILE, proof.model_dump_json(indent=2) + "\n")
    return proof


def prove_build(project: Project, task: Task, verdict: Verdict, progress: StageProgress | None) -> Proof:
    """The certificate of a build that is under way, which is left among its files."""
    home = task.folder
    ran = {result.name: result for result in verdict.results}
    tested = None
    for name in _MODEL_WITNESSES:
        result = ran.get(name)
        if result is not None and result.run is not None and not result.mismatches:
            tested = Tested(name, result.run.version, result.run.events, result.run.seconds)
    try:
        verilog = rtl_design(task.rtl)
    except (Skipped, ToolError) as error:
        proof = unproved(project.name, task.graph, " ".join(str(error).split()))
    else:
        proof = prove(replace(_subject(project, task.graph, home, verilog, tested), progress=progress))
    write_text(home.home / PROOF_FILE, proof.model_dump_json(indent=2) + "\n")
    return proof


def _subject(project: Project, graph: FixedGraph, home: BuildFolder, verilog: Design, tested: Tested | None) -> Subject:
    return Subject(
        project=project.name,
        graph=graph,
        target=project.target,
        cache=home.cache / "proof",
        verilog=verilog,
        vhdl=_rtl(project, graph, home, read_vhdl, write_vhdl_for) if project.file.target.vhdl else None,
        hls4ml=home.hls if home.hls.is_dir() else None,
        netlist=home.netlist if home.netlist.is_dir() else None,
        tested=tested,
    )


def _report(project: Project, graph: FixedGraph) -> Report | None:
    """The report of the build that lies there, if it is one of this network."""
    if not (project.build_folder / REPORT_FILE).is_file():
        return None
    report = read_report(project.build_folder)
    if report.graph.digest != graph.digest():
        raise ProjectError(f"{project.build_folder}: built from another network; run `qtrigger build {project.folder}`")
    return report


def _rtl(
    project: Project,
    graph: FixedGraph,
    home: BuildFolder,
    read: Callable[[FixedGraph, str, Path, float], Design | None],
    write: Callable[[Target, FixedGraph, str, Path], RtlProject],
) -> Design:
    """RTL as a build left it, or else written now."""
    name = project_identifier(project.name)
    found = read(graph, name, home.rtl, project.target.clock_ns)
    if found is not None:
        return found
    if project.target.latency is not None:
        raise ProjectError(f"{project.folder}: its pipeline is found by a build; run `qtrigger build` first")
    require("alkaid")
    return rtl_design(write(project.target, graph, name, home.rtl))


def _tested(report: Report) -> Tested | None:
    """What a build found of the model file: the witness that runs it, if it ran and nothing differed unexplained."""
    for name in _MODEL_WITNESSES:
        witness = report.witnesses.get(name)
        if witness is not None and witness.status == "ran" and not witness.mismatches:
            return Tested(name, witness.version or "", witness.events, witness.seconds or 0.0)
    return None
