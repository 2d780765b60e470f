"""report.json and its views."""

from hls.project.report.schema import Report, read_report

__all__ = ["Report", "read_report"]
