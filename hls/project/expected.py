"""Continuous integration: a fresh build against the numbers recorded in expected.json."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from hls.errors import ProjectError
from hls.machine.files import read_text, write_text
from hls.project.check import Check, checked
from hls.project.expected_figures import ExpectedFigure, compare_figures, compare_proof, proved_links, recorded_figures
from hls.project.expected_layers import ExpectedLayer, changed_layers, moved_luts, recorded_layers
from hls.project.report.schema import BudgetCheck, Curve, Metric, Report
from hls.project.report.words import float32_words
from hls.target import FIRMWARES, Firmware

EXPECTED_FILE = "expected.json"
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_ALLOWED_CHANGE = 1e-6
"""Bits are exact; a float metric may move in its last digits with another BLAS."""


class ExpectedMetric(BaseModel):
    """A recorded fidelity figure, one number a point of a curve, and by how much each may differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | list[float]
    allowed_change: float = _ALLOWED_CHANGE


class Expected(BaseModel):
    """expected.json: what a build of this project must find. Zero mismatches go without saying.

    ``firmware`` is the one that the budget judged, ``figures`` are its own, by resource and in clocks; ``proved`` are
    links of the proof, ``layers`` those of the network. Files of old have none of these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    graph_digest: str
    events: int
    witnesses: list[str]
    fidelity: dict[str, ExpectedMetric]
    firmware: Firmware | None = None
    figures: dict[str, ExpectedFigure] = {}
    proved: list[str] = []
    layers: list[ExpectedLayer] = []


def record(report: Report, previous: Expected | None) -> Expected:
    """What ``report`` found, to be expected from now on. Allowed changes that someone has written are kept."""
    before = {} if previous is None else previous.fidelity
    fidelity = {
        name: ExpectedMetric(
            value=_value(metric),
            allowed_change=before[name].allowed_change if name in before else _ALLOWED_CHANGE,
        )
        for name, metric in report.fidelity.items()
    }
    return Expected(
        graph_digest=report.graph.digest,
        events=report.verification.events,
        witnesses=[name for name, info in report.witnesses.items() if info.status == "ran"],
        fidelity=fidelity,
        firmware=report.project.firmware,
        figures=recorded_figures(report, {} if previous is None else previous.figures),
        proved=proved_links(report),
        layers=recorded_layers(report),
    )


def _value(metric: Metric | Curve) -> float | list[float]:
    return metric.firmware if isinstance(metric, Metric) else [point.firmware for point in metric.points]


def read_expected(folder: Path) -> Expected:
    """``folder/expected.json``. Raises ProjectError if it is missing or damaged."""
    path = folder / EXPECTED_FILE
    if not path.is_file():
        raise ProjectError(f"{path}: nothing recorded yet; run `qtrigger check {folder} --update` and commit the file")
    cure = f"run `qtrigger check {folder} --update`"
    text = read_text(path)
    torn = next((n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(_CONFLICT)), None)
    if torn is not None:
        raise ProjectError(f"{path}: line {torn}: conflict markers of a merge; choose a side, or {cure}")
    try:
        return Expected.model_validate_json(text)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its first line"
        raise ProjectError(f"{path}: damaged at {place}; {cure}") from error


def begins_with_mark(folder: Path) -> bool:
    """Whether an editor has put a byte order mark in front of ``folder/expected.json``."""
    return (folder / EXPECTED_FILE).read_bytes().startswith(codecs.BOM_UTF8)


def write_expected(folder: Path, expected: Expected) -> None:
    """Write ``folder/expected.json``, whole or not at all."""
    write_text(folder / EXPECTED_FILE, json.dumps(expected.model_dump(), indent=2) + "\n")


def compare(name: str, report: Report, expected: Expected) -> list[Check]:
    """Every check of one project: witnesses, graph, fidelity, firmware, budget."""
    found = [
        *_witnesses(report, expected),
        *_graph(report, expected),
        *_fidelity(report, expected),
        *_firmware(report, expected),
        *compare_figures(report, expected.figures, moved_luts(report, expected.layers)),
        *compare_proof(report, expected.proved),
    ]
    explained = {_bits_of(witness): words for witness, words in _explained(report) if words}
    told = (
        replace(check, message=explained[check.name]) if check.status == "passed" and check.name in explained else check
        for check in found
    )
    budget = (_budget(check) for check in report.budget.checks)
    return [replace(check, project=name) for check in (*told, *budget)]


def _bits_of(witness: str) -> str:
    return f"bits of {witness}"


def _explained(report: Report) -> Iterator[tuple[str, str]]:
    for witness, result in report.witnesses.items():
        yield witness, float32_words(result, report.graph.float32_inexact)


def _witnesses(report: Report, expected: Expected) -> Iterator[Check]:
    for name in dict.fromkeys((*expected.witnesses, *report.witnesses)):
        result = report.witnesses.get(name)
        wrong = ""
        if result is None or result.status == "not run":
            reason = "not asked" if result is None else result.reason
            wrong = f"did not run ({reason}), and did when recorded" if name in expected.witnesses else ""
        elif result.mismatches:
            wrong = f"{result.mismatches} of {result.events} events differ from the emulator"
        yield checked(_bits_of(name), wrong, seconds=None if result is None else result.seconds)
    yield checked("verification", "; ".join(report.verification.failures))
    now, was = report.verification.events, expected.events
    yield checked("events", f"{now} events, {was} when recorded" if now < was else "", was=was, now=now)


def _graph(report: Report, expected: Expected) -> Iterator[Check]:
    wrong = ""
    if report.graph.digest != expected.graph_digest:
        where = changed_layers(report, expected.layers)
        told = f": {where}" if where else ""
        wrong = f"the arithmetic differs from what was recorded{told}; if meant, run with --update"
    yield checked("graph", wrong)


def _fidelity(report: Report, expected: Expected) -> Iterator[Check]:
    for name, recorded in expected.fidelity.items():
        metric = report.fidelity.get(name)
        if metric is None:
            yield checked(f"fidelity {name}", "not measured any more")
        else:
            yield _metric(f"fidelity {name}", metric, recorded)


def _metric(name: str, metric: Metric | Curve, recorded: ExpectedMetric) -> Check:
    """Whether a metric is the recorded one; told of a curve is its worst point."""
    found, before = np.atleast_1d(_value(metric)), np.atleast_1d(recorded.value)
    if found.shape != before.shape:
        return checked(name, f"has {found.size} points, had {before.size} when recorded; if meant, run with --update")
    deviation = np.nan_to_num(np.abs(found - before), nan=np.inf)
    worst = int(deviation.argmax())
    now, was = float(found[worst]), float(before[worst])
    wrong = ""
    if deviation[worst] > recorded.allowed_change:
        where = f" at {metric.over} = {metric.points[worst].at:g}" if isinstance(metric, Curve) else ""
        wrong = f"is {now:.9g}, was {was:.9g} ± {recorded.allowed_change:g}{where}"
    return checked(name, wrong, was=was, now=now)


def _firmware(report: Report, expected: Expected) -> Iterator[Check]:
    found, recorded = report.project.firmware, expected.firmware
    if found is not None and recorded is not None:
        changed = f"is {FIRMWARES[found]}, was {FIRMWARES[recorded]} when recorded; if meant, run with --update"
        yield checked("firmware", "" if found == recorded else changed)


def _budget(check: BudgetCheck) -> Check:
    name = f"budget {check.key}"
    if check.passed is None:
        firmware = "" if check.route is None else f" for {FIRMWARES[check.route]}"
        beyond = "nothing gives this figure"
        if check.value is not None:
            beyond = f"{check.value:g} by an estimate beyond the designs that it was fitted to"
        return Check("", name, "not shown", f"{beyond}{firmware}; limit {check.limit:g}")
    if check.passed:
        return checked(name)
    if check.value is None:
        return checked(name, f"no such metric, limit {check.limit:g}")
    source = check.source if check.route is None else f"{FIRMWARES[check.route]}, {check.source}"
    return checked(name, f"{check.value:g} ({source}), limit {check.limit:g}")
