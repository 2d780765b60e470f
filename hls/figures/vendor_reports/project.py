"""All vendor reports of a project folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hls.figures.vendor_reports.hls_xml import read_cosim, read_csynth
from hls.figures.vendor_reports.intel import read_fit_summary, read_hls_compiler, read_oneapi, read_quartus_data
from hls.figures.vendor_reports.others import read_catapult, read_libero
from hls.figures.vendor_reports.result import STAGES, VendorReport, VendorReportError, read_text
from hls.figures.vendor_reports.vivado import read_timing, read_utilisation, with_timing

_LOGS = ("vivado*.log", "vitis_hls*.log", "vivado_hls*.log", "runme.log", "*.vds")
_LOST_WEIGHTS = re.compile(
    r"could not open \$readmem|\$readmem\w* data file '([^']*)'[^\n]*not (?:be )?(?:found|opened)", re.I
)
_DSP_IN_LUTS = 100
_DEEPEST = 8


def find_reports(folder: Path, multipliers: int = 0) -> list[VendorReport]:
    """What the vendors' tools, run by the user in ``folder``, have reported; in the order of a design flow.

    Of several reports of one tool and stage the newest counts. ``multipliers`` is the number of products that have
    hardware of their own (``hls.figures.estimates.multipliers``): a design that cannot hold them, since its weights
    were not found and all logic was removed, is an error.

    Raises:
        VendorReportError: a report is damaged, or tells of such a design.
    """
    files = _files(folder)
    found = [report for path in files for report in _read(path)]
    timings = [read_timing(path) for path in files if _is_timing(path)]
    found = [_timed(report, timings) for report in found]
    newest: dict[tuple[str, str], VendorReport] = {}
    for report in sorted(found, key=lambda report: report.file.stat().st_mtime):
        newest[report.tool, report.stage] = report
    if newest:
        _check_logs(files)
    for report in newest.values():
        check_plausible(report, multipliers)
    return sorted(map(_clocked(newest.values()), newest.values()), key=lambda report: STAGES.index(report.stage))


def _files(folder: Path) -> list[Path]:
    """Files below ``folder``, none through a link that leads out of it."""
    home = folder.resolve()
    paths = (path for path in sorted(home.rglob("*")) if len(path.relative_to(home).parts) <= _DEEPEST)
    return [path for path in paths if path.is_file() and path.resolve().is_relative_to(home)]


def _is_timing(path: Path) -> bool:
    return path.suffix == ".rpt" and "timing_summary" in path.name


def _read(path: Path) -> Iterable[VendorReport]:
    """The report that a file is, judged by the name and place its tool gives it."""
    place, name = path.parent.as_posix(), path.name
    one: Callable[[Path], VendorReport] | None = None
    if name.endswith("_csynth.xml") and place.endswith("syn/report"):
        # One file a function: only that of the top function is the design.
        report = read_csynth(path)
        return [report] if report.top is None or name == f"{report.top}_csynth.xml" else []
    if name.endswith("_cosim.rpt"):
        one = read_cosim
    elif name == "vivado_synth.rpt" or (path.suffix == ".rpt" and name.startswith(("util", "utilization"))):
        one = read_utilisation
    elif name == "report_data.js" and place.endswith("reports/lib"):
        one = read_hls_compiler
    elif name == "quartus_data.js" and place.endswith("reports/lib"):
        report_or_none = read_quartus_data(path)
        return [] if report_or_none is None else [report_or_none]
    elif name == "summary.ndjson" and place.endswith("resources/json"):
        return read_oneapi(path.parent)
    elif name.endswith(".fit.summary"):
        one = read_fit_summary
    elif name == "rtl.rpt":
        one = read_catapult
    elif name == "summary.results.rpt":
        one = read_libero
    return [] if one is None else [one(path)]


def _timed(report: VendorReport, timings: list[VendorReport]) -> VendorReport:
    if report.tool != "Vivado":
        return report
    near = [timing for timing in timings if timing.stage == report.stage and timing.file.parent == report.file.parent]
    return with_timing(report, near[-1]) if near else report


def _check_logs(files: list[Path]) -> None:
    for path in files:
        if any(path.match(pattern) for pattern in _LOGS):
            lost = _LOST_WEIGHTS.search(read_text(path)) if path.stat().st_size else None
            if lost:
                raise VendorReportError(
                    f"{path}: the tool did not find a memory file of weights ($readmem), so its reports are of a "
                    f"design without them; run it in the folder that holds the .dat files"
                )


def _clocked(reports: Iterable[VendorReport]) -> Callable[[VendorReport], VendorReport]:
    """Gives a co-simulation, whose report has cycles only, the clock that C synthesis was asked for."""
    clock_ns = next((report.clock_ns for report in reports if report.stage == "csynth"), None)
    return lambda report: replace(report, clock_ns=clock_ns) if report.stage == "cosim" else report


def check_plausible(report: VendorReport, multipliers: int) -> None:
    """Refuse a report of a design that is empty, or too small for ``multipliers`` products with constants.

    Each takes a LUT at least; a DSP is counted as many LUTs.

    Raises:
        VendorReportError: names the report and what it found.
    """
    if report.lut is None:
        return
    logic = report.lut + _DSP_IN_LUTS * (report.dsp or 0)
    if logic < multipliers or logic == 0:
        raise VendorReportError(
            f"{report.file}: {report.lut} LUT and {report.dsp or 0} DSP cannot hold {multipliers} multipliers: the "
            f"weights were not found ($readmem) and the logic was removed; run the tool in the project's own folder"
        )
