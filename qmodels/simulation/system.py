"""The learned simulator as the command line and the builder see it.

The first two variants are of Z → e⁺e⁻, the last is of top pairs, ``qmodels.simulation.ttbar``.
Light to import: TensorFlow comes in with training, PYTHIA and HDF5 with events, matplotlib with a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmodels.errors import ModelDataError
from qmodels.simulation.presets import DATA_OPTIONS, PRESETS, VARIANTS
from qmodels.simulation.ttbar.presets import TTBAR_DECODER
from qmodels.training.progress import Report
from qmodels.types import EventProgress, Fidelity, Firmware, Floats32

if TYPE_CHECKING:
    from hls.machine.progress import StageProgress
    from qmodels.simulation.pair_files import PairHeader

NAME = "simulation"
Inputs = dict[str, Floats32]


@dataclass(frozen=True)
class Simulation:
    """OTUS of arXiv:2101.08944; a ``hls.project.systems.protocols.PhysicsSystem`` by structure."""

    name: str = NAME
    variants: tuple[str, ...] = (*VARIANTS, TTBAR_DECODER)
    presets: tuple[str, ...] = tuple(PRESETS)
    data_options: tuple[str, ...] = DATA_OPTIONS

    def events(self, variant: str, n: int, seed: int) -> Inputs:
        """``n`` inputs, {momenta (n, 2, 3), energies (n, 2, 1), noise (n, 2, 2), recoil (n, 2)}.

        As of :func:`qmodels.simulation.particles.ports`, in its units; of top pairs as of ``ttbar.layout.ports``.
        """
        if variant == TTBAR_DECODER:
            from qmodels.simulation.ttbar import events

            return events.verification_inputs(n, seed)
        from qmodels.simulation.events import verification_inputs

        return verification_inputs(variant, n, seed)

    def read_events(self, path: Path, variant: str) -> Inputs:
        """Inputs of a file of pairs, of ours or of the authors' layout; ModelDataError if damaged."""
        if variant == TTBAR_DECODER:
            from qmodels.simulation.ttbar import events

            return events.file_inputs(path)
        from qmodels.simulation.events import file_inputs

        return file_inputs(path, variant)

    def write_data(
        self,
        path: Path,
        n: int | None,
        seed: int,
        options: Mapping[str, Any],
        progress: EventProgress | None = None,
    ) -> PairHeader:
        """Simulate, or copy what can be used of a file: see :func:`qmodels.simulation.data_command.write_data`."""
        from qmodels.simulation.data_command import write_data

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
        """Train into folder ``out``, on ``data`` if given: see :func:`qmodels.simulation.recipe.train`."""
        if variant == TTBAR_DECODER:
            from qmodels.simulation.ttbar import recipe as top_recipe

            return top_recipe.train(
                preset, out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress, data=data
            )
        from qmodels.simulation import recipe  # brings TensorFlow, which takes seconds

        return recipe.train(
            variant, preset, out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress, data=data
        )

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What a scan may vary: see :data:`qmodels.simulation.points.SPACE`."""
        _check_scanned(variant)
        from qmodels.simulation.points import SPACE

        return SPACE

    def scan_objective(self, variant: str) -> str:
        """How far simulated events are from true ones."""
        from qmodels.simulation.points import OBJECTIVE

        return OBJECTIVE

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
        """Train the network of ``parameters`` into ``out``: see :func:`qmodels.simulation.recipe.train_point`."""
        _check_scanned(variant)
        from qmodels.simulation import recipe

        return recipe.train_point(variant, parameters, out, events=events, epochs=epochs, seed=seed)

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
        """Distances of simulated to true events: see :func:`qmodels.simulation.comparison.measure`."""
        if variant == TTBAR_DECODER:
            from qmodels.simulation.ttbar import comparison, samples

            made = samples.unseen_events(min(events, comparison.BUILD_EVENTS), seed)
            return comparison.measure(folder, firmware, made, seed, figure)
        from qmodels.simulation.comparison import measure
        from qmodels.simulation.events import MANY_PAIRS
        from qmodels.simulation.generating import unseen_pairs

        return measure(variant, folder, firmware, unseen_pairs(min(events, MANY_PAIRS), seed), seed, figure)

    def fidelity_on(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        inputs: Inputs,
        *,
        path: Path | None,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity | None:
        """The same on a file of pairs; None of other events, which do not say what they are compared with."""
        if path is None:
            return None
        if variant == TTBAR_DECODER:
            from qmodels.simulation.ttbar import comparison, samples

            return comparison.measure(folder, firmware, samples.read_events(path)[0], seed, figure)
        from qmodels.simulation.comparison import measure
        from qmodels.simulation.pair_files import read_pairs

        return measure(variant, folder, firmware, read_pairs(path)[0], seed, figure)

    def evaluate(
        self,
        variant: str,
        folder: Path,
        out: Path,
        *,
        events: int | None = None,
        seed: int = 2,
        data: Path | None = None,
        load: Callable[[Path], Firmware],
        classifier: str = "desk",
        resume: bool = False,
        progress: StageProgress | None = None,
    ) -> Path:
        """Table and page of plots: see :func:`qmodels.simulation.comparison.evaluate`. It trains no classifier."""
        if variant == TTBAR_DECODER:
            from qmodels.simulation.ttbar import comparison

            return comparison.evaluate(folder, out, events=events, seed=seed, data=data, load=load, progress=progress)
        from qmodels.simulation.comparison import evaluate

        return evaluate(variant, folder, out, events=events, seed=seed, data=data, load=load, progress=progress)


def _check_scanned(variant: str) -> None:
    if variant == TTBAR_DECODER:
        raise ModelDataError(f"{NAME}/{variant} has a float network alone, and nothing that a scan may vary")


SYSTEM = Simulation()
