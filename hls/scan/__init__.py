"""The frontier of fidelity against resources and latency: many networks trained, each measured, the best kept."""

from hls.scan.pareto import Objective, frontier
from hls.scan.pick import pick
from hls.scan.scan import ScanOptions, ScanResult, Step, scan
from hls.scan.space import Space, Value
from hls.scan.trial import TrialResult, TrialSpec

__all__ = [
    "Objective",
    "ScanOptions",
    "ScanResult",
    "Space",
    "Step",
    "TrialResult",
    "TrialSpec",
    "Value",
    "frontier",
    "pick",
    "scan",
]
