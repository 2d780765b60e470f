"""qtrigger train."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hls.cli.logs import LOG
from hls.cli.manner import manner
from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.project.systems.finding import Chosen

NAME = "train"
HELP = "Train the float and the quantized network of a physics system."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "model": "file of the quantized network",
    "system": "name of the physics system",
    "variant": "of the system",
    "preset": "size of the network",
    "epochs": "objects of `stage`, `epoch`, `loss`, `val_loss`, `auc` (null if not measured), `events_per_second`",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger train two-body --out runs/two-body\n\n"
    "  qtrigger train event_variables --variant pair --preset trigger --epochs 20\n\n"
    "  qtrigger train two-body --out runs/two-body --resume\n\n"
    "  qtrigger train compression/encoder-16 --preset trigger --data background.h5"
)


@verb
def command(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="event_variables, event_variables/pair, two-body ...")
    ],
    preset: Annotated[str | None, typer.Option(help="Size of the network; the system's first if not given.")] = None,
    events: Annotated[int | None, typer.Option(min=1, help="Training events.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of each stage.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write; runs/VARIANT if not given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same network.")] = 1,
    variant: Annotated[str | None, typer.Option(help="Variant of the system.")] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE.h5", help="Train on these events, from `qtrigger data`.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in DIR.")] = False,
) -> Answer:
    """Train, showing each epoch."""
    from hls.cli.stopping import keeping
    from hls.project.systems.finding import find_system

    chosen = find_system(system, variant)
    size = _preset(chosen, preset)
    folder = out or Path("runs", chosen.variant)
    kept = f"epochs up to the last checkpoint are kept in {folder}; go on with the same command and --resume"
    with keeping(kept), _epochs() as shown:
        model = chosen.system.train(
            chosen.variant,
            size,
            folder,
            events=events,
            epochs=epochs,
            seed=seed,
            resume=resume,
            progress=shown,
            data=data,
        )
    told = {
        "version": JSON_VERSION,
        "model": str(model),
        "system": chosen.system.name,
        "variant": chosen.variant,
        "preset": size,
        "epochs": shown.rows,
    }
    return Answer(told, lambda: say(f"{model}: trained {chosen}, preset {size}"))


def _preset(chosen: Chosen, asked: str | None) -> str:
    """The preset that was asked for, or the system's first."""
    from hls.errors import FirmwareError

    presets = tuple(chosen.system.presets)
    if asked is not None and asked not in presets:
        raise FirmwareError(
            f"system {chosen.system.name!r} has no preset {asked!r}; choose one of {', '.join(presets)}"
        )
    return asked or presets[0]


class _epochs:
    """A line an epoch on stderr; in a terminal each stage rewrites its own line. ``rows`` keep what was told."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def __enter__(self) -> _epochs:
        self._silent = manner().quiet or manner().verbose  # whoever reads the log is told there
        self._live = sys.stderr.isatty() and not self._silent
        self._stage = ""
        return self

    def __call__(self, state: Any) -> None:
        told = "stage", "epoch", "loss", "val_loss", "auc", "events_per_second"
        self.rows.append({name: getattr(state, name) for name in told})
        if self._live and self._stage not in ("", state.stage):
            sys.stderr.write("\n")
        self._stage = state.stage
        auc = "" if state.auc is None else f"AUC {state.auc:.4f}  "
        line = (
            f"{state.stage}: epoch {state.epoch}/{state.epochs}  loss {state.loss:.4f}  val_loss {state.val_loss:.4f}  "
            f"{auc}{state.events_per_second:,.0f} events/s  {state.eta_seconds:.0f} s left"
        )
        LOG.info(line)
        if not self._silent:
            sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._live and self._stage:
            sys.stderr.write("\n")
