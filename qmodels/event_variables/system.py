"""The event-variable system as the command line and the builder see it.

Light to import: TensorFlow comes in with training, matplotlib with a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.event_files import EventFileHeader, read_header, read_inputs, write_event_file
from qmodels.event_variables.events import GENERATOR_VERSION, blocks, generate
from qmodels.event_variables.fidelity import REFERENCE_FILE, Sample, draw_sample, given_sample, measure
from qmodels.event_variables.variants import INPUT_SCALE, VARIANTS, find_variant
from qmodels.numpy_networks import read_dense_network
from qmodels.training.progress import Report
from qmodels.types import EventProgress, Fidelity, Firmware, Floats32

NAME = "event_variables"


@dataclass(frozen=True)
class EventVariables:
    """Event-variable networks of arXiv:2105.10126; a ``hls.project.systems.protocols.PhysicsSystem`` by structure."""

    name: str = NAME
    variants: tuple[str, ...] = tuple(VARIANTS)
    presets: tuple[str, ...] = ("paper", "lean", "trigger")

    def events(self, variant: str, n: int, seed: int) -> Floats32:
        """Network inputs (n, d) float32 in units of 512 GeV."""
        return generate(variant, n, seed).inputs * np.float32(INPUT_SCALE)

    def read_events(self, path: Path, variant: str) -> Floats32:
        """Network inputs (n, d) float32 of an event file; ModelDataError if damaged or of another kind."""
        kind = find_variant(variant)
        header = read_header(path)
        if (header.system, header.variant) != (NAME, kind.name):
            raise ModelDataError(
                f"{path}: events of {header.system}/{header.variant}, but {NAME}/{kind.name} is asked for"
            )
        return read_inputs(path, kind.inputs, INPUT_SCALE)

    def write_events(self, variant: str, n: int, seed: int, path: Path, progress: EventProgress | None = None) -> None:
        """Write the events of ``events(variant, n, seed)`` to ``path``, in GeV and with their Theta."""
        kind = find_variant(variant)
        header = EventFileHeader(
            system=NAME,
            variant=kind.name,
            seed=seed,
            generator_version=GENERATOR_VERSION,
            events=n,
            input_columns=kind.inputs,
            parameters=kind.parameters,
            input_scale=INPUT_SCALE,
        )
        rows = ((block.inputs, block.parameters) for block in blocks(variant, n, seed))
        write_event_file(path, header, rows, progress)

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
        """Train into folder ``out``: see :func:`qmodels.event_variables.recipe.train`. ``data`` is refused."""
        if data is not None:
            raise ModelDataError(f"{data}: {NAME} trains on events that it draws itself, anew each epoch; give no file")
        kind = find_variant(variant)
        from qmodels.event_variables import recipe  # brings TensorFlow, which takes seconds

        return recipe.train(
            kind, preset, out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress
        )

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What a scan may vary: see :func:`qmodels.event_variables.points.scan_space`."""
        from qmodels.event_variables import points

        return points.scan_space(find_variant(variant))

    def scan_objective(self, variant: str) -> str:
        """``kendall_tau:max`` or ``bce:min``."""
        from qmodels.event_variables import points

        return points.objective(find_variant(variant))

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
        """Train the network of ``parameters`` into ``out``: see :func:`qmodels.event_variables.recipe.train_point`."""
        kind = find_variant(variant)
        from qmodels.event_variables import points, recipe

        network = points.network_of(kind, parameters)
        return recipe.train_point(kind, network, out, events=events, epochs=epochs, seed=seed)

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
        """Kendall tau, Spearman r_s, BCE and AUC of the reference in ``folder`` and of ``firmware``.

        ``firmware`` maps inputs (n, d) to V (n, 1). With ``figure``, Fig. 2 of the paper is drawn there for
        both.
        """
        return _fidelity(folder, firmware, draw_sample(find_variant(variant), events, seed), seed, figure)

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
    ) -> Fidelity:
        """The same on a user's events; BCE and AUC only of an event file, which tells their Theta."""
        kind = find_variant(variant)
        told = None if path is None else read_inputs(path, kind.parameters, INPUT_SCALE) / np.float32(INPUT_SCALE)
        sample = given_sample(kind, inputs, None if told is None else told[: len(inputs)], seed)
        return _fidelity(folder, firmware, sample, seed, figure)


def _fidelity(folder: Path, firmware: Firmware, sample: Sample, seed: int, figure: Path | None) -> Fidelity:
    if figure is not None:
        from qmodels.event_variables.plots import Network, draw_fig2  # brings matplotlib

        networks: dict[str, Network] = {}
        if (folder / REFERENCE_FILE).exists():
            networks["Float reference"] = read_dense_network(folder / REFERENCE_FILE, len(sample.variant.inputs))
        networks["Firmware"] = firmware
        draw_fig2(sample.variant, sample, networks, figure, seed)
    return measure(folder, firmware, sample)


SYSTEM = EventVariables()
