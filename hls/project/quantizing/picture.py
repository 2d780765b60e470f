"""Bits against fidelity, as a picture."""

from __future__ import annotations

from pathlib import Path

from hls.machine.files import whole_file
from hls.project.quantizing.quantize import Quantized

_METRIC_WORDS = {
    "error": "RMS error / spread of the float output",
    "flips": "events whose best class changes",
    "auc_loss": "AUC lost",
    "accuracy_loss": "accuracy lost",
}


def draw(result: Quantized, path: Path) -> None:
    """Every metric over the width that all quantizers share, and the network that was chosen. Format by the suffix."""
    import matplotlib.pyplot as plt
    import mplhep

    with plt.style.context(mplhep.style.ATLAS):
        figure, axes = plt.subplots(figsize=(8, 5.5), layout="constrained")
        for number, name in enumerate(result.metrics):
            points = [(trial.bits, trial.metrics[name]) for trial in result.curve if trial.metrics[name] > 0]
            label, colour = _METRIC_WORDS[name], f"C{number}"
            axes.plot(*zip(*points, strict=True), "o-", color=colour, label=label) if points else None
            if result.metrics[name] > 0:
                axes.plot(result.chosen.bits, result.metrics[name], "*", color=colour, markersize=18)
        axes.set_yscale("log")
        axes.set_xlabel("bits of every quantizer (star: chosen, mean)")
        axes.set_title(f"{result.out.name}: {result.goal}", fontsize="small")
        axes.legend(fontsize="x-small")
        with whole_file(path, suffix=path.suffix) as draft:
            figure.savefig(draft)
        plt.close(figure)
