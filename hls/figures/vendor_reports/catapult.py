"""Reports of Siemens Catapult."""

from __future__ import annotations

import re
from pathlib import Path

from hls.figures.vendor_reports.report_file import ReportFile, ToolReports, one
from hls.figures.vendor_reports.result import VendorReport, count, missing, number, read_text


def read_catapult(path: Path) -> VendorReport:
    """``rtl.rpt`` of Catapult: latency, throughput and clock. Its area scores have no unit of a part, so they are left
    out; resources come from the Vivado reports beside it.

    Raises:
        VendorReportError: cut off.
    """
    text = read_text(path)
    total = re.search(r"^\s*Design Total:\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", text, re.MULTILINE)
    if total is None:
        raise missing(path, "Processes/Blocks in Design (Design Total)")
    clock = re.search(r"^\s*Clock Information.*?^\s*\S+\s+\S+\s+([\d.]+)\s", text, re.MULTILINE | re.DOTALL)
    version = re.search(r"Catapult\s+(?:\w+\s+)*?(?:Synthesis\s+)?v?(\d{4}\.\S+|\d+\.\S+)", text)
    return VendorReport(
        tool="Catapult",
        version=version.group(1) if version else None,
        stage="csynth",
        file=path,
        cycles=count(path, "Design Total, latency", total.group(2)),
        interval=count(path, "Design Total, throughput", total.group(3)),
        clock_ns=number(path, "Clock Information", clock.group(1)) if clock else None,
    )


REPORTS = ToolReports((ReportFile("rtl.rpt", one(read_catapult)),))
