"""The scan as a picture: every trial, and the frontier among them."""

from __future__ import annotations

from pathlib import Path

from hls.scan.scan import ScanResult

_LABELS = {
    "luts": "LUTs",
    "ffs": "flip-flops",
    "dsps": "DSPs",
    "latency_ns": "latency, ns",
    "interval_ns": "interval, ns",
    "kendall_tau": "Kendall τ with the human variable",
    "bce": "binary cross-entropy, nats",
}
_COLOURS = ("C7", "C1", "C0", "C4")
_DECADE = 10.0


def draw_frontier(result: ScanResult, path: Path) -> None:
    """The last objective across, the first one up; a step line joins the frontier. Format by ``path``'s suffix."""
    import matplotlib.pyplot as plt
    import mplhep

    up, across = result.objectives[0], result.objectives[-1]
    usable = [trial for trial in result.trials if trial.failed is None]
    path.parent.mkdir(parents=True, exist_ok=True)
    with plt.style.context(mplhep.style.ATLAS):
        figure, axes = plt.subplots(figsize=(8, 6))
        for colour, source in zip(_COLOURS, sorted({trial.source for trial in usable}), strict=False):
            chosen = [trial for trial in usable if trial.source == source]
            places = [(trial.value(across.name), trial.value(up.name)) for trial in chosen]
            axes.scatter(*zip(*places, strict=True), label=source, color=colour, s=25)
        best = result.frontier
        axes.plot(
            [trial.value(across.name) for trial in best],
            [trial.value(up.name) for trial in best],
            drawstyle="steps-post",
            color="C3",
            marker="D",
            markersize=7,
            label="frontier",
        )
        values = [value for trial in usable if (value := trial.value(across.name)) is not None]
        if min(values, default=0.0) > 0 and max(values) > _DECADE * min(values):
            axes.set_xscale("log")
        axes.set_xlabel(_LABELS.get(across.name, across.name))
        axes.set_ylabel(_LABELS.get(up.name, up.name))
        axes.set_title(result.subject.name)
        axes.legend()
        figure.savefig(path, dpi=120, bbox_inches="tight")
        plt.close(figure)
