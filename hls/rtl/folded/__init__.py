"""Folded RTL: engines that compute a layer in many clocks, by a schedule that is fixed when it is written."""

from hls.rtl.folded.choice import choose, chosen_engines, luts_by_layer
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.fitting import check_fits
from hls.rtl.folded.folded_project import write_folded
from hls.rtl.folded.plan import least_interval, luts_of, plan, serial_interval
from hls.rtl.folded.schedule import schedule

__all__ = [
    "Engine",
    "check_fits",
    "choose",
    "chosen_engines",
    "least_interval",
    "luts_by_layer",
    "luts_of",
    "plan",
    "schedule",
    "serial_interval",
    "write_folded",
]
