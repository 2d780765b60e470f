"""One thing that `qtrigger check` compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "error", "not shown"]


@dataclass(frozen=True)
class Check:
    """One thing compared. ``status`` error: it could not be compared, as the project is not usable; "not shown":
    nothing gives the figure that is limited, or only an extrapolated estimate.

    One that passed has a ``message`` where it is not all equal: QKeras within the error of its own float32. ``seconds``
    is what it took, where that is known; ``was`` and ``now`` are the numbers compared, of a curve its worst point.
    """

    project: str
    name: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    was: float | None = None
    now: float | None = None

    @property
    def mark(self) -> str:
        """A sign for the status."""
        return {"passed": "✓", "failed": "✗", "error": "✗", "not shown": "–"}[self.status]

    @property
    def is_wrong(self) -> bool:
        """Whether it is not as recorded."""
        return self.status in ("failed", "error")


def checked(
    name: str, wrong: str = "", *, seconds: float | None = None, was: float | None = None, now: float | None = None
) -> Check:
    """A check of a project that is not named yet: it passed if nothing is said to be wrong."""
    return Check("", name, "failed" if wrong else "passed", wrong, seconds or 0.0, was, now)


def change(was: float, now: float) -> str:
    """How far a number has moved: in per cent of what it was, or as it is where that was 0.

    >>> change(1000, 1021), change(4, 3), change(0, 2)
    ('+2.1 %', '-25 %', '+2')
    """
    return f"{100 * (now - was) / abs(was):+.3g} %" if was else f"{now - was:+.6g}"
