"""The report in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hls.cli.screen import console as screen
from hls.cli.screen import new_table, print_table
from hls.cli.verb import Answer
from hls.project.report.curves import curve_tables
from hls.project.report.judged import counted_kinds
from hls.project.report.schema import Budget, CurvePoint, Metric, Report, Resources, Timing
from hls.project.report.verification_schema import WitnessInfo
from hls.project.report.words import (
    compared_words,
    disagreement_words,
    float32_words,
    kept_words,
    odd_words,
    saturation_words,
    timing_words,
    verdict_words,
)
from hls.target import FIRMWARES, Firmware
from hls.target.resources import LUTS, Resource

_GOOD, _BAD, _UNKNOWN = Text("✓", "green"), Text("✗", "bold red"), Text("–", "dim")

_PROVED = {"proved": _GOOD, "tested": _GOOD, "refuted": _BAD}


def report_answer(report: Report) -> Answer:
    """What `build` and `report` give: report.json, or its table; status 1 if it has failed."""
    return Answer(report.model_dump(mode="json"), lambda: print_report(report), 1 if report.failed else 0)


def print_report(report: Report) -> None:
    """Verdict, witnesses, fidelity, figures and budget, then where the page is."""
    console = screen()
    console.print(_title(report))
    if report.timing is not None:
        style = {"met": "green", "not met": "bold red", "not known": "yellow"}[report.timing.state]
        console.print(f"{timing_words(report)}: {report.timing.words}", style=style, markup=False)
    if saturation_words(report):
        console.print(saturation_words(report), style="dim", markup=False)
    console.print(_graph_line(report), style="dim")
    print_table(console, _witnesses(report))
    for name, result in report.witnesses.items():
        words = float32_words(result, report.graph.float32_inexact)
        if words:
            console.print(f"{name} {words}", style="yellow", markup=False)
    if report.verification.not_asked:
        console.print(f"not asked: {', '.join(report.verification.not_asked)}", style="dim")
    for words in kept_words(report):
        console.print(f"kept: {words}", style="dim", markup=False)
    if report.project.firmware is not None and report.own_witnesses:
        asked = " nor ".join(report.own_witnesses)
        console.print(
            f"note: {FIRMWARES[report.project.firmware]} itself was not compared: no {asked} ran", style="yellow"
        )
    for link in () if report.proof is None else report.proof.links:
        console.print(Text.assemble(_PROVED.get(link.state, _UNKNOWN), f" {link.name}: {link.verdict}"))
    _print_coverage(report, console)
    for table in _fidelity(report):
        print_table(console, table)
    if report.fidelity_events is not None:
        console.print(f"fidelity on {report.fidelity_events}", style="dim", markup=False)
    if report.resources or report.latency:
        print_table(console, _figures(report))
        for note in report.figure_notes:
            console.print(f"note: {note}", style="dim", markup=False)
    if report.timing is not None and report.timing.trials:
        print_table(console, _pipelines(report.timing))
    if report.budget.checks:
        print_table(console, _budget(report))
    if odd_words(report):
        console.print(Text(odd_words(report), "bold red"))
    for failure in report.verification.failures:
        console.print(Text(f"✗ {failure}", "bold red"))
    for found in report.verification.disagreements:
        if disagreement_words(found):
            console.print(f"{', '.join(found.witnesses)}: {disagreement_words(found)}", style="red", markup=False)
    for note in report.graph.notes:
        console.print(f"note: {note}", style="dim", markup=False)
    console.print(f"report: {_short(report.html)}", soft_wrap=True, markup=False)


def _print_coverage(report: Report, console: Console) -> None:
    if report.verification.coverage is not None:
        console.print(report.verification.coverage, style="dim", markup=False)
    for warning in report.verification.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    for sentence in (sentence for layer in report.graph.pipeline for sentence in layer.advice):
        console.print(f"layer {sentence}", style="yellow", markup=False)


def _title(report: Report) -> Text:
    compared = compared_words(report)
    verified = f"{verdict_words(report)}{f': {compared}' if compared else ''}"
    budget = _kept(report.budget)
    marks = {True: Text("✓ ", "bold green"), None: Text("– ", "dim"), False: Text("✗ ", "bold red")}
    mark = marks[report.passed]
    project = report.project
    return Text.assemble(
        mark,
        (project.name, "bold"),
        f"  {verified}{budget}  ({project.part}, {project.backend}, {project.clock_ns:g} ns{_product(report)})",
    )


def _kept(budget: Budget) -> str:
    """What the title says of the budget: nothing where all of it is shown to be kept."""
    if not budget.passed:
        return ", over budget"
    return f", {budget.not_shown} of {len(budget.checks)} limits not shown" if budget.not_shown else ""


def _product(report: Report) -> str:
    """The firmware that is judged, as the title names it."""
    return "" if report.project.firmware is None else f", {FIRMWARES[report.project.firmware]}"


def _graph_line(report: Report) -> str:
    graph = report.graph
    proved = "overflow excluded by proof" if graph.overflow_proved else "overflow NOT excluded"
    return (
        f"{graph.parameters:,} parameters, {graph.multiplications:,} multiplications, {graph.ebops:,} EBOPs, "
        f"widest accumulator {graph.widest_accumulator_bits} bits, {proved}"
    )


def _witnesses(report: Report) -> Table:
    table = new_table("witness", "events", "mismatches", "events/s", "version", words=("version",))
    for name, result in report.witnesses.items():
        if result.status == "not run":
            table.add_row(name, "not run", "", "", result.reason)
            continue
        rate = f"{result.events_per_second:,.0f}" if result.events_per_second else ""
        table.add_row(
            name, f"{result.events:,}", _mismatches(result) if report.compared else "not compared", rate, result.version
        )
    return table


def _mismatches(result: WitnessInfo) -> Text:
    if result.float32_differs and not result.mismatches:
        return Text(f"0 ({result.float32_differs:,} within float32)", "yellow")
    return Text(f"{result.mismatches:,}", "bold red" if result.mismatches else "green")


def _fidelity(report: Report) -> Iterator[Table]:
    """Plain metrics in one table, those over a parameter in another, a row a point: float → firmware."""
    plain = {name: metric for name, metric in report.fidelity.items() if isinstance(metric, Metric)}
    if plain:
        table = new_table("fidelity", "float reference", "firmware", "unit")
        for name, metric in plain.items():
            reference = "–" if metric.reference is None else f"{metric.reference:.5f}"
            table.add_row(name, reference, f"{metric.firmware:.5f}", metric.unit)
        yield table
    for over, curves in curve_tables(report.fidelity):
        spaced = (name.replace("_", " ") for name in curves.columns)  # a narrow terminal breaks them at spaces
        table = new_table(f"fidelity at {over}", *spaced)
        for row in curves.rows:
            table.add_row(f"{row.at:g}", *(_pair(point) for point in row.points))
        yield table


def _pair(point: CurvePoint | None) -> str:
    if point is None:
        return ""
    return f"{point.firmware:.4g}" if point.reference is None else f"{point.reference:.4g} → {point.firmware:.4g}"


def _figures(report: Report) -> Table:
    kinds = counted_kinds(report)
    table = new_table(
        "figures", *(kind.label for kind in kinds), "cycles", "latency", "interval", "verdict", words=("verdict",)
    )
    for row in report.resources:
        cells = (_figure(row, kind.key) for kind in kinds)
        ratio = _ratio(row, LUTS)
        table.add_row(
            f"{row.route}: {row.source}, {row.stage}{ratio}",
            *cells,
            *("", "", "", (row.verdict or "").split(",")[0]),
            style=_style(row.route, report),
        )
    for timing in report.latency:
        error = "" if timing.relative_error is None else f" ±{timing.relative_error:.0%}"
        error = " extrapolated" if timing.extrapolated else error
        name, latency = f"{timing.route}: {timing.source}", f"{timing.latency_ns:g} ns"
        cells = ("" for _ in kinds)
        table.add_row(
            name, *cells, f"{timing.cycles}{error}", latency, str(timing.interval), "",
            style=_style(timing.route, report),
        )  # fmt: skip
    return table


def _style(route: Firmware, report: Report) -> str | None:
    """Figures of the firmware that the project does not build stand back."""
    return "dim" if report.project.firmware not in (None, route) else None


def _ratio(row: Resources, kind: Resource) -> str:
    """How a vendor's count compares with ours."""
    ratio = (row.ratio or {}).get(kind.key)
    return "" if ratio is None else f", {kind.label} {ratio:.2f} x estimate"


def _figure(row: Resources, name: str) -> str:
    """A count; an estimate with the error that 90 % of designs stay below, or that nobody knows; a netlist's LUTs with
    their range."""
    value = row.counts.get(name)
    if value is None:
        return ""
    if name in row.extrapolated:
        return f"{value:,} extrapolated"
    if row.relative_error is not None:
        return f"{value:,} ±{row.relative_error[name]:.0%}" if value else "0"
    if name == LUTS.key and row.lut_range is not None:
        return f"{row.lut_range[0]:,}-{row.lut_range[1]:,}"
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def _pipelines(timing: Timing) -> Table:
    table = new_table(f"pipelines ({timing.trials_by})", "slowest path", "MHz", "LUT", "")
    for trial in timing.trials:
        chosen = "chosen" if trial.chosen else ""
        mhz = f"{1e3 / trial.path_ns:.0f}"
        table.add_row(f"{trial.stages} registers", f"{trial.path_ns:.3g} ns", mhz, f"{trial.lut:,.0f}", chosen)
    return table


def _budget(report: Report) -> Table:
    table = new_table("budget", "limit", "value", "source", "")
    for check in report.budget.checks:
        mark = _UNKNOWN if check.passed is None else _GOOD if check.passed else _BAD
        missing = "no such metric" if check.passed is False else "not shown"
        value = missing if check.value is None else f"{check.value:g}"
        source = ": ".join(word for word in (check.route, check.source) if word is not None)
        source += ", extrapolated" if check.extrapolated else ""
        table.add_row(check.key, f"{check.limit:g}", value, source, mark)
    return table


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
