"""The plot of a fidelity measurement, and the style that it shares with those of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hls.machine.files import whole_file
from qmodels.compression.fidelity.metrics import Comparison

BETA_LABEL = r"$\log_{10}\beta$"
STYLE = {"font.size": 14, "axes.labelsize": 16, "legend.fontsize": 12, "lines.linewidth": 1.8}
_FLOAT, _FIRMWARE, _PACKED = "#5790fc", "#f89c20", "#7a21dd"


def draw_fidelity(found: Sequence[Comparison], path: Path) -> None:
    """Distortion, AUC, bits and latent error against β: float encoder, firmware, and firmware packed into bits."""
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context(STYLE):
        figure = Figure(figsize=(13.0, 9.0), layout="constrained")
        axes = figure.subplots(2, 2).ravel()
        _distortion(axes[0], found)
        _auc(axes[1], found)
        _bits(axes[2], found)
        _latent_error(axes[3], found)
        for panel in axes:
            panel.set(xlabel=BETA_LABEL)
        save(figure, path)


def _distortion(axes: Axes, found: Sequence[Comparison]) -> None:
    betas = [c.log10_beta for c in found]
    axes.plot(betas, [c.reference.distortion for c in found], "-", color=_FLOAT, label="float encoder")
    axes.plot(betas, [c.firmware.distortion for c in found], "o", color=_FIRMWARE, label="firmware")
    packed = [(c.log10_beta, c.packed.distortion) for c in found if c.packed]
    if packed:
        axes.plot(*zip(*packed, strict=True), "x", color=_PACKED, label="firmware, packed")
    axes.set(ylabel=r"Sinkhorn distortion [$R^2$]", ylim=(0.0, 1.1 * max(c.reference.distortion for c in found)))
    axes.legend()


def _auc(axes: Axes, found: Sequence[Comparison]) -> None:
    sides = {
        "float encoder": [(c.log10_beta, c.reference.auc) for c in found],
        "firmware": [(c.log10_beta, c.firmware.auc) for c in found],
        "firmware, packed": [(c.log10_beta, c.packed.auc) for c in found if c.packed],
    }
    for (label, points), mark, color in zip(sides.items(), "-ox", (_FLOAT, _FIRMWARE, _PACKED), strict=True):
        kept = [(beta, value) for beta, value in points if value is not None]
        if kept:
            axes.plot(*zip(*kept, strict=True), mark, color=color, label=label)
    axes.margins(y=0.1)
    axes.set(ylabel="AUC between the signals")


def _bits(axes: Axes, found: Sequence[Comparison]) -> None:
    betas = [c.log10_beta for c in found]
    axes.plot(betas, [c.reference.kl_nats / np.log(2.0) for c in found], "-", color=_FLOAT, label="KL, float encoder")
    axes.plot(betas, [c.firmware.kl_nats / np.log(2.0) for c in found], "o", color=_FIRMWARE, label="KL, firmware")
    packed = [(c.log10_beta, c.packed.bits) for c in found if c.packed]
    if packed:
        axes.plot(*zip(*packed, strict=True), "x", color=_PACKED, label="packed payload")
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set(ylabel="bits per event", ylim=(0.0, None))
    axes.legend()


def _latent_error(axes: Axes, found: Sequence[Comparison]) -> None:
    axes.plot([c.log10_beta for c in found], [c.latent_error_sigma for c in found], "o-", color=_FIRMWARE)
    axes.set_yscale("symlog", linthresh=0.1)  # it is 0 where no latent is active
    axes.set(ylabel=r"latent error, RMS [$\sigma$]", ylim=(0.0, None))


def save(figure: Figure, path: Path) -> None:
    """Write the picture whole or not at all."""
    with whole_file(path, suffix=".png") as draft:
        figure.savefig(draft, dpi=110)
