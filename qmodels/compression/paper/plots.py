"""The three figures of arXiv:2210.11489, ours with the published curves behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import mplhep
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qmodels.classification import Auc
from qmodels.compression.fidelity.plots import BETA_LABEL, STYLE, save
from qmodels.compression.paper import published
from qmodels.compression.paper.results import Evaluation

RECONSTRUCTIONS, RATES, AUC = "reconstructions.png", "rates.png", "auc.png"
_TRUE, _RESTORED, _REFERENCE, _PUBLISHED = "#e42536", "#5790fc", "#f89c20", "#9c9ca1"
_TREES, _LATENTS, _TOTALS = "#964a8b", "#e42536", "#7a21dd"
_AREA = 1500.0
"""Area in points² of a particle that carries all of H_T."""


def draw_figures(found: Evaluation, out: Path) -> None:
    """Write the three pictures into folder ``out``."""
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context(STYLE):
        save(_reconstructions(found), out / RECONSTRUCTIONS)
        save(_rates(found), out / RATES)
        save(_auc(found), out / AUC)


def _reconstructions(found: Evaluation) -> Figure:
    figure = Figure(figsize=(4.6 * len(found.displays), 5.0), layout="constrained")
    axes = figure.subplots(1, len(found.displays), sharey=True)
    for panel, display in zip(axes, found.displays, strict=True):
        _cloud(panel, found.truth, _TRUE, "event")
        _cloud(panel, display.restored, _RESTORED, "restored")
        panel.set(xlabel=r"$\eta$", xlim=(-3.0, 3.0), ylim=(-np.pi, np.pi))
        title = rf"$\log_{{10}}\beta$ = {display.log10_beta:g}: {display.bits:.0f} bits, {display.active} latents"
        panel.set_title(title, fontsize=13)
    axes[0].set(ylabel=r"$\phi$")
    for handle in axes[0].legend(fontsize=12, loc="upper left").legend_handles:
        handle.set_sizes([50.0])
    return figure


def _cloud(axes: Axes, cloud: npt.NDArray[np.float32], color: str, label: str) -> None:
    real = cloud[cloud[:, 0] > 0]
    axes.scatter(real[:, 1], real[:, 2], s=_AREA * real[:, 0], color=color, alpha=0.55, linewidths=0, label=label)


def _rates(found: Evaluation) -> Figure:
    figure = Figure(figsize=(13.0, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    betas = [rate.log10_beta for rate in found.rates]
    kl = np.array([rate.kl for rate in found.rates])
    for latent in np.argsort(-kl.sum(axis=0)):
        left.plot(betas, kl[:, latent], linewidth=0.9)
    left.set(xlabel=BETA_LABEL, ylabel="KL per latent [nats]", yscale="log", ylim=(1e-3, 2.0 * kl.max()))
    right.plot(betas, [rate.c_kl for rate in found.rates], color=_RESTORED, label=r"$C_{KL}$")
    right.plot(betas, [rate.c_s for rate in found.rates], color=_TRUE, label=r"$C_S$")
    known = published.RATE
    theirs = [p.log10_beta for p in known]
    right.plot(theirs, [p.c_kl for p in known], "--", color=_PUBLISHED, label=r"$C_{KL}$ published")
    right.plot(theirs, [p.c_s for p in known], ":", color=_PUBLISHED, label=r"$C_S$ published")
    highest = max(*(rate.c_kl for rate in found.rates), max(point.c_kl for point in known))
    right.set(xlabel=BETA_LABEL, ylabel="heat capacity", ylim=(0.0, 1.1 * highest))
    right.legend()
    return figure


def _auc(found: Evaluation) -> Figure:
    figure = Figure(figsize=(16.5, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, theirs, ours in (
        (left, published.AUC_LOG10_BETA, [p.log10_beta for p in found.aucs]),
        (right, published.AUC_BITS, [p.bits for p in found.aucs]),
    ):
        axes.plot(theirs, published.AUC_MEANS, "--", color=_PUBLISHED, label="published, means")
        axes.plot(theirs, published.AUC_SAMPLED, ":", color=_PUBLISHED, label="published, sampled")
        _curve(axes, ours, [p.pfn for p in found.aucs], "o-", _RESTORED, "restored, fresh PFN")
        _curve(axes, ours, [p.reference for p in found.aucs], "s-", _REFERENCE, "restored, one PFN for all")
        _curve(axes, ours, [p.trees for p in found.aucs], "^-", _TREES, "restored, trees")
        _lines(axes, found)
    _sent(left, right, found)
    left.set(xlabel=BETA_LABEL, ylabel="AUC between the signals")
    right.set_xscale("symlog", linthresh=1.0)
    right.set(xlabel="bits per event", xlim=(0.0, 600.0))
    right.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def _sent(left: Axes, right: Axes, found: Evaluation) -> None:
    """What is sent, of the firmware where it was measured; its bits are those that it takes."""
    points = [(p.log10_beta, p.firmware or p.reference) for p in found.sent]
    betas, seen = [beta for beta, _ in points], [each for _, each in points]
    for axes, alone, both in (
        (left, betas, betas),
        (right, [each.bits for each in seen], [each.bits_with_totals for each in seen]),
    ):
        _curve(axes, alone, [each.network for each in seen], "v-", _LATENTS, "latents as sent, network")
        _curve(axes, both, [each.network_with_totals for each in seen], "D-", _TOTALS, "... with $N$ and $H_T$")


def _curve(axes: Axes, at: Sequence[float], aucs: Sequence[Auc | None], style: str, color: str, label: str) -> None:
    known = [(x, auc.value, auc.error) for x, auc in zip(at, aucs, strict=True) if auc is not None]
    if known:
        x, values, errors = zip(*known, strict=True)
        axes.errorbar(x, values, yerr=errors, fmt=style, color=color, label=label)


def _lines(axes: Axes, found: Evaluation) -> None:
    """What is known without the compressed particles, and with all of them uncompressed."""
    known = found.classifiers
    values = {
        "muons, PFN": (known.muons, "-."),
        "multiplicity only": (known.multiplicity, ":"),
        "$H_T$ only": (known.ht, "--"),
        "uncompressed, PFN": (known.pfn, (0, (5, 1))),
        "uncompressed, trees": (known.trees, "-"),
    }
    for label, (auc, style) in values.items():
        axes.axhline(auc.value, color="black", linewidth=1.0, linestyle=style, label=f"{label}: {auc.value:.3f}")
