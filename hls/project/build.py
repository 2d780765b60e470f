"""The main job: import, verify against every witness, measure fidelity, and leave build/ whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hls.errors import ProjectError
from hls.events import Choice, EventSample, gather, parse_features
from hls.graph import FixedGraph
from hls.handover import Vectors, complete_hls_project, complete_rtl_project
from hls.hls4ml_project import HlsProject, unwritten_project, write_project
from hls.importing import import_model
from hls.machine.extras import missing
from hls.machine.notebook import notebook_progress
from hls.machine.progress import StageProgress
from hls.project.build_folder import fresh_build
from hls.project.fidelity import Fidelity, Subject, measure_fidelity
from hls.project.known_part import require_known_part
from hls.project.last_build import LastBuild, firmware_key, kept_notes, last_build
from hls.project.project_file import Project, check_asked, read_project
from hls.project.proving import prove_build
from hls.project.report import assemble
from hls.project.report.budget import check_budget
from hls.project.report.html import write_html
from hls.project.report.intervals import needs_by_interval
from hls.project.report.rows import Figures, gather_figures, is_asic
from hls.project.report.schema import REPORT_FILE, Report
from hls.project.report.verification_schema import KeptResult
from hls.project.routing import asked_device, pipeline_for, route
from hls.project.systems.finding import Chosen, project_system
from hls.project.vendor_runs import keep_vendor_reports
from hls.proof import PROOF, Proof
from hls.rtl.netlist import Closure, RoutedDesign
from hls.verification.build_folder import BuildFolder
from hls.verification.verify import Verdict, verify
from hls.witnesses import Task, default_witnesses


@dataclass(frozen=True)
class BuildOptions:
    """What the command line may change about a build; None keeps what project.toml says."""

    witnesses: Sequence[str] | None = None
    events: int | None = None
    inputs: Path | None = None
    liberty: Path | None = None
    place_and_route: str | None = None
    without: Sequence[str] = ()
    features: Sequence[str] = ()
    labels: str | None = None


def build(
    folder: str | Path,
    witnesses: Sequence[str] | None = None,
    events: int | None = None,
    inputs: str | Path | None = None,
    liberty: str | Path | None = None,
    place_and_route: str | None = None,
    progress: StageProgress | None = None,
    without: Sequence[str] = (),
    features: Sequence[str] = (),
    labels: str | None = None,
) -> Report:
    """Build and verify the project in ``folder``; the result lies in ``folder/build``.

    Args:
        folder: a folder with a project.toml.
        witnesses: names of those to ask, instead of the project's, and "proof"; one that cannot run fails the build.
        events: number of events, instead of the project's.
        inputs: event file (HDF5, .npy, .npz, ROOT, Parquet, CSV) to use instead of generated events.
        liberty: cell library of an ASIC, for the netlist witness.
        place_and_route: device to place and route the RTL on, instead of the project's; ``hls.rtl.netlist.DEVICES``.
        progress: called with (stage, done, total); total 0 where unknown. A notebook shows bars where it is None.
        without: names of witnesses that are not asked.
        features: what of ``inputs`` the network takes: names of arrays, branches or columns, "INPUT=a,b" for several.
        labels: name of an array of ``inputs`` that tells classes, or a file of its own.

    Returns:
        The report, also when verification or budget failed: look at ``report.passed``, which is None where nothing was
        compared.

    Raises:
        FirmwareError: the project, model or event file is not usable; build/ is then what it was before.
    """
    project = read_project(folder)
    options = BuildOptions(
        witnesses, events, _path(inputs), _library(liberty), place_and_route, without, features, labels
    )
    for name in (*(options.witnesses or ()), *without):
        check_asked(name)
    require_known_part(project.target.part)
    device = asked_device(options.place_and_route or project.target.place_and_route)
    chosen = project_system(project)
    with notebook_progress(progress) as progress, fresh_build(project.folder) as root:
        home = BuildFolder(root, project.cache_folder)
        model = project.model_file()
        graph = import_model(model, project.file.model.statements())
        sample = _events(project, graph, chosen, options, progress)
        firmware = _firmware(project, graph, home, progress)
        closure = pipeline_for(project.target, graph, firmware.top, home.cache, device, progress)
        _vhdl(project, graph, firmware, home, closure)
        task = Task(
            graph,
            model,
            firmware,
            options.liberty,
            home,
            statements=project.file.model.statements(),
            pipelining=None if closure is None else closure.pipelining,
        )
        verdict = _verify(project, task, sample, options, progress)
        proof = prove_build(project, task, verdict, progress) if PROOF in _asked(project, options) else None
        inputs, _ = _asked_events(project, options)
        fidelity = measure_fidelity(Subject(project, graph, chosen, sample, inputs, home.figures), progress)
        routed = route(task, device, progress)
        _hand_over(task, sample)
        last = last_build(project, graph)
        if last is not None:
            last.keep_files(home)
        figures = _figures(project, graph, firmware, verdict, home, routed, closure, last)
        kept = {} if last is None else last.results(verdict.ran, home)
        report = _report(project, graph, chosen, verdict, proof, fidelity, figures, kept)
        (root / REPORT_FILE).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_html(report, root)
    return report.model_copy(update={"folder": project.build_folder})


def _path(name: str | Path | None) -> Path | None:
    return None if name is None else Path(name)


def _library(name: str | Path | None) -> Path | None:
    if name is None:
        return None
    if not Path(name).is_file():
        raise ProjectError(f"{name}: no such liberty file")
    return Path(name).resolve()


def _events(
    project: Project,
    graph: FixedGraph,
    chosen: Chosen | None,
    options: BuildOptions,
    progress: StageProgress | None,
) -> EventSample:
    if progress is not None:
        progress("events", 0, 0)
    settings = project.file.verify
    inputs, choice = _asked_events(project, options)
    sample = gather(
        graph,
        chosen,
        events=options.events,
        seed=settings.seed,
        inputs=inputs,
        default=settings.events,
        choice=choice,
    )
    if progress is not None:
        progress("events", len(sample), len(sample))
    return sample


def _asked_events(project: Project, options: BuildOptions) -> tuple[Path | None, Choice]:
    """The file that the command line names, or the project, and what is taken of it."""
    own = project.choice()
    inputs = options.inputs or project.inputs
    choice = Choice(parse_features(options.features) or own.features, options.labels or own.labels)
    if inputs is None and (choice.features or choice.labels):
        raise ProjectError("--features and --labels say what is taken of a file of events; name it by --inputs")
    return inputs, choice


def _firmware(project: Project, graph: FixedGraph, home: BuildFolder, progress: StageProgress | None) -> HlsProject:
    why = missing("hls4ml")
    if why is not None:
        return unwritten_project(project.target, project.name, home.hls, why)
    if progress is not None:
        progress("hls4ml", 0, 1)
    # The folder moves when the build is whole: hls4ml's files name the place where they will lie then.
    final = BuildFolder(project.build_folder, project.cache_folder).hls
    written = write_project(graph, project.target, project.name, home.hls, final)
    if progress is not None:
        progress("hls4ml", 1, 1)
    return written


def _vhdl(
    project: Project, graph: FixedGraph, firmware: HlsProject, home: BuildFolder, closure: Closure | None
) -> None:
    if project.file.target.vhdl:
        from hls.rtl import write_vhdl_for

        write_vhdl_for(project.target, graph, firmware.top, home.rtl, None if closure is None else closure.pipelining)


def _asked(project: Project, options: BuildOptions) -> Sequence[str]:
    """What the user names: witnesses, and the proof, which is a step of its own."""
    named = options.witnesses or project.file.verify.witnesses or ()
    return [name for name in named if name not in options.without]


def _verify(
    project: Project, task: Task, sample: EventSample, options: BuildOptions, progress: StageProgress | None
) -> Verdict:
    settings = project.file.verify
    asked = _asked(project, options)
    named = [name for name in asked if name != PROOF]
    unasked = [name for name in default_witnesses(task.model_file) if name not in options.without]
    return verify(
        task,
        sample,
        named if asked else unasked,
        required=bool(asked),
        max_events=settings.max_events,
        progress=progress,
    )


def _hand_over(task: Task, sample: EventSample) -> None:
    """What others need to run the written projects: events whose bits are known, and their tools' own files."""
    vectors = Vectors.of(task.graph, sample.raw, sample.corners)
    if task.project.unwritten is None:
        complete_hls_project(task.project, task.graph, vectors)
    if task.written_rtl is not None:
        complete_rtl_project(task.written_rtl, task.project.target, vectors, sample.names)


def _figures(
    project: Project,
    graph: FixedGraph,
    firmware: HlsProject,
    verdict: Verdict,
    home: BuildFolder,
    routed: RoutedDesign | None,
    closure: Closure | None,
    last: LastBuild | None,
) -> Figures:
    measured = [item for result in verdict.results for item in result.measured]
    previous = BuildFolder(project.build_folder, project.cache_folder)
    vendor = keep_vendor_reports(previous, home, graph.digest(), project.target)
    found = gather_figures(graph, project.target, measured, vendor, home.rtl, routed, closure)
    if last is not None:
        resources, latency = last.rows(found.resources, found.latency, home)
        notes = [*found.notes, *kept_notes(resources, latency)]
        found = replace(found, resources=resources, latency=latency, notes=notes)
    if firmware.unwritten is None:
        return found
    return replace(found, notes=[f"no hls4ml project was written: {firmware.unwritten}", *found.notes])


def _report(
    project: Project,
    graph: FixedGraph,
    chosen: Chosen | None,
    verdict: Verdict,
    proof: Proof | None,
    fidelity: Fidelity,
    figures: Figures,
    kept: dict[str, KeptResult],
) -> Report:
    found = (fidelity.metrics, figures.resources, figures.latency)
    key = firmware_key(project, graph)
    return Report(
        project=assemble.project_info(project, None if chosen is None else chosen.variant, key),
        graph=assemble.graph_info(graph, verdict.sample, figures.layers),
        verification=assemble.verification_info(verdict, project.model_file(), proof),
        proof=proof,
        witnesses={result.name: assemble.witness_info(result) for result in verdict.results},
        kept=kept,
        fidelity=fidelity.metrics,
        fidelity_events=fidelity.events,
        resources=figures.resources,
        latency=figures.latency,
        intervals=[] if is_asic(project.target) else needs_by_interval(graph, project.target),
        timing=figures.timing,
        figure_notes=figures.notes,
        reference_latency=assemble.reference_latency(project),
        budget=check_budget(project.limits(), *found, project.target.product),
        environment=assemble.environment(project, project.file.verify.seed),
    )
