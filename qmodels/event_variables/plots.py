"""Fig. 2 of arXiv:2105.10126, float reference and firmware side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import mplhep
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hls.machine.files import whole_file
from qmodels.event_variables.events import generate
from qmodels.event_variables.fidelity import Sample, correlations
from qmodels.event_variables.human import human_variable
from qmodels.event_variables.variants import INPUT_SCALE, Variant
from qmodels.types import Floats32, Floats64

Network = Callable[[Floats32], npt.ArrayLike]

MASSES_GEV = (200.0, 280.0, 320.0, 400.0)
INVISIBLE_MASS_GEV = 100.0
EVENTS_PER_MASS = 20_000
HEAT_BINS = 80
LINE_BINS = 100
CENTRAL = (0.0005, 0.9995)
"""Quantiles between which an axis shows V: a handful of stray events would otherwise squeeze all others."""


@dataclass(frozen=True)
class Panel:
    """One column of the figure: V on the test events and at each mass, its sign chosen as in the paper."""

    title: str
    v: Floats64
    by_mass: dict[float, Floats64]
    tau: float
    spearman: float


def draw_fig2(variant: Variant, sample: Sample, networks: dict[str, Network], path: Path, seed: int = 1) -> None:
    """Draw one column for each of ``networks`` {title: inputs (n, d) -> V (n, 1)} and save it to ``path``.

    Top: joint distribution of V and the human variable on ``sample``, with tau and r_s. Bottom: V at four
    masses.
    """
    human = human_variable(variant.name, sample.events.inputs)
    panels = [_panel(title, variant, network, sample, human, seed) for title, network in networks.items()]
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 15, "axes.labelsize": 17}):
        figure = Figure(figsize=(5.6 * len(panels), 9.6), layout="constrained")
        axes = figure.subplots(2, len(panels), squeeze=False)
        for column, panel in enumerate(panels):
            limits = _limits(panel.v)
            _heat_map(axes[0, column], panel, human, limits, variant.human_label)
            _distributions(axes[1, column], panel, limits)
        title = f"$m_C$ = {INVISIBLE_MASS_GEV:.0f} GeV" if len(variant.parameters) > 1 else None
        axes[1, 0].legend(fontsize=13, ncols=2, loc="upper center", title=title, title_fontsize=13)
        figure.suptitle(variant.label, fontsize=17)
        with whole_file(path, suffix=".png") as draft:
            figure.savefig(draft, dpi=110)


def _panel(title: str, variant: Variant, network: Network, sample: Sample, human: Floats64, seed: int) -> Panel:
    def event_variable(inputs: Floats32) -> Floats64:
        return np.asarray(network(inputs), np.float64).ravel()

    v = event_variable(sample.inputs)
    sign, tau, spearman = correlations(v, human)
    by_mass = {}
    for mass in MASSES_GEV:
        masses = (mass, INVISIBLE_MASS_GEV)[: len(variant.parameters)]
        events = generate(variant.name, EVENTS_PER_MASS, seed, masses=masses)
        by_mass[mass] = sign * event_variable(events.inputs * np.float32(INPUT_SCALE))
    return Panel(title, sign * v, by_mass, tau, spearman)


def _limits(v: Floats64) -> tuple[float, float]:
    low, high = np.quantile(v, CENTRAL)
    margin = 0.03 * (high - low) or 1.0  # a constant V still needs an axis
    return float(low - margin), float(high + margin)


def _heat_map(axes: Axes, panel: Panel, human: Floats64, limits: tuple[float, float], label: str) -> None:
    counts, x, y = np.histogram2d(panel.v, human, bins=HEAT_BINS, range=(limits, (human.min(), human.max())))
    shown = np.where(counts > 0.0, counts, np.nan).T
    mesh = axes.pcolormesh(x, y, shown, norm="log", cmap="viridis", rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, label="events per bin", pad=0.02)
    text = rf"$\tau$ = {panel.tau:.3f}" + "\n" + rf"$r_s$ = {panel.spearman:.3f}"
    axes.text(0.05, 0.95, text, transform=axes.transAxes, va="top", ha="left")
    axes.set(title=panel.title, xlabel="$V$", ylabel=f"{label} [GeV]", xlim=limits)


def _distributions(axes: Axes, panel: Panel, limits: tuple[float, float]) -> None:
    bins = np.linspace(*limits, LINE_BINS + 1)
    peak = 0.0
    for mass, v in panel.by_mass.items():
        # Divided by all events, not by those on the axis: unit-normalised also where a tail lies outside.
        density = np.histogram(v, bins)[0] / (len(v) * np.diff(bins))
        peak = max(peak, float(density.max()))
        mplhep.histplot(density, bins, ax=axes, label=rf"$m_A$ = {mass:.0f} GeV", linewidth=1.8)
    axes.set(xlabel="$V$", ylabel="probability density", xlim=limits, ylim=(0.0, 1.4 * peak))
