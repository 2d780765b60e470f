"""The page of figures: floor, identity, float and firmware side by side, and the published beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from qmodels.simulation.fidelity import ETA_EDGES, Figures, Sample
from qmodels.simulation.splits import SPLIT_SLICES, Splits
from qmodels.types import Floats64

PUBLISHED: dict[str, str] = {
    "SW z̃": "0.98", "SW x̃": "1.33", "SW x̃′": "3.03",
    "p_y x̃′": "37.6 / .012", "p_z x̃′": "4.8 / .007", "E x̃′": "9.4 / .020", "M_ee x̃′": "12.8 / .031",
    "p_y x̃": "1.4 / .003", "p_z x̃": "1.5 / .010", "E x̃": "0.5 / .003", "M_ee x̃": "5.1 / .026",
    "p_y z̃": "50.6 / .016", "p_z z̃": "1.3 / .005", "E z̃": "8.8 / .015", "M_ee z̃": "823 / .246",
}  # fmt: skip
"""What arXiv:2101.08944 and its repository print, on the authors' own events and halves of 80,000."""
_SAMPLES: tuple[tuple[str, Callable[[Figures], Sample]], ...] = (
    ("x̃′", lambda figures: figures.simulated),
    ("x̃", lambda figures: figures.restored),
    ("z̃", lambda figures: figures.encoded),
)
_CUT_SAMPLES: tuple[tuple[str, Callable[[Splits], Floats64]], ...] = (
    ("x̃′", lambda cuts: cuts.simulated),
    ("x̃", lambda cuts: cuts.restored),
    ("z̃", lambda cuts: cuts.encoded),
)


def page(
    columns: dict[str, Figures],
    cuts: dict[str, Splits],
    events: int,
    source: str,
    skipped: Mapping[str, int],
    picture: str,
) -> str:
    """Markdown of the figures of each of ``columns``, on halves of ``events``, and of many ``cuts`` into halves; how
    many others were ``skipped``, by reason."""
    names = list(columns)
    head = ["", *names, "published"]
    lines = [
        "# Simulated and encoded events beside true ones",
        "",
        f"Halves of {events:,}, of {source}. z̃ is what the encoder makes of x, x̃ what the decoder makes of z̃, x̃′ what",
        "it makes of z. SW is the sliced Wasserstein distance in GeV²; of an observable there are reduced χ² and KS.",
        "*floor* are true events of the other half, *identity* is no network at all. Published are the figures of the",
        "paper on other events, which are comparable in size only.",
        *(f"Left out: {count:,} ({reason})." for reason, count in sorted(skipped.items())),
        "",
        row(head),
        row(["---"] * len(head)),
        *_rows(columns),
        "",
        *_cuts(cuts),
        "",
        f"![marginals, transport, response and spread]({picture})",
        "",
    ]
    return "\n".join(lines)


def _rows(columns: dict[str, Figures]) -> Iterator[str]:
    found = list(columns.values())
    for name, sample in _SAMPLES:
        label = f"SW {name}"
        yield row([label, *(f"{sample(one).sliced:.3f}" for one in found), PUBLISHED.get(label, "")])
    for name, sample in _SAMPLES:
        for observable in sample(found[0]).observables:
            label = f"{observable} {name}"
            told = [sample(one).observables[observable] for one in found]
            yield row([label, *(f"{one.chi2:.1f} / {one.ks:.4f}" for one in told), PUBLISHED.get(label, "")])
        yield row([f"pair's pT {name}, KS", *(f"{sample(one).pair_pt_ks:.4f}" for one in found), ""])
    for index, (low, high) in enumerate(pairwise(ETA_EDGES)):
        widths = (f"{one.response.width[index]:.3f}" for one in found)
        yield row([f"half width of E′/E, η of ±{low:g} to ±{high:g}", *widths, ""])
    recoils = (f"{one.recoil[0]:.1f}, {one.recoil[1]:.1f}" for one in found)
    yield row(["half width of what a pair gains along the beam, has across, GeV", *recoils, ""])
    yield row(["spread of E by noise", *(f"{one.noise_spread:.3f}" for one in found), ""])
    yield row(["median angle z to x, mrad", *(f"{one.angle_mrad:.1f}" for one in found), ""])


def _cuts(columns: dict[str, Splits]) -> Iterator[str]:
    found = list(columns.values())
    yield f"Events cut into halves at random, {len(found[0].simulated)} times: SW by {SPLIT_SLICES} directions,"
    yield "mean and standard deviation of the cuts, and what there is beyond the floor of the same cut."
    yield ""
    yield row(["", *columns])
    yield row(["---"] * (1 + len(found)))
    for name, sample in _CUT_SAMPLES:
        floor, *others = (sample(one) for one in found)
        yield row([f"SW {name}", *map(_spread, (floor, *others))])
        yield row(["beyond the floor", "", *(_spread(one - floor) for one in others)])
    if "firmware" in columns:
        ratio = columns["firmware"].simulated / columns["float"].simulated
        yield row(["SW x̃′ over float's", *[""] * (len(found) - 1), _spread(ratio)])


def _spread(values: Floats64) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"


def row(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"
