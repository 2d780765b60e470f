"""qtrigger evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hls.cli.verb import Answer, say, verb

NAME = "evaluate"
HELP = "Draw and tabulate what trained networks of a physics system can do, beside the published figures."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "page": "what was drawn and tabulated",
    "system": "name of the physics system",
    "variant": "of the system",
    "folder": "of the training",
    "seed": "of the events",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger evaluate compression runs/compression\n\n"
    "  qtrigger evaluate anomaly/ae firmware_projects/anomaly-ae --data events --out figures\n\n"
    "  qtrigger evaluate compression runs/compression --data samples --out figures"
)


@verb
def command(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="compression/encoder-16, anomaly/ae ...")],
    folder: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder that `qtrigger train` wrote, or a project.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write; RUN_DIR/evaluation if not given.")
    ] = None,
    events: Annotated[int | None, typer.Option(min=100, help="Events of each sample.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the events; another than the training's.")] = 2,
    samples: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder of event files, one a sample, instead of new events."),
    ] = None,
    classifier: Annotated[
        str, typer.Option(help="desk: minutes; paper: its size, 100 epochs of turned and mirrored events, hours.")
    ] = "desk",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the classifiers' checkpoints in DIR.")] = False,
    variant: Annotated[
        str | None, typer.Option(help="Variant of the system; the one that was trained if not given.")
    ] = None,
) -> Answer:
    """Evaluate, and name the page."""
    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.project.systems.finding import find_trained
    from hls.project.systems.packing import emulated

    chosen = find_trained(system, variant, folder)
    target = out or folder / "evaluation"
    kept = f"classifiers trained so far are in {target}; go on with the same command and --resume"
    with keeping(kept), progress() as shown:
        page = chosen.evaluating.evaluate(
            chosen.variant,
            folder,
            target,
            events=events,
            seed=seed,
            data=samples,
            load=emulated,
            classifier=classifier,
            resume=resume,
            progress=shown,
        )
    data = {
        "version": JSON_VERSION,
        "page": str(page),
        "system": chosen.system.name,
        "variant": chosen.variant,
        "folder": str(folder),
        "seed": seed,
    }
    return Answer(data, lambda: say(f"{page}: {chosen} evaluated, figures beside it"))
