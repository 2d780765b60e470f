"""The verdict in words, one text for terminal, page and check."""

from __future__ import annotations

from collections.abc import Sequence

from hls.events.coverage import percent
from hls.project.report.schema import Report
from hls.project.report.verification_schema import DisagreementInfo, WitnessInfo
from hls.target import FIRMWARES
from hls.verification.verify import SPECIFICATION


def verdict_words(report: Report) -> str:
    """What was found of the bits: never "bit-exact" where any compared output differs."""
    verification = report.verification
    explained = sum(result.float32_differs or 0 for result in report.witnesses.values())
    if report.proof is not None and report.proof.refuted:
        return "refuted"
    if verification.disagreements or any(result.mismatches for result in report.witnesses.values()):
        return "differs"
    if not verification.passed:
        return "not verified as asked"
    if not report.compared:
        ran = ", ".join(_ran(report))
        proved = f"proved for every input: {', '.join(report.proved)}; " if report.proved else ""
        return f"{proved}not compared: only {ran} ran"
    return f"agrees within float32's own error ({_events(explained)})" if explained else "bit-exact"


def timing_words(report: Report) -> str:
    """What may be said of the clock, for the place where the verdict stands; empty for reports that do not say."""
    timing = report.timing
    if timing is None:
        return ""
    clock = f"clock of {timing.clock_ns:g} ns"
    return {"met": f"{clock} met", "not met": f"{clock} NOT met", "not known": f"{clock}: not known if met"}[
        timing.state
    ]


def compared_words(report: Report) -> str:
    """With whom the emulator was compared, each with the number of its own events, and whether the firmware that is
    built was among them; empty if with nobody."""
    if not report.compared:
        return ""
    others = {name: result for name, result in _ran(report).items() if name != SPECIFICATION}
    counts = {name: min(result.events, report.verification.events) for name, result in others.items()}
    told = [f"{name} on {_events(count)}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1])]
    if report.project.firmware is not None and report.own_witnesses:
        told.append(f"{FIRMWARES[report.project.firmware]} itself on none")
    return ", ".join(told)


def disagreement_words(found: DisagreementInfo) -> str:
    """How many values differ, by how much, and in which layer that begins; empty for reports that do not say."""
    if found.differing is None or found.compared is None or found.largest is None or found.lsb is None:
        return ""
    distance = f", by {found.largest:,} LSB ({found.largest * found.lsb:g}) at most" if found.largest else ""
    layer = f"; layer {found.layer} differs first" if found.layer else ""
    how = f"{', ' if layer else '; '}{found.place}" if found.place else ""
    return f"{found.differing:,} of {found.compared:,} values of these events differ{distance}{layer}{how}"


def odd_words(report: Report) -> str:
    """Who is wrong, where the others agree; empty where nobody is there to decide."""
    odd = report.verification.odd_one_out
    if odd is None:
        return ""
    others = ", ".join(name for name in _ran(report) if name != odd)
    return f"{odd} is the odd one out: {others} agree with one another"


def saturation_words(report: Report) -> str:
    """What saturates at the ports, for the place where the verdict stands; empty where nobody counted."""
    ports = [port for port in report.verification.ports if port.saturated is not None]
    if not ports:
        return ""
    worst = max(ports, key=lambda port: port.saturated or 0.0)
    if not worst.saturated:
        return "no input saturates"
    return f"{percent(worst.saturated)} of the values of input {worst.name} saturate"


def _ran(report: Report) -> dict[str, WitnessInfo]:
    return {name: result for name, result in report.witnesses.items() if result.status == "ran"}


def float32_words(result: WitnessInfo, layers: Sequence[str]) -> str:
    """Of a witness whose float32 explains all that differs: in how many events, by how much and where; else empty."""
    if not result.float32_differs or result.mismatches:
        return ""
    deviation, allowed, share = result.float32_deviation or 0, result.float32_allowed or 0, result.float32_share or 0
    reach = f"up to {allowed:.4g} ({share:.2g} of the output's range)" if share < 1 else "any value of its range"
    return (
        f"agrees within float32's own error: {_events(result.float32_differs)} differ by at most {deviation:.4g} LSB "
        f"where {reach} can be explained, by roundings in {', '.join(layers)}"
    )


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def kept_words(report: Report) -> list[str]:
    """What witnesses found in earlier builds of the same firmware, which this one's verdict does not speak of."""
    return [
        f"{name} did not run now; in the build of {kept.built} it found {kept.result.mismatches:,} mismatches in "
        f"{kept.result.events:,} events ({kept.source})"
        for name, kept in report.kept.items()
    ]
