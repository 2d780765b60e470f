"""project.toml: which model, on which target, checked how, within which budget."""

from __future__ import annotations

import hashlib
import math
import re
import reprlib
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hls.errors import ProjectError
from hls.events import Choice, parse_features
from hls.importing import Statements
from hls.importing.joined import join
from hls.machine.files import read_text
from hls.proof import PROOF
from hls.rtl.netlist.devices import check_device
from hls.target import AUTO, BEATS, DEFAULT_BACKEND, PACED, WHOLE, Target, check_name
from hls.target.parts import BUDGETS, BUNCH_CROSSING_NS, Part, budget_limits, find_part
from hls.target.resources import LIMITS
from hls.witnesses import check_witness_name

PROJECT_FILE = "project.toml"
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")

PRESET, LATENCY_BX = "preset", "latency_bx"
FIGURES = ("latency_ns", "interval_ns", *LIMITS)
_METRIC = re.compile(r"[a-z][a-z0-9_]*_(min|max)")

_MOST = 2**31 - 1
Count = Annotated[int, Field(ge=1, le=_MOST)]


class Section(BaseModel):
    """A table of project.toml: immutable, no key beyond those named, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelSection(Section):
    """``[model]``: files beside project.toml, and the physics they belong to."""

    weights: str = "model.h5"
    architecture: str | None = None
    reference: str | None = None
    system: str | None = None
    variant: str | None = None
    input_type: str | None = None
    internal_sigmoid: Literal["hard", "smooth", "real"] | None = None
    softmax: Literal["drop", "argmax", "table"] | None = None
    sigmoid: Literal["drop"] | None = None
    outputs: Literal["logits", "argmax"] | None = None

    def statements(self) -> Statements:
        """What the project says of its model that the file does not."""
        return Statements(self.input_type, self.internal_sigmoid, self.softmax, self.sigmoid, self.outputs)


class TargetSection(Section):
    """``[target]``: chip and tool, as hls4ml calls them; ``firmware`` is the one that is judged.

    Of our RTL alone: ``multipliers`` = "lut" keeps products out of DSPs, ``latency`` = "auto" cuts the pipeline until
    the clock is met, ``place_and_route`` names a device to measure that on, ``interval_ns`` or ``interval`` (in clocks)
    lets events come further apart, ``adders`` = "digits" then adds a few bits a clock, ``ports`` says how engines take
    events, ``io`` = "stream" puts valid and ready on both sides, ``vhdl`` asks for VHDL beside the Verilog.
    """

    part: str
    backend: str = DEFAULT_BACKEND
    clock_ns: float = 5.0
    io_type: str = "io_parallel"
    strategy: str = "latency"
    reuse_factor: Annotated[int, Field(le=_MOST)] = 1
    multipliers: str = AUTO
    firmware: str | None = None
    latency: str | None = None
    place_and_route: str | None = None
    interval_ns: float | None = None
    interval: Annotated[int | None, Field(le=_MOST)] = None
    adders: str = WHOLE
    ports: str = BEATS
    io: str = PACED
    vhdl: bool = False


class VerifySection(Section):
    """``[verify]``: who computes which events. ``max_events`` caps slow witnesses, by name.

    ``inputs`` names a file of events, ``features`` and ``labels`` what is taken of it.
    """

    witnesses: tuple[str, ...] | None = Field(default=None, strict=False)
    inputs: str | None = None
    features: tuple[str, ...] = Field(default=(), strict=False)
    labels: str | None = None
    events: Count = 10_000
    seed: Annotated[int, Field(ge=0, le=_MOST)] = 1
    max_events: dict[str, Count] = {}


class ProjectFile(Section):
    """The whole file."""

    model: ModelSection
    target: TargetSection
    verify: VerifySection = VerifySection()
    budget: dict[str, float | str] = {}


class Project(Section):
    """A project folder whose project.toml has been read and found good."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    folder: Path
    file: ProjectFile
    target: Target

    @property
    def name(self) -> str:
        """Name of the project: that of its folder."""
        return self.folder.name

    @property
    def weights(self) -> Path:
        """The QKeras model, or its weights alone."""
        return self.folder / self.file.model.weights

    @property
    def architecture(self) -> Path | None:
        """What the weights belong to, where their file does not say it."""
        name = self.file.model.architecture
        return None if name is None else self.folder / name

    def model_file(self) -> Path:
        """The whole model: the file of the weights, or one in the cache that holds the architecture too.

        Raises:
            ModelFileError: weights and architecture do not go together.
        """
        if self.architecture is None:
            return self.weights
        contents = hashlib.sha256(self.weights.read_bytes())
        contents.update(self.architecture.read_bytes())
        return join(self.weights, self.architecture, self.cache_folder / f"model-{contents.hexdigest()[:16]}")

    @property
    def reference(self) -> Path | None:
        """The float model, where the project has one."""
        name = self.file.model.reference
        return None if name is None else self.folder / name

    @property
    def inputs(self) -> Path | None:
        """The events of the user's own, where the project names them; their path is one from the folder."""
        name = self.file.verify.inputs
        return None if name is None else self.folder / name

    def choice(self) -> Choice:
        """What is taken of them. Labels of another file lie, as the events do, by a path from the folder."""
        labels = self.file.verify.labels
        if labels is not None and (self.folder / labels).is_file():
            labels = str(self.folder / labels)
        return Choice(parse_features(self.file.verify.features), labels)

    def limits(self) -> dict[str, float]:
        """Limits of [budget]: those of its preset, where it names one, replaced by those that it states itself."""
        budget = self.file.budget
        stated = {key: float(value) for key, value in budget.items() if key not in (PRESET, LATENCY_BX)}
        crossings = budget.get(LATENCY_BX)
        latency = None if crossings is None else float(crossings)
        if PRESET not in budget:
            return stated if latency is None else {"latency_ns": latency * BUNCH_CROSSING_NS} | stated
        return budget_limits(str(budget[PRESET]), _known_part(self.target.part), latency) | stated

    @property
    def build_folder(self) -> Path:
        """Where the whole result of the last build lies."""
        return self.folder / "build"

    @property
    def cache_folder(self) -> Path:
        """Where results of slow tools outlive a build."""
        return self.folder / ".cache"

    def source_hash(self) -> str:
        """SHA-256 of project.toml and the files it names: equal hashes build from equal sources."""
        state = hashlib.sha256()
        for path in (self.folder / PROJECT_FILE, self.weights, self.architecture, self.reference, self.inputs):
            if path is not None and path.is_file():
                state.update(path.name.encode() + b"\0")
                with path.open("rb") as file:  # of events, there may be more than memory
                    while block := file.read(1 << 20):
                        state.update(block)
        return state.hexdigest()


def read_project(folder: str | Path) -> Project:
    """Read and check ``folder/project.toml``.

    Raises:
        ProjectError: no such project, not TOML, an unknown key, a wrong type or value, or a file it names is missing.
    """
    home = Path(folder).resolve()
    path = home / PROJECT_FILE
    if not home.is_dir():
        raise ProjectError(f"{folder}: no such project folder; `qtrigger new` makes one")
    if not path.is_file():
        raise ProjectError(f"{folder}: no {PROJECT_FILE} in it; `qtrigger new` makes a project")
    check_name(home.name)
    try:
        content = tomllib.loads(read_text(path))
    except ValueError as error:  # TOML's own, and Python's for a number of more digits than it reads
        raise ProjectError(f"{path}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise ProjectError(f"{path}: its tables are nested too deep") from error
    file = parse_project(content, str(path))
    try:
        section = file.target
        target = Target(**section.model_dump(exclude={"vhdl"}))
        if target.place_and_route is not None:
            check_device(target.place_and_route)
    except ProjectError as error:
        raise ProjectError(f"{path}: [target] {error}") from error
    project = Project(folder=home, file=file, target=target)
    _check_files(project, path)
    return project


def parse_project(content: dict[str, Any], where: str) -> ProjectFile:
    """Check the content of a project.toml; ``where`` names the file in errors."""
    try:
        file = ProjectFile.model_validate(content)
    except ValidationError as error:
        raise ProjectError(f"{where}: {_describe(error)}") from error
    _check_witnesses(file.verify, where)
    _check_budget(file.budget, where)
    if file.model.variant is not None and file.model.system is None:
        raise ProjectError(f'{where}: [model] has a variant but no system; add system = "..."')
    return file


def _check_budget(budget: Mapping[str, float | str], where: str) -> None:
    for key, value in budget.items():
        if key not in (*FIGURES, PRESET, LATENCY_BX) and not _METRIC.fullmatch(key):
            near = get_close_matches(key, (*FIGURES, PRESET, LATENCY_BX), n=1, cutoff=0.0)[0]
            raise ProjectError(
                f"{where}: [budget] has no key {key!r}; the nearest is {near!r} (or METRIC_min, METRIC_max)"
            )
        if (key == PRESET) != isinstance(value, str):
            wanted = "the name of a preset" if key == PRESET else "a number"
            raise ProjectError(f"{where}: [budget] {key} = {value!r} must be {wanted}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ProjectError(f"{where}: [budget] {key} = {value} must be a finite number")
        if isinstance(value, float) and value < 0 and not _METRIC.fullmatch(key):
            raise ProjectError(f"{where}: [budget] {key} = {value:g} must not be negative")
        if key == PRESET and value not in BUDGETS:
            raise ProjectError(f"{where}: [budget] preset {value!r} is not known; presets are {', '.join(BUDGETS)}")


def _known_part(name: str) -> Part | None:
    """The part, or None for one that is not in the database: its preset then limits times only."""
    try:
        return find_part(name)
    except ProjectError:
        return None


def _check_witnesses(verify: VerifySection, where: str) -> None:
    try:
        for name in (*(verify.witnesses or ()), *verify.max_events):
            check_asked(name)
    except ProjectError as error:
        raise ProjectError(f"{where}: [verify] {error}") from error
    if verify.witnesses is not None and not verify.witnesses:
        raise ProjectError(f"{where}: [verify] witnesses is empty; name some, or leave the key out")


def check_asked(name: str) -> str:
    """``name`` if a build can be asked for it: a witness, or the proof; else ProjectError with the nearest."""
    return name if name == PROOF else check_witness_name(name)


def _check_files(project: Project, path: Path) -> None:
    for key in ("weights", "architecture", "reference"):
        name = getattr(project.file.model, key)
        if name is None:
            continue
        if not _FILE_NAME.fullmatch(name):
            raise ProjectError(f"{path}: [model] {key} = {name!r} must be a plain file name beside {PROJECT_FILE}")
        if not (project.folder / name).is_file():
            raise ProjectError(f"{path}: [model] {key} = {name!r} is not there; copy the file into {project.folder}")


def _describe(error: ValidationError) -> str:
    """First complaint of pydantic in one line, with the nearest key where one is unknown."""
    complaints = error.errors(include_url=False)
    # A misspelt key often makes another one missing: the spelling is what to mend.
    first = next((found for found in complaints if found["type"] == "extra_forbidden"), complaints[0])
    place = [str(part) for part in first["loc"]]
    key = place[-1]
    table = f"[{place[0]}] " if len(place) > 1 else ""
    if first["type"] == "model_type":
        return f"{key} = {reprlib.repr(first['input'])} must be a table; write [{key}] once, and its keys below it"
    if first["type"] == "extra_forbidden":
        near = get_close_matches(key, _keys(place[:-1]), n=1, cutoff=0.0)
        return f"{table or 'the file '}has no key {key!r}; the nearest is {near[0]!r}"
    if first["type"] == "missing":
        return f"{table}{key} is missing; add it" if table else f"table [{key}] is missing; add it"
    return f"{table}{'.'.join(place[1:]) or key} = {reprlib.repr(first['input'])}: {first['msg']}"


def _keys(place: list[str]) -> list[str]:
    section: Any = ProjectFile
    for name in place:
        section = section.model_fields[name].annotation
    return list(section.model_fields)
