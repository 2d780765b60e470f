"""Continuous integration: a fresh build against the numbers recorded in expected.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from hls.errors import ProjectError
from hls.machine.files import read_text, write_text
from hls.project.expected_figures import ExpectedFigure, compare_figures, compare_proof, proved_links, recorded_figures
from hls.project.report.schema import BudgetCheck, Curve, Metric, Report
from hls.project.report.words import float32_words
from hls.target import FIRMWARES, Firmware

EXPECTED_FILE = "expected.json"
_JUNIT = {"failed": "failure", "error": "error", "not shown": "skipped"}
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
    links of the proof. Files of old have none of these.
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


Status = Literal["passed", "failed", "error", "not shown"]


@dataclass(frozen=True)
class Check:
    """One thing compared. ``status`` error: it could not be compared, as the project is not usable; "not shown":
    nothing gives the figure that is limited, or only an extrapolated estimate.

    One that passed has a ``message`` where it is not all equal: QKeras within the error of its own float32.
    """

    project: str
    name: str
    status: Status
    message: str = ""


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
    )


def _value(metric: Metric | Curve) -> float | list[float]:
    return metric.firmware if isinstance(metric, Metric) else [point.firmware for point in metric.points]


def read_expected(folder: Path) -> Expected:
    """``folder/expected.json``. Raises ProjectError if it is missing or damaged."""
    path = folder / EXPECTED_FILE
    if not path.is_file():
        raise ProjectError(f"{path}: nothing recorded yet; run `qtrigger check {folder} --update` and commit the file")
    try:
        return Expected.model_validate_json(read_text(path))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its first line"
        raise ProjectError(f"{path}: damaged at {place}; run `qtrigger check {folder} --update`") from error


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
        *compare_figures(report, expected.figures),
        *compare_proof(report, expected.proved),
    ]
    checks = [Check(name, what, "passed" if not message else "failed", message) for what, message in found]
    explained = {_bits_of(witness): words for witness, words in _explained(report) if words}
    told = (
        replace(check, message=explained[check.name]) if check.status == "passed" and check.name in explained else check
        for check in checks
    )
    return [*told, *(_budget(name, check) for check in report.budget.checks)]


def _bits_of(witness: str) -> str:
    return f"bits of {witness}"


def _explained(report: Report) -> Iterator[tuple[str, str]]:
    for witness, result in report.witnesses.items():
        yield witness, float32_words(result, report.graph.float32_inexact)


def _witnesses(report: Report, expected: Expected) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys((*expected.witnesses, *report.witnesses)):
        result = report.witnesses.get(name)
        message = ""
        if result is None or result.status == "not run":
            reason = "not asked" if result is None else result.reason
            message = f"did not run ({reason}), and did when recorded" if name in expected.witnesses else ""
        elif result.mismatches:
            message = f"{result.mismatches} of {result.events} events differ from the emulator"
        yield _bits_of(name), message
    yield "verification", "; ".join(report.verification.failures)
    fewer = report.verification.events < expected.events
    yield "events", f"{report.verification.events} events, {expected.events} when recorded" if fewer else ""


def _graph(report: Report, expected: Expected) -> Iterator[tuple[str, str]]:
    same = report.graph.digest == expected.graph_digest
    yield (
        "graph",
        "" if same else "the arithmetic differs from what was recorded; if meant, run with --update",
    )


def _fidelity(report: Report, expected: Expected) -> Iterator[tuple[str, str]]:
    for name, recorded in expected.fidelity.items():
        metric = report.fidelity.get(name)
        if metric is None:
            yield f"fidelity {name}", "not measured any more"
        else:
            yield f"fidelity {name}", _moved(metric, recorded)


def _moved(metric: Metric | Curve, recorded: ExpectedMetric) -> str:
    """How a figure differs from the recorded one; empty if it does not, the worst point of a curve if it does."""
    found, was = np.atleast_1d(_value(metric)), np.atleast_1d(recorded.value)
    if found.shape != was.shape:
        return f"has {found.size} points, had {was.size} when recorded; if meant, run with --update"
    change = np.nan_to_num(np.abs(found - was), nan=np.inf)
    worst = int(change.argmax())
    if change[worst] <= recorded.allowed_change:
        return ""
    where = f" at {metric.over} = {metric.points[worst].at:g}" if isinstance(metric, Curve) else ""
    return f"is {found[worst]:.9g}, was {was[worst]:.9g} ± {recorded.allowed_change:g}{where}"


def _firmware(report: Report, expected: Expected) -> Iterator[tuple[str, str]]:
    found, recorded = report.project.firmware, expected.firmware
    if found is not None and recorded is not None:
        changed = f"is {FIRMWARES[found]}, was {FIRMWARES[recorded]} when recorded; if meant, run with --update"
        yield "firmware", "" if found == recorded else changed


def _budget(project: str, check: BudgetCheck) -> Check:
    name = f"budget {check.key}"
    if check.passed is None:
        firmware = "" if check.route is None else f" for {FIRMWARES[check.route]}"
        if check.value is not None:
            beyond = f"{check.value:g} by an estimate beyond the designs that it was fitted to{firmware}"
            return Check(project, name, "not shown", f"{beyond}; limit {check.limit:g}")
        return Check(project, name, "not shown", f"nothing gives this figure{firmware}; limit {check.limit:g}")
    if check.passed:
        return Check(project, name, "passed")
    if check.value is None:
        return Check(project, name, "failed", f"no such metric, limit {check.limit:g}")
    source = check.source if check.route is None else f"{FIRMWARES[check.route]}, {check.source}"
    return Check(project, name, "failed", f"{check.value:g} ({source}), limit {check.limit:g}")


def junit(checks: list[Check]) -> str:
    """JUnit XML, as GitHub and GitLab show it: a suite a project, a case a check."""
    root = ElementTree.Element("testsuites")
    for project in dict.fromkeys(check.project for check in checks):
        own = [check for check in checks if check.project == project]
        counts = {status: str(sum(c.status == status for c in own)) for status in _JUNIT}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=project,
            tests=str(len(own)),
            failures=counts["failed"],
            errors=counts["error"],
            skipped=counts["not shown"],
        )
        for check in own:
            case = ElementTree.SubElement(suite, "testcase", classname=project, name=check.name)
            if check.status in _JUNIT:
                ElementTree.SubElement(case, _JUNIT[check.status], message=check.message)
            elif check.message:
                ElementTree.SubElement(case, "system-out").text = check.message
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def summary(checks: list[Check]) -> str:
    """Markdown for the page of a CI run: a line a project, and below it what is not as recorded."""
    marks = {"passed": "✓", "failed": "✗", "error": "✗", "not shown": "–"}
    lines = ["| project | checks | not as recorded |", "|---|---|---|"]
    for project in dict.fromkeys(check.project for check in checks):
        own = [check for check in checks if check.project == project]
        wrong = [check for check in own if check.status in ("failed", "error")]
        told = "<br>".join(f"{marks[check.status]} {check.name}: {check.message}" for check in wrong).replace(
            "|", "\\|"
        )
        unseen = sum(check.status == "not shown" for check in own)
        counts = f"{sum(check.status == 'passed' for check in own)} passed" + (
            f", {unseen} not shown" if unseen else ""
        )
        lines.append(f"| {project} | {counts} | {told or '✓ nothing'} |")
    return "\n".join([*lines, ""])
