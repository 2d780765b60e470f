"""Resources, clocks and proofs in expected.json: what a firmware took when it was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from hls.project.check import Check, change, checked
from hls.project.report.judged import CLOCKS, Figure, judged_figures
from hls.project.report.schema import Report
from hls.target.resources import LUTS

FMAX = "fmax_mhz"
_SLACK = 0.02
"""Of a count that is not an exact one of ours: another release of a tool places some logic elsewhere."""


class ExpectedFigure(BaseModel):
    """A recorded figure of the firmware that is judged, the source that gave it, and by how much it may differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    source: str
    allowed_change: float = 0.0


def recorded_figures(report: Report, before: Mapping[str, ExpectedFigure]) -> dict[str, ExpectedFigure]:
    """What ``report`` gives, to be expected; allowed changes that stand in ``before`` are kept.

    Clocks may not change, counts of resources and the attainable clock by 2 %.
    """
    made = {}
    for name, figure in _figures(report).items():
        slack = 0.0 if name in CLOCKS else float(round(figure.value * _SLACK))
        kept = before[name].allowed_change if name in before else slack
        made[name] = ExpectedFigure(value=figure.value, source=figure.source, allowed_change=kept)
    return made


def _figures(report: Report) -> dict[str, Figure]:
    """What the budget judges, and the attainable clock of the design that was routed, or else of its netlist."""
    fastest = _fastest(report)
    return judged_figures(report) | ({} if fastest is None else {FMAX: fastest})


def _fastest(report: Report) -> Figure | None:
    """The attainable clock in MHz, where something says it: of the project's own part, or else of the netlist."""
    if report.timing is not None and report.timing.path_ns is not None:
        return Figure(round(1e3 / report.timing.path_ns, 1), "place and route")
    for row in report.resources:
        if (row.source, row.route) == ("yosys", report.project.firmware) and row.path_ns:
            return Figure(round(1e3 / row.path_ns, 1), row.source)
    return None


def compare_figures(report: Report, expected: Mapping[str, ExpectedFigure], luts_moved: str = "") -> Iterator[Check]:
    """A check a figure; ``luts_moved`` is said of LUTs that differ."""
    now = _figures(report)
    for name, was in expected.items():
        found = now.get(name)
        message = ""
        if found is None:
            message = f"nothing gives this figure any more; {was.source} did when recorded"
        elif found.source != was.source:
            message = f"is by {found.source}, and was by {was.source} when recorded; if meant, run with --update"
        elif abs(found.value - was.value) > was.allowed_change:
            where = f", {luts_moved}" if luts_moved and name == LUTS.key else ""
            message = (
                f"is {found.value:g} ({change(was.value, found.value)}), was {was.value:g} ± {was.allowed_change:g} "
                f"({was.source}){where}; if meant, run with --update"
            )
        yield checked(f"figure {name}", message, was=was.value, now=None if found is None else found.value)


def proved_links(report: Report) -> list[str]:
    """Links of the proof that are proved for every input."""
    return [] if report.proof is None else [link.name for link in report.proof.links if link.state == "proved"]


def compare_proof(report: Report, expected: Sequence[str]) -> Iterator[Check]:
    """One check a link that was proved when recorded."""
    links = () if report.proof is None else report.proof.links
    now = {str(link.name): link for link in links}
    for name in expected:
        link = now.get(name)
        verdict = "not asked for" if link is None else link.verdict
        kept = link is not None and link.state == "proved"
        wrong = "" if kept else f"is {verdict}, and was proved when recorded"
        yield checked(f"proof of {name}", wrong, seconds=None if link is None else link.seconds)
