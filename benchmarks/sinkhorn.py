"""Our Sinkhorn loss beside the batched ones of POT and geomloss, at equal accuracy, on the same events in one run.

    python benchmarks/sinkhorn.py [--events N] [--rounds N]

Accuracy is the mean distance from exact transport (a linear program per event), relative to its mean. For each of our
settings every peer plays the cheapest of a grid of its own settings that is at least as accurate, in whichever reading
of its result comes closest. Then all are timed in turns, in CPU time on one thread, and the least of each is kept.
All in float32 but POT's "sinkhorn", whose kernel would underflow. A peer that is not installed is left out. Needs
`pip install POT geomloss torch`.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import tensorflow as tf

from qmodels.compression.transport import distortion
from qmodels.compression.transport.sinkhorn import Annealing, sinkhorn_distortion

PARTICLES = 50
OURS = {
    "published budget": Annealing(),
    "relaxed": Annealing(relaxation=1.8),
    "relaxed, 40 updates": Annealing(iterations=40, relaxation=1.8),
}


@dataclass(frozen=True)
class Candidate:
    """One setting of one library: its values, and the same with the gradients in the second masses and positions."""

    library: str
    setting: str
    forward: Callable[[], np.ndarray]
    gradient: Callable[[], Any]


def collisions(events: int, seed: int = 0) -> list[np.ndarray]:
    """Events of four jets with particles about them, and reconstructions off by 0.1 in η and φ and 0.3 in log pT."""
    random = np.random.default_rng(seed)
    axes = np.stack([random.uniform(-2.5, 2.5, (events, 4)), random.uniform(-math.pi, math.pi, (events, 4))], axis=-1)
    jet = random.integers(0, 4, (events, PARTICLES))
    x = np.take_along_axis(axes, jet[..., None], axis=1) + 0.4 * random.standard_t(3, (events, PARTICLES, 2))
    a = random.exponential(size=(events, PARTICLES)) ** 2 + 1e-4
    b = a * np.exp(0.3 * random.normal(size=a.shape))
    y = x + 0.1 * random.normal(size=x.shape)
    clouds = (a / a.sum(1, keepdims=True), x, b / b.sum(1, keepdims=True), y)
    return [v.astype(np.float32) for v in clouds]


def ours(clouds: list[np.ndarray]) -> Iterator[Candidate]:
    arrays = [tf.constant(v) for v in clouds]
    for name, annealing in OURS.items():

        def value(a: Any, x: Any, b: Any, y: Any, how: Annealing = annealing) -> Any:
            return sinkhorn_distortion(a, x, b, y, how)

        def both(a: Any, x: Any, b: Any, y: Any, how: Annealing = annealing) -> Any:
            with tf.GradientTape() as tape:
                tape.watch([b, y])
                s = sinkhorn_distortion(a, x, b, y, how)
            return s, *tape.gradient(s, [b, y])

        forward, gradient = (tf.function(f, jit_compile=True, autograph=False) for f in (value, both))
        yield Candidate("qtrigger", name, partial(evaluated, forward, arrays), partial(evaluated, gradient, arrays))


def evaluated(function: Callable[..., Any], arrays: list[tf.Tensor]) -> Any:
    """What a compiled function returns, as NumPy arrays."""
    return tf.nest.map_structure(lambda v: v.numpy(), function(*arrays))


def torch_clouds(clouds: list[np.ndarray]) -> tuple[Any, Callable[..., Any]]:
    """The clouds as tensors, gradients wanted in the last two, and the ground cost."""
    import torch

    torch.set_num_threads(1)
    tensors = [torch.tensor(v) for v in clouds]
    for wanted in tensors[2:]:
        wanted.requires_grad_(True)

    def cost(x: Any, y: Any) -> Any:
        difference = x[:, :, None] - y[:, None]
        phi = difference[..., 1]
        phi = phi - 2 * math.pi * torch.round(phi.detach() / (2 * math.pi))
        return difference[..., 0] ** 2 + phi**2

    return tensors, cost


def pot(clouds: list[np.ndarray]) -> Iterator[Candidate]:
    import torch
    from ot.batch import solve_batch

    single, cost = torch_clouds(clouds)
    double, _ = torch_clouds([v.astype(np.float64) for v in clouds])
    # Without logarithms its kernel would underflow in float32.
    tensors = {"log_sinkhorn": single, "sinkhorn": double}

    def solve(grad: str, reg: float, updates: int, method: str) -> Any:
        a, x, b, y = tensors[method]
        return solve_batch(cost(x, y), reg, a, b, max_iter=updates, tol=0.0, method=method, grad=grad)

    def forward(*setting: Any) -> np.ndarray:
        with torch.no_grad():
            return solve("detach", *setting).value_linear.numpy()

    def gradient(*setting: Any) -> Any:
        wanted = tensors[setting[-1]][2:]
        return torch.autograd.grad(solve("envelope", *setting).value.sum(), wanted, allow_unused=True)

    budgets = (10, 30, 60, 100, 150, 200, 300, 1000)
    for method, reg, updates in itertools.product(("log_sinkhorn", "sinkhorn"), (0.1, 0.03, 0.01), budgets):
        setting = (reg, updates, method)
        name = f"{method}, ε {reg:g}, {updates} updates"
        yield Candidate("POT", name, partial(forward, *setting), partial(gradient, *setting))


def geomloss(clouds: list[np.ndarray]) -> Iterator[Candidate]:
    import torch
    from geomloss import SamplesLoss

    (a, x, b, y), cost = torch_clouds(clouds)

    def loss(blur: float, scaling: float, debias: bool, potentials: bool = False) -> Any:
        options = {"cost": cost, "blur": blur, "scaling": scaling, "debias": debias, "potentials": potentials}
        return SamplesLoss("sinkhorn", p=2, backend="tensorized", **options)(a, x, b, y)

    def sharp(blur: float, scaling: float) -> np.ndarray:
        with torch.no_grad():
            f, g = loss(blur, scaling, False, potentials=True)
            ground = cost(x, y)
            plan = a[:, :, None] * b[:, None] * torch.exp((f[:, :, None] + g[:, None] - ground) / blur**2)
            return (plan * ground).sum((1, 2)).detach().numpy()

    def value(*setting: Any) -> np.ndarray:
        with torch.no_grad():
            return loss(*setting).detach().numpy()

    def gradient(*setting: Any) -> Any:
        return torch.autograd.grad(loss(*setting).sum(), [b, y])

    for blur, scaling in itertools.product((0.2, 0.1, 0.05), (0.5, 0.7, 0.9, 0.95, 0.98, 0.99)):
        name = f"blur {blur:g}, scaling {scaling:g}"
        for debias in (False, True):
            setting = (blur, scaling, debias)
            how = name + (", debiased" if debias else ", dual value")
            yield Candidate("geomloss", how, partial(value, *setting), partial(gradient, *setting))
        yield Candidate(
            "geomloss", name + ", sharp", partial(sharp, blur, scaling), partial(gradient, blur, scaling, False)
        )


def seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def tried(candidates: Iterator[Candidate], exact: np.ndarray) -> list[tuple[float, float, Candidate]]:
    """(relative error, rough time, candidate) of each."""
    found = []
    for candidate in candidates:
        start = time.process_time()
        values = candidate.forward()
        taken = time.process_time() - start
        error = float(np.abs(values - exact).mean() / exact.mean())
        if math.isfinite(error):
            found.append((error, taken, candidate))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    clouds = collisions(options.events)
    a, x, b, y = clouds
    exact = distortion.exact(np.concatenate([a[..., None], x], -1), np.concatenate([b[..., None], y], -1))
    write = sys.stdout.write
    write(f"{options.events} events of {PARTICLES} particles, float32, one thread; exact W₂² {exact.mean():.4f}\n")

    mine = tried(ours(clouds), exact)
    peers = {}
    for library, packages, settings in (("POT", ("ot", "torch"), pot), ("geomloss", ("geomloss", "torch"), geomloss)):
        if all(importlib.util.find_spec(package) for package in packages):
            peers[library] = tried(settings(clouds), exact)
        else:
            write(f"{library}: not installed, left out\n")
    write(f"\n{'':10}{'setting':44}{'error':>8}{'μs/event':>10}{'ratio':>7}{'+ gradient':>12}{'ratio':>7}\n")
    slower = False
    for error, _, candidate in mine:
        field = [(error, candidate)]
        for library, found in peers.items():
            able = [entry for entry in found if entry[0] <= error]
            if able:
                best = min(able, key=lambda entry: entry[1])
                field.append((best[0], best[2]))
            else:
                closest, _, nearest = min(found, key=lambda entry: entry[0])
                write(f"{library}: none as close as {error:.2%}; {nearest.setting}: {closest:.2%}\n")
        slower |= race(field, options.events, options.rounds)
    raise SystemExit(1 if slower else 0)


def race(field: list[tuple[float, Candidate]], events: int, rounds: int) -> bool:
    """Times the field in turns and prints it, ours first; whether a peer was faster."""
    best = np.full((len(field), 2), np.inf)
    for _ in range(rounds):
        for row, (_, candidate) in enumerate(field):
            best[row] = np.minimum(best[row], [seconds(candidate.forward), seconds(candidate.gradient)])
    for (error, candidate), (forward, both) in zip(field, best, strict=True):
        name = f"{candidate.library:10}{candidate.setting:44}{error:8.2%}"
        rates = f"{1e6 * forward / events:10.0f}{forward / best[0, 0]:7.1f}{1e6 * both / events:12.0f}"
        sys.stdout.write(f"{name}{rates}{both / best[0, 1]:7.1f}\n")
    sys.stdout.write("\n")
    return bool((best[1:] < best[0]).any())


if __name__ == "__main__":
    main()
