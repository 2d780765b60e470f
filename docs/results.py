"""Prints the README's table of results from the reports of the last builds: `python docs/results.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from hls.report import read_report
from hls.report.schema import Report

HEAD = (
    "| firmware | multiplications | EBOPs | widest sum | τ, float → firmware | AUC, float → firmware "
    "| events compared | events that differ | LUT, before placement | latency, measured |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)


def row(project: Path) -> str:
    """One line of the table."""
    report = read_report(project / "build")
    graph, tau, auc = report.graph, report.fidelity["kendall_tau"], report.fidelity["auc"]
    wrong = sum(told.mismatches for told in report.witnesses.values())
    return (
        f"| `{project.name}` | {graph.multiplications:,} | {graph.ebops:,} | {graph.widest_accumulator_bits} bits "
        f"| {tau.reference:.3f} → {tau.firmware:.3f} | {auc.reference:.3f} → {auc.firmware:.3f} "
        f"| {report.verification.events:,} | {wrong} | {luts(report)} | {latency(report)} |\n"
    )


def luts(report: Report) -> str:
    """Range of the LUTs that Yosys counted."""
    found = [row.lut_range for row in report.resources if row.source == "yosys" and row.lut_range]
    return "–".join(f"{end:,}" for end in found[0]) if found else "not synthesised"


def latency(report: Report) -> str:
    """What the RTL simulation measured."""
    found = [row for row in report.latency if row.source == "rtl-simulation"]
    return (
        f"{found[0].latency_ns:g} ns, a result every {found[0].interval * found[0].clock_ns:g} ns"
        if found
        else "not run"
    )


if __name__ == "__main__":
    found = sorted(path.parent for path in Path("firmware_projects").glob("evn-*/project.toml"))
    sys.stdout.write(HEAD + "".join(map(row, found)))
