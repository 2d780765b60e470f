"""Prints the README's tables of results from the reports of the last builds: `python docs/results.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from hls.project.report import read_report
from hls.project.report.schema import Curve, Latency, Metric, Report, Resources

HEAD = (
    "| firmware | multiplications | EBOPs | widest sum | τ, float → firmware | AUC, float → firmware "
    "| events compared | events that differ | LUT before placement, DSP | latency, measured |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)
COMPRESSION_HEAD = (
    "| firmware | multiplications | distortion at log₁₀β = -2, float → firmware | AUC | bits an event, KL → packed "
    "| worst excess of distortion | events compared | events that differ "
    "| LUT before placement, DSP | latency, measured |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)
OTHER_HEAD = (
    "| firmware | multiplications | EBOPs | what counts, float → firmware | events compared | events that differ "
    "| LUT before placement, DSP | latency, measured |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
OTHERS = {
    "anomaly-*": ("auc_a_to_4l", "AUC of A → 4ℓ"),
    "jets-*": ("accuracy", "accuracy, five classes"),
    "simulation-decoder*": ("simulated_mee_ks", "KS of M_ee, simulated"),
    "simulation-encoder": ("encoded_sw", "SW of z̃"),
}
"""Projects of the other systems, and of each the metric that says most, with its name in the table."""
LOG10_BETA = -2.0

Row = TypeVar("Row", Resources, Latency)


def row(project: Path) -> str:
    """One line of the table."""
    report = read_report(project / "build")
    graph, tau, auc = report.graph, metric(report, "kendall_tau"), metric(report, "auc")
    wrong = sum(result.mismatches for result in report.witnesses.values())
    return (
        f"| `{project.name}` | {graph.multiplications:,} | {graph.ebops:,} | {graph.widest_accumulator_bits} bits "
        f"| {tau} | {auc} "
        f"| {report.verification.events:,} | {wrong} | {luts(report)} | {latency(report)} |\n"
    )


def metric(report: Report, name: str) -> str:
    """A metric that is one number."""
    found = report.fidelity[name]
    assert isinstance(found, Metric)
    return f"{found.reference:.3f} → {found.firmware:.3f}"


def compression_row(project: Path) -> str:
    """One line of the table of encoders."""
    report = read_report(project / "build")
    wrong = sum(result.mismatches for result in report.witnesses.values())
    worst = report.fidelity["distortion_excess"]
    assert isinstance(worst, Metric)
    distortion, auc, bits = (point(report, name) for name in ("distortion", "auc", "bits_per_event"))
    return (
        f"| `{project.name}` | {report.graph.multiplications:,} | {distortion} | {auc} | {bits} "
        f"| {worst.firmware:.1%} "
        f"| {report.verification.events:,} | {wrong} | {luts(report)} | {latency(report)} |\n"
    )


def other_row(project: Path, name: str, words: str) -> str:
    """One line of the table of the other systems."""
    report = read_report(project / "build")
    wrong = sum(result.mismatches for result in report.witnesses.values())
    return (
        f"| `{project.name}` | {report.graph.multiplications:,} | {report.graph.ebops:,} "
        f"| {words}: {metric(report, name)} "
        f"| {report.verification.events:,} | {wrong} | {luts(report)} | {latency(report)} |\n"
    )


def point(report: Report, name: str) -> str:
    """A metric over β, at ``LOG10_BETA``."""
    curve = report.fidelity[name]
    assert isinstance(curve, Curve)
    found = next(p for p in curve.points if p.at == LOG10_BETA)
    return f"{found.reference:.3g} → {found.firmware:.3g}"


def luts(report: Report) -> str:
    """Range of the LUTs that Yosys counted, and DSPs beside them; of a chip, gate equivalents.

    Of a project that builds the hls4ml project, what the vendor's tool counted, else the estimate.
    """
    if report.project.firmware == "hls4ml":
        row = best([row for row in report.resources if row.route == "hls4ml"])
        return f"{row.counts['lut']:,}, {row.counts.get('dsp', 0)} (hls4ml, {row.source}, {row.stage})"
    found = [row for row in report.resources if row.source == "yosys"]
    if not found:
        return "not synthesised"
    if found[0].lut_range is None:
        return f"{found[0].gate_equivalents:,.0f} gates (NAND2)"
    return "–".join(f"{end:,}" for end in found[0].lut_range) + f", {found[0].counts.get('dsp', 0)}"


def latency(report: Report) -> str:
    """What the RTL simulation measured; of a project that builds the hls4ml project, as :func:`luts`."""
    if report.project.firmware == "hls4ml":
        row = best([row for row in report.latency if row.route == "hls4ml"])
        return f"{timing(row)} (hls4ml, {row.source}, {row.stage})"
    found = [row for row in report.latency if row.source == "rtl-simulation"]
    return timing(found[0]) if found else "not run"


def best(rows: Sequence[Row]) -> Row:
    """The vendor's row closest to silicon, else the estimate."""
    return next((row for row in rows if row.source == "vendor"), rows[0])


def timing(row: Latency) -> str:
    """Latency, and time between events."""
    return f"{row.latency_ns:g} ns, a result every {row.interval * row.clock_ns:g} ns"


if __name__ == "__main__":
    home = Path("firmware_projects")
    networks = sorted(path.parent for path in home.glob("evn-*/project.toml"))
    encoders = sorted(path.parent for path in home.glob("compression-*/project.toml"))
    sys.stdout.write(HEAD + "".join(map(row, networks)))
    sys.stdout.write("\n" + COMPRESSION_HEAD + "".join(map(compression_row, encoders)))
    others = [
        other_row(path.parent, *shown)
        for what, shown in OTHERS.items()
        for path in sorted(home.glob(f"{what}/project.toml"))
    ]
    sys.stdout.write("\n" + OTHER_HEAD + "".join(others))
