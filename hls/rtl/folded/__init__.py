"""Folded RTL: engines that compute a layer in many clocks, by a schedule that is fixed when it is written."""

from hls.rtl.folded.folded_project import write_folded
from hls.rtl.folded.plan import least_interval, plan
from hls.rtl.folded.schedule import schedule

__all__ = ["least_interval", "plan", "schedule", "write_folded"]
