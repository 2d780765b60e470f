"""Whether the firmware that a project builds meets its clock, and how that is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hls.figures.vendor_reports import VendorReport
from hls.project.report.schema import PipelineTrial, Resources, SlowestPath, Timing, TimingState
from hls.rtl.netlist import Closure, RoutedDesign, is_on
from hls.target import Target


def judge_timing(
    target: Target,
    rows: Sequence[Resources],
    reports: Sequence[VendorReport],
    routed: RoutedDesign | None,
    closure: Closure | None,
) -> Timing:
    """The verdict: "met" or "not met" only where the project's own part was placed and routed, else "not known".

    ``rows`` are the resource figures, ``reports`` a vendor's, of the firmware that is built. Cells before they are
    placed, and another part's wires, say nothing certain of this one's: they are told, and decide nothing.
    """
    state, path, words = _decided(target, reports, routed)
    hints = [] if state != "not known" or target.product != "rtl" else list(_hints(target, rows, routed))
    return Timing(
        state=state,
        clock_ns=target.clock_ns,
        path_ns=path,
        words="; ".join([words, *hints]),
        slowest=None if routed is None else _slowest(routed),
        trials=[] if closure is None else _trials(closure),
        trials_by=None if closure is None else closure.measured_by,
    )


def _decided(
    target: Target, reports: Sequence[VendorReport], routed: RoutedDesign | None
) -> tuple[TimingState, float | None, str]:
    final = next((r for r in reports if r.stage == "post-route" and r.timing_met is not None), None)
    if final is not None:
        return _compared(final.period_ns or 0.0, final.clock_ns or target.clock_ns, f"{final.tool}, post-route")
    if target.product == "hls4ml":
        return "not known", None, "no vendor's report after place and route"
    if routed is not None and is_on(routed.device, target.part):
        return _compared(routed.path_ns, target.clock_ns, f"placed and routed by {routed.tool}{_through(routed)}")
    return "not known", None, f"{target.part} was not placed and routed"


def _compared(path_ns: float, clock_ns: float, how: str) -> tuple[TimingState, float, str]:
    met = path_ns <= clock_ns
    return "met" if met else "not met", path_ns, f"slowest path {path_ns:.3g} ns, {how}"


def _hints(target: Target, rows: Sequence[Resources], routed: RoutedDesign | None) -> Iterator[str]:
    if routed is not None:
        path = f"{routed.path_ns:.3g} ns, placed and routed{_through(routed)}"
        yield f"on a {routed.device} it reaches {routed.fmax_mhz:.3g} MHz ({path})"
    for row in rows:
        if row.source == "yosys" and row.path_ns is not None:
            longer = ", longer than the clock" if row.path_ns > target.clock_ns else ""
            delays = f"{row.path_source}, those of DSPs left out" if row.counts.get("dsp") else row.path_source
            yield f"slowest path of the netlist {row.path_ns:.3g} ns{longer} ({delays}, before placement)"


def _through(routed: RoutedDesign) -> str:
    return f", in {', '.join(routed.layers)}" if routed.layers else ""


def _slowest(routed: RoutedDesign) -> SlowestPath:
    return SlowestPath(
        device=routed.device,
        path_ns=routed.path_ns,
        routing_ns=routed.routing_ns,
        begins=routed.begins,
        ends=routed.ends,
        modules=[(step.module, step.delay_ns) for step in routed.steps],
        layers=list(routed.layers),
    )


def _trials(closure: Closure) -> list[PipelineTrial]:
    chosen = closure.pipelining.limit_ns
    return [
        PipelineTrial(stages=a.stages, path_ns=a.path_ns, lut=a.lut, chosen=a.limit_ns == chosen)
        for a in closure.attempts
    ]
