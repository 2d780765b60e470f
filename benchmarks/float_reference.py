"""The float autoencoder of the preset ``desk``, its changes against the published training taken one at a time.

    qtrigger data compression --sample background --events 75000 --seed 1 --out background.h5
    python benchmarks/float_reference.py background.h5 OUT [--row desk --seed 2]

Every row but the last is trained at the length of the preset, about 12 minutes of a core each, unless its networks are
in OUT; a training that was stopped goes on. ``--row`` and ``--seed`` train one alone. Printed are all rows in OUT, of
background events that trained none.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qmodels.compression.autoencoder import DECODER_FILE
from qmodels.compression.events import file_clouds, held_out_clouds
from qmodels.compression.paper.rates import Rate, rates
from qmodels.compression.presets import DESK, VARIANTS, Preset
from qmodels.compression.recipe import float_step
from qmodels.compression.samples.pythia import BACKGROUND
from qmodels.compression.trained_folder import read_networks
from qmodels.compression.training import CompressionRun
from qmodels.training.loop import set_up
from qmodels.training.progress import TrainingProgress
from qmodels.training.run import run_steps
from qmodels.types import Floats32

VARIANT = "encoder-50"
OPENED = replace(DESK, scaled=False)
ROWS: dict[str, tuple[str, Preset]] = {
    "all": ("all β from the start", replace(OPENED, float_stage=replace(DESK.float_stage, opening=0.0))),
    "opened": ("range of β opened from below", OPENED),
    "desk": ("and N·pT/H_T in place of pT/H_T: `desk`", DESK),
    "long": ("`desk`, twice as long", replace(DESK, float_stage=replace(DESK.float_stage, epochs=150))),
}
SEEDS = {row: (1, 2) if row == "desk" else (1,) for row in ROWS}
AT = {"1": 0.0, "10⁻¹": -1.0, "10⁻²": -2.0, "10⁻³": -3.0, "10⁻⁴": -4.0, "10⁻⁶": -6.0}
EVENTS, EVENT_SEED = 2000, 1


def train(row: str, seed: int, clouds: Floats32, out: Path) -> None:
    """Encoder and decoder of one row into its folder, unless they are there."""
    set_up(seed)
    preset = ROWS[row][1]
    run = CompressionRun(
        variant=VARIANT, preset=preset, out=out, clouds=clouds, epochs=None, seed=seed, resume=True, progress=_tell
    )
    run_steps(out, [float_step(run)])


def table(out: Path) -> Iterator[str]:
    """A line for each row whose networks are in ``out``: at each β S in R², ΣKL in nats, latents above 0.1 nats."""
    clouds = held_out_clouds(BACKGROUND, EVENTS, EVENT_SEED, VARIANTS[VARIANT])
    yield f"| trained with | seed | S(10⁻³) / S(1) | at β = {' | '.join(AT)} |"
    yield "|---|---|---|" + "---|" * len(AT)
    for row, seed in _all_rows():
        folder = _folder(out, row, seed)
        if (folder / DECODER_FILE).exists():
            found = rates(read_networks(folder), clouds, tuple(AT.values()), EVENT_SEED)
            yield _line(ROWS[row][0], seed, found)


def _line(text: str, seed: int, found: Sequence[Rate]) -> str:
    at = {rate.log10_beta: rate.distortion for rate in found}
    cells = [f"{rate.distortion:.3f}; {rate.kl.sum():.1f}; {rate.active}" for rate in found]
    return f"| {text} | {seed} | {at[-3.0] / at[0.0]:.3f} | " + " | ".join(cells) + " |"


def _all_rows() -> list[tuple[str, int]]:
    return [(row, seed) for row in ROWS for seed in SEEDS[row]]


def _folder(out: Path, row: str, seed: int) -> Path:
    return out / f"{row}-{seed}"


def _tell(state: TrainingProgress) -> None:
    sys.stderr.write(f"epoch {state.epoch} of {state.epochs}: {state.loss:.4f}, validated {state.val_loss:.4f}\n")


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--row", choices=ROWS)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    clouds = file_clouds(options.data, VARIANTS[VARIANT])
    for row, seed in _all_rows():
        if options.row in (None, row) and options.seed in (None, seed):
            train(row, seed, clouds, _folder(options.out, row, seed))
    sys.stdout.write("\n".join(table(options.out)) + "\n")


if __name__ == "__main__":
    main()
