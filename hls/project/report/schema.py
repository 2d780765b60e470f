"""build/report.json, schema_version 1. The HTML page and the terminal table are views of these models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    computed_field,
    model_serializer,
    model_validator,
)

from hls.errors import ProjectError
from hls.machine.files import read_text
from hls.project.report.network_schema import GraphInfo
from hls.project.report.section import Section
from hls.project.report.verification_schema import KeptResult, VerificationInfo, WitnessInfo
from hls.proof.certificate import Proof
from hls.target import Firmware
from hls.target.resources import RESOURCES

SCHEMA_VERSION = 1
REPORT_FILE = "report.json"
HTML_FILE = "report.html"
_OWN_WITNESSES: Mapping[Firmware, tuple[str, ...]] = {"rtl": ("rtl", "netlist"), "hls4ml": ("csim",)}


class ProjectInfo(Section):
    """``project``: what was built, for what. ``firmware`` is the one that the budget judges; None in old reports."""

    name: str
    system: str | None
    variant: str | None
    part: str
    backend: str
    clock_ns: float
    io_type: str
    strategy: str
    reuse_factor: int
    multipliers: str = "auto"
    firmware: Firmware | None = None
    firmware_key: str | None = None
    """Equal in builds of one network, model file, target and release; None in old reports."""


class Metric(Section):
    """One of ``fidelity``: a figure of the float reference and of the firmware."""

    reference: float | None
    firmware: float
    unit: str


class CurvePoint(Section):
    """The figures of a :class:`Curve` ``at`` one value of its parameter."""

    at: float
    reference: float | None
    firmware: float


class Curve(Section):
    """One of ``fidelity`` that depends on a parameter, ``over`` which it was measured: the β of a compression."""

    unit: str
    over: str
    points: list[CurvePoint] = Field(min_length=1)


def fidelity_metric(values: Mapping[str, Any]) -> Metric | Curve:
    """What a physics system returns for one metric. Raises pydantic's ValidationError if it is neither."""
    return (Curve if "points" in values else Metric).model_validate(values)


_KEYS = {kind.key for kind in RESOURCES}


class ModuleInfo(Section):
    """A module that a netlist has several times: ``copies`` of ``lut`` LUTs each compute ``layers``."""

    layers: list[str]
    copies: int
    lut: int


class Resources(Section):
    """One source's resource figures, for one of the two firmwares (``route``), at one ``stage`` of its making.

    ``counts`` hold what the source counts, by resource; report.json states each beside the other keys, null for one
    that is not counted. Memory is in 36 kbit tiles (two 18K blocks). ``relative_error`` is what 90 % of designs left
    out of an estimate's fit stay below, ``median_error`` the median; ``extrapolated`` names figures outside that fit,
    whose error nobody has measured. ``cells``, ``logic_depth`` and ``path_ns`` (register to register, before routing)
    are of a netlist; ``gate_equivalents`` and ``area`` of an ASIC's; ``modules`` are those that it has several times.
    ``ratio``: a vendor's figure over our estimate of the same firmware at the same stage. ``on_own_part`` says of what
    nextpnr placed whether it was on the project's part.
    """

    source: Literal["analytic", "yosys", "nextpnr", "vendor"]
    route: Firmware
    stage: str
    tool: str | None = None
    counts: dict[str, int | float] = Field(default_factory=dict)
    lut_range: tuple[int, int] | None = None
    utilisation: dict[str, float] = Field(default_factory=dict)
    verdict: str | None = None
    relative_error: dict[str, float] | None = None
    median_error: dict[str, float] | None = None
    extrapolated: list[str] = Field(default_factory=list)
    cells: dict[str, int] | None = None
    logic_depth: int | None = None
    path_ns: float | None = None
    path_source: str | None = None
    gate_equivalents: float | None = None
    area: float | None = None
    modules: list[ModuleInfo] | None = None
    ratio: dict[str, float] | None = None
    on_own_part: bool | None = None
    kept_from: str | None = None
    """When the build ran that measured it, where it was an earlier one of the same firmware."""

    @property
    def judges(self) -> bool:
        """Whether it may say anything of the project's part."""
        return self.source != "nextpnr" or self.on_own_part is True

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, row: Any) -> Any:
        """The counts of a row of report.json, taken from among its other keys; what is no row is left to pydantic."""
        if not isinstance(row, dict):
            return row
        counts = {kind.key: row[kind.key] for kind in RESOURCES if row.get(kind.key) is not None}
        others = {key: value for key, value in row.items() if key not in _KEYS}
        return {"counts": counts} | others

    @model_serializer(mode="wrap")
    def _beside(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The row with each count beside the other keys, a range after its count."""
        row = fields(self)
        flat: dict[str, Any] = {}
        for key, value in row.items():
            if key != "counts":
                flat[key] = value
                continue
            for kind in RESOURCES:
                flat[kind.key] = value.get(kind.key)
                flat |= {name: row[name] for name in (f"{kind.key}_range",) if name in row}
        return flat


class Latency(Section):
    """One source's latency figures; ``relative_error`` (90 %) and ``median_error`` are of an estimate's cycles."""

    source: Literal["analytic", "rtl-simulation", "vendor"]
    route: Firmware
    stage: str
    tool: str | None = None
    cycles: int
    interval: int
    clock_ns: float
    latency_ns: float
    relative_error: float | None = None
    median_error: float | None = None
    ratio: float | None = None
    extrapolated: bool = False
    kept_from: str | None = None


class IntervalNeeds(Section):
    """What a firmware is estimated to need if an event comes each ``interval`` clocks; of hls4ml's its reuse factor."""

    route: Firmware
    interval: int
    lut: float
    dsp: float
    bram: float
    latency_ns: float


class SlowestPath(Section):
    """From register ``begins`` to ``ends`` on the ``device`` that was placed and routed: ``path_ns``, of which wires
    take ``routing_ns``; ``modules`` of the Verilog that it passes, with what each takes of it, and the network's
    ``layers`` that it leads through."""

    device: str
    path_ns: float
    routing_ns: float
    begins: str
    ends: str
    modules: list[tuple[str, float]]
    layers: list[str] = Field(default_factory=list)


class PipelineTrial(Section):
    """A pipeline of ``stages`` that was measured to find the shortest that meets the clock; one is ``chosen``."""

    stages: int
    path_ns: float
    lut: float
    chosen: bool


TimingState = Literal["met", "not met", "not known"]


class Timing(Section):
    """``timing``: whether the firmware that is judged meets its clock of ``clock_ns``, and in ``words`` how that is
    known; ``path_ns`` is the path that decided. ``trials`` are of ``latency = "auto"``, measured as ``trials_by``."""

    state: TimingState
    clock_ns: float
    path_ns: float | None
    words: str
    slowest: SlowestPath | None = None
    trials: list[PipelineTrial] = Field(default_factory=list)
    trials_by: str | None = None


class ReferenceLatency(Section):
    """The float reference on this CPU, in numpy: one event at a time, and in large batches."""

    events_per_second: float
    batch1_microseconds: float
    cpu: str


class BudgetCheck(Section):
    """One line of project.toml's [budget], on the firmware ``route``. ``passed`` is null where no source gives the
    figure of that firmware, or only one that is ``extrapolated`` and within the limit; a metric of the fidelity is that
    of any firmware, its ``route`` null."""

    key: str
    limit: float
    value: float | None
    source: str | None
    passed: bool | None
    route: Firmware | None = None
    extrapolated: bool = False


class Budget(Section):
    """``budget``: passed if no figure is over its limit."""

    passed: bool
    checks: list[BudgetCheck]

    @property
    def not_shown(self) -> int:
        """Number of limits on figures that no source gives, or gives within what it was fitted to."""
        return sum(check.passed is None for check in self.checks)


class Environment(Section):
    """What the figures were made with."""

    versions: dict[str, str]
    seed: int
    source_hash: str
    platform: str
    created: str


class Report(Section):
    """The whole of report.json."""

    schema_version: Literal[1] = 1
    project: ProjectInfo
    graph: GraphInfo
    verification: VerificationInfo
    witnesses: dict[str, WitnessInfo]
    kept: dict[str, KeptResult] = Field(default_factory=dict)
    """Of witnesses that did not run in this build, and no part of its verdict."""
    proof: Proof | None = None
    """What is proved for every input, where the build was asked for it; also in proof.json."""
    fidelity: dict[str, Metric | Curve]
    fidelity_events: str | None = None
    """On which events the fidelity was measured, and what could not be; None in old reports."""
    resources: list[Resources] = Field(default_factory=list)
    latency: list[Latency] = Field(default_factory=list)
    intervals: list[IntervalNeeds] = Field(default_factory=list)
    """Estimates of both firmwares, unrolled to serial; none in old reports, and of an ASIC."""
    timing: Timing | None = None
    figure_notes: list[str] = Field(default_factory=list)
    reference_latency: ReferenceLatency | None
    budget: Budget
    environment: Environment
    folder: Path = Field(exclude=True, default=Path())

    @model_validator(mode="before")
    @classmethod
    def _without_passed(cls, report: Any) -> Any:
        """``passed`` is found anew from the rest."""
        return {k: v for k, v in report.items() if k != "passed"} if isinstance(report, dict) else report

    @computed_field  # type: ignore[prop-decorator]
    @property
    def passed(self) -> bool | None:
        """Whether all that was compared agreed and no budget was broken; None if nothing failed, but nothing was
        compared either."""
        return False if self.failed else True if self.compared or self.proved else None

    def __repr__(self) -> str:
        from hls.project.report import notebook  # a view of this very class

        return notebook.in_a_line(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from hls.project.report import notebook

        return notebook.as_figures(self)

    @property
    def failed(self) -> bool:
        """Whether anything differed, did not run though it was asked for, or broke the budget."""
        return not (self.verification.passed and self.budget.passed)

    @property
    def compared(self) -> bool:
        """Whether there were two witnesses at least: one alone agrees with itself."""
        return sum(result.status == "ran" for result in self.witnesses.values()) > 1

    @property
    def proved(self) -> tuple[str, ...]:
        """The equalities that hold for every input, where a proof was asked for."""
        links = () if self.proof is None else self.proof.links
        return tuple(link.name for link in links if link.state == "proved")

    @property
    def own_witnesses(self) -> tuple[str, ...]:
        """Names of those that compute the very firmware that is built, if none of them ran: its bits are those of the
        graph by construction then, not by comparison."""
        own = _OWN_WITNESSES[self.project.firmware] if self.project.firmware else ()
        ran = any(name in own and found.status == "ran" for name, found in self.witnesses.items())
        return () if ran else own

    @property
    def html(self) -> Path:
        """The page."""
        return self.folder / HTML_FILE


def read_report(build_folder: Path) -> Report:
    """The report of the last build in ``build_folder``.

    Raises:
        ProjectError: there is none, or it is not a report of this schema version.
    """
    path = build_folder / REPORT_FILE
    if not path.is_file():
        raise ProjectError(f"{path}: not built yet; run `qtrigger build {build_folder.parent}`")
    try:
        report = Report.model_validate_json(read_text(path))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ProjectError(f"{path}: no report of schema version {SCHEMA_VERSION} (at {place}); build again") from error
    return report.model_copy(update={"folder": build_folder})
