"""A core whose numbers pass a digit a clock, and its module."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hls.rtl.logic import Core, Logic
from hls.rtl.serial.serial_source import serial_source
from hls.rtl.serial.streams import is_linear, schedule


def in_digits(logic: Logic, interval: int) -> Logic:
    """The same logic, whose cores that are there once and only add take ``interval`` clocks at the most for a word."""
    return replace(logic, cores=tuple(_in_digits(core, interval) for core in logic.cores))


def _in_digits(core: Core, interval: int) -> Core:
    if len(core.inputs) > 1 or not is_linear(core.comb):
        return core
    return replace(core, digits=schedule(core.comb, interval, 0.0).digits)


def write_serial(core: Core, module: str, source: Path, limit_ns: float) -> int:
    """Write the module of a core in digits; returns the clocks from its inputs to its outputs."""
    found = schedule(core.comb, core.digits, limit_ns)
    (source / f"{module}.v").write_text(serial_source(module, core, found), encoding="utf-8")
    return found.end
