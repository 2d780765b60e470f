"""The collisions of anomaly-ae, and how both sides take them. No QKeras: HGQ2 brings another of that name.

    python -m benchmarks.hgq2.anomalies background.h5 runs/hgq2/anomaly-ae

tells the mean AUC of the float network that both sides start from, and of the squares of the inputs without a network,
and what of each point's LUTs are the squares and their sum.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from qmodels.anomaly.networks import INPUT_BITS, INPUT_INTEGER
from qmodels.anomaly.variants import InputForm, find_variant
from qmodels.classification import auc
from qmodels.types import Floats, Floats32

VARIANT = find_variant("ae")
TEST_PART = 5
"""One in so many collisions of the background, the last of the file, trains neither side."""


class OnPorts(InputForm):
    """Inputs that the ports hold already: what rounds them is outside the chip, and no side's own."""

    def inputs(self, events: Floats32) -> Floats32:
        """As ``InputForm`` has them, rounded and saturated as QKeras does."""
        fraction = INPUT_BITS - INPUT_INTEGER - 1
        most = 2.0 ** (INPUT_BITS - 1)
        steps = np.rint(np.ldexp(super().inputs(events), fraction))
        return np.ldexp(np.clip(steps, -most, most - 1), -fraction).astype(np.float32)


def split(collisions: Floats32) -> tuple[Floats32, Floats32]:
    """Those to train on, and those to measure on."""
    kept = len(collisions) - len(collisions) // TEST_PART
    return collisions[:kept], collisions[kept:]


def mean_auc(background: Path, network: Callable[[Floats32], Floats]) -> float:
    """Of the four signals in files beside ``background``, against its collisions that train neither side.

    ``network`` gives scores (n, 1) to inputs (n, 57).
    """
    from qmodels.anomaly.sample_files import samples_in
    from qmodels.anomaly.samples.blocks import COCKTAIL  # brings SciPy, as reading does: HGQ2's environment has none
    from qmodels.anomaly.samples.files import read_events
    from qmodels.anomaly.samples.processes import SIGNALS

    files = samples_in(background.parent)
    missing = {signal.name for signal in SIGNALS} - set(files)
    if missing:
        raise SystemExit(f"{background.parent}: no events of {', '.join(sorted(missing))}, to be told from {COCKTAIL}")
    samples = [split(read_events(background))[1], *(read_events(files[signal.name]) for signal in SIGNALS)]
    ordinary, *signals = (np.asarray(network(OnPorts().inputs(events)), np.float64).reshape(-1) for events in samples)
    return float(np.mean([auc(signal, ordinary) for signal in signals]))


def squares_luts(ops: Any) -> float:
    """LUTs by alkaid of all products of what changes, and of what is made of these."""
    product, sums, of_products = 7, (0, 1), set[int]()
    for place, op in enumerate(ops):
        if op.opcode == product or (op.opcode in sums and not of_products.isdisjoint(op.addr)):
            of_products.add(place)
    return float(sum(ops[place].cost for place in of_products))


def _points(folder: Path) -> Iterator[tuple[str, Any]]:
    """The operations of each trained network."""
    from alkaid.types import CombLogic

    from hls.importing import import_keras
    from hls.rtl.trace import trace

    for path in sorted(folder.glob("*/comb.json")):
        yield path.parent.name, CombLogic.load(path).ops
    for path in sorted(folder.glob("*/model.h5")):
        (core,) = trace(import_keras(path)).cores
        yield path.parent.name, core.comb.ops


def main() -> None:
    """Write a line each."""
    from qmodels.anomaly.scores import reference_score

    background, folder = (Path(name) for name in sys.argv[1:])
    network = folder / "reference.h5"
    started = mean_auc(background, lambda inputs: reference_score(VARIANT, network, inputs))
    none = mean_auc(background, lambda inputs: np.square(inputs).sum(axis=1))
    sys.stdout.write(f"float network: mean AUC {started:.4f}; squares of the inputs: {none:.4f}\n")
    for name, ops in _points(folder):
        sys.stdout.write(f"{name}: {squares_luts(ops):,.0f} LUTs are the squares and their sum\n")


if __name__ == "__main__":
    main()
