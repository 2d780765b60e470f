"""C synthesis and co-simulation reports of Vivado HLS and Vitis HLS."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

from hls.figures.vendor_reports.report_file import ReportFile, ToolReports, one
from hls.figures.vendor_reports.result import (
    VendorReport,
    VendorReportError,
    count,
    missing,
    number,
    read_text,
    time_ns,
)

_UNKNOWN = ("undef", "?", "-", "")
_RESOURCES = {"lut": ("LUT",), "ff": ("FF",), "dsp": ("DSP", "DSP48E"), "bram": ("BRAM_18K",), "uram": ("URAM",)}
_ROUNDED = 0.02


def read_csynth(path: Path) -> VendorReport:
    """``<top>_csynth.xml``: resources that C synthesis expects, latency and interval.

    Raises:
        VendorReportError: no such report, cut off, or without a resource or latency.
    """
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise VendorReportError(f"{path}: declares XML entities, which no HLS report does; not read")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (entities are refused above)
    except ElementTree.ParseError as error:
        raise VendorReportError(f"{path}: not well-formed XML ({error}); run C synthesis again to its end") from error
    assigned = _section(path, root, "UserAssignments")
    unit = assigned.findtext("unit", "ns").strip()
    timing = _section(path, root, "PerformanceEstimates/SummaryOfTimingAnalysis")
    latency = _section(path, root, "PerformanceEstimates/SummaryOfOverallLatency")
    area = _section(path, root, "AreaEstimates/Resources")
    counts = {name: _resource(path, area, tags) for name, tags in _RESOURCES.items()}
    version = root.findtext("ReportVersion/Version")
    clock_ns = time_ns(
        path, "UserAssignments/TargetClockPeriod", f"{assigned.findtext('TargetClockPeriod', '')} {unit}"
    )
    report = VendorReport(
        tool="Vivado HLS" if area.find("DSP48E") is not None else "Vitis HLS",
        version=version,
        stage="csynth",
        file=path,
        part=assigned.findtext("Part"),
        top=assigned.findtext("TopModelName"),
        lut=counts["lut"],
        ff=counts["ff"],
        dsp=counts["dsp"],
        bram=None if counts["bram"] is None else counts["bram"] / 2,
        uram=counts["uram"],
        cycles=_cycles(path, latency, "Worst-caseLatency"),
        interval=_cycles(path, latency, "Interval-max"),
        clock_ns=clock_ns,
        period_ns=time_ns(path, "SummaryOfTimingAnalysis", f"{timing.findtext('EstimatedClockPeriod', '')} {unit}"),
    )
    _check_real_time(path, latency, report)
    return report


def _section(path: Path, root: ElementTree.Element, name: str) -> ElementTree.Element:
    found = root.find(name)
    if found is None or len(found) == 0:
        raise missing(path, name)
    return found


def _resource(path: Path, area: ElementTree.Element, tags: tuple[str, ...]) -> int | None:
    for tag in tags:
        if area.find(tag) is not None:
            return count(path, f"AreaEstimates/Resources/{tag}", area.findtext(tag))
    if "URAM" in tags:  # parts without UltraRAM
        return None
    raise missing(path, f"AreaEstimates/Resources/{tags[0]}")


def _cycles(path: Path, latency: ElementTree.Element, tag: str) -> int | None:
    """Clock cycles; None where HLS could not tell (a loop whose length it does not know)."""
    text = latency.findtext(tag)
    if text is None:
        raise missing(path, f"SummaryOfOverallLatency/{tag}")
    return None if text.strip() in _UNKNOWN else count(path, f"SummaryOfOverallLatency/{tag}", text)


def _check_real_time(path: Path, latency: ElementTree.Element, report: VendorReport) -> None:
    """The same latency is also given as a time with a unit that changes with size: both must agree."""
    text = latency.findtext("Worst-caseRealTimeLatency", "").strip()
    if text in _UNKNOWN or report.cycles is None or report.clock_ns is None:
        return
    stated = time_ns(path, "Worst-caseRealTimeLatency", text)
    period = max(report.clock_ns, report.period_ns or 0.0)  # HLS takes the period it expects where that is longer
    if not any(math.isclose(stated, report.cycles * p, rel_tol=_ROUNDED, abs_tol=1) for p in (report.clock_ns, period)):
        raise VendorReportError(
            f"{path}: section SummaryOfOverallLatency: {report.cycles} cycles and {text} do not agree; report damaged?"
        )


def read_cosim(path: Path) -> VendorReport:
    """``<top>_cosim.rpt``: latency and interval that the simulated RTL had.

    Raises:
        VendorReportError: cut off, or the co-simulation did not pass.
    """
    text = read_text(path)
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if "|" in line]
    results = [row for row in rows if row[0] in ("VHDL", "Verilog", "SystemC")]
    if not results:
        raise missing(path, "Result")
    run = [row for row in results if len(row) > 1 and row[1] != "NA"]
    if not run:
        raise VendorReportError(f"{path}: section Result: co-simulation was not run; run it")
    language, status, *figures = run[0]
    if status.lower() != "pass":
        raise VendorReportError(f"{path}: section Result: co-simulation of {language} says {status!r}, not Pass")
    if len(figures) < 6:
        raise missing(path, "Result")
    header = re.search(r"(Vivado|Vitis) HLS", text)
    version = re.search(r"\bVersion:\s*([\w.]+)", text)
    return VendorReport(
        tool=f"{header.group(1)} HLS" if header else "Vitis HLS",
        version=version.group(1) if version else None,
        stage="cosim",
        file=path,
        top=path.name.removesuffix("_cosim.rpt"),
        cycles=int(number(path, "Result, latency max", figures[2])),
        # One transaction has no interval: the tool writes NA.
        interval=None if figures[5] == "NA" else int(number(path, "Result, interval max", figures[5])),
    )


def _of_the_top(path: Path) -> list[VendorReport]:
    """C synthesis writes one file a function: only that of the top function is the design."""
    report = read_csynth(path)
    return [report] if report.top is None or path.name == f"{report.top}_csynth.xml" else []


REPORTS = ToolReports(
    files=(ReportFile("syn/report/*_csynth.xml", _of_the_top), ReportFile("*_cosim.rpt", one(read_cosim))),
    logs=("vitis_hls*.log", "vivado_hls*.log"),
)
