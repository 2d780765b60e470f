"""What vendors' tools report on a generated project, if the user ran them: typed, with units, stage and tool."""

from hls.figures.vendor_reports.project import check_plausible, find_reports
from hls.figures.vendor_reports.report_file import ReportFile, ToolReports, one
from hls.figures.vendor_reports.result import FlowStage, VendorReport, VendorReportError

__all__ = [
    "FlowStage",
    "ReportFile",
    "ToolReports",
    "VendorReport",
    "VendorReportError",
    "check_plausible",
    "find_reports",
    "one",
]
