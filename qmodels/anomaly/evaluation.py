"""What ``qtrigger evaluate anomaly`` writes: a table of every signal, and ROC curves, on drawn events or on files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hls.machine.files import write_text
from qmodels.anomaly.fidelity import (
    CROSSINGS_HZ,
    FALSE_POSITIVES,
    MODEL_FILE,
    RATE_HZ,
    Sample,
    Scores,
    draw_sample,
    firmware_scores,
    float_scores,
    measure,
)
from qmodels.anomaly.sample_files import read_sample, samples_in
from qmodels.anomaly.samples.blocks import COCKTAIL
from qmodels.anomaly.samples.processes import PROCESSES, SIGNALS
from qmodels.anomaly.variants import Variant
from qmodels.errors import ModelDataError
from qmodels.types import Floats32, Floats64

Loaded = Callable[[Floats32], Sequence[Floats64]]
EVENTS = 100_000
PAGE, PICTURE = "evaluation.md", "roc.png"


def evaluate(
    variant: Variant,
    folder: Path,
    out: Path,
    *,
    events: int | None,
    seed: int,
    data: Path | None,
    load: Callable[[Path], Loaded],
) -> Path:
    """Measure the networks in ``folder``; returns the page. ``data`` is a folder of event files, one a sample.

    ``load`` makes of a model's file what maps inputs (n, 57) to its outputs, of which there is one, the score (n, 1).
    Files are told by their names: those of our samples, or as the public ones are called. Of each the first ``events``
    rows are used, or all; rows that are no events are left out and counted.
    """
    if not (folder / MODEL_FILE).exists():
        raise ModelDataError(f"{folder}: no {MODEL_FILE}; train a firmware there, with preset uniform or lean")
    skipped: Counter[str] = Counter()
    sample = draw_sample(events or EVENTS, seed) if data is None else _read(data, events, skipped)
    loaded = load(folder / MODEL_FILE)
    scores = firmware_scores(variant, lambda inputs: loaded(inputs)[0], sample)
    reference = float_scores(variant, folder, sample)
    from qmodels.anomaly.plots import draw_roc  # brings matplotlib

    out.mkdir(parents=True, exist_ok=True)
    draw_roc(scores, reference, out / PICTURE)
    page = out / PAGE
    write_text(page, _page(variant, sample, scores, reference, data, skipped))
    return page


def _read(data: Path, most: int | None, skipped: Counter[str]) -> Sample:
    """The background and those signals of which there are files in folder ``data``."""
    if not data.is_dir():
        raise ModelDataError(
            f"{data}: no folder; --data names one of event files, background.h5 and a signal's at least"
        )
    found = samples_in(data)
    if COCKTAIL not in found or len(found) < 2:
        known = ", ".join(f"{name}.h5" for name in (COCKTAIL, *(signal.name for signal in SIGNALS)))
        raise ModelDataError(f"{data}: needs a file of the background and of a signal: of {known}, or the public names")
    events = {name: read_sample(path, most, skipped) for name, path in found.items()}
    return Sample(events.pop(COCKTAIL), events)


def _page(
    variant: Variant, sample: Sample, scores: Scores, reference: Scores | None, data: Path | None, skipped: Counter[str]
) -> str:
    told = measure(scores, reference)
    lines = [
        f"# anomaly/{variant.name}",
        "",
        f"On {'events drawn anew, each collision turned and mirrored' if data is None else data}: "
        f"{len(sample.background):,} of the background, of which {int(FALSE_POSITIVES * len(sample.background)):,} may "
        f"pass at {FALSE_POSITIVES:g}.",
        "",
        f"| signal | events | AUC float | firmware | efficiency at {FALSE_POSITIVES:g}, float | firmware | between |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, events in sample.signals.items():
        key = name.replace("-", "_")
        cells = (_number(told[f"{metric}_{key}"][which]) for metric in ("auc", "efficiency") for which in _BOTH)
        between = " and ".join(map(_number, scores.efficiency_range(name, FALSE_POSITIVES))) if data else "–"
        lines.append(f"| {PROCESSES[name].label} | {len(events):,} | {' | '.join(cells)} | {between} |")
    threshold = told["threshold_1khz"]
    lines += [
        "",
        f"Score above which {RATE_HZ / 1e3:g} kHz of {CROSSINGS_HZ / 1e6:g} MHz lies: float "
        f"{_number(threshold['reference'])}, firmware {_number(threshold['firmware'])}.",
        "",
        "Between: the firmware's efficiency at thresholds above which as many events of the background lie as chance "
        "puts above the true one, in 68 % of all samples of this size.",
        *(["", *(f"- {why}: {count:,} left out" for why, count in sorted(skipped.items()))] if skipped else []),
    ]
    return "\n".join(lines).rstrip() + "\n"


_BOTH = ("reference", "firmware")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
