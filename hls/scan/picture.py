"""The scan as a picture: every trial, and the frontier among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hls.machine.files import whole_file
from hls.scan.pareto import Objective
from hls.scan.scan import ScanResult
from hls.scan.trial import TrialResult
from hls.target import FIRMWARES
from hls.target.resources import LIMITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_LABELS = {
    **{limit: kind.words for limit, kind in LIMITS.items()},
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
_LINE, _BESIDE = "tab:red", "tab:orange"
_KEY_LETTERS = 4
_WIDE = 5.0
"""Range, as a ratio, from which on an axis is logarithmic."""


def draw_frontier(result: ScanResult, path: Path) -> None:
    """The last objective across, the first one up; a step line joins the frontier. Format by ``path``'s suffix.

    Points of the frontier carry the first letters of their key, which ``--pick`` takes. Where intervals were scanned,
    other resources that trials need stand below, and open circles are hls4ml's firmware of the same network, its reuse
    factor the interval of each trial. Trials that failed, or that lack an objective, are left out, and counted in the
    title.
    """
    import matplotlib.pyplot as plt
    import mplhep

    up, across = result.objectives[0], result.objectives[-1]
    names = [up.name, *(_other_resources(result, up.name) if result.beside else ())]
    path.parent.mkdir(parents=True, exist_ok=True)
    with plt.style.context(mplhep.style.ATLAS):
        size = 9, 6 + 3 * (len(names) - 1)
        figure, panels = plt.subplots(len(names), figsize=size, sharex=True, squeeze=False, layout="constrained")
        for axes, name in zip(panels[:, 0], names, strict=True):
            _draw_trials(axes, result, across.name, name)
            _scale(
                axes.set_yscale, axes.yaxis, [trial.value(name) or 0.0 for trial in (*result.trials, *result.beside)]
            )
            axes.set_ylabel(_LABELS.get(name, name))
            axes.tick_params(labelsize="small")
        top, bottom = panels[0, 0], panels[-1, 0]
        _draw_line(top, result.frontier, across, up)
        _scale(bottom.set_xscale, bottom.xaxis, [trial.value(across.name) or 0.0 for trial in result.trials])
        bottom.set_xlabel(_LABELS.get(across.name, across.name))
        top.set_title(_title(result, up.name, across.name), fontsize="small", loc="left")
        top.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize="x-small", title="figures of")
        with whole_file(path, suffix=path.suffix) as draft:
            figure.savefig(draft, dpi=120)
        plt.close(figure)


def _other_resources(result: ScanResult, name: str) -> list[str]:
    return [limit for limit in LIMITS if limit != name and any(trial.value(limit) for trial in result.trials)]


def _title(result: ScanResult, up: str, across: str) -> str:
    left_out = sum(trial.value(up) is None or trial.value(across) is None for trial in result.trials)
    failed = f", {left_out} failed" if left_out else ""
    firmware = FIRMWARES[result.subject.target.product]
    return f"{result.subject.name}, {firmware}: {len(result.trials)} trials{failed}"


def _draw_trials(axes: Axes, result: ScanResult, across: str, up: str) -> None:
    for source in sorted({trial.source for trial in result.trials}):
        places = _places([trial for trial in result.trials if trial.source == source], across, up)
        axes.scatter(*places, label=source, color=_COLOURS[source], s=30)
    if result.beside:
        places = _places(result.beside, across, up)
        axes.scatter(*places, label="hls4ml, analytic", facecolors="none", edgecolors=_BESIDE, s=30)


def _places(trials: Sequence[TrialResult], across: str, up: str) -> tuple[list[float], list[float]]:
    """Of the trials that have both."""
    found = ((trial.value(across), trial.value(up)) for trial in trials)
    both = [(x, y) for x, y in found if x is not None and y is not None]
    return [x for x, _ in both], [y for _, y in both]


def _draw_line(axes: Axes, best: Sequence[TrialResult], across: Objective, up: Objective) -> None:
    places = _places(best, across.name, up.name)
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


def _scale(set_scale: Callable[[str], None], axis: Axis, values: Sequence[float]) -> None:
    """A wide range on a logarithmic axis; ticks are plain numbers, for a power of ten beside them hides the label."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if min(values, default=0.0) > 0.0 and max(values) > _WIDE * min(values):
        set_scale("log")
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))
