"""The scan as a picture: every trial, and the frontier among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hls.machine.files import whole_file
from hls.scan.pareto import Objective
from hls.scan.scan import ScanResult
from hls.scan.trial import TrialResult
from hls.target import FIRMWARES
from hls.target.resources import LOGIC_LIMITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = {
    **{limit: kind.words for limit, kind in LOGIC_LIMITS.items()},
    "latency_ns": "latency, ns",
    "interval_ns": "interval, ns",
    "kendall_tau": "Kendall τ with the human variable",
    "bce": "binary cross-entropy, nats",
    "auc": "AUC",
}
_COLOURS = {
    "rtl, yosys": "tab:blue",
    "rtl, analytic": "tab:gray",
    "rtl, analytic, as synthesis failed": "tab:purple",
    "hls4ml, analytic": "tab:orange",
}
_LINE = "tab:red"
_KEY_LETTERS = 4
_WIDE = 5.0
"""Range, as a ratio, from which on an axis is logarithmic."""


def draw_frontier(result: ScanResult, path: Path) -> None:
    """The last objective across, the first one up; a step line joins the frontier. Format by ``path``'s suffix.

    Points of the frontier carry the first letters of their key, which ``--pick`` takes. Trials that failed, or that
    lack an objective, are left out, and counted in the title.
    """
    import matplotlib.pyplot as plt
    import mplhep

    up, across = result.objectives[0], result.objectives[-1]
    drawn = [t for t in result.trials if t.value(up.name) is not None and t.value(across.name) is not None]
    path.parent.mkdir(parents=True, exist_ok=True)
    with plt.style.context(mplhep.style.ATLAS):
        figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
        for source in sorted({trial.source for trial in drawn}):
            places = _places([trial for trial in drawn if trial.source == source], across, up)
            axes.scatter(*places, label=source, color=_COLOURS[source], s=30)
        _draw_line(axes, result.frontier, across, up)
        _scale(axes, [trial.value(across.name) or 0.0 for trial in drawn])
        axes.set_xlabel(_LABELS.get(across.name, across.name))
        axes.set_ylabel(_LABELS.get(up.name, up.name))
        left_out = len(result.trials) - len(drawn)
        firmware = FIRMWARES[result.subject.target.product]
        failed = f", {left_out} failed" if left_out else ""
        title = f"{result.subject.name}, {firmware}: {len(result.trials)} trials{failed}"
        axes.tick_params(labelsize="small")
        axes.set_title(title, fontsize="small", loc="left")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize="x-small", title="figures of")
        with whole_file(path, suffix=path.suffix) as draft:
            figure.savefig(draft, dpi=120)
        plt.close(figure)


def _places(trials: Sequence[TrialResult], across: Objective, up: Objective) -> tuple[Any, Any]:
    return [trial.value(across.name) for trial in trials], [trial.value(up.name) for trial in trials]


def _draw_line(axes: Axes, best: Sequence[TrialResult], across: Objective, up: Objective) -> None:
    places = _places(best, across, up)
    axes.plot(*places, drawstyle="steps-post", color=_LINE, label="frontier", zorder=1)
    for trial, x, y in zip(best, *places, strict=True):
        axes.annotate(
            trial.key[:_KEY_LETTERS],
            (x, y),
            xytext=(-2, 5),
            textcoords="offset points",
            rotation=60,  # neighbours on the frontier lie close
            fontsize="xx-small",
            color=_LINE,
        )


def _scale(axes: Axes, values: Sequence[float]) -> None:
    """A wide range on a logarithmic axis, its ticks plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if min(values, default=0.0) > 0.0 and max(values) > _WIDE * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
