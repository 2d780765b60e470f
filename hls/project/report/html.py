"""report.html: one file that needs nothing else, pictures inside."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from hls.events.coverage import percent
from hls.project.report.cards import cards, count
from hls.project.report.chart import bit_chart, trade_chart
from hls.project.report.curves import curve_tables
from hls.project.report.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from hls.project.report.intervals import interval_panels
from hls.project.report.judged import counted_kinds, judged_figures
from hls.project.report.schema import HTML_FILE, Metric, Report
from hls.project.report.time_line import time_line
from hls.project.report.values import SATURATED, ZEROED
from hls.project.report.verification_schema import DisagreementInfo
from hls.project.report.words import (
    compared_words,
    disagreement_words,
    float32_words,
    kept_words,
    odd_words,
    saturation_words,
    timing_words,
    verdict_words,
)
from hls.target import FIRMWARES
from hls.target.resources import LUTS

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_MIME = {".png": "image/png", ".svg": "image/svg+xml"}
_LARGE = 10_000
_SHOWN_VALUES = 128
_TITLES = {"fidelity": "Float reference and firmware, in physics", "roc": "ROC of float reference and firmware"}


def write_html(report: Report, folder: Path) -> Path:
    """Write ``folder/report.html`` from the report and the pictures in ``folder/figures``."""
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            verdict=verdict_words(report),
            compared=compared_words(report),
            odd=odd_words(report),
            event=_shown_event,
            saturation=saturation_words(report),
            explained={
                name: words
                for name, result in report.witnesses.items()
                if (words := float32_words(result, report.graph.float32_inexact))
            },
            kept=kept_words(report),
            cards=cards(report),
            chart=bit_chart(report.graph.pipeline),
            clock=timing_words(report),
            drawing=draw(report.graph.pipeline),
            passing=time_line(report),
            box_width=BOX_WIDTH,
            box_height=BOX_HEIGHT,
            luts=judged_figures(report).get(LUTS.key),
            traced=_traced(report),
            noteworthy={"saturated": SATURATED, "zeroed": ZEROED},
            most_luts=max((layer.lut or 0.0 for layer in report.graph.pipeline), default=0.0),
            trade=None if report.timing is None else trade_chart(report.timing),
            panels=interval_panels(report.intervals),
            own_interval=next((row.interval for row in report.latency if row.route == "rtl"), None),
            kinds=counted_kinds(report),
            firmwares=FIRMWARES,
            metrics={name: metric for name, metric in report.fidelity.items() if isinstance(metric, Metric)},
            curves=dict(curve_tables(report.fidelity)),
            style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
            figures=_figures(folder / "figures"),
        )
    )
    path = folder / HTML_FILE
    path.write_text(page, encoding="utf-8")
    return path


def _shown_event(report: Report, found: DisagreementInfo) -> list[tuple[str, str, str]]:
    """Of each input of a disagreement's event: the name, the type, and the values as raw integers."""
    shown = []
    for port, raw in zip(report.verification.ports, found.input, strict=False):
        more = f" and {len(raw) - _SHOWN_VALUES:,} more, in report.json" if len(raw) > _SHOWN_VALUES else ""
        shown.append((port.name, port.type, " ".join(map(str, raw[:_SHOWN_VALUES])) + more))
    return shown


def _traced(report: Report) -> int:
    """The number of events of which each layer's values were counted."""
    return max((layer.values.events for layer in report.graph.pipeline if layer.values is not None), default=0)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = count
    made.filters["rate"] = _rate
    made.filters["value"] = _value
    made.filters["disagreement"] = disagreement_words
    made.filters["sum_luts"] = lambda modules: sum(module.copies * module.lut for module in modules)
    made.filters["percent"] = percent
    made.filters["figure"] = lambda number: f"{number:.4g}"
    return made


def _rate(number: float | None) -> str:
    if number is None:
        return ""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}"
    return f"{number:.3g}"


def _value(number: float | None) -> str:
    if number is None:
        return "–"
    return count(number) if number >= _LARGE and number == int(number) else f"{number:.5g}"


def _figures(folder: Path) -> list[tuple[str, str]]:
    """(title, data URI) of every picture."""
    files = sorted(path for path in folder.glob("*") if path.suffix in _MIME)
    return [
        (
            _TITLES.get(path.stem, path.stem.replace("_", " ").capitalize()),
            f"data:{_MIME[path.suffix]};base64,{b64encode(path.read_bytes()).decode()}",
        )
        for path in files
    ]
