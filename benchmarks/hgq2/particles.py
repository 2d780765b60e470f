"""What each particle got of HGQ2's bits and LUTs, whose widths differ from particle to particle.

    python -m benchmarks.hgq2.particles encoder-16 runs/hgq2/encoder-16

tells of each trained network, for a quarter of the particles after another in the order of their pT, the bits of a
particle's features and the LUTs by alkaid of what depends on that particle alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qmodels.compression.encoder import FEATURES
from qmodels.compression.presets import particle_count

GROUPS = 4
_INPUT = -1
"""What alkaid calls an operation that reads an input."""


def alone(ops: Any, count: int) -> npt.NDArray[np.float64]:
    """LUTs (``count``,) of what depends on one particle and on nothing else.

    Inputs are the particles' features, ``FEATURES`` of each in their order, and what is no particle's.
    """
    luts, read = np.zeros(count + 1), list[frozenset[int]]()
    for op in ops:
        if op.opcode == _INPUT:
            read.append(frozenset({min(op.data[0] // FEATURES, count)}))
            continue
        read.append(frozenset().union(*(read[place] for place in op.addr)))
        if len(read[-1]) == 1:
            luts[next(iter(read[-1]))] += op.cost
    return luts[:count]


def feature_bits(comb: Any, count: int) -> npt.NDArray[np.float64]:
    """Bits (``count``,) of the features of each particle, all of a particle together."""
    signs, integers, fractions = (np.asarray(kind, np.float64)[: count * FEATURES] for kind in comb.inp_kifs)
    return np.maximum(signs + integers + fractions, 0.0).reshape(count, FEATURES).sum(axis=1)


def rows(count: int, folder: Path) -> Iterator[str]:
    """A line for each network of HGQ2."""
    from alkaid.types import CombLogic

    for path in sorted(folder.glob("*/comb.json")):
        comb = CombLogic.load(path)
        bits, luts = (np.array_split(each, GROUPS) for each in (feature_bits(comb, count), alone(comb.ops, count)))
        told = (f"{few.mean():.1f} bits, {some.mean():,.0f} LUTs" for few, some in zip(bits, luts, strict=True))
        yield f"{path.parent.name}: a particle of each quarter has " + "; ".join(told)


def main() -> None:
    """Write the lines."""
    subject, folder = sys.argv[1:]
    for line in rows(particle_count(subject), Path(folder)):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
