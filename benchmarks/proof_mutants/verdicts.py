"""What a proof says of a fault, in the words of the table."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hls.errors import FirmwareError
from hls.proof.netlist.circuits import Circuits
from hls.proof.subject import Deadline

REFUTED, EQUIVALENT, NOT_DONE = "refuted", "equivalent", "not done"
SECONDS = 600.0
"""For one fault."""


@dataclass(frozen=True)
class Verdict:
    """One of the words; where or why a proof that was not done stopped; and how long it took."""

    word: str
    reason: str | None
    seconds: float


def of_state(state: str) -> str:
    """The word for the state of a proof's link."""
    return {"proved": EQUIVALENT}.get(state, state)


def compared(circuits: Circuits) -> Verdict:
    """Of a comparison of two circuits."""
    start = time.monotonic()
    try:
        found = circuits.compare(Deadline(SECONDS), lambda step, done, total: None)
        word = REFUTED if found.difference else NOT_DONE if found.where else EQUIVALENT
        reason = found.where
    except FirmwareError as error:
        word, reason = NOT_DONE, str(error)
    return Verdict(word, reason, round(time.monotonic() - start, 2))
