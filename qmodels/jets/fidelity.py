"""What quantization costs, in physics units: accuracy, AUC, and the rejection of each class's background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qmodels.jets.arrays import read_network
from qmodels.jets.metrics import Classes, accuracy, cross_entropy, macro_auc, rejection
from qmodels.jets.samples.columns import CLASSES
from qmodels.jets.variants import Variant
from qmodels.types import Fidelity, Firmware, Floats, Floats32

MODEL_FILE, REFERENCE_FILE = "model.h5", "reference.h5"
UNITS = {"accuracy": "1", "macro_auc": "1", "cross_entropy": "nats"}


@dataclass(frozen=True, eq=False)
class Sample:
    """Network inputs (n, ...) of a variant, and the class of each jet."""

    variant: Variant
    inputs: Floats32
    classes: Classes

    def first(self, most: int) -> Sample:
        """The first ``most`` of them."""
        return Sample(self.variant, self.inputs[:most], self.classes[:most])


def measure(folder: Path, firmware: Firmware, sample: Sample) -> Fidelity:
    """Metrics of the float reference in ``folder``, None without reference.h5, and of ``firmware``."""
    expected = measure_reference(folder, sample)
    return {
        name: {"reference": expected.get(name), "firmware": value, "unit": UNITS.get(name, "1")}
        for name, value in _metrics(firmware(sample.inputs), sample.classes).items()
    }


def measure_reference(folder: Path, sample: Sample) -> dict[str, float]:
    """Metrics of the float reference in ``folder``; empty without reference.h5."""
    logits = reference_logits(folder, sample)
    return {} if logits is None else _metrics(logits, sample.classes)


def reference_logits(folder: Path, sample: Sample) -> Floats32 | None:
    """What the float reference in ``folder`` says of ``sample``, if there is one."""
    path = folder / REFERENCE_FILE
    return read_network(path, sample.variant)(sample.inputs) if path.exists() else None


def _metrics(logits: Floats, classes: Classes) -> dict[str, float]:
    """Of logits (n, 5); of the index of the largest, which leaves a chip in their place, there is accuracy alone."""
    logits = logits.reshape(len(classes), -1)
    if logits.shape[1] == 1:
        return {"accuracy": float((logits[:, 0] == classes).mean())}
    rejections = {f"rejection_{name}": rejection(logits, classes, index) for index, name in enumerate(CLASSES)}
    return {
        "accuracy": accuracy(logits, classes),
        "macro_auc": macro_auc(logits, classes),
        "cross_entropy": cross_entropy(logits, classes),
        **{name: value for name, value in rejections.items() if value is not None},
    }
