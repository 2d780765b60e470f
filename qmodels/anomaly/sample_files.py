"""Folders of event files, one a sample, told by their names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from qmodels.anomaly.samples.blocks import COCKTAIL
from qmodels.anomaly.samples.files import Reading
from qmodels.anomaly.samples.processes import SIGNALS
from qmodels.errors import ModelDataError
from qmodels.types import Floats32

_PUBLIC = {
    "background": COCKTAIL,
    "ato4l": "a-to-4l",
    "leptoquark": "lq-to-b-tau",
    "htotautau": "h0-to-tau-tau",
    "hchtotaunu": "hc-to-tau-nu",
}
"""How the names of the public files begin, in small letters, and of which sample they are."""


def sample_of(path: Path) -> str | None:
    """The sample whose name, of ours or of the public files, a file has."""
    stem = path.stem.lower()
    if stem in {COCKTAIL, *(signal.name for signal in SIGNALS)}:
        return stem
    return next((sample for start, sample in _PUBLIC.items() if stem.startswith(start)), None)


def samples_in(folder: Path) -> dict[str, Path]:
    """The files of a folder by sample; ModelDataError if two are of one."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.h5")):
        name = sample_of(path)
        if name is not None:
            if name in found:
                raise ModelDataError(f"{folder}: {found[name].name} and {path.name} are both of {name}; leave one")
            found[name] = path
    return found


def read_sample(path: Path, most: int | None, skipped: Counter[str]) -> Floats32:
    """Events (n, 19, 3) of the first ``most`` rows of a file, or of all; what is no event is left out and counted.

    Raises ModelDataError if the file cannot be read, or none of its rows is an event.
    """
    reading = Reading(path)
    events = np.concatenate(list(reading.blocks(most)))
    skipped.update({f"{path.name}: {why}": count for why, count in reading.skipped.items()})
    reading.check_any()
    return events
