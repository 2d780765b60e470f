"""Utilisation and timing reports of Vivado, after logic synthesis or after routing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hls.figures.vendor_reports.report_file import ReportFile, ToolReports, one
from hls.figures.vendor_reports.result import (
    FlowStage,
    VendorReport,
    VendorReportError,
    count,
    missing,
    number,
    read_text,
)

_ROWS = {
    "lut": ("CLB LUTs", "Slice LUTs"),
    "ff": ("CLB Registers", "Slice Registers", "Registers"),
    "bram": ("Block RAM Tile",),
    "uram": ("URAM",),
    "dsp": ("DSPs", "DSP Slices", "DSP48E1"),
}
_HIERARCHY = {"lut": "Total LUTs", "ff": "FFs", "ramb36": "RAMB36", "ramb18": "RAMB18", "uram": "URAM"}
_STAGES: tuple[tuple[str, FlowStage], ...] = (("rout", "post-route"), ("placed", "synth"), ("synth", "synth"))


def read_utilisation(path: Path) -> VendorReport:
    """A ``report_utilization`` file, flat or hierarchical.

    "Block RAM Tile" counts 36 kbit tiles; two 18K blocks make one.

    Raises:
        VendorReportError: cut off or damaged, with the table that is missing.
    """
    text = read_text(path)
    header = _header(text)
    cells = list(_table_rows(text))
    found = _hierarchical(path, cells) if any("Total LUTs" in row for row in cells) else _flat(path, cells)
    return VendorReport(
        tool="Vivado",
        version=header.get("version"),
        stage=_stage(path, header),
        file=path,
        part=header.get("device"),
        top=header.get("design"),
        lut=_whole(path, "LUT", found["lut"]),
        ff=_whole(path, "FF", found["ff"]),
        dsp=_whole(path, "DSP", found["dsp"]),
        bram=found["bram"],
        uram=None if found["uram"] is None else int(found["uram"]),
    )


def _header(text: str) -> dict[str, str]:
    """Design, device, state and version from the box at the top."""
    patterns = {
        "version": r"\|\s*Tool Version\s*:\s*Vivado v\.?\s*([\w.]+)",
        "design": r"\|\s*Design\s*:\s*(\S+)",
        "device": r"\|\s*Device\s*:\s*(\S+)",
        "state": r"\|\s*Design State\s*:\s*(.+?)\s*$",
    }
    matches = {name: re.search(pattern, text, re.MULTILINE) for name, pattern in patterns.items()}
    return {name: match.group(1).strip() for name, match in matches.items() if match}


def _stage(path: Path, header: dict[str, str]) -> FlowStage:
    state = header.get("state", "").lower()
    for word, stage in _STAGES:
        if word in state:
            return stage
    # Reports of Vivado before 2018 name no state; hls4ml's own script reports right after synth_design.
    return "post-route" if "rout" in path.name.lower() else "synth"


def _table_rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("|") and stripped.endswith("|"):
            yield [cell.strip() for cell in stripped.strip("|").split("|")]


def _flat(path: Path, rows: list[list[str]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, labels in _ROWS.items():
        values = [row[1] for row in rows if len(row) > 2 and row[0].rstrip("*") in labels]
        if values:
            found[name] = number(path, labels[0], values[0])
        elif name == "uram":  # parts without UltraRAM
            found[name] = None
        else:
            raise missing(path, f"{labels[0]!r}")
    return found


def _hierarchical(path: Path, rows: list[list[str]]) -> dict[str, float | None]:
    titles = next(row for row in rows if "Total LUTs" in row)
    top = next((row for row in rows if len(row) == len(titles) and "(top)" in row), None)
    if top is None:
        raise missing(path, "'(top)' of the hierarchy")
    cell = dict(zip(titles, top, strict=True))
    values = {
        name: number(path, title, cell[title].split("(")[0]) for name, title in _HIERARCHY.items() if title in cell
    }
    dsp = next((title for title in titles if title.startswith("DSP")), None)
    if dsp is None or not {"lut", "ff", "ramb36", "ramb18"} <= set(values):
        raise missing(path, "columns Total LUTs, FFs, RAMB36, RAMB18, DSP of the hierarchy")
    return {
        "lut": values["lut"],
        "ff": values["ff"],
        "dsp": number(path, dsp, cell[dsp].split("(")[0]),
        "bram": values["ramb36"] + values["ramb18"] / 2,
        "uram": values.get("uram"),
    }


def _whole(path: Path, name: str, value: float | None) -> int:
    return count(path, name, "" if value is None else f"{value:.6f}")


def read_timing(path: Path) -> VendorReport:
    """A ``report_timing_summary`` file: the clock asked for and the period reached (clock minus worst slack).

    Raises:
        VendorReportError: cut off, no clock constraint, or more than one clock.
    """
    text = read_text(path)
    header = _header(text)
    slack = _worst_slack(path, text)
    clocks = re.findall(r"^\S+\s+\{[^}]*\}\s+([0-9.]+)\s+[0-9.]+\s*$", text, re.MULTILINE)
    if not clocks:
        raise missing(path, "Clock Summary")
    if len(set(clocks)) > 1:
        raise VendorReportError(f"{path}: section Clock Summary: several clocks; constrain the design by one")
    clock_ns = number(path, "Clock Summary", clocks[0])
    return VendorReport(
        tool="Vivado",
        version=header.get("version"),
        stage=_stage(path, header),
        file=path,
        part=header.get("device"),
        top=header.get("design"),
        clock_ns=clock_ns,
        period_ns=round(clock_ns - slack, 6),
    )


def _worst_slack(path: Path, text: str) -> float:
    lines = iter(text.splitlines())
    for line in lines:
        if re.match(r"\s*WNS\(ns\)", line):
            next(lines, "")
            cells = next(lines, "").split()
            try:
                return float(cells[0])
            except (IndexError, ValueError):
                raise VendorReportError(
                    f"{path}: section Design Timing Summary: no worst slack; constrain the clock, and run again"
                ) from None
    raise missing(path, "Design Timing Summary")


REPORTS = ToolReports(
    files=(
        ReportFile("vivado_synth.rpt", one(read_utilisation)),
        ReportFile("util*.rpt", one(read_utilisation)),
        ReportFile("*timing_summary*.rpt", one(read_timing), completes=True),
    ),
    logs=("vivado*.log", "runme.log", "*.vds"),
)
