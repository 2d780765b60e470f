"""The tables of an evaluation in Markdown, the published figures beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hls.machine.files import write_text
from qmodels.compression.paper import published
from qmodels.compression.paper.results import Evaluation


def write_markdown(found: Evaluation, path: Path) -> Path:
    """Write the tables to ``path`` and return it."""
    write_text(path, "\n".join(_page(found)))
    return path


def _page(found: Evaluation) -> Iterable[str]:
    said = ", ".join(f"{key} {value}" for key, value in found.training.items() if value is not None)
    yield f"{found.particles} particles, {found.latents} latents{'; ' + said if said else ''}.\n"
    yield "Rate and distortion of background events, ours / published:\n"
    yield from _table(("log₁₀ β", "S [R²]", "ΣKL [nats]", "C_KL", "C_S", "latents above 0.1 nats"), _rates(found))
    yield "\nAUC between the signals, restored from the means:\n"
    columns = ("log₁₀ β", "KL [bits]", "fresh PFN", "reference PFN", "published, interpolated")
    yield from _table(columns, _aucs(found))
    known = found.classifiers
    yield f"\nClassifiers that do not depend on β ({known.test_events} test events):\n"
    rows = (
        ("two muons", known.muons, published.AUC_MUONS),
        ("H_T", known.ht, published.AUC_HT),
        (f"{found.particles} particles, uncompressed", known.uncompressed, published.AUC_UNCOMPRESSED),
    )
    yield from _table(("of", "AUC", "published"), ((name, f"{own:.3f}", f"{other:.3f}") for name, own, other in rows))
    yield ""


def _rates(found: Evaluation) -> Iterable[tuple[str, ...]]:
    for rate in found.rates:
        point = published.rate_at(rate.log10_beta)
        if point is not None:
            yield (
                f"{rate.log10_beta:g}",
                f"{rate.distortion:.3f} / {point.distortion:.3f}",
                f"{rate.kl.sum():.2f} / {point.kl_nats:.2f}",
                f"{rate.c_kl:.1f} / {point.c_kl:.1f}",
                f"{rate.c_s:.1f} / {point.c_s:.1f}",
                f"{rate.active} / {point.active}",
            )


def _aucs(found: Evaluation) -> Iterable[tuple[str, ...]]:
    for point in found.aucs:
        reference = "" if point.judge_auc is None else f"{point.judge_auc:.3f}"
        other = f"{published.auc_at(point.log10_beta):.3f}"
        yield f"{point.log10_beta:g}", f"{point.bits:.1f}", f"{point.auc:.3f}", reference, other


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
