"""The compression system as the command line and the builder see it.

Light to import: TensorFlow comes in with training, PYTHIA and HDF5 with events, matplotlib with a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qmodels.compression.data_options import DATA_OPTIONS
from qmodels.compression.presets import PRESETS, VARIANTS, particle_count
from qmodels.training.progress import TrainingProgress
from qmodels.types import Fidelity

if TYPE_CHECKING:
    from qmodels.compression.autoencoder import Encoder
    from qmodels.compression.packing.packet_files import PacketHeader
    from qmodels.compression.samples.collision_files import CollisionHeader

NAME = "compression"
Inputs = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Compression:
    """The β-VAE of arXiv:2210.11489; a ``hls.project.systems.protocols.PhysicsSystem`` by structure."""

    name: str = NAME
    variants: tuple[str, ...] = tuple(VARIANTS)
    presets: tuple[str, ...] = tuple(PRESETS)
    data_options: tuple[str, ...] = DATA_OPTIONS

    def events(self, variant: str, n: int, seed: int) -> Inputs:
        """``n`` encoder inputs, {particles (n, N, 4), log10_beta (n, 1)}.

        Few collisions make many events: each is turned about the beam, mirrored, and met at many β.
        """
        from qmodels.compression.events import verification_inputs

        return verification_inputs(particle_count(variant), n, seed)

    def read_events(self, path: Path, variant: str) -> Inputs:
        """Encoder inputs of a collision file, at β spread over the trained range; ModelDataError if damaged."""
        from qmodels.compression.events import file_inputs

        return file_inputs(path, particle_count(variant))

    def write_data(
        self,
        path: Path,
        n: int | None,
        seed: int,
        options: Mapping[str, Any],
        progress: Callable[[int, int], None] | None = None,
    ) -> CollisionHeader:
        """Simulate or convert: see :func:`qmodels.compression.events.write_data`."""
        from qmodels.compression.samples.data_command import write_data

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
        progress: Callable[[TrainingProgress], None] | None = None,
        data: Path | None = None,
    ) -> Path:
        """Train into folder ``out``, on ``data`` if given: see :func:`qmodels.compression.recipe.train`."""
        from qmodels.compression import recipe  # brings TensorFlow, which takes seconds

        return recipe.train(
            variant, preset, out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress, data=data
        )

    def fidelity(
        self,
        variant: str,
        folder: Path,
        firmware: Encoder,
        *,
        events: int = 2000,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity:
        """Latent error, KL, distortion, AUC, bits over β: :func:`qmodels.compression.fidelity.comparison.measure`."""
        from qmodels.compression.events import SIGNAL_EVENTS
        from qmodels.compression.fidelity.comparison import measure

        return measure(folder, firmware, events=min(events, SIGNAL_EVENTS), seed=seed, figure=figure)

    def fidelity_on(
        self,
        variant: str,
        folder: Path,
        firmware: Encoder,
        inputs: Inputs,
        *,
        path: Path | None,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity | None:
        """The same, but the AUC, on the first collisions of a file; None of other events, which tell no particles."""
        if path is None:
            return None
        from qmodels.compression.events import SIGNAL_EVENTS, file_clouds
        from qmodels.compression.fidelity.comparison import measure_on

        return measure_on(folder, firmware, file_clouds(path, particle_count(variant))[:SIGNAL_EVENTS], figure=figure)

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What a scan may vary: see :func:`qmodels.compression.points.scan_space`."""
        from qmodels.compression import points

        return points.scan_space()

    def scan_objective(self, variant: str) -> str:
        """The firmware's distortion at log₁₀β = -3."""
        from qmodels.compression import points

        return points.OBJECTIVE

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
        """Train the encoder of ``parameters`` into ``out``: see :func:`qmodels.compression.points.train_point`."""
        from qmodels.compression import points

        return points.train_point(variant, parameters, out, events=events, epochs=epochs, seed=seed)

    def evaluate(
        self,
        variant: str,
        folder: Path,
        out: Path,
        *,
        events: int | None = None,
        seed: int = 2,
        data: Path | None = None,
        load: Callable[[Path], Encoder],
        classifier: str = "desk",
        resume: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Path:
        """The paper's figures: see :func:`qmodels.compression.paper.evaluation.evaluate`."""
        from qmodels.compression.paper.evaluation import EVENTS, evaluate

        return evaluate(
            folder,
            out,
            events=events or EVENTS,
            seed=seed,
            data=data,
            load=load,
            classifier=classifier,
            resume=resume,
            progress=progress,
        )

    def pack(
        self, variant: str, folder: Path, firmware: Encoder, inputs: Path, out: Path, *, beta: float, coding: str
    ) -> PacketHeader:
        """Pack the events of a collision file: see :func:`qmodels.compression.packing.packed_events.pack`."""
        from qmodels.compression.packing.packed_events import pack

        return pack(folder, particle_count(variant), firmware, inputs, beta, coding, out)

    def packed_by(self, path: Path) -> str:
        """Name of the project that packed ``path``."""
        from qmodels.compression.packing.packed_events import packed_by

        return packed_by(path)

    def unpack(self, folder: Path, path: Path, out: Path) -> PacketHeader:
        """Unpack into an HDF5 file: see :func:`qmodels.compression.packing.packed_events.unpack`."""
        from qmodels.compression.packing.packed_events import unpack

        return unpack(folder, path, out)


SYSTEM = Compression()
