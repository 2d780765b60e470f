"""ROC curves of every signal, float reference and firmware in one picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.figure import Figure

from hls.machine.files import whole_file
from qmodels.anomaly.fidelity import FALSE_POSITIVES, Scores
from qmodels.anomaly.samples.processes import PROCESSES
from qmodels.types import Floats64

POINTS = 400
_LEAST = 1e-6


def draw_roc(firmware: Scores, reference: Scores | None, path: Path) -> None:
    """Draw the part of each signal that is kept over the part of the background that is, to ``path``."""
    parts = np.geomspace(max(_LEAST, 1.0 / len(firmware.background)), 1.0, POINTS)
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 15, "axes.labelsize": 17}):
        figure = Figure(figsize=(8.0, 7.0), layout="constrained")
        axes = figure.subplots()
        for place, name in enumerate(firmware.signals):
            color = f"C{place}"
            axes.plot(parts, _kept(firmware, name, parts), color=color, label=PROCESSES[name].label)
            if reference is not None:
                axes.plot(parts, _kept(reference, name, parts), color=color, linestyle=":")
        axes.plot(parts, parts, color="0.7", linewidth=1.0)
        axes.axvline(FALSE_POSITIVES, color="0.5", linestyle="--", linewidth=1.0)
        axes.set(xscale="log", yscale="log", ylim=(1e-5, 1.2), xlim=(parts[0], 1.0))
        axes.set(xlabel="Background kept", ylabel="Signal kept")
        axes.legend(title="firmware —, float ···", title_fontsize=13, fontsize=13)
        with whole_file(path, suffix=".png") as draft:
            figure.savefig(draft, dpi=110)


def _kept(scores: Scores, name: str, parts: Floats64) -> Floats64:
    """Part of a signal's events above the threshold of each part of the background."""
    background, signal = np.sort(scores.background), np.sort(scores.signals[name])
    allowed = np.minimum((parts * len(background)).astype(np.int64), len(background) - 1)
    thresholds = background[len(background) - 1 - allowed]
    return 1.0 - np.searchsorted(signal, thresholds, side="right") / len(signal)
