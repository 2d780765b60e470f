"""Reports of Intel's tools: the HLS compiler (hls4ml's Quartus backend), and Quartus Prime behind it and oneAPI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hls.figures.vendor_reports.javascript import read_variables
from hls.figures.vendor_reports.report_file import ReportFile, ToolReports, one
from hls.figures.vendor_reports.result import VendorReport, VendorReportError, count, missing, number, read_text

M20K_KBIT = 20


def read_hls_compiler(path: Path) -> VendorReport:
    """``<project>-fpga.prj/reports/lib/report_data.js`` of ``i++``: its own resource estimate, and beside it
    ``verification_data.js`` with the latency of the simulated component, if it was run.

    Raises:
        VendorReportError: cut off or without a total.
    """
    area = read_variables(path, read_text(path), ("areaJSON",)).get("areaJSON")
    total = area.get("total") if isinstance(area, dict) else None
    if not isinstance(total, list) or len(total) < 4:
        raise missing(path, "areaJSON.total")
    lut, ff, ram, dsp = (number(path, "areaJSON.total", str(value)) for value in total[:4])
    cycles, interval = _simulated(path.with_name("verification_data.js"))
    return VendorReport(
        tool="Intel HLS compiler",
        version=None,
        stage="csynth",
        file=path,
        lut=round(lut),
        ff=round(ff),
        dsp=round(dsp),
        bram=ram,
        bram_kbit=M20K_KBIT,
        cycles=cycles,
        interval=interval,
    )


def _simulated(path: Path) -> tuple[int | None, int | None]:
    """Worst latency and interval of ``verification_data.js``: each is "min,max,average" there."""
    if not path.is_file():
        return None, None
    verified = read_variables(path, read_text(path), ("verifJSON",)).get("verifJSON")
    functions = verified.get("functions") if isinstance(verified, dict) else None
    if not functions:
        return None, None
    try:
        latency, interval = (str(functions[0]["data"][index]).split(",")[1] for index in (1, 2))
    except (IndexError, KeyError, TypeError):
        raise missing(path, "verifJSON.functions[0].data") from None
    return count(path, "verifJSON latency", latency), count(path, "verifJSON interval", interval)


def read_quartus_data(path: Path) -> VendorReport | None:
    """``quartus_data.js`` of ``i++`` after a Quartus compilation; None where that was not run ("TBD").

    Raises:
        VendorReportError: cut off or without the fitter's numbers.
    """
    data = read_variables(path, read_text(path), ("quartusJSON",)).get("quartusJSON") or {}
    try:
        clock, use = data["quartusFitClockSummary"]["nodes"][0], data["quartusFitResourceUsageSummary"]["nodes"][-1]
        reached = str(clock["clock"])
    except (KeyError, IndexError, TypeError):
        raise missing(path, "quartusFitResourceUsageSummary") from None
    return None if reached == "TBD" else fitted_report(path, "Quartus Prime", use, reached)


def fitted_report(path: Path, tool: str, use: dict[str, Any], frequency: str) -> VendorReport:
    """The fitter's result: ``use`` is its row of resources, ``frequency`` the clock that it reached, in MHz."""
    section = "quartusFitResourceUsageSummary"
    values = {name: use.get(name) for name in ("alm", "alut", "reg", "dsp", "ram")}
    # Some versions give ALMs only; an ALM holds two ALUTs.
    lut = values["alut"] if values["alut"] is not None else None
    aluts = 2 * number(path, f"{section}.alm", str(values["alm"])) if lut is None else number(path, section, str(lut))
    mhz = number(path, "quartusFitClockSummary", re.sub(r"[^0-9.]", "", frequency))
    return VendorReport(
        tool=tool,
        version=None,
        stage="post-route",
        file=path,
        lut=round(aluts),
        ff=count(path, f"{section}.reg", str(values["reg"])),
        dsp=round(number(path, f"{section}.dsp", str(values["dsp"]))),
        bram=number(path, f"{section}.ram", str(values["ram"])),
        bram_kbit=M20K_KBIT,
        period_ns=round(1e3 / mhz, 6) if mhz else None,
    )


def read_fit_summary(path: Path) -> VendorReport:
    """``<revision>.fit.summary`` of Quartus Prime: the fitter's resources.

    Raises:
        VendorReportError: cut off, or the fitter failed.
    """
    entries = dict(re.findall(r"^\s*([^:\n]+?)\s*:\s*(.*?)\s*$", read_text(path), re.MULTILINE))
    status = entries.get("Fitter Status")
    if status is None:
        raise missing(path, "Fitter Status")
    if not status.startswith("Successful"):
        raise VendorReportError(f"{path}: section Fitter Status: {status}; no result")
    version = entries.get("Quartus Prime Version", "").split()
    return VendorReport(
        tool="Quartus Prime",
        version=version[0] if version else None,
        stage="post-route",
        file=path,
        part=entries.get("Device"),
        top=entries.get("Top-level Entity Name"),
        lut=2 * _used(path, entries, "Logic utilization (in ALMs)"),
        ff=_used(path, entries, "Total dedicated logic registers", "Total registers"),
        dsp=_used(path, entries, "Total DSP Blocks"),
        bram=_used(path, entries, "Total RAM Blocks"),
        bram_kbit=M20K_KBIT,
    )


def _used(path: Path, entries: dict[str, str], *names: str) -> int:
    """First number of "1,234 / 427,200 ( < 1 % )"."""
    for name in names:
        if name in entries:
            return count(path, name, entries[name].split("/")[0])
    raise missing(path, names[0])


def _fitted_by_compiler(path: Path) -> list[VendorReport]:
    report = read_quartus_data(path)
    return [] if report is None else [report]


HLS_COMPILER_REPORTS = ToolReports(
    (
        ReportFile("reports/lib/report_data.js", one(read_hls_compiler)),
        ReportFile("reports/lib/quartus_data.js", _fitted_by_compiler),
    )
)
QUARTUS_PRIME_REPORTS = ToolReports((ReportFile("*.fit.summary", one(read_fit_summary)),))
