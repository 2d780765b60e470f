"""Reports of Microchip SmartHLS (hls4ml's Libero backend)."""

from __future__ import annotations

import re
from pathlib import Path

from hls.figures.vendor_reports.report_file import ReportFile, ToolReports, one
from hls.figures.vendor_reports.result import VendorReport, VendorReportError, count, missing, read_text, time_ns

_LSRAM_KBIT = 20


def read_smarthls(path: Path) -> VendorReport:
    """``summary.results.rpt`` of SmartHLS: simulation, timing and resources, each only if it was run.

    Raises:
        VendorReportError: none of the three was run, a table is cut off, or co-simulation failed.
    """
    sections = _sections(read_text(path))
    use, timing, simulation = (sections.get(key) for key in ("3", "2", "1"))
    if use is None:
        raise missing(path, "3. Resource Usage")
    resources = {row[0]: row[1] for row in _rows(use) if len(row) >= 3 and row[0] != "Resource Type"}
    times = [row for row in _rows(timing or "") if row[0] != "Clock Domain"]
    runs = [row for row in _rows(simulation or "") if row[0] != "Top-Level Name"]
    status = re.search(r"SW/HW co-simulation\s*:\s*(\w+)", simulation or "")
    if status and status.group(1).upper() != "PASS":
        raise VendorReportError(f"{path}: section 1. Simulation Result: co-simulation says {status.group(1)}, not PASS")
    if not resources and not times and not runs:
        raise VendorReportError(f"{path}: nothing was run yet; run synthesis and place and route in SmartHLS")
    return VendorReport(
        tool="SmartHLS",
        version=None,
        stage="post-route" if resources else "cosim",
        file=path,
        top=runs[0][0] if runs else None,
        lut=_resource(path, resources, "4LUT"),
        ff=_resource(path, resources, "DFF"),
        dsp=_resource(path, resources, "MACC"),
        bram=_resource(path, resources, "LSRAM"),
        bram_kbit=_LSRAM_KBIT,
        cycles=_worst(path, "Call Latency", runs, 3),
        interval=_worst(path, "Call II", runs, 4),
        clock_ns=time_ns(path, "2. Timing Result, target period", times[0][1]) if times else None,
        period_ns=time_ns(path, "2. Timing Result, period", times[0][4]) if times and len(times[0]) > 4 else None,
    )


def _sections(text: str) -> dict[str, str]:
    """Text below each "====== N. Title ======" line, by N."""
    parts = re.split(r"^=+\s*(\d)\.[^\n]*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def _rows(text: str) -> list[list[str]]:
    lines = (line.strip() for line in text.splitlines())
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def _resource(path: Path, resources: dict[str, str], word: str) -> int | None:
    if not resources:
        return None
    for name, used in resources.items():
        if word in name:
            return count(path, f"3. Resource Usage, {name}", used)
    raise missing(path, f"3. Resource Usage, {word}")


def _worst(path: Path, section: str, runs: list[list[str]], column: int) -> int | None:
    """Largest of "min / max / average"."""
    if not runs:
        return None
    if len(runs[0]) <= column:
        raise missing(path, f"1. Simulation Result, {section}")
    text = runs[0][column]
    return None if "N/A" in text else count(path, section, text.split("/")[1] if "/" in text else text)


REPORTS = ToolReports((ReportFile("summary.results.rpt", one(read_smarthls)),))
