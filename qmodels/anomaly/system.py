"""The anomaly system as the command line and the builder see it.

Light to import: TensorFlow comes in with training, PYTHIA and HDF5 with events, matplotlib with a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmodels.anomaly.variants import VARIANTS, find_variant
from qmodels.training.progress import Report
from qmodels.types import EventProgress, Fidelity, Firmware, Floats32, Floats64

if TYPE_CHECKING:
    from hls.machine.progress import StageProgress
    from qmodels.generation.headers import SampleHeader

NAME = "anomaly"


@dataclass(frozen=True)
class Anomaly:
    """Anomaly detection at 40 MHz; a ``hls.project.systems.protocols.PhysicsSystem`` by structure."""

    name: str = NAME
    variants: tuple[str, ...] = tuple(VARIANTS)
    presets: tuple[str, ...] = ("uniform", "lean", "float")
    data_options: tuple[str, ...] = ("sample", "source", "jobs", "scheduler")

    def events(self, variant: str, n: int, seed: int) -> Floats32:
        """Network inputs (n, 57) of the background and of every signal, from few collisions turned and mirrored."""
        form = find_variant(variant).form
        from qmodels.anomaly.events import verification_events

        return form.inputs(verification_events(n, seed))

    def read_events(self, path: Path, variant: str) -> Floats32:
        """Network inputs (n, 57) of an event file of ours, or of the public layout; ModelDataError if damaged."""
        form = find_variant(variant).form
        from qmodels.anomaly.samples.files import read_events

        return form.inputs(read_events(path))

    def write_data(
        self, path: Path, n: int | None, seed: int, options: Mapping[str, Any], progress: EventProgress | None = None
    ) -> SampleHeader:
        """Simulate or convert: see :func:`qmodels.anomaly.samples.making.write_data`."""
        from qmodels.anomaly.samples.making import write_data

        return write_data(path, n, seed, options, progress)

    def train(
        self,
        variant: str,
        preset: str,
        out: Path,
        *,
        events: int | None = None,
        epochs: int | None = None,
        seed: int = 1,
        resume: bool = False,
        progress: Report | None = None,
        data: Path | None = None,
    ) -> Path:
        """Train into folder ``out``, on background ``data`` if given: see :func:`qmodels.anomaly.recipe.train`."""
        kind = find_variant(variant)
        from qmodels.anomaly import recipe  # brings TensorFlow, which takes seconds

        return recipe.train(
            kind, preset, out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress, data=data
        )

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What a scan may vary: see :func:`qmodels.anomaly.points.scan_space`."""
        find_variant(variant)
        from qmodels.anomaly import points

        return points.SPACE

    def scan_objective(self, variant: str) -> str:
        """The AUC of the hardest of the signals to tell by eye, A → 4ℓ, higher being better."""
        find_variant(variant)
        return "auc_a_to_4l:max"

    def train_point(
        self,
        variant: str,
        parameters: Mapping[str, int | float | str],
        out: Path,
        *,
        events: int | None = None,
        epochs: int | None = None,
        seed: int = 1,
    ) -> Path:
        """Train the network of ``parameters`` into ``out``: see :func:`qmodels.anomaly.recipe.train_point`."""
        kind = find_variant(variant)
        from qmodels.anomaly import points, recipe

        return recipe.train_point(kind, points.network_of(parameters), out, events=events, epochs=epochs, seed=seed)

    def fidelity(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        *,
        events: int = 100_000,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity:
        """AUC and efficiency of each signal, and the threshold of 1 kHz, of the reference in ``folder`` and of
        ``firmware``, which maps inputs (n, 57) to scores (n, 1). With ``figure``, ROC curves are drawn there."""
        kind = find_variant(variant)
        from qmodels.anomaly import fidelity

        sample = fidelity.draw_sample(events, seed)
        scores = fidelity.firmware_scores(kind, firmware, sample)
        reference = fidelity.float_scores(kind, folder, sample)
        if figure is not None:
            from qmodels.anomaly.plots import draw_roc  # brings matplotlib

            draw_roc(scores, reference, figure)
        return fidelity.measure(scores, reference)

    def fidelity_on(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        inputs: Floats32,
        *,
        path: Path | None,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity | None:
        """The same on a file of background events, of which ``inputs`` are the first, and on files of signals beside
        it, told by their names; None of a signal's file, and of others, which do not tell what they hold."""
        kind = find_variant(variant)
        if path is None:
            return None
        from qmodels.anomaly.fidelity import measure_file

        return measure_file(kind, folder, firmware, inputs, path, figure)

    def evaluate(
        self,
        variant: str,
        folder: Path,
        out: Path,
        *,
        events: int | None = None,
        seed: int = 2,
        data: Path | None = None,
        load: Callable[[Path], Callable[[Floats32], Sequence[Floats64]]],
        classifier: str = "desk",
        resume: bool = False,
        progress: StageProgress | None = None,
    ) -> Path:
        """A table and ROC curves of every signal: see :func:`qmodels.anomaly.evaluation.evaluate`.

        Nothing is trained, so there is no ``classifier``, nothing to ``resume`` and no ``progress``.
        """
        kind = find_variant(variant)
        from qmodels.anomaly.evaluation import evaluate

        return evaluate(kind, folder, out, events=events, seed=seed, data=data, load=load)


SYSTEM = Anomaly()
