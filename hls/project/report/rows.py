"""Resources and latency of one build, from every source that spoke, as rows of report.json.

Two firmwares come out of one graph: the hls4ml project (route "hls4ml") and our own RTL (route "rtl"). A row names its
route, its source and its stage; rows that differ in any of them are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hls.errors import ProjectError
from hls.figures.estimates import DesignEstimate, estimate_hls4ml, estimate_rtl, multipliers
from hls.figures.estimates.estimate import BRAM_KBIT
from hls.figures.vendor_reports import VendorReport, find_reports
from hls.graph import FixedGraph
from hls.project.report.schema import Latency, Resources
from hls.rtl import RtlTiming
from hls.rtl.netlist import NetlistResources
from hls.target import Target
from hls.target.parts import Fit, Part, check_fit, find_part

_YOSYS_BRAM_KBIT = 18
_BASIS = {"csynth": "C synthesis", "post-route": "post-route"}

Needs = Mapping[str, float | tuple[float, float, float]]


@dataclass(frozen=True)
class Figures:
    """Rows in the order in which a reader looks: our RTL first, then hls4ml; estimates first, then measurements."""

    resources: list[Resources]
    latency: list[Latency]
    notes: list[str]


def gather_figures(
    graph: FixedGraph, target: Target, measured: Iterable[RtlTiming | NetlistResources], vendor_folder: Path | None
) -> Figures:
    """Every figure there is for ``graph`` on ``target``.

    ``measured`` is what the witnesses found on their way; ``vendor_folder`` a project folder in which the user may
    have run the vendor's tool.

    Raises:
        VendorReportError: a report is damaged, or of a design whose weights were lost.
    """
    part, notes = _part(target)
    found = tuple(measured)
    reports = [] if vendor_folder is None else find_reports(vendor_folder, multipliers(graph, target))
    estimates = (estimate_rtl(graph, target.clock_ns, multipliers=target.multipliers), estimate_hls4ml(graph, target))
    resources = [_estimated(estimate, part) for estimate in estimates]
    resources[1:1] = [_counted(item, part) for item in found if isinstance(item, NetlistResources)]
    latency = [_estimated_latency(estimate) for estimate in estimates]
    latency[1:1] = [_simulated(item) for item in found if isinstance(item, RtlTiming)][:1]
    for report in reversed(reports):  # the one closest to silicon first
        estimate = estimates[1] if report.stage == estimates[1]["lut"].basis else None
        resources += _vendor(report, part, estimate)
        latency += _vendor_latency(report, estimate)
    for estimate in estimates:
        notes += [f"{estimate.route} estimate: {note}" for note in estimate.notes]
    notes += [_gates(row) for row in resources if row.gate_equivalents is not None or row.area is not None]
    notes += [
        f"the netlist's slowest path, {row.path_ns:.3g} ns by {row.path_source}, is longer than the clock of "
        f"{target.clock_ns:g} ns: whether the clock is met, only place and route can tell"
        for row in resources
        if row.path_ns is not None and row.path_ns > target.clock_ns
    ]
    return Figures(resources, latency, notes)


def _gates(row: Resources) -> str:
    found = []
    if row.gate_equivalents is not None:
        found.append(f"{row.gate_equivalents:,.0f} gate equivalents (NAND2 of two inputs, by transistors)")
    if row.area is not None:
        found.append(f"area {row.area:,.6g} in the unit of the liberty file")
    return f"{row.source}, {row.stage}: {', '.join(found)}"


def _part(target: Target) -> tuple[Part | None, list[str]]:
    try:
        return find_part(target.part), []
    except ProjectError as error:
        return None, [f"no utilisation: {error}"]


def _fit(part: Part | None, needs: Needs, bram_kbit: int) -> Fit | None:
    return None if part is None or not needs else check_fit(part, needs, bram_kbit=bram_kbit)


def _verdict(fit: Fit | None) -> str | None:
    if fit is None:
        return None
    return fit.verdict if fit.certain else f"{fit.verdict}, by the figure alone: its range does not settle it"


def _estimated(estimate: DesignEstimate, part: Part | None) -> Resources:
    needs = estimate.needed()
    fit = _fit(part, needs, BRAM_KBIT)
    return Resources(
        source="analytic",
        route=estimate.route,
        stage=_BASIS[estimate["lut"].basis],
        lut=int(estimate["lut"].value),
        lut_range=(int(estimate["lut"].low), int(estimate["lut"].high)),
        ff=int(estimate["ff"].value),
        dsp=int(estimate["dsp"].value),
        bram=estimate["bram"].value,
        uram=int(estimate["uram"].value),
        utilisation={} if fit is None else fit.utilisation,
        verdict=_verdict(fit),
        relative_error={name: estimate[name].relative_error_90 for name in ("lut", "ff", "dsp", "bram")},
        median_error={name: estimate[name].relative_error_median for name in ("lut", "ff", "dsp", "bram")},
    )


def _estimated_latency(estimate: DesignEstimate) -> Latency:
    return Latency(
        source="analytic",
        route=estimate.route,
        stage=_BASIS[estimate["cycles"].basis],
        cycles=int(estimate["cycles"].value),
        interval=int(estimate["interval"].value),
        clock_ns=estimate.clock_ns,
        latency_ns=estimate["latency_ns"].value,
        relative_error=estimate["cycles"].relative_error_90,
        median_error=estimate["cycles"].relative_error_median,
    )


def _counted(netlist: NetlistResources, part: Part | None) -> Resources:
    middle = (netlist.lut_low + netlist.lut_high) / 2
    needs: Needs = {
        "lut": (middle, netlist.lut_low, netlist.lut_high),
        "ff": netlist.ff,
        "dsp": netlist.dsp,
        "bram": netlist.bram,
    }
    fit = _fit(part, needs, _YOSYS_BRAM_KBIT)
    return Resources(
        source="yosys",
        route="rtl",
        stage="netlist, before placement",
        tool=netlist.family,
        lut=netlist.lut_high if netlist.family != "asic" else None,
        lut_range=(netlist.lut_low, netlist.lut_high) if netlist.family != "asic" else None,
        ff=netlist.ff,
        dsp=netlist.dsp,
        bram=netlist.bram * _YOSYS_BRAM_KBIT / BRAM_KBIT,
        utilisation={} if fit is None else fit.utilisation,
        verdict=_verdict(fit),
        cells=dict(netlist.cells),
        logic_depth=netlist.depth,
        path_ns=netlist.delay_ns,
        path_source=netlist.delays,
        gate_equivalents=netlist.gate_equivalents,
        area=netlist.area,
    )


def _simulated(timing: RtlTiming) -> Latency:
    return Latency(
        source="rtl-simulation",
        route="rtl",
        stage="cycles measured from the valid flags",
        cycles=timing.latency_cycles,
        interval=timing.interval,
        clock_ns=timing.clock_ns,
        latency_ns=timing.latency_cycles * timing.clock_ns,
    )


def _vendor(report: VendorReport, part: Part | None, estimate: DesignEstimate | None) -> list[Resources]:
    counts = {name: getattr(report, name) for name in ("lut", "ff", "dsp", "bram", "uram")}
    needs: Needs = {name: count for name, count in counts.items() if count is not None}
    if not needs:
        return []
    fit = _fit(part, needs, report.bram_kbit)
    return [
        Resources(
            source="vendor",
            route="hls4ml",
            stage=report.stage,
            tool=_tool(report),
            lut=report.lut,
            ff=report.ff,
            dsp=report.dsp,
            bram=None if report.bram is None else report.bram * report.bram_kbit / BRAM_KBIT,
            uram=report.uram,
            utilisation={} if fit is None else fit.utilisation,
            verdict=_verdict(fit),
            ratio=None if estimate is None else _ratios(report, estimate),
        )
    ]


def _ratios(report: VendorReport, estimate: DesignEstimate) -> dict[str, float]:
    """The vendor's count over ours, for what both count and ours is not zero."""
    unit = report.bram_kbit / BRAM_KBIT
    counts = {"lut": report.lut, "ff": report.ff, "dsp": report.dsp, "bram": report.bram and report.bram * unit}
    return {name: count / estimate[name].value for name, count in counts.items() if count and estimate[name].value}


def _vendor_latency(report: VendorReport, estimate: DesignEstimate | None) -> list[Latency]:
    if report.cycles is None or report.clock_ns is None:
        return []
    return [
        Latency(
            source="vendor",
            route="hls4ml",
            stage=report.stage,
            tool=_tool(report),
            cycles=report.cycles,
            interval=report.interval or report.cycles,
            clock_ns=report.clock_ns,
            latency_ns=report.cycles * report.clock_ns,
            ratio=report.cycles / estimate["cycles"].value if estimate and estimate["cycles"].value else None,
        )
    ]


def _tool(report: VendorReport) -> str:
    return report.tool if report.version is None else f"{report.tool} {report.version}"
