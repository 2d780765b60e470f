"""Resources and latency before any synthesis, in milliseconds, each figure with its measured error."""

from hls.figures.estimates.estimate import DesignEstimate, Error, Estimate, LayerEstimate
from hls.figures.estimates.folded_route import estimate_own_rtl
from hls.figures.estimates.hls4ml_route import estimate_hls4ml, multipliers
from hls.figures.estimates.rtl_route import estimate_rtl

__all__ = [
    "DesignEstimate",
    "Error",
    "Estimate",
    "LayerEstimate",
    "estimate_hls4ml",
    "estimate_own_rtl",
    "estimate_rtl",
    "multipliers",
]
