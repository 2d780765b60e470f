"""What a witness says of itself: its place, and the seconds that it took."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

from hls.events import gather
from hls.hls4ml_project import HlsProject
from hls.importing import import_keras
from hls.witnesses import RunRecord, Task
from hls.witnesses.emulator import EmulatorWitness
from hls.witnesses.finding import default_witnesses


def test_the_quick_ones_come_first(model_file: Path) -> None:
    assert default_witnesses(model_file) == ("qkeras", "emulator", "csim", "rtl", "netlist")


def test_the_emulator_takes_as_long_as_it_takes(model_file: Path) -> None:
    graph = import_keras(model_file)
    sample = gather(graph, None, events=10, seed=1, inputs=None, default=10)
    start = time.perf_counter()
    run = EmulatorWitness(Task(graph, model_file, cast(HlsProject, None))).run(sample.raw)
    assert 0 < run.seconds <= time.perf_counter() - start
    assert RunRecord(10, 0.5, "").events_per_second == 20
