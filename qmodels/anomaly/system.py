"""The anomaly system as the command line and the builder see it.

Light to import: TensorFlow comes in with training, PYTHIA and HDF5 with events, matplotlib with a figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmodels.anomaly.variants import VARIANTS, find_variant
from qmodels.types import EventProgress, Floats32

if TYPE_CHECKING:
    from qmodels.anomaly.samples.files import Header

NAME = "anomaly"


@dataclass(frozen=True)
class Anomaly:
    """Anomaly detection at 40 MHz; a ``hls.project.systems.protocols.PhysicsSystem`` by structure."""

    name: str = NAME
    variants: tuple[str, ...] = tuple(VARIANTS)
    presets: tuple[str, ...] = ("uniform", "lean", "float")
    data_options: tuple[str, ...] = ("sample", "source", "jobs", "scheduler")

    def events(self, variant: str, n: int, seed: int) -> Floats32:
        """Network inputs (n, 57) of the background and of every signal, from few collisions turned and mirrored."""
        form = find_variant(variant).form
        from qmodels.anomaly.events import verification_events

        return form.inputs(verification_events(n, seed))

    def read_events(self, path: Path, variant: str) -> Floats32:
        """Network inputs (n, 57) of an event file of ours, or of the public layout; ModelDataError if damaged."""
        form = find_variant(variant).form
        from qmodels.anomaly.samples.files import read_events

        return form.inputs(read_events(path))

    def write_data(
        self, path: Path, n: int | None, seed: int, options: Mapping[str, Any], progress: EventProgress | None = None
    ) -> Header:
        """Simulate or convert: see :func:`qmodels.anomaly.samples.making.write_data`."""
        from qmodels.anomaly.samples.making import write_data

        return write_data(path, n, seed, options, progress)


SYSTEM = Anomaly()
