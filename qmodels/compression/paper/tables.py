"""The tables of an evaluation in Markdown, the published figures beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hls.machine.files import write_text
from qmodels.classification import Auc
from qmodels.compression.paper import published
from qmodels.compression.paper.results import Evaluation, Signal
from qmodels.compression.samples.selection import MAX_PARTICLES


def write_markdown(found: Evaluation, path: Path) -> Path:
    """Write the tables to ``path`` and return it."""
    write_text(path, "\n".join(_page(found)))
    return path


def _page(found: Evaluation) -> Iterable[str]:
    said = ", ".join(f"{key} {value}" for key, value in found.training.items() if value is not None)
    yield f"{found.particles} particles, {found.latents} latents{'; ' + said if said else ''}.\n"
    yield f"Signals: {', '.join(map(_signal, found.signals))}; a tenth of each is what AUCs are measured on.\n"
    yield "Rate and distortion of background events, ours / published:\n"
    yield from _table(("log₁₀ β", "S [R²]", "ΣKL [nats]", "C_KL", "C_S", "latents above 0.1 nats"), _rates(found))
    yield "\nAUC between the signals, restored from the means:\n"
    columns = (
        "log₁₀ β", "KL [bits]", "fresh PFN", "reference PFN", "trees", "trees, as many particles as there were",
        "published, interpolated",
    )  # fmt: skip
    yield from _table(columns, _aucs(found))
    yield "\nAUC of what is sent, not restored; N and H_T are sent beside the latents in 24 bits of their own:\n"
    sent = (
        "log₁₀ β", "encoder", "bits", "latents, trees", "latents, network",
        "bits with N, H_T", "latents, N, H_T, trees", "latents, N, H_T, network",
    )  # fmt: skip
    yield from _table(sent, _sent(found))
    known = found.classifiers
    yield "\nClassifiers that do not depend on β:\n"
    rows = (
        ("H_T", known.ht, f"{published.AUC_HT:.3f}"),
        ("visible particles, their number", known.multiplicity, ""),
        ("two muons, PFN", known.muons, f"{published.AUC_MUONS:.3f}"),
        ("50 particles, PFN", known.stored_pfn, f"{published.AUC_UNCOMPRESSED:.3f}"),
        ("50 particles, trees", known.stored_trees, ""),
        *_encoded(found),
    )
    yield from _table(("of", "AUC", "published"), ((name, str(own), other) for name, own, other in rows))
    yield ""


def _signal(signal: Signal) -> str:
    return f"{signal.events:,} events of {signal.sample}"


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
        own = ("" if auc is None else str(auc) for auc in (point.pfn, point.reference, point.trees, point.cut_trees))
        yield f"{point.log10_beta:g}", f"{point.bits:.1f}", *own, f"{published.auc_at(point.log10_beta):.3f}"


def _encoded(found: Evaluation) -> Iterable[tuple[str, Auc, str]]:
    """What the clustering to the encoder's number of particles leaves."""
    if found.particles < MAX_PARTICLES:
        yield f"{found.particles} particles, PFN", found.classifiers.pfn, ""
        yield f"{found.particles} particles, trees", found.classifiers.trees, ""


def _sent(found: Evaluation) -> Iterable[tuple[str, ...]]:
    for point in found.sent:
        for encoder, seen in (("float", point.reference), ("firmware", point.firmware)):
            if seen is not None:
                alone = f"{seen.bits:.1f}", str(seen.trees), str(seen.network)
                both = f"{seen.bits_with_totals:.1f}", str(seen.trees_with_totals), str(seen.network_with_totals)
                yield (f"{point.log10_beta:g}", encoder, *alone, *both)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
