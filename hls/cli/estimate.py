"""qtrigger estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hls.cli.completion import complete_backend, complete_part
from hls.cli.model_options import Architecture, Outputs, Sigmoid, Softmax
from hls.cli.verb import Answer, verb
from hls.target import BACKENDS, DEFAULT_BACKEND

if TYPE_CHECKING:
    from hls.figures.estimates import DesignEstimate, Estimate
    from hls.graph import FixedGraph
    from hls.importing import Statements
    from hls.target import Target
    from hls.target.parts import Fit, Part, Use

NAME = "estimate"
HELP = "Resources and latency without synthesis, in milliseconds, each with its measured error."
JSON_KEYS = {
    "version": "1",
    "model": "the file",
    "part": "as it was typed",
    "backend": "hls4ml's",
    "strategy": "hls4ml's",
    "reuse_factor": "hls4ml's",
    "multipliers": "of our RTL",
    "clock_ns": "the period",
    "routes": "one object each of hls4ml and our RTL: [figures with their errors](../estimates.md)",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger estimate model.h5\n\n"
    "  qtrigger estimate model.keras --strategy resource --reuse-factor 64 --part zcu102\n\n"
    "  qtrigger estimate model.h5 --backend vivado --clock-ns 2.5 --json | jq '.routes[0].figures.lut'"
)
JSON_VERSION = 1
HLS4ML_DEFAULT, HLS4ML_DEFAULT_BITS = "ap_fixed<16,6>", 16
_TIMES = {
    "cycles": "cycles",
    "interval": "interval",
    "latency_ns": "latency, ns",
    "period_ns": "attainable period, ns",
}


@dataclass(frozen=True)
class _Request:
    """What to estimate. ``part`` is as it was typed: a board, or a device of any spelling."""

    model: Path
    architecture: Path | None
    statements: Statements
    part: str
    target: Target


@verb
def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL_FILE", help="QKeras model (.h5 or .keras).")],
    backend: Annotated[
        str,
        typer.Option(help=f"hls4ml backend: {', '.join(BACKENDS.names())}.", autocompletion=complete_backend),
    ] = DEFAULT_BACKEND,
    strategy: Annotated[str, typer.Option(help="hls4ml strategy: latency or resource.")] = "latency",
    reuse_factor: Annotated[int, typer.Option(metavar="N", help="Products that share one multiplier.")] = 1,
    multipliers: Annotated[
        str, typer.Option(help="Products of two variables in the RTL: auto, or lut (no DSP).")
    ] = "auto",
    clock_ns: Annotated[float, typer.Option(metavar="F", help="Clock period in nanoseconds.")] = 5.0,
    part: Annotated[
        str, typer.Option(metavar="P", help="Device or board; see `qtrigger parts`.", autocompletion=complete_part)
    ] = ("xcvu13p-flga2577-2-e"),
    input_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Type of inputs without a quantizer, e.g. 'ap_fixed<16,6>'.")
    ] = None,
    softmax: Softmax = None,
    sigmoid: Sigmoid = None,
    outputs: Outputs = None,
    architecture: Architecture = None,
) -> Answer:
    """Estimate ``model`` as an hls4ml design and as unrolled RTL; exit 2 on bad input."""
    from hls.importing import Statements
    from hls.target import Target

    target = Target(
        part=part.replace(" ", "-"),
        backend=backend,
        clock_ns=clock_ns,
        strategy=strategy,
        reuse_factor=reuse_factor,
        multipliers=multipliers,
    )
    stated = Statements(input_type, softmax=softmax, sigmoid=sigmoid, outputs=outputs)
    return _estimate(_Request(model, architecture, stated, part, target))


def _estimate(request: _Request) -> Answer:
    """Both routes, each against what the part holds."""
    from hls.figures.estimates import estimate_hls4ml, estimate_rtl
    from hls.importing.joined import whole_model
    from hls.target.parts import check_fit, find_part
    from hls.target.resources import TILE_KBIT

    target = request.target
    device = find_part(request.part)
    with whole_model(request.model, request.architecture) as whole:
        graph, default_bits = _read(whole, request.statements)
    routes = (
        estimate_hls4ml(graph, target, default_bits),
        estimate_rtl(graph, target.clock_ns, multipliers=target.multipliers),
    )
    noted = [_with_notes(route, device, default_bits) for route in routes]
    fitted = [(route, check_fit(device, route.needed(), bram_kbit=TILE_KBIT)) for route in noted]

    def show() -> None:
        for route, fit in fitted:
            _show(route, fit, device, target.backend)

    return Answer(_data(request, fitted), show)


def _read(model: Path, stated: Statements) -> tuple[FixedGraph, int | None]:
    """The graph, and the bits that hls4ml would give what the model leaves open; None if it leaves nothing open."""
    from dataclasses import replace

    from hls.errors import UnsupportedError
    from hls.importing import import_model

    try:
        return import_model(model, stated), None
    except UnsupportedError:
        if stated.input_type is not None:
            raise
        return import_model(model, replace(stated, input_type=HLS4ML_DEFAULT)), HLS4ML_DEFAULT_BITS


def _with_notes(route: DesignEstimate, device: Part, default_bits: int | None) -> DesignEstimate:
    from dataclasses import replace

    notes = list(route.notes)
    if default_bits is not None:
        notes.insert(0, f"an input has no quantizer: hls4ml's default {HLS4ML_DEFAULT} and its accumulators")
    if device.vendor != "AMD":
        notes.append(f"LUTs are AMD's, of six inputs; {device.name} has {device.logic}: utilisation is a rough guide")
    return replace(route, notes=tuple(notes))


def _data(request: _Request, fitted: Sequence[tuple[DesignEstimate, Fit]]) -> dict[str, Any]:
    asked = {"version": JSON_VERSION, "model": str(request.model), "part": request.part} | _settings(request.target)
    return asked | {"routes": [_as_dict(route, fit) for route, fit in fitted]}


def _settings(target: Target) -> dict[str, Any]:
    """Those options that are of the target."""
    names = ("backend", "strategy", "reuse_factor", "multipliers", "clock_ns")
    return {name: getattr(target, name) for name in names}


def _as_dict(route: DesignEstimate, fit: Fit) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "route": route.route,
        "basis": route.basis,
        "figures": {name: asdict(figure) for name, figure in route.figures.items()},
        "utilisation": {name: asdict(use) for name, use in fit.uses.items()},
        "verdict": fit.verdict,
        "verdict_certain": fit.certain,
        "layers": [{"name": layer.name, "operations": layer.operations, **layer.counts} for layer in route.layers],
        "notes": list(route.notes),
        "seconds": route.seconds,
    }


def _show(route: DesignEstimate, fit: Fit, part: Part, backend: str) -> None:
    from hls.cli.screen import console, new_table, print_table

    basis = {"csynth": "C synthesis", "post-route": "place and route"}[route.basis]
    title = f"hls4ml, {backend}" if route.route == "hls4ml" else "unrolled RTL"
    out = console()
    out.print(f"[bold]{title}[/bold]: what {basis} would report ({route.seconds * 1e3:.1f} ms)")
    numbers = ("estimate", "90 % range", "median error", "90 % error", f"of {part.name}")
    table = new_table("figure", *numbers, "source", words=("source",))
    labels = _labels()
    for name, label in labels.items():
        if name in route.figures:
            table.add_row(label, *_cells(route[name], fit.uses.get(name)))
    print_table(out, table)
    sure = "" if fit.certain else " (the range does not settle it)"
    if any(route[name].extrapolated for name in fit.uses if route[name].value):
        sure = " (not shown: by figures beyond the designs that they were fitted to)"
    out.print(f"{part.name}: [bold]{fit.verdict}[/bold]{sure}; scarcest: {labels.get(fit.scarcest, fit.scarcest)}")
    for note in route.notes:
        out.print(f"note: {note}", style="dim", markup=False)
    out.print()


def _labels() -> dict[str, str]:
    """What the rows of the table are called, by figure."""
    from hls.target.resources import LIMITS

    return {kind.key: kind.heading for kind in LIMITS.values()} | _TIMES


def _cells(figure: Estimate, use: Use | None) -> tuple[str, ...]:
    measured = (
        f"{_number(figure.low)} - {_number(figure.high)}",
        f"{figure.relative_error_median:.0%}",
        f"{figure.relative_error_90:.0%}",
    )
    return (
        _number(figure.value),
        # Nobody has measured the error of such a design.
        *(("–", "–", "–") if figure.extrapolated else measured),
        "" if use is None else f"{use.value:.1%}",
        figure.source + (", extrapolated" if figure.extrapolated else ""),
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
