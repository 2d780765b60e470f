"""The scan: points of a space, each a trial, kept on disk; then the frontier, its points measured by synthesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hls.errors import FirmwareError
from hls.project import Project, read_project
from hls.scan.netlist import measure_netlist
from hls.scan.pareto import Objective, frontier
from hls.scan.search import Rounds, Search, at_once, check_grid, halving, run_rounds
from hls.scan.space import HARDWARE, Space
from hls.scan.store import Store
from hls.scan.trial import TrialResult, TrialSpec, run_trial
from hls.scan.workers import workers
from hls.systems import Chosen, find_system
from hls.target import Target

DEFAULT_PART = "xcvu13p-flga2577-2-e"
TRIALS = "trials"
DEFAULT_TRIALS = 32
HALVING_EPOCHS = 27

Told = Callable[[TrialResult, int, int], None]
"""(result, done, total) after every trial; the total is that of the round."""


@dataclass(frozen=True)
class ScanOptions:
    """How to search. ``synthesise``: measure the frontier's points with Yosys, which takes seconds to minutes each."""

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


@dataclass(frozen=True)
class Subject:
    """What is scanned: a system's networks, or one network whose hardware alone can vary."""

    name: str
    target: dict[str, Any]
    chosen: Chosen | None
    model: bytes | None

    @property
    def space(self) -> Space:
        """Every parameter with its choices."""
        own = {} if self.chosen is None else self.chosen.scannable.scan_space(self.chosen.variant)
        return Space({**{name: tuple(values) for name, values in own.items()}, **HARDWARE})

    def objectives(self) -> tuple[Objective, ...]:
        """What is sought if nobody says: the system's own measure of quality against LUTs, or LUTs against time."""
        if self.chosen is None:
            return Objective("interval_ns", "min"), Objective("luts", "min")
        return Objective.parse(self.chosen.scannable.scan_objective(self.chosen.variant)), Objective("luts", "min")


@dataclass(frozen=True)
class ScanResult:
    """Every trial, and those that no other beats, the one of fewest LUTs first."""

    subject: Subject
    objectives: tuple[Objective, ...]
    trials: list[TrialResult]
    frontier: list[TrialResult]
    folder: Path


def find_subject(text: str) -> Subject:
    """A project folder, or a system as ``qtrigger train`` names it.

    Raises:
        FirmwareError: neither, or a system whose networks cannot be scanned.
    """
    folder = Path(text)
    if (folder / "project.toml").is_file():
        return _of_project(read_project(folder))
    chosen = find_system(text)
    return Subject(str(chosen), {"part": DEFAULT_PART, "backend": "vitis"}, _scannable(chosen), None)


def _of_project(project: Project) -> Subject:
    target = project.file.target.model_dump(include={"part", "backend", "io_type"})
    model = project.file.model
    if model.system is None:
        return Subject(project.name, target, None, project.weights.read_bytes())
    return Subject(project.name, target, _scannable(find_system(model.system, model.variant)), None)


def _scannable(chosen: Chosen) -> Chosen:
    assert chosen.scannable  # raises for a system that cannot be scanned, before anything runs
    return chosen


def scan(subject: Subject, out: Path, options: ScanOptions, told: Told | None = None) -> ScanResult:
    """Run the trials of a scan that ``out`` does not hold yet, and find the frontier.

    Raises:
        FirmwareError: an unknown parameter or objective, a grid beyond reason, no scheduler at the address.
    """
    space = subject.space.narrowed(options.stated)
    objectives = options.objectives or subject.objectives()
    store = Store(out / TRIALS)
    with workers(options.jobs, options.scheduler) as run:

        def measure(specs: list[TrialSpec]) -> list[TrialResult]:
            results = {spec.key: found for spec in specs if (found := store.load(spec.key)) is not None}
            missing = [spec for spec in specs if spec.key not in results]
            for _, (result, files) in run(run_trial, missing):
                store.keep(result, files)
                results[result.key] = result
                if told is not None:
                    told(result, len(results), len(specs))
            return [results[spec.key] for spec in specs]

        trials = run_rounds(_rounds(subject, space, objectives, options), measure)
        _check_objectives(trials, objectives)
        if options.synthesise:
            trials = _synthesised(subject, trials, objectives, store, run)
    return ScanResult(subject, objectives, trials, frontier(trials, objectives), out)


def _rounds(subject: Subject, space: Space, objectives: Sequence[Objective], options: ScanOptions) -> Rounds:
    if options.search == "grid":
        check_grid(space.size)
        points = list(space.grid())
    else:
        points = space.random(options.trials, options.seed)
    chosen = subject.chosen
    specs = [
        TrialSpec(
            parameters=point,
            target=subject.target,
            system=None if chosen is None else str(chosen),
            model=subject.model,
            events=options.events,
            epochs=options.epochs,
            seed=options.seed,
        )
        for point in points
    ]
    if options.search == "halving" and chosen is not None:
        return halving(specs, objectives, options.epochs or HALVING_EPOCHS)
    return at_once(specs)


def _check_objectives(trials: Sequence[TrialResult], objectives: Sequence[Objective]) -> None:
    usable = [trial for trial in trials if trial.failed is None]
    if not usable:
        why = trials[0].failed if trials else "the space is empty"
        raise FirmwareError(f"every trial of the scan failed; the first one because: {why}")
    for objective in objectives:
        if all(trial.value(objective.name) is None for trial in usable):
            known = ", ".join([*usable[0].figures, *usable[0].fidelity])
            raise FirmwareError(f"no trial has an objective {objective.name!r}; there are: {known}")


def _synthesised(
    subject: Subject, trials: list[TrialResult], objectives: Sequence[Objective], store: Store, run: Any
) -> list[TrialResult]:
    """The trials, those on the frontier with figures of a netlist instead of estimates.

    A count may be above its estimate and bring another point to the frontier, so this goes on until all of it is
    measured.
    """
    by_key = {trial.key: trial for trial in trials}
    while todo := [t for t in frontier(list(by_key.values()), objectives) if t.source == "rtl, analytic"]:
        tasks = [(store.model(t.key), t, subject.target) for t in todo]
        for _, measured in run(measure_netlist, tasks):
            store.update(measured)
            by_key[measured.key] = measured
    return [by_key[trial.key] for trial in trials]


def target_of(subject: Subject, trial: TrialResult) -> Target:
    """The target of a trial: the subject's with the hardware parameters of the point."""
    hardware = {name: trial.parameters[name] for name in HARDWARE if name in trial.parameters}
    return Target(**{**subject.target, **hardware})
