"""build/proof.json, schema_version 1: what is proved of a firmware, link by link, how, and on which assumptions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from hls.errors import ProjectError
from hls.machine.files import read_text

SCHEMA_VERSION = 1
PROOF_FILE = "proof.json"
PROOF = "proof"
"""The name by which a build is asked for it, among its witnesses."""
FLAGS = ("ready_in", "valid_out")
"""What a design says of itself: of a counterexample, the output where one of them is wrong."""

LinkName = Literal["model = graph", "graph = verilog", "graph = vhdl", "verilog = netlist", "graph = hls4ml"]
State = Literal["proved", "refuted", "tested", "not done"]
"""Proved for every input of the ports' types; refuted by an input that was replayed; tested on events and no more."""


class Section(BaseModel):
    """Any object of the certificate."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Counterexample(Section):
    """An event that shows a difference: raw integers of each input port, in row-major order.

    ``output`` is a port, or one of ``FLAGS``. ``replayed`` names those that computed the event and confirmed it:
    without one, nothing is called refuted. Where it comes out wrong only in the company of others, ``before`` are the
    events that came before it, and ``came`` says how they came.
    """

    inputs: dict[str, tuple[int, ...]]
    output: str
    element: int
    expected: int
    got: int
    replayed: tuple[str, ...]
    came: str | None = None
    before: tuple[dict[str, tuple[int, ...]], ...] = ()

    @property
    def company(self) -> str:
        """How the event came among others, in words; empty of one that is wrong by itself."""
        others = f" after {len(self.before)} other event{'s' * (len(self.before) > 1)}" if self.before else ""
        return others + (f" with {self.came}" if self.came is not None else "")


class Outputs(Section):
    """How many of the outputs are ``proved``, of ``all``; the elements of the output ports are counted."""

    proved: int
    all: int


class Link(Section):
    """One equality of the chain, for all inputs in the ports' types.

    ``reason`` says of a link that is not done why, where it stopped and the cure; ``layer`` the layer there, if one is
    known. One that is ``absent`` has nothing to prove: no netlist was made, no hls4ml project was written. ``events``
    are those that a tested link was tested on. ``assumptions`` are what a proof rests on.
    """

    name: LinkName
    state: State
    method: str
    tool: str
    tool_version: str
    seconds: float
    assumptions: tuple[str, ...] = ()
    outputs: Outputs | None = None
    events: int | None = None
    reason: str | None = None
    layer: str | None = None
    absent: bool = False
    counterexample: Counterexample | None = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        """A state comes with what it claims: a refutation with its event, a test with their number."""
        needed = {
            "proved": True,
            "refuted": self.counterexample is not None and bool(self.counterexample.replayed),
            "tested": bool(self.events),
            "not done": bool(self.reason),
        }
        if not needed[self.state]:
            raise ValueError(f"link {self.name!r} is {self.state!r} without what shows it")
        return self

    @property
    def verdict(self) -> str:
        """The state in words: "proved", "tested on 2,000 events", "not done: ...".

        >>> Link(name="model = graph", state="tested", method="comparison of integers", tool="qkeras",
        ...      tool_version="1.2", seconds=1.0, events=2000).verdict
        'tested on 2,000 events'
        """
        if self.state == "tested":
            return f"tested on {self.events:,} events"
        if self.state == "not done":
            where = f" (layer {self.layer!r})" if self.layer is not None else ""
            return f"not done: {self.reason}{where}"
        if self.state == "refuted" and self.counterexample is not None:
            found = self.counterexample
            value = f"{found.output}[{found.element}] is {found.got} where the graph says {found.expected}"
            if found.output in FLAGS:
                value = f"{found.output} is {found.got} where it must be {found.expected}"
            return f"refuted: {value}{found.company}"
        return self.state


class Proof(Section):
    """The whole of proof.json. ``digest`` is that of the graph, as in report.json."""

    schema_version: Literal[1] = 1
    project: str
    digest: str
    links: tuple[Link, ...]

    @property
    def refuted(self) -> bool:
        """Whether an input shows that something is wrong."""
        return any(link.state == "refuted" for link in self.links)

    @property
    def complete(self) -> bool:
        """Whether every link is proved."""
        return not self.missing

    @property
    def missing(self) -> tuple[Link, ...]:
        """Links that are not proved and should be: that of the model is tested by its nature."""
        return tuple(
            link for link in self.links if link.state != "proved" and link.name != "model = graph" and not link.absent
        )

    def link(self, name: LinkName) -> Link:
        """The link called ``name``."""
        return next(link for link in self.links if link.name == name)


def read_proof(build_folder: Path) -> Proof:
    """The certificate in ``build_folder``.

    Raises:
        ProjectError: there is none, or it is not a certificate of this schema version.
    """
    path = build_folder / PROOF_FILE
    if not path.is_file():
        raise ProjectError(f"{path}: nothing is proved yet; run `qtrigger prove {build_folder.parent}`")
    try:
        return Proof.model_validate_json(read_text(path))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ProjectError(f"{path}: no certificate of schema version {SCHEMA_VERSION} (at {place})") from error
