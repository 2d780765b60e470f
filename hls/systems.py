"""Physics systems, found through the entry-point group ``qtrigger.systems``: events, training, fidelity.

A system lives in another package; this one knows it only by the protocol below. Its own errors for bad input are
``ValueError``s of one line, which ``user_errors`` turns into ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, SystemNotFoundError

GROUP = "qtrigger.systems"
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


@dataclass(frozen=True)
class Chosen:
    """A system and one of its variants."""

    system: PhysicsSystem
    variant: str

    def __str__(self) -> str:
        return f"{self.system.name}/{self.variant}"

    @property
    def recorder(self) -> RecordingSystem | None:
        """The system as one whose event files have options, if they have."""
        return cast(RecordingSystem, self.system) if hasattr(self.system, "write_data") else None

    @property
    def writer(self) -> WritingSystem:
        """The system as one that writes event files; FirmwareError if it does not."""
        if not hasattr(self.system, "write_events"):
            raise FirmwareError(f"system {self.system.name!r} writes no event files")
        return cast(WritingSystem, self.system)

    @property
    def packing(self) -> PackingSystem:
        """The system as one that packs events; FirmwareError if it does not."""
        if not hasattr(self.system, "packed_by"):
            raise FirmwareError(f"system {self.system.name!r} packs no events: its networks do not compress")
        return cast(PackingSystem, self.system)

    @property
    def evaluating(self) -> EvaluatingSystem:
        """The system as one that draws the figures of its paper; FirmwareError if it does not."""
        if not hasattr(self.system, "evaluate"):
            raise FirmwareError(f"system {self.system.name!r} evaluates nothing: `qtrigger build` has its fidelity")
        return cast(EvaluatingSystem, self.system)

    @property
    def scannable(self) -> ScannableSystem:
        """The system as one that can be scanned; FirmwareError if it cannot."""
        if not hasattr(self.system, "train_point"):
            raise FirmwareError(f"system {self.system.name!r} has no networks to scan: it trains none by parameters")
        return cast(ScannableSystem, self.system)


@contextmanager
def user_errors() -> Iterator[None]:
    """A ValueError that a system raises becomes a FirmwareError with the same one line."""
    try:
        yield
    except ValueError as error:
        raise FirmwareError(" ".join(str(error).split())) from error


def systems() -> dict[str, PhysicsSystem]:
    """Every installed system by name."""
    found: dict[str, PhysicsSystem] = {}
    for point in entry_points(group=GROUP):
        system = _load(point)
        found[system.name] = system
    return found


def find_system(text: str, variant: str | None = None) -> Chosen:
    """The system called ``text``, in any of the forms a user may write.

    ``event_variables`` (its first variant, or ``variant``), ``event_variables/two-body``, ``two-body``, and the name
    of a project, ``evn-two-body``.

    Raises:
        SystemNotFoundError: there is none; the message lists those that there are.
    """
    installed = systems()
    name, _, tail = text.partition("/")
    if tail and variant and tail != variant:
        raise SystemNotFoundError(f"system {text!r} and variant {variant!r} contradict each other; give one")
    if name in installed:
        return _with_variant(installed[name], tail or variant)
    matches = [
        Chosen(system, candidate)
        for system in installed.values()
        for candidate in system.variants
        if not tail and (text == candidate or _is_project_name(text, system.name, candidate))
    ]
    if len(matches) == 1 and variant in (None, matches[0].variant):
        return matches[0]
    names = [f"{system.name}/{v}" for system in installed.values() for v in system.variants]
    near = get_close_matches(text, [*names, *installed], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise SystemNotFoundError(f"no physics system is called {text!r}; {hint}installed: {', '.join(names) or 'none'}")


def _load(point: EntryPoint) -> PhysicsSystem:
    try:
        system: PhysicsSystem = point.load()
    except (ImportError, AttributeError) as error:
        raise SystemNotFoundError(f"system {point.name!r} ({point.value}) cannot be loaded: {error}") from error
    return system


def _with_variant(system: PhysicsSystem, variant: str | None) -> Chosen:
    if variant is None:
        return Chosen(system, system.variants[0])
    if variant not in system.variants:
        raise SystemNotFoundError(
            f"system {system.name!r} has no variant {variant!r}; choose one of {', '.join(system.variants)}"
        )
    return Chosen(system, variant)


def _is_project_name(text: str, system: str, variant: str) -> bool:
    """``evn-two-body``: letters of the system's name in their order, then the variant."""
    short, dash, rest = text.partition("-")
    letters = iter(system)
    return bool(dash) and rest == variant and short[:1] == system[:1] and all(c in letters for c in short)
