"""qtrigger estimate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hls.target import BACKENDS, DEFAULT_BACKEND

if TYPE_CHECKING:
    from hls.figures.estimates import DesignEstimate
    from hls.target.parts import Fit, Part

NAME = "estimate"
HELP = "Resources and latency without synthesis, in milliseconds, each with its measured error."
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger estimate model.h5\n\n"
    "  qtrigger estimate model.keras --strategy resource --reuse-factor 64 --part zcu102\n\n"
    "  qtrigger estimate model.h5 --backend vivado --clock-ns 2.5 --json | jq '.routes[0].figures.lut'"
)
JSON_VERSION = 1
HLS4ML_DEFAULT = "ap_fixed<16,6>"
_NAMES = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram": "BRAM, 36 kbit",
    "cycles": "cycles",
    "interval": "interval",
    "latency_ns": "latency, ns",
    "period_ns": "attainable period, ns",
}


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL_FILE", help="QKeras model (.h5 or .keras).")],
    backend: Annotated[str, typer.Option(help=f"hls4ml backend: {', '.join(BACKENDS.names())}.")] = DEFAULT_BACKEND,
    strategy: Annotated[str, typer.Option(help="hls4ml strategy: latency or resource.")] = "latency",
    reuse_factor: Annotated[int, typer.Option(metavar="N", help="Products that share one multiplier.")] = 1,
    multipliers: Annotated[
        str, typer.Option(help="Products of two variables in the RTL: auto, or lut (no DSP).")
    ] = "auto",
    clock_ns: Annotated[float, typer.Option(metavar="F", help="Clock period in nanoseconds.")] = 5.0,
    part: Annotated[str, typer.Option(metavar="P", help="Device or board; see `qtrigger parts`.")] = (
        "xcvu13p-flga2577-2-e"
    ),
    input_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Type of inputs without a quantizer, e.g. 'ap_fixed<16,6>'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the estimates as JSON.")] = False,
) -> None:
    """Estimate ``model`` as an hls4ml design and as unrolled RTL; exit 2 on bad input."""
    import json
    from dataclasses import replace

    from hls.errors import UnsupportedError
    from hls.figures.estimates import estimate_hls4ml, estimate_rtl
    from hls.figures.estimates.estimate import BRAM_KBIT
    from hls.importing import import_keras
    from hls.target import Target
    from hls.target.parts import check_fit, find_part

    target = Target(
        part=part.replace(" ", "-"),
        backend=backend,
        clock_ns=clock_ns,
        strategy=strategy,
        reuse_factor=reuse_factor,
        multipliers=multipliers,
    )
    device = find_part(part)
    default_bits: int | None = None
    notes: tuple[str, ...] = ()
    try:
        graph = import_keras(str(model), input_type)
    except UnsupportedError:
        if input_type is not None:
            raise
        # A model whose types are not all stated: as hls4ml would take it.
        graph = import_keras(str(model), HLS4ML_DEFAULT)
        default_bits, notes = (
            16,
            (f"an input has no quantizer: hls4ml's default {HLS4ML_DEFAULT} and its accumulators",),
        )
    routes = [estimate_hls4ml(graph, target, default_bits), estimate_rtl(graph, clock_ns, multipliers=multipliers)]
    routes = [replace(route, notes=(*notes, *route.notes)) for route in routes]
    if device.vendor != "AMD":
        note = f"LUTs are AMD's, of six inputs; {device.name} has {device.logic}: utilisation is a rough guide"
        routes = [replace(route, notes=(*route.notes, note)) for route in routes]
    fits = [check_fit(device, route.needed(), bram_kbit=BRAM_KBIT) for route in routes]
    if as_json:
        settings = {
            "model": str(model),
            "part": part,
            "backend": backend,
            "strategy": strategy,
            "reuse_factor": reuse_factor,
            "multipliers": multipliers,
            "clock_ns": clock_ns,
        }
        described = [_as_dict(*pair) for pair in zip(routes, fits, strict=True)]
        typer.echo(json.dumps({"version": JSON_VERSION} | settings | {"routes": described}, indent=2))
        return
    for route, fit in zip(routes, fits, strict=True):
        _show(route, fit, device, target.backend)


def _as_dict(route: DesignEstimate, fit: Fit) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "route": route.route,
        "basis": route["lut"].basis,
        "figures": {name: asdict(figure) for name, figure in route.figures.items()},
        "utilisation": {name: asdict(use) for name, use in fit.uses.items()},
        "verdict": fit.verdict,
        "verdict_certain": fit.certain,
        "layers": [asdict(layer) for layer in route.layers],
        "notes": list(route.notes),
        "seconds": route.seconds,
    }


def _show(route: DesignEstimate, fit: Fit, part: Part, backend: str) -> None:
    from rich.console import Console
    from rich.table import Table

    basis = {"csynth": "C synthesis", "post-route": "place and route"}[route["lut"].basis]
    title = f"hls4ml, {backend}" if route.route == "hls4ml" else "unrolled RTL"
    out = Console(highlight=False, width=None if os.isatty(1) else 120)
    out.print(f"[bold]{title}[/bold]: what {basis} would report ({route.seconds * 1e3:.1f} ms)")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("figure")
    for column in ("estimate", "90 % range", "median error", "90 % error", f"of {part.name}"):
        table.add_column(column, justify="right")
    table.add_column("source")
    for name, label in _NAMES.items():
        if name not in route.figures:
            continue
        figure = route[name]
        use = fit.uses.get(name)
        table.add_row(
            label,
            _number(figure.value),
            f"{_number(figure.low)} - {_number(figure.high)}",
            f"{figure.relative_error_median:.0%}",
            f"{figure.relative_error_90:.0%}",
            "" if use is None else f"{use.value:.1%}",
            figure.source + (", extrapolated" if figure.extrapolated else ""),
        )
    out.print(table)
    sure = "" if fit.certain else " (the range does not settle it)"
    out.print(f"{part.name}: [bold]{fit.verdict}[/bold]{sure}; scarcest: {_NAMES.get(fit.scarcest, fit.scarcest)}")
    for note in route.notes:
        out.print(f"note: {note}", style="dim", markup=False, soft_wrap=True)
    out.print()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
