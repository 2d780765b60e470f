"""The page of figures: floor, identity and float side by side, and the published beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from qmodels.simulation.tables import row
from qmodels.simulation.ttbar.fidelity import Figures, Sample

PUBLISHED: dict[str, str] = {
    "SW x̃′": "120.1", "SW x̃": "231.8", "SW z̃": "22.35", "inside x̃′": "0.60", "inside x̃": "0.895",
    "p_y jet1 x̃′": "34.0 / .046", "p_z jet1 x̃′": "2.0 / .007", "E jet1 x̃′": "50.1 / .048", "m_tt x̃′": "54.6 / .103",
    "p_y jet1 x̃": "2.4 / .017", "p_z jet1 x̃": "0.8 / .010", "E jet1 x̃": "1.3 / .010", "m_tt x̃": "1.2 / .008",
    "p_y b z̃": "7.4 / .013", "p_z b z̃": "4.6 / .017", "E b z̃": "31.2 / .040",
}  # fmt: skip
"""What arXiv:2101.08944 and its repository print, on the authors' own events, 47,856 of each."""
_SAMPLES: tuple[tuple[str, Callable[[Figures], Sample]], ...] = (
    ("x̃′", lambda figures: figures.simulated),
    ("x̃", lambda figures: figures.restored),
    ("z̃", lambda figures: figures.encoded),
)


def page(columns: dict[str, Figures], events: int, source: str, skipped: Mapping[str, int], picture: str) -> str:
    """Markdown of the figures of each of ``columns``, on halves of ``events``; how many others were ``skipped``, by
    reason."""
    head = ["", *columns, "published"]
    lines = [
        "# Simulated and encoded top pairs beside true ones",
        "",
        f"Halves of {events:,}, of {source}. z̃ is what the encoder makes of x, x̃ what the decoder makes of z̃, x̃′ what",
        "it makes of z; of both only what is inside the thresholds is compared, a part that the table tells. SW is the",
        "sliced Wasserstein distance in GeV², *across* without the missing momentum along the beam; of an observable",
        "there are reduced χ² and KS. Masses of x are reconstructed: m_jj of the W, m_jjj and m_blv of the top quarks,",
        "m_T of electron and missing momentum. *floor* are true events of the other half, *identity* is no network at",
        "all, quarks for jets. Published are the figures of the paper on other events, comparable in size only.",
        *(f"Left out: {count:,} ({reason})." for reason, count in sorted(skipped.items())),
        "",
        row(head),
        row(["---"] * len(head)),
        *_rows(columns),
        "",
        f"![momenta and masses]({picture})",
        "",
    ]
    return "\n".join(lines)


def _rows(columns: dict[str, Figures]) -> Iterator[str]:
    found = list(columns.values())
    for name, sample in _SAMPLES:
        yield _told(f"SW {name}", (f"{sample(one).sliced:.2f}" for one in found))
        yield _told(f"SW across {name}", (f"{sample(one).across:.2f}" for one in found))
    for name, sample in _SAMPLES[:2]:
        yield _told(f"inside {name}", (f"{sample(one).part:.3f}" for one in found))
    for name, sample in _SAMPLES:
        for observable in sample(found[0]).observables:
            told = [sample(one).observables[observable] for one in found]
            yield _told(f"{observable} {name}", (f"{one.chi2:.1f} / {one.ks:.3f}" for one in told))
    yield _told("spread of jet1's pT by noise", (f"{one.noise_spread:.3f}" for one in found))


def _told(label: str, values: Iterator[str]) -> str:
    return row([label, *values, PUBLISHED.get(label, "")])
