"""What stands at the axes of a scan's picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from hls.scan import Objective, ScanResult, TrialResult
from hls.scan.picture import draw_frontier
from hls.scan.subject import DEFAULT_TARGET, Subject


def point(key: str, auc: float, luts: float) -> TrialResult:
    fidelity, figures = {"auc": auc}, {"luts": luts}
    return TrialResult(
        key=key, parameters={}, epochs=1, fidelity=fidelity, figures=figures, source="rtl, analytic"
    )  # fmt: skip


def test_thousands_of_luts_are_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Figure] = []
    monkeypatch.setattr(plt, "close", kept.append)
    trials = [point("a", 0.8231, 15_490.0), point("b", 0.8176, 7_823.0)]
    objectives = Objective("auc", "max"), Objective("luts", "min")
    result = ScanResult(Subject("mine", DEFAULT_TARGET, None), objectives, trials, trials, tmp_path)
    draw_frontier(result, tmp_path / "frontier.png")
    (axes,) = kept[0].axes
    assert "10,000" in [label.get_text() for label in axes.get_xticklabels()]
    assert not axes.xaxis.get_offset_text().get_text()  # no power of ten, which would stand where the axis is named
