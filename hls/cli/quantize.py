"""qtrigger quantize."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from hls.cli.model_options import Architecture
from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.project.quantizing import Quantized

NAME = "quantize"
HELP = "Make a quantized QKeras file of a plain Keras or ONNX model, with types chosen from your events."
JSON_KEYS = {
    "version": "1",
    "out": "the file",
    "goal": "what was asked for",
    "events": "how many the metrics are over",
    "metrics": "by name: what the types cost",
    "luts_estimated": "LUTs of our RTL",
    "quantizers": "objects of `slot`, `quantizer`, `bits`",
    "curve": "objects of `bits` and the metrics there",
    "notes": "sentences",
    "finetuning": "`epochs`, `held_out`, `before`, `after`; null without",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger quantize float.h5 --events events.h5 --out quantized.keras\n\n"
    "  qtrigger quantize float.keras --events x.npy --labels y.npy --budget 'auc_loss<0.005' --out quantized.keras\n\n"
    "  qtrigger quantize float.keras --events x.npy --luts 20000 --out quantized.keras --plot bits.png\n\n"
    "  qtrigger quantize float.h5 --events x.npy --bits 8 --out eight.keras\n\n"
    "  qtrigger quantize float.h5 --events x.npy --labels y.npy --bits 5 --finetune --out five.keras\n\n"
    "Metrics of --budget: error (root mean square over the spread of the float outputs), flips (events whose best "
    "class changes); with --labels also auc_loss and accuracy_loss. Without --bits, --budget and --luts: error<0.02."
)
JSON_VERSION = 1
EPOCHS = 10
"""Of ``--finetune`` without a number."""


class Verb(TyperCommand):
    """``--finetune`` may stand without its number, which Typer's options may not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the number in."""
        given = [*args]
        for place in (index for index, word in enumerate(args) if word == "--finetune"):
            if not "".join(args[place + 1 : place + 2]).lstrip("-").isdecimal():
                given[place] = f"--finetune={EPOCHS}"
        return super().parse_args(ctx, given)


_Events = Annotated[
    Path, typer.Option(metavar="FILE", help="HDF5, .npy, .npz, ROOT, Parquet or CSV, as the network is fed.")
]
_Labels = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="Class of each event: an array of those events, or a file of its own."),
]
_Features = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,NAME", help="Branches, columns or datasets; INPUT=NAME,NAME for several inputs."),
]
_Budget = Annotated[str | None, typer.Option(metavar="METRIC<LIMIT", help="Fewest bits within this limit.")]
_Luts = Annotated[float | None, typer.Option(min=1, help="Least error within so many LUTs (estimated, our RTL).")]
_Finetune = Annotated[
    int | None, typer.Option(min=1, metavar="[EPOCHS]", help=f"Train on with these types; {EPOCHS} epochs.")
]
_Plot = Annotated[Path | None, typer.Option(metavar="FILE.png", help="Picture of bits against fidelity.")]


@verb
def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Plain model of Keras or ONNX.")],
    events: _Events,
    out: Annotated[Path, typer.Option(metavar="NEW.keras", help="Where to write.")],
    features: _Features = None,
    labels: _Labels = None,
    bits: Annotated[int | None, typer.Option(min=2, max=16, help="This width everywhere.")] = None,
    budget: _Budget = None,
    luts: _Luts = None,
    architecture: Architecture = None,
    finetune: _Finetune = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of events in --finetune.")] = 0,
    plot: _Plot = None,
) -> Answer:
    """Choose the types, and write the network."""
    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.importing.joined import whole_model
    from hls.machine.files import require_place
    from hls.project.quantizing import Request, quantize

    for place in (out, plot):
        if place is not None:
            require_place(place)
    again = "starts afresh" if finetune is None else "goes on behind the last epoch"
    with (
        keeping(f"{out} was not written; the same command {again}"),
        progress() as shown,
        whole_model(model, architecture) as whole,
    ):
        result = quantize(
            Request(whole, events, out, labels, bits, budget, luts, finetune, seed, features or ()), shown
        )
        if plot is not None:
            from hls.project.quantizing.picture import draw

            draw(result, plot)
    return Answer(_as_dict(result), lambda: _show(result))


def _as_dict(result: Quantized) -> dict[str, Any]:
    return {
        "version": JSON_VERSION,
        "out": str(result.out),
        "goal": result.goal,
        "events": result.events,
        "metrics": dict(result.metrics),
        "luts_estimated": result.luts,
        "quantizers": [asdict(row) for row in result.rows],
        "curve": [{"bits": trial.bits, **trial.metrics} for trial in result.curve],
        "notes": list(result.notes),
        "finetuning": None if result.finetuning is None else asdict(result.finetuning),
    }


def _show(result: Quantized) -> None:
    from hls.cli.screen import console, new_table, print_table

    table = new_table("quantizer of", "QKeras", "bits", words=("QKeras",))
    for row in result.rows:
        table.add_row(row.slot, row.quantizer, str(row.bits))
    print_table(console(), table)
    for note in result.notes:
        say(note)
    if result.finetuning is not None:
        tuning = result.finetuning
        say(
            f"{tuning.epochs} epochs, over the {tuning.held_out:,} events held out: {_words(tuning.before)} before, "
            f"{_words(tuning.after)} after"
        )
    found = f"{_words(result.metrics)} over {result.events:,} events ({result.goal})"
    say(f"{result.out}: {found}; about {result.luts:,.0f} LUTs")
    say(f"next: qtrigger new NAME --model {result.out} --part xcvu13p-flga2577-2-e")


def _words(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in metrics.items())
