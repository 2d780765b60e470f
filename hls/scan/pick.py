"""A point of a scan as a firmware project."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from hls.errors import FirmwareError
from hls.machine.files import read_text
from hls.project.expected import EXPECTED_FILE
from hls.project.new_project import PARENT, create_project
from hls.project.project_file import PROJECT_FILE
from hls.scan.scan import TRIALS, ScanResult
from hls.scan.space import HARDWARE, Value
from hls.scan.store import RESULT
from hls.scan.trial import MODEL, TrialResult, with_hardware
from hls.target import Target


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

    Of a project whose network stayed as it is, this is a copy with other hardware.

    Raises:
        ProjectError: the name is not valid, or the folder exists.
    """
    subject = result.subject
    source = result.folder / TRIALS / trial.key
    target = with_hardware(subject.target, trial.parameters)
    folder = create_project(
        name,
        source / MODEL,
        target.part,
        backend=target.backend,
        clock_ns=target.clock_ns,
        interval_ns=target.interval_ns,
        input_type=None if subject.fixed is None else subject.fixed.file.model.input_type,
        softmax=None if subject.fixed is None else subject.fixed.file.model.softmax,
        sigmoid=None if subject.fixed is None else subject.fixed.file.model.sigmoid,
        outputs=None if subject.fixed is None else subject.fixed.file.model.outputs,
        parent=parent,
    )
    project = folder / PROJECT_FILE
    if subject.fixed is not None:
        written = subject.fixed.target
        text = read_text(subject.fixed.folder / PROJECT_FILE)
        _copy(subject.fixed.folder, folder, leave=(PROJECT_FILE, EXPECTED_FILE))
    else:
        written = Target(target.part, target.backend, target.clock_ns)
        text = project.read_text(encoding="utf-8")
        _copy(source, folder, leave=(MODEL, RESULT))
        if subject.chosen is not None:
            text = _stated(text, "model", "system", subject.chosen.system.name)
            text = _stated(text, "model", "variant", subject.chosen.variant)
    if target.interval_ns is None:
        text = re.sub(r"^interval_ns = .*\n", "", text, flags=re.MULTILINE)
    for key in ("io_type", *HARDWARE):
        value = getattr(target, key)
        if value != getattr(written, key):
            text = _stated(text, "target", key, value)
    if target.product != (written.firmware or replace(target, firmware=None).product):
        text = _stated(text, "target", "firmware", target.product)
    project.write_text(text, encoding="utf-8")
    return folder


def _stated(text: str, table: str, key: str, value: Value) -> str:
    """A project.toml with ``key`` of this value, where it stands (commented out, perhaps) or first in its table."""
    line = f"{key} = {json.dumps(value)}"  # TOML writes plain words and numbers as JSON does
    changed, found = re.subn(rf'^(?:# )?{key} = (?:"[^"]*"|[^\s#]+)', line, text, count=1, flags=re.MULTILINE)
    return changed if found else text.replace(f"[{table}]\n", f"[{table}]\n{line}\n", 1)


def _copy(source: Path, folder: Path, leave: tuple[str, ...]) -> None:
    for path in source.iterdir():
        if path.is_file() and path.name not in leave and not path.name.startswith("."):
            (folder / path.name).write_bytes(path.read_bytes())
