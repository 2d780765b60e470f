"""What written projects are handed over with: events whose bits are known, test benches, tools' own files."""

from hls.handover.hls_project import complete_hls_project
from hls.handover.rtl_project import BENCH, complete_rtl_project
from hls.handover.vectors import Vectors

__all__ = ["BENCH", "Vectors", "complete_hls_project", "complete_rtl_project"]
