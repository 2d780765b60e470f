"""qtrigger new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hls.cli.completion import complete_backend, complete_part
from hls.cli.model_options import Architecture, Outputs, Sigmoid, Softmax
from hls.cli.verb import Answer, say, verb
from hls.target import BACKENDS, DEFAULT_BACKEND

NAME = "new"
HELP = "Start a firmware project from a QKeras model file."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "folder": "the project",
    "input_type": "of the ports, where it was stated or proposed",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger new mine --model model.keras --part xcvu13p-flga2577-2-e\n\n"
    "  qtrigger new mine --model model.h5 --part xcvu9p-flga2104-2L-e --backend vivado --clock-ns 3.125\n\n"
    "  qtrigger new mine --model model.h5 --part xcvu13p-flga2577-2-e --input-type 'ap_fixed<16,6>'\n\n"
    "  qtrigger new mine --model model.h5 --part xcvu13p-flga2577-2-e --events events.npz\n\n"
    "  qtrigger new mine --model classifier.h5 --part xcvu13p-flga2577-2-e --softmax argmax\n\n"
    "  qtrigger new mine --model weights.h5 --architecture model.json --part xcvu13p-flga2577-2-e"
)


@verb
def command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Folder in firmware_projects/, and name of the firmware.")
    ],
    model: Annotated[Path, typer.Option(metavar="FILE", help="QKeras or HGQ model, .keras or .h5, or ONNX.")],
    part: Annotated[str, typer.Option(help="Device, as the vendor's tool calls it.", autocompletion=complete_part)],
    backend: Annotated[
        str,
        typer.Option(help=f"hls4ml backend: {', '.join(BACKENDS.names())}.", autocompletion=complete_backend),
    ] = DEFAULT_BACKEND,
    clock_ns: Annotated[float, typer.Option(help="Clock period in nanoseconds.")] = 5.0,
    input_type: Annotated[
        str | None, typer.Option(help="Type of the input ports, for a network without an input quantizer.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Events whose range proposes that type where none is given.")
    ] = None,
    features: Annotated[
        list[str] | None, typer.Option(metavar="NAME,NAME", help="Of --events: branches, columns or datasets.")
    ] = None,
    softmax: Softmax = None,
    sigmoid: Sigmoid = None,
    outputs: Outputs = None,
    architecture: Architecture = None,
    firmware: Annotated[
        str | None, typer.Option(help="What is built and judged: rtl (our Verilog) or hls4ml (its project).")
    ] = None,
) -> Answer:
    """Write firmware_projects/NAME."""
    from hls.errors import UnsupportedError
    from hls.importing.joined import whole_model
    from hls.project.input_type import propose_input_type
    from hls.project.new_project import create_project, trigger_interval
    from hls.project.quantizing.offer import quantize_command

    proposed = None
    try:
        if events is not None and input_type is None:
            with whole_model(model, architecture) as whole:
                proposal = propose_input_type(whole, events, features or ())
            if proposal is not None:
                input_type = str(proposal.type)
                proposed = f"input type {proposal}: proposed from {events}; --input-type states another"
        folder = create_project(
            name,
            model,
            part,
            backend=backend,
            clock_ns=clock_ns,
            input_type=input_type,
            softmax=softmax,
            sigmoid=sigmoid,
            outputs=outputs,
            firmware=firmware,
            interval_ns=trigger_interval(firmware, clock_ns),
            architecture=architecture,
        )
    except UnsupportedError as error:
        cure = None if events is None else quantize_command(model, events, architecture, features or ())
        if cure is None:
            raise
        told = str(error).rstrip(".")
        raise UnsupportedError(f"{told}. To let your events choose every type: `{cure}`") from error

    def show() -> None:
        if proposed is not None:
            say(proposed)
        say(f"{folder}: ready; next: qtrigger build {folder}")

    return Answer({"version": JSON_VERSION, "folder": str(folder), "input_type": input_type}, show)
