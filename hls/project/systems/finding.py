"""Physics systems, found through the entry-point group ``qtrigger.systems``: events, training, fidelity.

A system lives in another package; this one knows it only by ``hls.project.systems.protocols``. What it refuses it says
by a ``FirmwareError`` of one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from hls.errors import FirmwareError, SystemNotFoundError
from hls.machine.extras import absence_named
from hls.machine.files import read_json
from hls.project.project_file import Project
from hls.project.systems.protocols import (
    EvaluatingSystem,
    Inputs,
    MeasuringSystem,
    PackingSystem,
    PhysicsSystem,
    RecordingSystem,
    ScannableSystem,
    WritingSystem,
)

GROUP = "qtrigger.systems"
RECORD_FILE = "training.json"
"""What a training of a system writes beside its networks: ``system``, ``variant`` and more of its own."""


@dataclass(frozen=True)
class Chosen:
    """A system and one of its variants."""

    system: PhysicsSystem
    variant: str

    def __str__(self) -> str:
        return f"{self.system.name}/{self.variant}"

    def generate(self, events: int, seed: int) -> Inputs:
        """``events`` events of the variant; FirmwareError if the system refuses."""
        with absence_named():
            return self.system.events(self.variant, events, seed)

    def read(self, path: Path) -> Inputs:
        """The events of a file of the system's; FirmwareError if it is damaged or of another system."""
        with absence_named():
            return self.system.read_events(path, self.variant)

    @property
    def measuring(self) -> MeasuringSystem | None:
        """The system as one that measures its fidelity on given events, if it does."""
        return cast(MeasuringSystem, self.system) if hasattr(self.system, "fidelity_on") else None

    @property
    def recorder(self) -> RecordingSystem | None:
        """The system as one whose event files have options, if they have."""
        return cast(RecordingSystem, self.system) if hasattr(self.system, "write_data") else None

    @property
    def writer(self) -> WritingSystem:
        """The system as one that writes event files; FirmwareError if it does not."""
        return cast(WritingSystem, self._with("write_events", "writes no event files"))

    @property
    def packing(self) -> PackingSystem:
        """The system as one that packs events; FirmwareError if it does not."""
        return cast(PackingSystem, self._with("packed_by", "packs no events: its networks do not compress"))

    @property
    def evaluating(self) -> EvaluatingSystem:
        """The system as one that draws the figures of its paper; FirmwareError if it does not."""
        return cast(EvaluatingSystem, self._with("evaluate", "evaluates nothing: `qtrigger build` has its fidelity"))

    @property
    def scannable(self) -> ScannableSystem:
        """The system as one that can be scanned; FirmwareError if it cannot."""
        return cast(ScannableSystem, self._with("train_point", "has no networks to scan: it trains none by parameters"))

    def _with(self, method: str, otherwise: str) -> PhysicsSystem:
        if not hasattr(self.system, method):
            raise FirmwareError(f"system {self.system.name!r} {otherwise}")
        return self.system


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


def find_trained(text: str, variant: str | None, folder: Path) -> Chosen:
    """The system called ``text``; where that names no variant, the one whose training wrote ``folder``.

    Raises:
        SystemNotFoundError: there is no such system, or the training was one of another variant of it.
    """
    chosen = find_system(text, variant)
    trained = _trained_variant(folder, chosen.system)
    if trained in (None, chosen.variant):
        return chosen
    if variant is not None or text != chosen.system.name:
        there = Chosen(chosen.system, trained)
        raise SystemNotFoundError(f"{folder} was trained as {there}, not {chosen}: say {there}")
    return Chosen(chosen.system, trained)


def _trained_variant(folder: Path, system: PhysicsSystem) -> str | None:
    """As training.json tells; None where it is missing, or damaged, or of another system, which the system tells."""
    try:
        record = read_json(folder / RECORD_FILE)
    except (OSError, FirmwareError):
        return None
    if not isinstance(record, dict) or record.get("system") != system.name:
        return None
    return record["variant"] if record.get("variant") in system.variants else None


def project_system(project: Project) -> Chosen | None:
    """The system that a project names; None for a foreign model. Raises SystemNotFoundError if there is no such."""
    model = project.file.model
    return None if model.system is None else find_system(model.system, model.variant)


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
