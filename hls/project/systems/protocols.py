"""What a physics system offers, as protocols: one that every system has, and more for those that can do more.

A system lives in another package and is known here only by these; ``hls.project.systems.finding`` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hls.machine.progress import Progress, StageProgress

Inputs = npt.NDArray[np.float32] | Mapping[str, npt.NDArray[np.float32]]
"""Events as a network takes them: float32 (n, ...), or one such array for each input by its name."""
Firmware = Callable[[Any], Any]
"""From ``Inputs`` to the float64 output (n, ...), or to a list of outputs in the order of the network."""


class EpochProgress(Protocol):
    """What training reports after each epoch."""

    @property
    def stage(self) -> str:
        """Which of several trainings one after the other."""

    @property
    def epoch(self) -> int:
        """The epoch that has ended."""

    @property
    def epochs(self) -> int:
        """Epochs of this stage."""

    @property
    def loss(self) -> float:
        """Mean loss over the epoch's training events."""

    @property
    def val_loss(self) -> float:
        """Loss on the validation events."""

    @property
    def auc(self) -> float | None:
        """Area under the ROC curve; None for a system that tells no classes apart."""

    @property
    def events_per_second(self) -> float:
        """Training events a second."""

    @property
    def eta_seconds(self) -> float:
        """Seconds left of this stage, at this speed."""


class PhysicsSystem(Protocol):
    """One physics system. Events are network inputs, float32, in the units in which it was trained.

    Every method may raise ``FirmwareError`` with one line, which the user reads: cause and cure.
    """

    name: str

    @property
    def variants(self) -> Sequence[str]:
        """Names of its networks' kinds, which differ in inputs or physics; the first is meant where none is named."""

    @property
    def presets(self) -> Sequence[str]:
        """Sizes in which ``train`` makes them; the first is the default."""

    def events(self, variant: str, n: int, seed: int) -> Inputs:
        """``n`` events: float32 (n, *input shape), one such array by name for several inputs.

        The same arguments give the same events. Raises ``FirmwareError`` for an unknown variant.
        """

    def read_events(self, path: Path, variant: str) -> Inputs:
        """All events of a file of the system's, as ``events`` gives them.

        Raises ``FirmwareError`` if the file is damaged, or of another system or variant.
        """

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
    ) -> Path:
        """Train a network into folder ``out``; returns the path of its quantized model, a QKeras file.

        Args:
            variant: one of ``variants``.
            preset: one of ``presets``.
            out: made if missing; gets what ``fidelity`` needs too, such as the float reference.
            events: training events of an epoch, instead of the preset's.
            epochs: instead of the preset's.
            seed: of weights and events.
            resume: go on from the checkpoint in ``out``, where there is one.
            progress: called with an ``EpochProgress`` after each epoch.
            data: file of events to train on, for a system that does not draw them itself.

        Raises:
            FirmwareError: an argument or ``data`` is not usable.
        """

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
        """How well the firmware does its physics, beside the float reference.

        Args:
            variant: one of ``variants``.
            folder: of the project, with what ``train`` left there.
            firmware: from ``Inputs``, float32 (n, ...), to float64 outputs (n, ...) in units of the network's output.
            events: how many to measure on.
            seed: of these events.
            figure: file for a picture, a PNG; its folder is there.

        Returns:
            By the name of the metric, in small letters, digits and "_": ``reference`` (float, None without a
            reference), ``firmware`` (float) and ``unit`` (text). A curve has the keys of
            ``hls.project.report.schema.Curve`` instead.

        Raises:
            FirmwareError: ``folder`` lacks a file, or holds a damaged one.
        """


class MeasuringSystem(PhysicsSystem, Protocol):
    """A system that measures its fidelity on events of the user's, too."""

    def fidelity_on(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        inputs: Inputs,
        *,
        path: Path | None,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Mapping[str, Mapping[str, Any]] | None:
        """As ``fidelity``, on ``inputs``; None if they tell too little for any metric.

        ``path`` is the file that they were read from, if ``read_events`` read it: there lies what else it tells.
        """


class WritingSystem(PhysicsSystem, Protocol):
    """A system that writes event files, of its variants."""

    def write_events(self, variant: str, n: int, seed: int, path: Path, progress: Progress | None = None) -> None:
        """Write the ``n`` events of ``events(variant, n, seed)`` to ``path``, for ``read_events``.

        ``progress`` is called with (events done, ``n``). Raises ``FirmwareError`` as ``events`` does.
        """


class EventSummary(Protocol):
    """What became of the events of a new file."""

    @property
    def sample(self) -> str:
        """Which physics, or which file, they are of."""

    @property
    def events(self) -> int:
        """How many the file holds."""

    @property
    def generated(self) -> int:
        """How many were generated, or read."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many of those are left out, by reason."""


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
        progress: Progress | None = None,
    ) -> EventSummary:
        """Write ``n`` events to ``path``, or with a source all that it has.

        ``options`` holds only those given, by the names of ``data_options``; ``progress`` is called with (done, total)
        events. Raises ``FirmwareError`` for an option, or a source, that is not usable.
        """


class PackedEvents(Protocol):
    """What a file of packed events says of itself."""

    @property
    def project(self) -> str:
        """Name of the project that packed it."""

    @property
    def coding(self) -> str:
        """How the bits are coded."""

    @property
    def events(self) -> int:
        """How many events it holds."""

    @property
    def log10_beta(self) -> float | None:
        """Logarithm of the beta at which they were packed; None where it differs from event to event."""


class PackingSystem(PhysicsSystem, Protocol):
    """A system whose firmware compresses: its outputs become packed bits, and these become events again."""

    def pack(
        self, variant: str, folder: Path, firmware: Firmware, inputs: Path, out: Path, *, beta: float, coding: str
    ) -> PackedEvents:
        """Pack the events of file ``inputs`` into file ``out`` as ``firmware`` codes them.

        What the system needs besides lies in project ``folder``. Raises ``FirmwareError`` if a file, ``beta`` or
        ``coding`` is not usable.
        """

    def packed_by(self, path: Path) -> str:
        """Name of the project that packed ``path``; ``FirmwareError`` if it is no file of packed events."""

    def unpack(self, folder: Path, path: Path, out: Path) -> PackedEvents:
        """Unpack ``path`` into event file ``out`` by what lies in project ``folder``.

        Raises ``FirmwareError`` if ``path`` is damaged, or was packed by another project.
        """


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
        load: Callable[[Path], Firmware],
        classifier: str = "desk",
        resume: bool = False,
        progress: StageProgress | None = None,
    ) -> Path:
        """Write figures and tables of the networks in ``folder`` into ``out``; returns the page of tables.

        ``events`` and ``seed`` are of the events drawn, unless ``data`` names a file of them. ``load`` makes firmware
        of a quantized model's file, for what the system measures of it. ``classifier`` names the size of the
        classifiers that are trained; with ``resume`` they go on from checkpoints in ``out``. Raises ``FirmwareError``
        if a network or the file is missing or damaged.
        """


class ScannableSystem(PhysicsSystem, Protocol):
    """A system whose networks a scan can vary."""

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What may vary, by name, and the choices of each."""

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
        """Train the network with these choices into ``out``: model.h5, whose path it returns, and what fidelity needs.

        ``parameters`` has a choice of ``scan_space`` by name. Raises ``FirmwareError`` for one that there is not.
        """
