"""qtrigger data."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hls.project.systems.finding import Chosen
    from hls.project.systems.protocols import EventSummary

NAME = "data"
HELP = "Write events of a physics system to an HDF5 file: simulated, or converted from a file of yours."
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger data two-body --events 100000 --out events.h5\n\n"
    "  qtrigger data event_variables/pair --events 1000000 --out pair.h5 --seed 7\n\n"
    "  qtrigger data compression --sample background --events 100000 --out background.h5 --jobs 8\n\n"
    "  qtrigger data compression --from nano.root --out nano.h5"
)
_OWN = "Options of some systems"
_SEED = 1
_NAMES = {"source": "from"}


def command(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="event_variables, event_variables/pair, compression ...")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE.h5", help="Where to write.")],
    events: Annotated[int | None, typer.Option(min=1, help="Number of events; with --from, all if not given.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same events; 1 if not given.")] = None,
    variant: Annotated[str | None, typer.Option(help="Variant of the system.")] = None,
    sample: Annotated[
        str | None, typer.Option(help="background, b-to-ks or hidden-valley.", rich_help_panel=_OWN)
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a core.", rich_help_panel=_OWN)] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Work on this Dask cluster.", rich_help_panel=_OWN)
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Convert this ROOT or HepMC file.", rich_help_panel=_OWN),
    ] = None,
    tree: Annotated[str | None, typer.Option(help="Tree of the ROOT file; Events.", rich_help_panel=_OWN)] = None,
    collection: Annotated[
        str | None, typer.Option(help="Branches NAME_pt and so on; PFCands.", rich_help_panel=_OWN)
    ] = None,
    selection: Annotated[str | None, typer.Option(help="Cuts: desk or published.", rich_help_panel=_OWN)] = None,
    particle_pt: Annotated[float | None, typer.Option(min=0, help="Cut in GeV.", rich_help_panel=_OWN)] = None,
    max_eta: Annotated[float | None, typer.Option(min=0, help="Cut; 0 is none.", rich_help_panel=_OWN)] = None,
    muon_pt: Annotated[float | None, typer.Option(min=0, help="Cut in GeV.", rich_help_panel=_OWN)] = None,
    muon_eta: Annotated[float | None, typer.Option(min=0, help="Cut.", rich_help_panel=_OWN)] = None,
) -> None:
    """Generate or convert, and write."""
    from hls.errors import FirmwareError
    from hls.project.systems.finding import find_system

    chosen = find_system(system, variant)
    own = {
        "sample": sample, "jobs": jobs, "scheduler": scheduler, "source": source, "tree": tree,
        "collection": collection, "selection": selection, "particle_pt": particle_pt, "max_eta": max_eta,
        "muon_pt": muon_pt, "muon_eta": muon_eta,
    }  # fmt: skip
    options = {name: value for name, value in own.items() if value is not None}
    known = chosen.recorder.data_options if chosen.recorder else ()
    for name in options:
        if name not in known:
            raise FirmwareError(f"--{_NAMES.get(name, name).replace('_', '-')} is no option of system {chosen}")
    if events is None and source is None:
        raise FirmwareError("--events is missing: how many events shall be written?")
    if seed is not None and source is not None:
        raise FirmwareError("--seed goes with simulated events; those of --from are what they are")
    seed = _SEED if seed is None else seed
    origin = f"seed {seed}" if source is None else f"from {source}"
    summary = _write(chosen, out, events, seed, options)
    if summary is None:
        typer.echo(f"{out}: {events:,} events of {chosen}, {origin}")
    else:
        typer.echo(f"{out}: {summary.events:,} events of {chosen.system.name} ({summary.sample}), {origin}")
        typer.echo(_counts(summary))


def _write(chosen: Chosen, out: Path, events: int | None, seed: int, options: dict[str, Any]) -> EventSummary | None:
    """Write with a progress bar; what became of the events, from systems that say."""
    from hls.cli.progress import progress
    from hls.machine.disk import disk_errors
    from hls.project.systems.finding import user_errors

    with progress() as shown, user_errors(), disk_errors(out):
        told = partial(shown, "events")
        told(0, events or 0)
        if chosen.recorder is not None:
            return chosen.recorder.write_data(out, events, seed, options, told)
        chosen.writer.write_events(chosen.variant, events or 0, seed, out, told)
    return None


def _counts(summary: EventSummary) -> str:
    """What became of the events that were looked at."""
    skipped = "; ".join(f"{why}: {count:,}" for why, count in sorted(summary.skipped.items()))
    share = f"{100 * summary.events / summary.generated:.1f} % of {summary.generated:,} events pass"
    return f"{share}; skipped for {skipped}" if skipped else share
