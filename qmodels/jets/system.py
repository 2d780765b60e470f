"""The system of jets as the command line and the builder see it.

Light to import: TensorFlow comes in with training, PYTHIA with events, matplotlib with a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qmodels.generation.headers import SampleHeader
from qmodels.jets.fidelity import Sample, measure, reference_logits
from qmodels.jets.points import OBJECTIVE, how_of, scan_space
from qmodels.jets.presets import PRESETS, check_preset
from qmodels.jets.samples.files import read_jets
from qmodels.jets.samples.making import DATA_OPTIONS, TEST_OFFSET, cached_jets, write_data
from qmodels.jets.variants import VARIANTS, Variant, find_variant
from qmodels.seeds import check_seed
from qmodels.training.progress import Report
from qmodels.types import EventProgress, Fidelity, Firmware, Floats, Floats32

NAME = "jets"
TEST_JETS = 2000
"""Jets of a build, for its fidelity and its verification: they take long to simulate."""
SPREAD = 0.02
"""Where more events are asked for: how far every number of theirs is moved off that of a jet, relatively."""


@dataclass(frozen=True)
class JetTagging:
    """Networks that tell jets apart; a ``hls.project.systems.protocols.PhysicsSystem`` by structure."""

    name: str = NAME
    variants: tuple[str, ...] = tuple(VARIANTS)
    presets: tuple[str, ...] = PRESETS
    data_options: tuple[str, ...] = DATA_OPTIONS

    def events(self, variant: str, n: int, seed: int) -> Floats32:
        """Network inputs (n, ...) float32: 2000 jets, then again and again with every number moved a bit."""
        inputs = _test_sample(find_variant(variant), seed).inputs
        rng = np.random.default_rng([seed, len(inputs)])
        chosen = inputs[np.arange(n) % len(inputs)]
        factors = rng.uniform(1.0 - SPREAD, 1.0 + SPREAD, chosen.shape).astype(np.float32)
        factors[: len(inputs)] = 1.0
        return chosen * factors

    def read_events(self, path: Path, variant: str) -> Floats32:
        """Network inputs of a file of jets, or a folder of such; ModelDataError if damaged or of another layout."""
        kind = find_variant(variant)
        return kind.inputs(read_jets(path, kind.constituents))

    def write_data(
        self,
        path: Path,
        n: int | None,
        seed: int,
        options: Mapping[str, Any],
        progress: EventProgress | None = None,
    ) -> SampleHeader:
        """Simulate or convert: see :func:`qmodels.jets.samples.making.write_data`."""
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
        """Train into folder ``out``, on ``data`` if given: see :func:`qmodels.jets.recipe.train`."""
        kind = find_variant(variant)
        check_preset(preset)
        from qmodels.jets import recipe  # brings TensorFlow, which takes seconds

        return recipe.train(
            kind, preset, out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress, data=data
        )

    def scan_space(self, variant: str) -> Mapping[str, Sequence[int | float | str]]:
        """What a scan may vary: see :func:`qmodels.jets.points.scan_space`."""
        return scan_space(find_variant(variant))

    def scan_objective(self, variant: str) -> str:
        """``accuracy:max``."""
        find_variant(variant)
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
        """Train the network of ``parameters`` into ``out``: see :func:`qmodels.jets.recipe.train_point`."""
        kind = find_variant(variant)
        how = how_of(kind, parameters)
        from qmodels.jets import recipe

        return recipe.train_point(kind, how, out, events=events, epochs=epochs, seed=seed)

    def fidelity(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        *,
        events: int = TEST_JETS,
        seed: int = 1,
        figure: Path | None = None,
    ) -> Fidelity:
        """Accuracy, macro AUC, cross-entropy and rejections of the reference in ``folder`` and of ``firmware``.

        On 2000 jets at most. With ``figure``, the ROC curves of both are drawn there.
        """
        return _fidelity(folder, firmware, _test_sample(find_variant(variant), seed).first(events), figure)

    def fidelity_on(
        self,
        variant: str,
        folder: Path,
        firmware: Firmware,
        inputs: Floats32,
        *,
        path: Path | None,
        seed: int = 1,  # noqa: ARG002
        figure: Path | None = None,
    ) -> Fidelity | None:
        """The same on the jets of a file, of which ``inputs`` are the first; None of others, which tell no class."""
        if path is None:
            return None
        classes = read_jets(path, 1, len(inputs)).classes
        return _fidelity(folder, firmware, Sample(find_variant(variant), inputs, classes), figure)


def _test_sample(variant: Variant, seed: int) -> Sample:
    check_seed(seed)
    jets = cached_jets(TEST_JETS, seed + TEST_OFFSET, variant.constituents)
    return Sample(variant, variant.inputs(jets), jets.classes)


def _fidelity(folder: Path, firmware: Firmware, sample: Sample, figure: Path | None) -> Fidelity:
    if figure is not None:
        from qmodels.jets.plots import draw_roc  # brings matplotlib

        reference = reference_logits(folder, sample)
        networks: dict[str, Floats] = {} if reference is None else {"float reference": reference}
        outputs = firmware(sample.inputs)
        if outputs.size > len(outputs):  # of the index of the largest there is no curve
            networks["firmware"] = outputs
        if networks:
            draw_roc(networks, sample.classes, figure)
    return measure(folder, firmware, sample)


SYSTEM = JetTagging()
