"""Intel oneAPI, and Quartus Prime behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hls.figures.vendor_reports import ReportFile, ToolReports, VendorReport, VendorReportError, intel
from hls.figures.vendor_reports.intel import M20K_KBIT, fitted_report
from hls.figures.vendor_reports.result import missing, number, read_text
from hls.hls4ml_project.backend import Backend


def _read(path: Path) -> list[VendorReport]:
    """``summary.ndjson`` in ``<project>.prj/reports/resources/json``, and what lies beside it.

    That is the compiler's estimate, and the fitter's result if it was run.

    Raises:
        VendorReportError: a file is missing, cut off or has no total.
    """
    total = next((row for row in _rows(path) if row.get("name") == "Total"), None)
    if total is None or len(total.get("data", ())) < 4:
        raise missing(path, "Total")
    lut, ff, ram, dsp = (number(path, "Total", str(value)) for value in total["data"][:4])
    loops = path.parent / "loop_attr.ndjson"
    rows = [row for row in _rows(loops) if {"af", "ii", "lt"} <= row.keys()] if loops.is_file() else []
    intervals = [int(row["ii"]) for row in rows if str(row["ii"]).isdigit()]
    latencies = [number(loops, "lt", str(row["lt"])) for row in rows]
    frequencies = [number(loops, "af", str(row["af"])) for row in rows]
    reports = [
        VendorReport(
            tool="oneAPI",
            version=None,
            stage="csynth",
            file=path,
            lut=round(lut),
            ff=round(ff),
            dsp=round(dsp),
            bram=ram,
            bram_kbit=M20K_KBIT,
            cycles=round(max(latencies)) if latencies else None,
            interval=max(intervals, default=None),
            period_ns=round(1e3 / min(frequencies), 6) if frequencies and min(frequencies) > 0 else None,
        )
    ]
    fitted = path.parent / "quartus.ndjson"
    if fitted.is_file():
        reports += _fitted(fitted)
    return reports


def _fitted(path: Path) -> list[VendorReport]:
    for row in _rows(path):
        use = row.get("quartusFitResourceUsageSummary", {}).get("nodes")
        clock = row.get("quartusFitClockSummary", {}).get("nodes")
        if use and clock:
            reached = str(clock[0].get("clock fmax", clock[0].get("clock", "TBD")))
            return [] if "TBD" in reached else [fitted_report(path, "oneAPI (Quartus)", use[0], reached)]
    return []


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for index, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise VendorReportError(f"{path}: section line {index} is cut off or damaged; compile again") from error
        if isinstance(row, dict):
            rows.append(row)
    return rows


BACKEND = Backend(
    hls4ml_name="oneAPI",
    ac_fixed=True,
    csim="icpx (Intel oneAPI)",
    notes={"latency": "hls4ml has only the resource strategy for oneapi"},
    sources="src/firmware",
    reports=ToolReports((ReportFile("resources/json/summary.ndjson", _read),)) | intel.QUARTUS_PRIME_REPORTS,
)
