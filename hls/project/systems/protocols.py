"""What a physics system offers, as protocols: one that every system has, and more for those that can do more.

A system lives in another package and is known here only by these; ``hls.project.systems.finding`` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Inputs = npt.NDArray[np.float32] | Mapping[str, npt.NDArray[np.float32]]
"""Events as a network takes them: float32 (n, ...), or one such array for each input by its name."""
Firmware = Callable[[Any], Any]
"""From ``Inputs`` to the float64 output (n, ...), or to a list of outputs in the order of the network."""


class EpochProgress(Protocol):
    """What training reports after each epoch; the AUC is None for a system that tells no classes apart."""

    @property
    def stage(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def val_loss(self) -> float: ...
    @property
    def auc(self) -> float | None: ...
    @property
    def events_per_second(self) -> float: ...
    @property
    def eta_seconds(self) -> float: ...


class PhysicsSystem(Protocol):
    """One physics system. Events are network inputs, float32, in the units in which it was trained."""

    name: str

    @property
    def variants(self) -> Sequence[str]: ...
    @property
    def presets(self) -> Sequence[str]: ...

    def events(self, variant: str, n: int, seed: int) -> Inputs: ...

    def read_events(self, path: Path, variant: str) -> Inputs: ...

    def train(
        self,
        variant: str,
        preset: str,
        out: Path,
        *,
        events: int | None = None,
        epochs: int | None = None,
        seed: int = 1,
        resume: bool = False,
        progress: Callable[[Any], None] | None = None,
        data: Path | None = None,
    ) -> Path: ...

    def fidelity(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        *,
        events: int = 100_000,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Mapping[str, Mapping[str, Any]]:
        """{metric: {reference, firmware, unit}}; a picture into ``figure``."""


class WritingSystem(PhysicsSystem, Protocol):
    """A system that writes event files, of its variants."""

    def write_events(
        self, variant: str, n: int, seed: int, path: Path, progress: Callable[[int, int], None] | None = None
    ) -> None: ...


class EventSummary(Protocol):
    """What became of events: ``generated`` (or read), of which ``skipped`` (by reason) are left out."""

    @property
    def sample(self) -> str: ...
    @property
    def events(self) -> int: ...
    @property
    def generated(self) -> int: ...
    @property
    def skipped(self) -> Mapping[str, int]: ...


class RecordingSystem(PhysicsSystem, Protocol):
    """A system whose event files have options instead: samples, cuts, files to convert."""

    @property
    def data_options(self) -> Sequence[str]:
        """Those options of ``qtrigger data`` that it has; ``source`` is the file to convert."""

    def write_data(
        self,
        path: Path,
        n: int | None,
        seed: int,
        options: Mapping[str, Any],
        progress: Callable[[int, int], None] | None = None,
    ) -> EventSummary:
        """Write ``n`` events to ``path``, or with a source all that it has. ``options`` holds only those given."""


class PackedEvents(Protocol):
    """What a file of packed events says of itself; ``log10_beta`` is None where it differs from event to event."""

    @property
    def project(self) -> str: ...
    @property
    def coding(self) -> str: ...
    @property
    def events(self) -> int: ...
    @property
    def log10_beta(self) -> float | None: ...


class PackingSystem(PhysicsSystem, Protocol):
    """A system whose firmware compresses: its outputs become packed bits, and these become events again."""

    def pack(
        self, variant: str, folder: Path, firmware: Firmware, inputs: Path, out: Path, *, beta: float, coding: str
    ) -> PackedEvents:
        """Pack the events of file ``inputs`` as ``firmware`` codes them, by what lies in project ``folder``."""

    def packed_by(self, path: Path) -> str:
        """Name of the project that packed ``path``."""

    def unpack(self, folder: Path, path: Path, out: Path) -> PackedEvents:
        """Unpack ``path`` by what lies in project ``folder``."""


class EvaluatingSystem(PhysicsSystem, Protocol):
    """A system that can draw the figures of its paper."""

    def evaluate(
        self,
        variant: str,
        folder: Path,
        out: Path,
        *,
        events: int | None = None,
        seed: int = 2,
        data: Path | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Path:
        """Write figures and tables of the float networks in ``folder`` into ``out``; returns the page of tables."""


class ScannableSystem(PhysicsSystem, Protocol):
    """A system whose networks a scan can vary."""

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What may vary, by name, and its choices."""

    def scan_objective(self, variant: str) -> str:
        """The metric of quality and which way is better: ``kendall_tau:max``."""

    def train_point(
        self,
        variant: str,
        parameters: Mapping[str, int | float | str],
        out: Path,
        *,
        events: int | None = None,
        epochs: int | None = None,
        seed: int = 1,
    ) -> Path:
        """Train the network with these choices into ``out``: model.h5, and what its fidelity needs."""
