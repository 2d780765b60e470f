"""Witnesses: independent ways to compute a graph, each returning integers for the same events."""

from hls.witnesses.base import Limits, Measured, RunRecord, Skipped, Task, Witness, WitnessRun
from hls.witnesses.finding import (
    check_witness_name,
    default_witnesses,
    limits_of,
    witness,
    witness_names,
)

__all__ = [
    "Limits",
    "Measured",
    "RunRecord",
    "Skipped",
    "Task",
    "Witness",
    "WitnessRun",
    "check_witness_name",
    "default_witnesses",
    "limits_of",
    "witness",
    "witness_names",
]
