"""A report in a line, and as a few figures for a notebook."""

from __future__ import annotations

from html import escape

from hls.project.report.cards import cards
from hls.project.report.schema import Report
from hls.project.report.words import compared_words, saturation_words, timing_words, verdict_words

_MARKS = {True: "✓", False: "✗", None: "–"}


def in_a_line(report: Report) -> str:
    """The verdict, and where the page is."""
    return f"<Report {report.project.name}: {_verdict(report)}; {report.html}>"


def as_figures(report: Report) -> str:
    """HTML: the verdict, what stands on top of the page, and the advice."""
    beside = "; ".join(filter(None, (compared_words(report), timing_words(report), saturation_words(report))))
    values = "".join(f"<td><b>{escape(card.value)}</b><br>{escape(card.meaning)}</td>" for card in cards(report)[:4])
    told = (*report.verification.failures, *report.verification.warnings)
    sentences = [*told, *(sentence for layer in report.graph.pipeline for sentence in layer.advice)]
    listed = f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>" if sentences else ""
    return (
        f"<p><b>{_MARKS[report.passed]} {escape(report.project.name)}: {escape(_verdict(report))}</b><br>"
        f"{escape(beside)}</p><table><tr>{values}</tr></table>{listed}<p><code>{escape(str(report.html))}</code></p>"
    )


def _verdict(report: Report) -> str:
    over = "" if report.budget.passed else ", over budget"
    return f"{verdict_words(report)}{over}"
