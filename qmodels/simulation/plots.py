"""One page of plots: marginals, transport from z to x, the response by region, and what the noise does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hls.machine.files import whole_file
from qmodels.simulation.distances import BINS, observables
from qmodels.simulation.fidelity import ETA_EDGES, Made
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import pair_pt, pseudorapidity
from qmodels.types import Floats, Floats64

_LABELS = {"p_y": "$p_y$ [GeV]", "p_z": "$p_z$ [GeV]", "E": "$E$ [GeV]", "M_ee": "$M_{ee}$ [GeV]"}
_PT_BINS = np.arange(0.0, 41.0, 1.0)
_ENERGY_BINS = np.linspace(0.0, 200.0, 61)
_RATIO_BINS = np.linspace(0.6, 1.4, 61)
_SPREAD_EDGES = np.array([10, 30, 40, 50, 70, 100, 140, 200], np.float64)


def draw(rows: dict[str, Made], half: Pairs, other: Pairs, path: Path) -> None:
    """Draw what each of ``rows`` made of ``half`` beside the ``other``, and save it to ``path``.

    The rows "floor" and "identity" are drawn thin, the last row is the one whose transport is shown.
    """
    shown = {name: made for name, made in rows.items() if name != "floor"}
    last = list(rows)[-1]
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 12, "axes.labelsize": 14}):
        figure = Figure(figsize=(19, 13.5), layout="constrained")
        axes = figure.subplots(3, 4)
        for place, (name, bins) in zip(axes[0], BINS.items(), strict=True):
            values = {who: observables(made.simulated)[name] for who, made in shown.items()}
            histograms(place, observables(other.x)[name], values, bins, f"{_LABELS[name]} of $\\tilde{{x}}'$")
        masses = {who: observables(made.encoded)["M_ee"] for who, made in shown.items()}
        histograms(
            axes[1, 0], observables(other.z)["M_ee"], masses, BINS["M_ee"], f"{_LABELS['M_ee']} of $\\tilde{{z}}$"
        )
        recoil = {who: pair_pt(made.simulated) for who, made in shown.items()}
        histograms(axes[1, 1], pair_pt(other.x), recoil, _PT_BINS, "$p_T$ of the pair [GeV], $\\tilde{x}'$")
        _transport(axes[1, 2], half, half.x[:, 7], "true")
        _transport(axes[1, 3], half, rows[last].simulated[:, 7], last)
        for place, low, high in zip(axes[2], ETA_EDGES, ETA_EDGES[1:], strict=False):
            _response(place, shown, half, low, high)
        _spread(axes[2, 3], shown, half)
        axes[0, 0].legend(fontsize=11)
        with whole_file(path, suffix=".png") as draft:
            figure.savefig(draft, dpi=80)


def histograms(place: Axes, true: Floats, values: Mapping[str, Floats], bins: Floats64, label: str) -> None:
    """Draw the ``true`` values filled, and those of each name beside them."""
    edges = bins.tolist()
    place.hist(true, edges, density=True, histtype="stepfilled", color="0.85", edgecolor="0.6", label="true")
    for name, one in values.items():
        style = ":" if name == "identity" else "-"
        place.hist(one, edges, density=True, histtype="step", linestyle=style, linewidth=1.5, label=name)
    place.set_xlabel(label)
    place.set_yticks([])


def _transport(place: Axes, half: Pairs, energy: Floats, name: str) -> None:
    place.hist2d(half.z[:, 7], energy, [_ENERGY_BINS, _ENERGY_BINS], norm="log", cmap="viridis")
    place.set_xlabel("$E$ of z [GeV]")
    place.set_ylabel(f"$E$ of x, {name} [GeV]")


def _response(place: Axes, shown: dict[str, Made], half: Pairs, low: float, high: float) -> None:
    eta = np.abs(pseudorapidity(half.z)[:, 1])
    here = (eta >= low) & (eta < high)
    energy = half.z[here, 7]
    values = {who: made.simulated[here, 7] / energy for who, made in shown.items() if who != "identity"}
    histograms(place, half.x[here, 7] / energy, values, _RATIO_BINS, f"$E_x/E_z$, $|\\eta|$ {low:g} to {high:g}")


def _spread(place: Axes, shown: dict[str, Made], half: Pairs) -> None:
    """How far two events of the same z lie apart, beside how far x lies from z."""
    energy = half.z[:, 7]
    middles = (_SPREAD_EDGES[1:] + _SPREAD_EDGES[:-1]) / 2
    place.plot(middles, _by_energy(half.x[:, 7] / energy - 1, energy), "o", color="0.5", label="true, x to z")
    for who, made in shown.items():
        if who != "identity":
            differences = (made.simulated[:, 7] - made.again[:, 7]) / energy / np.sqrt(2.0)
            place.plot(middles, _by_energy(differences, energy), label=f"{who}, by noise")
    place.set_ylim(bottom=0.0)
    place.set_xlabel("$E$ of z [GeV]")
    place.set_ylabel("spread of $E_x/E_z$")
    place.legend(fontsize=11)


def _by_energy(values: Floats, energy: Floats) -> list[float]:
    """Standard deviation in each range of ``_SPREAD_EDGES``; nan where it has fewer than two events."""
    ranges = np.digitize(energy, _SPREAD_EDGES)
    chosen = (values[ranges == index] for index in range(1, len(_SPREAD_EDGES)))
    return [float(np.std(one)) if len(one) > 1 else float("nan") for one in chosen]
