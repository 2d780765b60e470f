"""Progress of a scan on stderr: a bar with the best so far in a terminal, a line a trial elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from hls.cli.logs import LOG
from hls.cli.manner import manner

if TYPE_CHECKING:
    from rich.progress import TaskID

    from hls.scan import Objective, TrialResult
    from hls.scan.scan import Step


@contextmanager
def scan_progress(objectives: Sequence[Objective]) -> Iterator[Callable[[Step], None]]:
    """Shows the steps of a scan while the block runs, as the verb was told to."""
    if manner().quiet or manner().verbose:  # whoever reads the log is told there
        yield _logged
        return
    with _bars(objectives) if sys.stderr.isatty() else nullcontext(_line) as shown:

        def both(step: Step) -> None:
            shown(step)
            _logged(step)

        yield both


def best(results: Sequence[TrialResult], objectives: Sequence[Objective]) -> str:
    """The best value of each objective by itself: "kendall_tau 0.987, luts 412"; empty if no trial has one."""
    found = []
    for objective in objectives:
        values = [value for trial in results if (value := trial.value(objective.name)) is not None]
        if values:
            found.append(f"{objective.name} {(min if objective.better == 'min' else max)(values):.4g}")
    return ", ".join(found)


@contextmanager
def _bars(objectives: Sequence[Objective]) -> Iterator[Callable[[Step], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[best]}"),
    )
    # Trials take minutes, so the time left is reckoned from all of them.
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=86_400.0) as bars:
        task: TaskID | None = None

        def shown(step: Step) -> None:
            nonlocal task
            values = best(step.results, objectives)
            so_far = f"best {values}" if values else ""
            if step.latest is None:
                task = bars.add_task(step.stage, total=step.total, completed=len(step.results), best=so_far)
            elif task is not None:
                bars.update(task, completed=len(step.results), best=so_far)
                if step.latest.failed is not None:
                    bars.console.print(_result(step.latest), style="yellow", markup=False, highlight=False)

        yield shown


def _line(step: Step) -> None:
    if step.latest is not None:
        sys.stderr.write(f"{_told(step, step.latest)}\n")
        sys.stderr.flush()


def _logged(step: Step) -> None:
    if step.latest is not None:
        LOG.info(_told(step, step.latest))


def _told(step: Step, latest: TrialResult) -> str:
    return f"{step.stage} {len(step.results)}/{step.total}: {_result(latest)}"


def _result(trial: TrialResult) -> str:
    figures = "  ".join(f"{name} {value:.4g}" for name, value in (trial.fidelity | trial.figures).items())
    point = " ".join(f"{name}={value}" for name, value in trial.parameters.items())
    return f"{trial.key} {point}: {trial.failed or figures} ({trial.seconds:.0f} s)"
