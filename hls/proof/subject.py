"""What is to be proved, and how long that may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from hls.errors import FirmwareError
from hls.graph import FixedGraph
from hls.machine.progress import StageProgress
from hls.rtl import Design
from hls.target import Target

_MORE = "give --time-limit more seconds"


class NotClosedError(FirmwareError):
    """A link that is not proved and not refuted: why, with the cure, and the layer where it stopped if one is known."""

    def __init__(self, reason: str, layer: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.layer = layer


@dataclass(frozen=True)
class Deadline:
    """When a link has to stop."""

    limit: float
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left, 0 at least."""
        return max(self.limit - (time.monotonic() - self.started), 0.0)

    def reason(self, error: FirmwareError) -> str:
        """What a tool complains of in one line, with the cure where its time was over."""
        told = " ".join(str(error).split())
        return told if self.left else f"{told}; {_MORE}"

    def check(self, where: str, layer: str | None = None) -> None:
        """Raise ``NotClosedError`` if the time is over; ``where`` says what was being proved."""
        if not self.left:
            raise NotClosedError(f"the time limit of {self.limit:g} s was reached at {where}; {_MORE}", layer)


@dataclass(frozen=True)
class Tested:
    """What a build says of a link that is tested: who compared, and on how many events."""

    witness: str
    version: str
    events: int
    seconds: float


@dataclass(frozen=True)
class Subject:
    """What is proved: the graph, and what is written of it.

    ``verilog`` is the emitted Verilog, ``vhdl`` the VHDL where one is asked for, ``hls4ml`` the folder of the written
    hls4ml project, ``netlist`` that of the synthesised netlist, None where there is none. ``cache`` keeps what is
    proved once. ``tested`` is what a build found of the model file, None without a build. A link takes ``time_limit``
    seconds at most, and tells ``progress`` of itself.
    """

    project: str
    graph: FixedGraph
    target: Target
    cache: Path
    verilog: Design
    vhdl: Design | None = None
    hls4ml: Path | None = None
    netlist: Path | None = None
    tested: Tested | None = None
    time_limit: float = 600.0
    progress: StageProgress | None = None

    def deadline(self) -> Deadline:
        """The deadline of a link that starts now."""
        return Deadline(self.time_limit)

    def show(self, stage: str, done: int, total: int) -> None:
        """Tell whoever shows progress."""
        if self.progress is not None:
            self.progress(stage, done, total)
