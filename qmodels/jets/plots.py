"""ROC curves of the five classes, float reference and firmware."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure

from hls.machine.files import whole_file
from qmodels.jets.metrics import EFFICIENCY, Classes, accuracy, roc
from qmodels.jets.samples.columns import CLASSES
from qmodels.types import Floats

_COLORS = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#7a21dd")
_NAMES = {"g": "gluon", "q": "light quark", "w": "W", "z": "Z", "t": "top"}
_LEAST = 1e-3


def draw_roc(networks: dict[str, Floats], classes: Classes, path: Path) -> None:
    """Draw what ``networks`` {title: logits (n, 5)} say of jets of these ``classes``: the last one with full lines."""
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 15, "axes.labelsize": 17}):
        figure = Figure(figsize=(8.0, 7.0), layout="constrained")
        axes = figure.subplots()
        for style, (title, logits) in zip(("--", "-")[-len(networks) :], networks.items(), strict=True):
            for index, name in enumerate(CLASSES):
                signal, background = roc(logits, classes, index)
                label = _NAMES[name] if style == "-" else None
                axes.plot(signal, background, style, color=_COLORS[index], label=label, linewidth=1.6)
            axes.plot([], [], style, color="black", label=f"{title}, {accuracy(logits, classes):.1%} right")
        axes.axvline(EFFICIENCY, color="grey", linewidth=0.8)
        axes.set_yscale("log")
        axes.set(xlabel="efficiency of the class", ylabel="efficiency of all others", xlim=(0, 1), ylim=(_LEAST, 1))
        axes.legend(fontsize=13, loc="upper left")
        with whole_file(path, suffix=".png") as draft:
            figure.savefig(draft, dpi=110)
