"""All vendor reports of a project folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hls.figures.vendor_reports.report_file import ReportFile, known_reports
from hls.figures.vendor_reports.result import STAGES, VendorReport, VendorReportError, read_text

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
        ProjectError: a package with a backend cannot be loaded.
    """
    known, files = known_reports(), _files(folder)
    timings = _read(files, [kind for kind in known.files if kind.completes])
    found = _read(files, [kind for kind in known.files if not kind.completes])
    found = [_timed(report, timings) for report in found]
    newest: dict[tuple[str, str], VendorReport] = {}
    for report in sorted(found, key=lambda report: report.file.stat().st_mtime):
        newest[report.tool, report.stage] = report
    if newest:
        _check_logs(files, known.logs)
    for report in newest.values():
        check_plausible(report, multipliers)
    return sorted(map(_clocked(newest.values()), newest.values()), key=lambda report: STAGES.index(report.stage))


def _files(folder: Path) -> list[Path]:
    """Files below ``folder``, none through a link that leads out of it."""
    home = folder.resolve()
    paths = (path for path in sorted(home.rglob("*")) if len(path.relative_to(home).parts) <= _DEEPEST)
    return [path for path in paths if path.is_file() and path.resolve().is_relative_to(home)]


def _read(files: Iterable[Path], kinds: Iterable[ReportFile]) -> list[VendorReport]:
    """The reports that files are, judged by the name and place their tools give them."""
    readers = [(path, next((kind.read for kind in kinds if path.match(kind.pattern)), None)) for path in files]
    return [report for path, read in readers if read is not None for report in read(path)]


def _timed(report: VendorReport, timings: list[VendorReport]) -> VendorReport:
    """The report with the clock and period that its tool reported for the same stage in a file beside it."""
    same = (report.tool, report.stage, report.file.parent)
    near = [timing for timing in timings if (timing.tool, timing.stage, timing.file.parent) == same]
    return replace(report, clock_ns=near[-1].clock_ns, period_ns=near[-1].period_ns) if near else report


def _check_logs(files: list[Path], patterns: Iterable[str]) -> None:
    for path in files:
        if any(path.match(pattern) for pattern in patterns):
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
