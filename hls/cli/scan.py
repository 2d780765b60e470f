"""qtrigger scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.scan import Objective, ScanOptions, ScanResult, TrialResult

NAME = "scan"
HELP = "Search for the frontier of fidelity against resources and latency."
JSON_KEYS = {
    "version": "1",
    "subject": "what was scanned",
    "firmware": "whose figures they are",
    "objectives": "what was sought",
    "frontier": "keys of the trials on it",
    "trials": "objects of `key`, `parameters`, `epochs`, `fidelity`, `figures`, `source`, `seconds`, `failed`",
    "beside": "the same of hls4ml's firmware, with the intervals of the trials as its reuse factors",
    "folder": "where trials are kept",
    "picked": "the project that was written, else null",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger scan two-body --trials 24 --out runs/scan\n\n"
    "  qtrigger scan two-body --search halving --pick 'luts<1000' --name evn-small\n\n"
    "  qtrigger scan pair --set charge=1,3 --set hidden=8-8,12-12 --search grid --scheduler tcp://10.0.0.1:8786\n\n"
    "  qtrigger scan firmware_projects/evn-two-body --fixed --set clock_ns=2.5,5 --search grid\n\n"
    "  qtrigger scan firmware_projects/evn-pair --fixed --set interval=1,8,16,32,64 --search grid\n\n"
    "What --set may name: clock_ns, interval, reuse_factor, strategy, multipliers, and what a system's networks have "
    "(a wrong name lists it). The network of a project with a system is trained anew for each trial unless --fixed."
)
JSON_VERSION = 1
PICTURE = "frontier.png"


# Options that take more than a line to describe.
_Stated = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=A,B,...", help="Choices of one parameter; repeatable.")
]
_Objectives = Annotated[
    list[str] | None, typer.Option(metavar="NAME:min|max", help="What to seek; repeatable. The last is the x axis.")
]
_Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs of a trial; of the last round when halving.")]
_Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where trials are kept; the same folder goes on. runs/scan-NAME.")
]
_Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to use instead, such as tcp://host:8786.")
]
_Synthesise = Annotated[bool, typer.Option(help="Measure the frontier with Yosys; without it LUTs are estimates.")]
_Firmware = Annotated[
    str | None, typer.Option(metavar="rtl|hls4ml", help="Whose figures are sought, instead of the project's own.")
]
_Fixed = Annotated[bool, typer.Option("--fixed", help="Keep the project's network; only its hardware varies.")]
_Chosen = Annotated[
    str | None, typer.Option("--pick", metavar="KEY|LIMIT", help="Write this point as a project: 3fa2, 'luts<1000'.")
]


@dataclass(frozen=True)
class _Request:
    """The command line as it was typed: names are not looked up yet, and nothing is parsed."""

    subject: str
    search: str
    trials: int
    stated: Sequence[str]
    objectives: Sequence[str]
    events: int | None
    epochs: int | None
    seed: int
    out: Path | None
    jobs: int | None
    scheduler: str | None
    synthesise: bool
    firmware: str | None
    fixed: bool
    chosen: str | None
    name: str | None


@verb
def command(
    subject: Annotated[str, typer.Argument(metavar="PROJECT|SYSTEM", help="A project folder, or two-body, pair ...")],
    search: Annotated[str, typer.Option(help="grid, random or halving (successive halving over epochs).")] = "random",
    trials: Annotated[int, typer.Option(min=1, help="Points of a random search or of the first halving.")] = 32,
    stated: _Stated = None,
    objective: _Objectives = None,
    events: Annotated[int | None, typer.Option(min=1, help="Training events of a trial.")] = None,
    epochs: _Epochs = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same points and networks.")] = 1,
    out: _Out = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a core if not given.")] = None,
    scheduler: _Scheduler = None,
    synthesise: _Synthesise = True,
    firmware: _Firmware = None,
    fixed: _Fixed = False,
    chosen: _Chosen = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the picked project.")] = None,
) -> Answer:
    """Run the trials that are missing, then show the frontier."""
    request = _Request(
        subject, search, trials, stated or (), objective or (), events, epochs, seed, out, jobs, scheduler, synthesise,
        firmware, fixed, chosen, name,
    )  # fmt: skip
    _check(request)
    result = _scan(request)
    picked = None if chosen is None or name is None else _pick(result, chosen, name)
    return Answer(_data(result, picked), lambda: _show(result, picked))


def _check(request: _Request) -> None:
    """Refuse before hours of training what could not be used after them."""
    from hls.errors import FirmwareError
    from hls.scan.search import SEARCHES

    if request.search not in SEARCHES:
        raise FirmwareError(f"search {request.search!r}: choose one of {', '.join(SEARCHES)}")
    if (request.chosen is None) != (request.name is None):
        raise FirmwareError("--pick and --name go together: which point, and what its project is called")


def _scan(request: _Request) -> ScanResult:
    """The scan, with its progress on stderr, and the picture of its frontier."""
    from hls.cli.scan_progress import scan_progress
    from hls.cli.stopping import keeping
    from hls.machine.native_stderr import stderr_dropped
    from hls.scan import Objective, scan
    from hls.scan.picture import draw_frontier
    from hls.scan.subject import find_subject

    with stderr_dropped():  # a system may load TensorFlow to say what can be scanned
        subject = find_subject(request.subject, fixed=request.fixed)
        objectives = tuple(Objective.parse(text) for text in request.objectives) or subject.objectives(
            _stated(request.stated)
        )
    folder = request.out or Path("runs", f"scan-{subject.name.replace('/', '-')}")
    options = _options(request, objectives)
    kept = f"finished trials are kept in {folder}; the same command runs those that are missing"
    with keeping(kept):
        with scan_progress(objectives) as shown:
            result = scan(subject, folder, options, shown)
        draw_frontier(result, folder / PICTURE)
    return result


def _options(request: _Request, objectives: tuple[Objective, ...]) -> ScanOptions:
    from hls.scan import ScanOptions
    from hls.scan.search import SEARCHES

    return ScanOptions(
        search=next(known for known in SEARCHES if known == request.search),
        trials=request.trials,
        stated=_stated(request.stated),
        objectives=objectives,
        events=request.events,
        epochs=request.epochs,
        seed=request.seed,
        jobs=request.jobs,
        scheduler=request.scheduler,
        synthesise=request.synthesise,
        firmware=request.firmware,
    )


def _show(result: ScanResult, picked: Path | None) -> None:
    _table(result)
    shares = f"{len(result.frontier)} of {len(result.trials)} trials"
    say(f"{result.folder / PICTURE}: {shares} on the frontier")
    if picked is not None:
        say(f"{picked}: ready; next: qtrigger build {picked}")


def _pick(result: ScanResult, chosen: str, name: str) -> Path:
    """Write the chosen point as a project."""
    from hls.scan.pick import choose, pick

    return pick(result, choose(result, chosen), name)


def _stated(texts: Sequence[str]) -> dict[str, list[str]]:
    from hls.errors import FirmwareError

    stated = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not name or not equals:
            raise FirmwareError(f"--set {text!r}: write NAME=VALUE,VALUE,...")
        stated[name] = values.split(",")
    return stated


def _table(result: ScanResult) -> None:
    from hls.cli.screen import console, new_table, print_table

    varied = [name for name in result.trials[0].parameters if len({t.parameters.get(name) for t in result.trials}) > 1]
    columns = _columns(result.objectives, result.frontier)
    table = new_table("trial", *varied, *columns, "source", words=("source",), title=_title(result))
    for trial in result.frontier:
        values = [trial.value(column) for column in columns]
        cells = ["" if value is None else f"{value:.4g}" if value < 1000 else f"{value:,.0f}" for value in values]
        table.add_row(trial.key, *(str(trial.parameters.get(name, "")) for name in varied), *cells, trial.source)
    print_table(console(), table)


def _title(result: ScanResult) -> str:
    from hls.target import FIRMWARES

    return f"frontier of {result.subject.name}, {FIRMWARES[result.subject.target.product]}"


def _columns(objectives: tuple[Objective, ...], trials: list[TrialResult]) -> list[str]:
    """The objectives first, then whatever else a reader would want to know of a point."""
    others = [name for trial in trials[:1] for name in (*trial.fidelity, *trial.figures)]
    return list(dict.fromkeys([*(objective.name for objective in objectives), *others]))


def _data(result: ScanResult, picked: Path | None) -> dict[str, Any]:
    return {
        "version": JSON_VERSION,
        "subject": result.subject.name,
        "firmware": result.subject.target.product,
        "objectives": [str(objective) for objective in result.objectives],
        "frontier": [trial.key for trial in result.frontier],
        "trials": [trial.model_dump() for trial in result.trials],
        "beside": [trial.model_dump() for trial in result.beside],
        "folder": str(result.folder),
        "picked": None if picked is None else str(picked),
    }
