"""qtrigger data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.project.systems.finding import Chosen
    from hls.project.systems.protocols import EventSummary

NAME = "data"
HELP = "Write events of a physics system to an HDF5 file: simulated, or converted from a file of yours."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "out": "the file",
    "system": "name of the physics system",
    "variant": "of the system",
    "sample": "what the events are of; null where a system has one sample",
    "events": "how many were written",
    "seed": "of simulated events, else null",
    "from": "the file that was converted, else null",
    "generated": "how many were looked at; null where all are kept",
    "skipped": "how many were left out, by reason",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger data two-body --events 100000 --out events.h5\n\n"
    "  qtrigger data event_variables/pair --events 1000000 --out pair.h5 --seed 7\n\n"
    "  qtrigger data compression --sample background --events 100000 --out background.h5 --jobs 8\n\n"
    "  qtrigger data compression --from nano.root --out nano.h5\n\n"
    "  qtrigger data jets --events 100000 --out jets.h5\n\n"
    "  qtrigger data simulation --sample ttbar --events 20000 --out top.h5 --jobs 8"
)
_OWN = "Options of some systems"
_SEED = 1
_SOURCE = "source"
_NAMES = {_SOURCE: "from"}


# Options that take more than a line to describe.
_System = Annotated[
    str, typer.Argument(metavar="SYSTEM", help="event_variables, event_variables/pair, compression ...")
]
_Sample = Annotated[
    str | None,
    typer.Option(
        help="background, b-to-ks, b-to-ks-1gev or hidden-valley; of jets: classes, as qg; of anomaly: background ...; "
        "of simulation: z-ee, ttbar ...",
        rich_help_panel=_OWN,
    ),
]
_Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Work on this Dask cluster.", rich_help_panel=_OWN)
]
_Source = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Convert this ROOT, HepMC or (jets) HDF5 file.", rich_help_panel=_OWN),
]
_Collection = Annotated[str | None, typer.Option(help="Branches NAME_pt and so on; PFCands.", rich_help_panel=_OWN)]


@dataclass(frozen=True)
class _Request:
    """What to write where. ``own`` are those options of some systems that were given, ``source`` among them."""

    system: str
    variant: str | None
    out: Path
    events: int | None
    seed: int | None
    own: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """Where the events come from, in words."""
        return f"from {self.own[_SOURCE]}" if _SOURCE in self.own else f"seed {self.used_seed}"

    @property
    def used_seed(self) -> int:
        return _SEED if self.seed is None else self.seed


@verb
def command(
    system: _System,
    out: Annotated[Path, typer.Option(metavar="FILE.h5", help="Where to write.")],
    events: Annotated[int | None, typer.Option(min=1, help="Number of events; with --from, all if not given.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same events; 1 if not given.")] = None,
    variant: Annotated[str | None, typer.Option(help="Variant of the system.")] = None,
    sample: _Sample = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a core.", rich_help_panel=_OWN)] = None,
    scheduler: _Scheduler = None,
    source: _Source = None,
    tree: Annotated[str | None, typer.Option(help="Tree of the ROOT file; Events.", rich_help_panel=_OWN)] = None,
    collection: _Collection = None,
    selection: Annotated[str | None, typer.Option(help="Cuts: desk or published.", rich_help_panel=_OWN)] = None,
    particle_pt: Annotated[float | None, typer.Option(min=0, help="Cut in GeV.", rich_help_panel=_OWN)] = None,
    max_eta: Annotated[float | None, typer.Option(min=0, help="Cut; 0 is none.", rich_help_panel=_OWN)] = None,
    muon_pt: Annotated[float | None, typer.Option(min=0, help="Cut in GeV.", rich_help_panel=_OWN)] = None,
    muon_eta: Annotated[float | None, typer.Option(min=0, help="Cut.", rich_help_panel=_OWN)] = None,
) -> Answer:
    """Generate or convert, and write."""
    from hls.project.systems.finding import find_system

    own = {
        "sample": sample, "jobs": jobs, "scheduler": scheduler, _SOURCE: source, "tree": tree,
        "collection": collection, "selection": selection, "particle_pt": particle_pt, "max_eta": max_eta,
        "muon_pt": muon_pt, "muon_eta": muon_eta,
    }  # fmt: skip
    given = {name: value for name, value in own.items() if value is not None}
    request = _Request(system, variant, out, events, seed, given)
    chosen = find_system(system, variant)
    _check(request, chosen)
    summary = _write(request, chosen)
    return Answer(_data(request, chosen, summary), lambda: say(_sentence(request, chosen, summary)))


def _check(request: _Request, chosen: Chosen) -> None:
    from hls.errors import FirmwareError

    known = chosen.recorder.data_options if chosen.recorder else ()
    for name in request.own:
        if name not in known:
            raise FirmwareError(f"--{_NAMES.get(name, name).replace('_', '-')} is no option of system {chosen}")
    if request.events is None and _SOURCE not in request.own:
        raise FirmwareError("--events is missing: how many events shall be written?")
    if request.seed is not None and _SOURCE in request.own:
        raise FirmwareError("--seed goes with simulated events; those of --from are what they are")


def _data(request: _Request, chosen: Chosen, summary: EventSummary | None) -> dict[str, Any]:
    source = request.own.get(_SOURCE)
    return {
        "version": JSON_VERSION,
        "out": str(request.out),
        "system": chosen.system.name,
        "variant": chosen.variant,
        "sample": None if summary is None else summary.sample,
        "events": request.events if summary is None else summary.events,
        "seed": request.used_seed if source is None else None,
        "from": None if source is None else str(source),
        "generated": None if summary is None else summary.generated,
        "skipped": {} if summary is None else dict(summary.skipped),
    }


def _sentence(request: _Request, chosen: Chosen, summary: EventSummary | None) -> str:
    """What was written, and what became of the events of a system that says."""
    if summary is None:
        return f"{request.out}: {request.events:,} events of {chosen}, {request.origin}"
    of = f"{summary.events:,} events of {chosen.system.name} ({summary.sample})"
    return f"{request.out}: {of}, {request.origin}\n{_counts(summary)}"


def _write(request: _Request, chosen: Chosen) -> EventSummary | None:
    """Write with a progress bar; what became of the events, from systems that say."""
    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.machine.files import require_place

    out, events, seed = request.out, request.events, request.used_seed
    require_place(out)
    with keeping(_kept(request, chosen)), progress() as shown:
        written = partial(shown, "events")
        written(0, events or 0)
        if chosen.recorder is not None:
            return chosen.recorder.write_data(out, events, seed, dict(request.own), written)
        chosen.writer.write_events(chosen.variant, events or 0, seed, out, written)
    return None


def _kept(request: _Request, chosen: Chosen) -> str:
    """What is left where the command is stopped: simulated collisions are kept by blocks, others are quickly made."""
    if chosen.recorder is None or _SOURCE in request.own:
        return f"{request.out} was not written; the same command starts afresh"
    return f"blocks done so far are kept in {request.out}.blocks; the same command goes on from there"


def _counts(summary: EventSummary) -> str:
    """What became of the events that were looked at."""
    skipped = "; ".join(f"{why}: {count:,}" for why, count in sorted(summary.skipped.items()))
    share = f"{100 * summary.events / summary.generated:.1f} % of {summary.generated:,} events pass"
    return f"{share}; skipped for {skipped}" if skipped else share
