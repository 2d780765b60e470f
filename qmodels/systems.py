"""What a physics system offers to command line and builder; entry-point group ``qtrigger.systems``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qmodels.progress import TrainingProgress

Floats32 = npt.NDArray[np.float32]
Firmware = Callable[[Floats32], npt.NDArray[np.float64]]
Fidelity = dict[str, dict[str, Any]]


class System(Protocol):
    """One physics system. ``events`` are network inputs (n, d) float32, as the trained network takes them."""

    name: str
    variants: tuple[str, ...]
    presets: tuple[str, ...]

    def events(self, variant: str, n: int, seed: int) -> Floats32:
        """Generate ``n`` events."""

    def read_events(self, path: Path, variant: str) -> Floats32:
        """Read the events of a file that ``write_events`` wrote."""

    def write_events(
        self, variant: str, n: int, seed: int, path: Path, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Write ``n`` events to an HDF5 event file."""

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
        progress: Callable[[TrainingProgress], None] | None = None,
    ) -> Path:
        """Train into folder ``out``; returns the path of the model file."""

    def fidelity(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        *,
        events: int = 100_000,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity:
        """{metric: {reference, firmware, unit}} of the float reference in ``folder`` and of ``firmware``."""
