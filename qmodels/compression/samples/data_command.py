"""What ``qtrigger data compression`` does: simulate a sample, or convert a file of somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qmodels.compression.data_options import CONVERSION, CUTS, SIMULATION
from qmodels.compression.samples.collision_files import CollisionHeader, read_header
from qmodels.compression.samples.conversion import convert
from qmodels.compression.samples.generation import generate_plan, make_plan
from qmodels.compression.samples.pythia import BACKGROUND, SETTINGS
from qmodels.compression.samples.readers import Branches
from qmodels.compression.samples.selection import SELECTIONS, Selection
from qmodels.errors import ModelDataError
from qmodels.generation.making import Progress
from qmodels.generation.options import number_asked, pool_asked


def write_data(
    path: Path, n: int | None, seed: int, options: Mapping[str, Any], progress: Progress | None = None
) -> CollisionHeader:
    """Write ``n`` events to a collision file, and return what it says of itself.

    ``options`` may hold sample, selection ("desk" or "published") and single cuts in its place (particle_pt, max_eta,
    muon_pt, muon_eta; a max_eta of 0 is none); then jobs or scheduler for a simulation, or source, a ROOT or HepMC
    file, with tree and collection for the former. A pair of muons is asked for and removed in both signals, in no
    other sample.

    Raises:
        ModelDataError: options are wrong, missing or do not go together, or the events cannot be made.
    """
    source = options.get("source")
    for name in CONVERSION if source is None else SIMULATION:
        if name in options:
            raise ModelDataError(f"{name} goes with a {'file to convert' if source is None else 'simulation'} only")
    sample, selection = options.get("sample"), _selection(options)
    if source is not None:
        return _converted(Path(source), path, n, sample, selection, options, progress)
    if sample is None:
        raise ModelDataError(f"no sample is named; choose one of {', '.join(SETTINGS)}")
    events, pool = number_asked(n), pool_asked(options)
    generate_plan(path, make_plan(sample, seed, selection), events, pool, progress)
    return read_header(path)


def _selection(options: Mapping[str, Any]) -> Selection:
    name = options.get("selection", "desk")
    if name not in SELECTIONS:
        raise ModelDataError(f"no selection is called {name!r}; choose one of {', '.join(SELECTIONS)}")
    cuts = {cut: options[cut] for cut in CUTS if cut in options}
    if cuts.get("max_eta") == 0:
        cuts["max_eta"] = None
    return replace(SELECTIONS[name], **cuts)


def _converted(
    source: Path,
    path: Path,
    n: int | None,
    sample: str | None,
    selection: Selection,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> CollisionHeader:
    name = sample or "other"
    muons = name in SETTINGS and name != BACKGROUND
    named = {key: options[key] for key in CONVERSION if key in options}
    return convert(
        source, path, name, replace(selection, muons=muons), events=n, branches=Branches(**named), progress=progress
    )
