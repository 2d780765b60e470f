"""A point of a scan as a firmware project."""

from __future__ import annotations

from pathlib import Path

from hls.errors import FirmwareError
from hls.new_project import PARENT, create_project
from hls.project import PROJECT_FILE
from hls.scan.scan import TRIALS, ScanResult, target_of
from hls.scan.store import RESULT
from hls.scan.trial import MODEL, TrialResult


def choose(result: ScanResult, wanted: str) -> TrialResult:
    """The trial that a user means: the beginning of its key, or a limit such as ``luts<1000`` or ``kendall_tau>0.97``.

    With a limit it is the point of the frontier that keeps it and is best in the objective that it does not name.

    Raises:
        FirmwareError: no trial, or several, answer to it.
    """
    for sign in ("<", ">"):
        name, found, text = wanted.partition(sign)
        if found:
            return _within(result, name, sign, text)
    matches = [trial for trial in result.trials if trial.key.startswith(wanted) and trial.failed is None]
    if len({trial.key for trial in matches}) != 1:
        keys = ", ".join(trial.key for trial in result.frontier)
        raise FirmwareError(f"{wanted!r} is no single trial; on the frontier there are: {keys}")
    return matches[0]


def _within(result: ScanResult, name: str, sign: str, text: str) -> TrialResult:
    try:
        limit = float(text.removeprefix("="))
    except ValueError:
        raise FirmwareError(f"{text!r} is no number; write a limit as luts<1000") from None
    good = []
    for trial in result.frontier:
        value = trial.value(name)
        if value is not None and (value <= limit if sign == "<" else value >= limit):
            good.append(trial)
    if not good:
        raise FirmwareError(f"no point of the frontier has {name} {sign} {limit:g}")
    others = [objective for objective in result.objectives if objective.name != name] or list(result.objectives)
    return min(good, key=others[0].cost)


def pick(result: ScanResult, trial: TrialResult, name: str, parent: Path = PARENT) -> Path:
    """Write ``parent/name``, ready for ``qtrigger build``; returns the folder.

    Raises:
        ProjectError: the name is not valid, or the folder exists.
    """
    source = result.folder / TRIALS / trial.key
    target = target_of(result.subject, trial)
    folder = create_project(
        name,
        source / MODEL,
        target.part,
        backend=target.backend,
        clock_ns=target.clock_ns,
        input_type=None,
        parent=parent,
    )
    for path in source.iterdir():
        if path.name not in (MODEL, RESULT):
            (folder / path.name).write_bytes(path.read_bytes())
    project = folder / PROJECT_FILE
    project.write_text(_completed(project.read_text(encoding="utf-8"), result, trial), encoding="utf-8")
    return folder


def _completed(text: str, result: ScanResult, trial: TrialResult) -> str:
    """The template of a new project with what the scan knows: its system, and the strategy of the point."""
    chosen = result.subject.chosen
    if chosen is not None:
        old = '# system = "event_variables"      # physics system'
        text = text.replace(old, f'system = "{chosen.system.name}"      # physics system')
        text = text.replace('# variant = "two-body"', f'variant = "{chosen.variant}"')
    target = target_of(result.subject, trial)
    text = text.replace('# strategy = "latency"  ', f'strategy = "{target.strategy}"  ')
    return text.replace("# reuse_factor = 1  ", f"reuse_factor = {target.reuse_factor}  ")
