"""Resources and latency of one build, from every source that spoke, as rows of report.json.

Two firmwares come out of one graph: the hls4ml project (route "hls4ml") and our own RTL (route "rtl"). A row names its
route, its source and its stage; rows that differ in any of them are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hls.errors import ProjectError, UnsupportedError
from hls.figures.estimates import DesignEstimate, estimate_hls4ml, estimate_own_rtl, multipliers
from hls.figures.vendor_reports import VendorReport, find_reports
from hls.graph import FixedGraph
from hls.project.report.schema import Latency, ModuleInfo, Resources, Timing
from hls.project.report.timing import judge_timing
from hls.rtl import RtlTiming
from hls.rtl.netlist import ASIC, BLOCK_KBIT, Closure, NetlistResources, RoutedDesign, SharedModule, family_of, is_on
from hls.target import Firmware, Target
from hls.target.parts import Part, check_fit, find_part
from hls.target.resources import FLIP_FLOPS, LIMITS, LUTS, TILE_KBIT, Needs, resource

_UNUSED = (
    "a vendor's reports lie in build/hls alone, of the hls4ml project, and the budget judges our RTL: run the tool in "
    'build/rtl, or state firmware = "hls4ml" under [target] if the hls4ml project is what you build'
)
_BASIS = {"csynth": "C synthesis", "post-route": "post-route"}


@dataclass(frozen=True)
class Figures:
    """Rows in the order in which a reader looks: our RTL first, then hls4ml; estimates first, then measurements.

    ``layers`` are the estimated LUTs of each layer of the firmware that is judged; none for an ASIC."""

    resources: list[Resources]
    latency: list[Latency]
    notes: list[str]
    timing: Timing
    layers: Mapping[str, float]


def gather_figures(
    graph: FixedGraph,
    target: Target,
    measured: Iterable[RtlTiming | NetlistResources | SharedModule],
    vendor_folder: Path | None,
    rtl_folder: Path | None = None,
    routed: RoutedDesign | None = None,
    closure: Closure | None = None,
) -> Figures:
    """Every figure there is for ``graph`` on ``target``.

    ``measured`` is what the witnesses found on their way; ``vendor_folder`` is an hls4ml project, ``rtl_folder`` our
    Verilog: the user may have run a vendor's tool there. ``routed`` is our RTL on some part, ``closure`` decided its
    pipeline.

    Raises:
        VendorReportError: a report is damaged, or of a design whose weights were lost.
    """
    part, notes = _part(target)
    found = tuple(measured)
    rtl = estimate_own_rtl(graph, target, folded=closure is None)
    hls4ml = estimate_hls4ml(graph, target)
    # Those closest to silicon first. Of our RTL no product is sure to be there: constants have become adders.
    reports = [] if vendor_folder is None else find_reports(vendor_folder, multipliers(graph, target))[::-1]
    of_rtl = [] if rtl_folder is None else find_reports(rtl_folder)[::-1]
    asic = is_asic(target)
    modules = [item for item in found if isinstance(item, SharedModule)]
    resources = [
        *([] if asic else [_estimated(rtl, part)]),
        *(_counted(item, part, modules) for item in found if isinstance(item, NetlistResources)),
        *([] if routed is None else [_placed(routed, target.part, part)]),
        *(_vendor(report, "rtl", part, _compared(report, rtl)) for report in of_rtl if report.counts),
        *([] if asic else [_estimated(hls4ml, part)]),
        *(_vendor(report, "hls4ml", part, _compared(report, hls4ml)) for report in reports if report.counts),
    ]
    latency = [
        _estimated_latency(rtl),
        *[_simulated(item) for item in found if isinstance(item, RtlTiming)][:1],
        _estimated_latency(hls4ml),
        *(row for report in reports for row in _vendor_latency(report, _compared(report, hls4ml))),
    ]
    for estimate in (rtl, hls4ml):
        notes += [f"{estimate.route} estimate: {note}" for note in estimate.notes]
    if reports and not of_rtl and target.product == "rtl":
        notes.append(_UNUSED)
    timing = judge_timing(target, resources, of_rtl if target.product == "rtl" else reports, routed, closure)
    judged = rtl if target.product == "rtl" else hls4ml
    layers = {} if asic else {layer.name: layer.counts[LUTS.key] for layer in judged.layers}
    return Figures(resources, latency, [*notes, *_notes(resources)], timing, layers)


def is_asic(target: Target) -> bool:
    """Whether the part has gates in place of LUTs, of which our estimates know nothing."""
    try:
        return family_of(target.part).name == ASIC
    except UnsupportedError:
        return False


def _compared(report: VendorReport, estimate: DesignEstimate) -> DesignEstimate | None:
    """The estimate, if it is a prediction of such a report."""
    return estimate if report.stage == estimate.basis else None


def _notes(rows: Iterable[Resources]) -> Iterator[str]:
    """What a reader should know of the rows of netlists."""
    for row in rows:
        if row.gate_equivalents is not None or row.area is not None:
            yield _gates(row)


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


def _counts(counts: Mapping[str, float], block_kbit: int) -> dict[str, float]:
    """Counts as report.json states them, memory in tiles."""
    kinds = {resource(key): count for key, count in counts.items()}
    return {kind.key: kind.stated(kind.in_blocks(count, block_kbit, TILE_KBIT)) for kind, count in kinds.items()}


def _fitted(part: Part | None, needs: Needs, block_kbit: int) -> dict[str, Any]:
    """Those fields of a row that say whether the part is large enough; none if the part is not known."""
    if part is None or not needs:
        return {}
    fit = check_fit(part, needs, bram_kbit=block_kbit)
    unsure = "" if fit.certain else ", by the figure alone: its range does not settle it"
    return {"utilisation": fit.utilisation, "verdict": fit.verdict + unsure}


def _estimated(estimate: DesignEstimate, part: Part | None) -> Resources:
    found = estimate.resources
    limited = {kind.key: found[kind.key] for kind in LIMITS.values() if kind.key in found}
    extrapolated = [key for key, figure in limited.items() if figure.extrapolated and figure.value]
    fitted = _fitted(part, estimate.needed(), TILE_KBIT)
    if fitted and extrapolated:
        fitted["verdict"] = f"{fitted['verdict']}, not shown: by figures beyond their fit"
    return Resources(
        source="analytic",
        route=estimate.route,
        stage=_BASIS[estimate.basis],
        counts=_counts({key: figure.value for key, figure in found.items()}, TILE_KBIT),
        lut_range=(int(estimate["lut"].low), int(estimate["lut"].high)),
        **fitted,
        relative_error={key: figure.relative_error_90 for key, figure in limited.items()},
        median_error={key: figure.relative_error_median for key, figure in limited.items()},
        extrapolated=extrapolated,
    )


def _estimated_latency(estimate: DesignEstimate) -> Latency:
    return Latency(
        source="analytic",
        route=estimate.route,
        stage=_BASIS[estimate.basis],
        cycles=int(estimate["cycles"].value),
        interval=int(estimate["interval"].value),
        clock_ns=estimate.clock_ns,
        latency_ns=estimate["latency_ns"].value,
        relative_error=estimate["cycles"].relative_error_90,
        median_error=estimate["cycles"].relative_error_median,
        extrapolated=estimate["cycles"].extrapolated,
    )


def _counted(netlist: NetlistResources, part: Part | None, modules: Sequence[SharedModule]) -> Resources:
    return Resources(
        source="yosys",
        route="rtl",
        stage="netlist, before placement",
        tool=netlist.family,
        counts=_counts(_own_counts(netlist), BLOCK_KBIT),
        lut_range=netlist.lut_range,
        **_fitted(part, netlist.needed(), BLOCK_KBIT),
        cells=dict(netlist.cells),
        logic_depth=netlist.depth,
        path_ns=netlist.delay_ns,
        path_source=netlist.delays,
        gate_equivalents=netlist.gate_equivalents,
        area=netlist.area,
        modules=None if netlist.family == ASIC or not modules else [_module(one) for one in modules],
    )


def _module(shared: SharedModule) -> ModuleInfo:
    return ModuleInfo(layers=list(shared.layers), copies=shared.copies, lut=shared.lut)


def _own_counts(netlist: NetlistResources) -> Mapping[str, float]:
    """What the family has: of an ASIC registers alone, beside its gates."""
    kept = (FLIP_FLOPS.key,) if netlist.family == ASIC else tuple(netlist.counts)
    return {key: netlist.counts[key] for key in kept}


def _placed(routed: RoutedDesign, name: str, part: Part | None) -> Resources:
    """Of another part than the project's, as a rule: no utilisation then, and no budget is judged by it."""
    own = is_on(routed.device, name)
    return Resources(
        source="nextpnr",
        route="rtl",
        stage="placed and routed",
        tool=routed.device,
        counts=_counts(routed.counts, BLOCK_KBIT),
        **_fitted(part if own else None, routed.counts, BLOCK_KBIT),
        on_own_part=own,
        path_ns=routed.path_ns,
        path_source=f"{routed.device}, placed and routed by {routed.tool}",
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


def _vendor(report: VendorReport, route: Firmware, part: Part | None, estimate: DesignEstimate | None) -> Resources:
    return Resources(
        source="vendor",
        route=route,
        stage=report.stage,
        tool=_tool(report),
        counts=_counts(report.counts, report.bram_kbit),
        **_fitted(part, report.counts, report.bram_kbit),
        ratio=None if estimate is None else _ratios(_counts(report.counts, report.bram_kbit), estimate),
    )


def _ratios(counts: Mapping[str, float], estimate: DesignEstimate) -> dict[str, float]:
    """The vendor's count over ours, for what both count and ours is not zero."""
    return {
        key: count / estimate[key].value
        for key, count in counts.items()
        if count and key in estimate.resources and estimate[key].value
    }


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
