"""Prints the README's table of results from the reports of the last builds: `python docs/results.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from hls.report import read_report

HEAD = (
    "| firmware | multiplications | EBOPs | widest sum | τ, float → firmware | AUC, float → firmware "
    "| events compared | events that differ |\n|---|---|---|---|---|---|---|---|\n"
)


def row(project: Path) -> str:
    """One line of the table."""
    report = read_report(project / "build")
    graph, tau, auc = report.graph, report.fidelity["kendall_tau"], report.fidelity["auc"]
    wrong = sum(told.mismatches for told in report.witnesses.values())
    return (
        f"| `{project.name}` | {graph.multiplications:,} | {graph.ebops:,} | {graph.widest_accumulator_bits} bits "
        f"| {tau.reference:.3f} → {tau.firmware:.3f} | {auc.reference:.3f} → {auc.firmware:.3f} "
        f"| {report.verification.events:,} | {wrong} |\n"
    )


if __name__ == "__main__":
    found = sorted(path.parent for path in Path("firmware_projects").glob("evn-*/project.toml"))
    sys.stdout.write(HEAD + "".join(map(row, found)))
