"""The ROC of float network and firmware, drawn."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure

from hls.events import Labels
from hls.machine.files import whole_file
from hls.project.fidelity.agreement import Outputs, class_scores, signals
from hls.project.fidelity.statistics import auc, efficiencies


def draw_roc(reference: Outputs | None, firmware: Outputs, labels: Labels, path: Path) -> None:
    """Background efficiency, on a logarithmic axis, against signal efficiency: one colour a class."""
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 15, "axes.labelsize": 17}):
        figure = Figure(figsize=(8, 7), layout="constrained")
        axes = figure.subplots()
        several = len(signals(firmware, labels)) > 1
        for number, label in enumerate(signals(firmware, labels)):
            signal = labels.classes == label
            for side, style, what in ((reference, "--", "float"), (firmware, "-", "firmware")):
                if side is None:
                    continue
                scores = class_scores(side, label)
                background, kept = efficiencies(scores, signal)
                named = f"class {label}, {what}" if several else what
                axes.plot(kept, background, style, color=f"C{number}", label=f"{named}: AUC {auc(scores, signal):.4f}")
        axes.set(xlabel="signal efficiency", ylabel="background efficiency", yscale="log", xlim=(0, 1), ylim=(1e-4, 1))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=12)
        with whole_file(path, suffix=".png") as draft:
            figure.savefig(draft, dpi=110)
