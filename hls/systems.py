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
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, SystemNotFoundError

GROUP = "qtrigger.systems"
Floats32 = npt.NDArray[np.float32]
Firmware = Callable[[Floats32], npt.NDArray[np.float64]]


class EpochProgress(Protocol):
    """What training reports after each epoch; losses in nats."""

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
    def auc(self) -> float: ...
    @property
    def events_per_second(self) -> float: ...
    @property
    def eta_seconds(self) -> float: ...


class PhysicsSystem(Protocol):
    """One physics system. Events are network inputs: float32 (n, d), in the units in which it was trained."""

    name: str

    @property
    def variants(self) -> Sequence[str]: ...
    @property
    def presets(self) -> Sequence[str]: ...

    def events(self, variant: str, n: int, seed: int) -> Floats32: ...

    def read_events(self, path: Path, variant: str) -> Floats32: ...

    def write_events(
        self, variant: str, n: int, seed: int, path: Path, progress: Callable[[int, int], None] | None = None
    ) -> None: ...

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


@dataclass(frozen=True)
class Chosen:
    """A system and one of its variants."""

    system: PhysicsSystem
    variant: str

    def __str__(self) -> str:
        return f"{self.system.name}/{self.variant}"


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
