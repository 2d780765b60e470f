"""How many events a second: PYTHIA and the parametrised detector, the decoder in NumPy, and its firmware.

    python benchmarks/simulation.py [PROJECT]

One process and one thread, CPU seconds, which others on the machine do not change. PYTHIA makes the events that are
kept, without the underlying event. NumPy multiplies the float network in float32, blocks of 8,192, with its noise and
without. The firmware takes an event each interval of its clock, which ``build/report.json`` of the project states.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from qmodels.simulation.events import source
from qmodels.simulation.generating import SAMPLE, make_plan
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import NOISE, RECOIL_NOISE, ports
from qmodels.simulation.presets import DECODER, REFERENCE_FILE

PROJECT = Path("firmware_projects/simulation-decoder")
BLOCK, BLOCKS = 8192, 50
Floats32 = npt.NDArray[np.float32]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def per_second(work: Callable[[], int]) -> float:
    """Events of ``work`` per second of CPU."""
    start = time.process_time()
    events = work()
    return events / (time.process_time() - start)


def decoder(path: Path) -> Callable[[dict[str, Floats32]], Floats32]:
    """The float network of ``path`` as products of matrices."""
    weights: dict[str, Floats32] = {}
    with h5py.File(path) as file:

        def read(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                parts = name.split("/")
                weights["/".join((parts[1], parts[-1]))] = np.asarray(item, np.float32)

        file["model_weights"].visititems(read)

    def layer(name: str, x: Floats32) -> Floats32:
        done: Floats32 = x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
        return done

    def run(read: dict[str, Floats32]) -> Floats32:
        electron = np.concatenate([read["momenta"], read["energies"], read["noise"]], axis=2)
        gain = layer("gain", np.maximum(layer("electron_hidden", electron), 0.0))
        flat = [read[name].reshape(len(electron), -1) for name in ("momenta", "energies", "recoil")]
        shift = layer("shift", np.maximum(layer("pair_hidden", np.concatenate(flat, axis=1)), 0.0))
        moved: Floats32 = read["momenta"] * (1.0 + gain) + shift[:, None] * read["shares"]
        return moved

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, nargs="?", default=PROJECT)
    project = parser.parse_args().project
    made: list[Pairs] = []

    def generated() -> int:
        block = make_plan(SAMPLE, 3).make(0, 10**9)
        made.append(Pairs(block.arrays["z"], block.arrays["x"]))
        return len(block)

    say(f"PYTHIA and detector: {per_second(generated):,.0f} events/s")
    z = np.resize(source(DECODER, made[0]), (BLOCK, 8))
    run, random = decoder(project / REFERENCE_FILE), np.random.default_rng(1)

    def noise() -> Floats32:
        return random.standard_normal((BLOCK, NOISE), dtype=np.float32)

    read = ports(z, noise())

    def simulated() -> int:
        for _ in range(BLOCKS):
            run(read)
        return BLOCK * BLOCKS

    def drawn() -> int:
        for _ in range(BLOCKS):
            fresh = noise()
            run(read | {"noise": fresh[:, :-RECOIL_NOISE].reshape(BLOCK, 2, -1), "recoil": fresh[:, -RECOIL_NOISE:]})
        return BLOCK * BLOCKS

    say(f"NumPy, noise at hand: {per_second(simulated):,.0f} events/s")
    say(f"NumPy, noise drawn:   {per_second(drawn):,.0f} events/s")
    report = project / "build" / "report.json"
    if report.exists():
        simulated_rtl = [row for row in json.loads(report.read_text())["latency"] if row["source"] == "rtl-simulation"]
        interval = simulated_rtl[0]["interval"] * simulated_rtl[0]["clock_ns"]
        say(f"firmware:             {1e9 / interval:,.0f} events/s, one each {interval:g} ns")


if __name__ == "__main__":
    main()
