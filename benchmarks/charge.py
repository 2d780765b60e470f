"""The resource term of learned precision beside what alkaid and Yosys spend, and the fit of its constants.

    python benchmarks/charge.py [--layers N] [--products N]

Layers: random QDense with bits of its own for every weight, behind inputs and before a ReLU with bits of their own for
every channel, as training leaves them; their LUTs are alkaid's cost. Products: random PairProducts, four a design;
Yosys counts theirs, in a netlist without DSP slices. The constants are fitted to two of three, and every error is of
the others: those of weights by least squares, of residuals over the root of the LUTs, to the kernel alone, those of
bias and ReLU to what either adds, which is what training can save. The peer is HGQ's effective bit operations
(arXiv:2405.00645, eq. 5), bits of a weight times bits of what it multiplies, times the one factor that fits the same
layers best. In a small layer with few digits an output, that a sum of n digits is n - 1 additions is what the term
misses.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt
from qkeras import QActivation, QDense
from scipy.optimize import nnls

from hls.importing import import_keras
from hls.rtl import trace, write_rtl
from hls.rtl.netlist import family_of, synthesise
from qmodels.product_layers import PairProducts
from qmodels.training.precision import resources
from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.precision.resources import ResourceTerm, measure_reach

PART, CLOCK_NS = "xcvu13p-flga2577-2-e", 5.0
SAMPLE = 2000
PORT_BITS = 12
MOST_WEIGHT_BITS, ACTIVATION_BITS, FACTOR_BITS = 5, (1, 9), (3, 12)
ALKAID_PRODUCT = 0.75
SMALL = 1500
"""LUTs from which on a layer is counted among the large ones."""
HELD_OUT = 3
"""Every third layer is left out of the fit."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """LUTs of the kernel alone, with the bias, with the ReLU too; ``counts`` is what the constants multiply."""

    bare: float
    summed: float
    whole: float
    counts: Floats
    outputs: int
    ebops: float


def kernel(random: np.random.Generator, shape: tuple[int, int], density: float) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Normal weights, ``density`` of them other than zero, and fraction bits that leave each 1 to 5 bits at most."""
    values = random.normal(0, 1 / np.sqrt(density * shape[0]), shape) * (random.random(shape) < density)
    bits = random.integers(1, random.integers(1, MOST_WEIGHT_BITS + 1) + 1, shape)
    leading = np.floor(np.log2(np.maximum(np.abs(values), 2.0**-10))).astype(np.int64)
    return values, np.clip(bits - 1 - leading, -4, 12)


def features(random: np.random.Generator, channels: int, bits: tuple[int, int]) -> tuple[keras.KerasTensor, Any]:
    """A port, and its channels with ``bits`` of each: wires, which cost nothing. With a sign in every other network."""
    signed = bool(random.integers(2))
    fraction = random.integers(bits[0], bits[1] + 1, channels) - signed
    port = keras.Input((channels,))
    x = QActivation(learned_bits(PORT_BITS, integer=0, signed=signed), name="port")(port)
    return port, QActivation(learned_bits(fraction, (channels,), "floor"), name="features")(x)


def dense(random: np.random.Generator) -> keras.Model:
    """A layer with its ReLU."""
    inputs, outputs = np.exp2(random.uniform(3, 6, 2)).round()
    shape = int(inputs), int(outputs)
    density = float(random.uniform(0.1, 1))
    port, x = features(random, shape[0], ACTIVATION_BITS)
    values, fraction = kernel(random, shape, density)
    biased = bool(random.integers(2))
    bias, bias_fraction = kernel(random, (1, shape[1]), 0.8)
    layer = QDense(
        shape[1],
        use_bias=biased,
        kernel_quantizer=learned_bits(fraction, shape),
        bias_quantizer=learned_bits(bias_fraction[0], shape[1:]) if biased else None,
        name="dense",
    )
    relu = learned_bits(np.zeros(shape[1]), shape[1:], "floor", integer=[0] * shape[1], signed=False)
    model = keras.Model(port, QActivation(relu, name="relu")(layer(x)))
    layer.set_weights([values, bias[0]] if biased else [values])
    reach(model, random)
    relu.set_bits(random.integers(*ACTIVATION_BITS, shape[1], endpoint=True) - np.asarray(relu.integer))
    return model


def reach(model: keras.Model, random: np.random.Generator) -> None:
    shape = SAMPLE, *model.input.shape[1:]
    measure_reach(model, random.uniform(-1, 1, shape).astype(np.float32))


def layer_row(seed: int) -> Layer:
    model = dense(np.random.default_rng((5, seed)))
    layer, relu = model.get_layer("dense"), model.get_layer("relu").activation
    quantizer, biases = layer.kernel_quantizer_internal, layer.bias_quantizer_internal
    digits = np.asarray(quantizer.weight_digits(layer.kernel.value), np.float64)
    incoming = np.asarray(model.get_layer("features").activation.activation_bits(), np.float64)[:, None]
    counts = np.array([
        np.sum(digits * incoming),
        np.sum(digits * incoming / (incoming + 1)),
        np.sum(biases.weight_digits(layer.bias.value)) if layer.use_bias else 0.0,
        np.sum(relu.activation_bits()),
    ])  # fmt: skip
    parts = ResourceTerm(model).parts()
    # What is counted here is what the term counts. Its activations hold a port without sign, too, which costs nothing.
    np.testing.assert_allclose(float(parts["weights"] + parts["biases"]), in_use()[:3] @ counts[:3], rtol=1e-4)
    ebops = float((enclosed_bits(np.asarray(quantizer(layer.kernel.value), np.float64)) * incoming).sum())
    whole, summed = alkaid_luts(model), alkaid_luts(keras.Model(model.input, layer.output))
    bare = summed
    if layer.use_bias:
        layer.set_weights([layer.get_weights()[0], np.zeros(layer.bias.shape)])
        bare = alkaid_luts(keras.Model(model.input, layer.output))
    return Layer(bare, summed, whole, counts, digits.shape[1], ebops)


def alkaid_luts(model: keras.Model) -> float:
    return float(trace(import_keras(model)).cost)


def enclosed_bits(values: Floats) -> Floats:
    """Bits from the leading one to the last one, as HGQ counts those of a constant."""
    whole = np.abs(values * 2.0**20).astype(np.int64)
    last = np.where(whole == 0, 1, whole & -whole)
    return np.where(whole == 0, 0.0, np.floor(np.log2(np.maximum(whole // last, 1))) + 1)


def product_row(seed: int, place: Path) -> tuple[float, float]:
    """Bits times bits of four products, and their LUTs."""
    random = np.random.default_rng((6, seed))
    port, x = features(random, 8, FACTOR_BITS)
    model = keras.Model(port, PairProducts([(0, 1), (2, 3), (4, 5), (6, 7)], name="products")(x))
    reach(model, random)
    project = write_rtl(import_keras(model), "products", place / str(seed), CLOCK_NS, multipliers="lut")
    netlist = synthesise(project, family_of(PART), place / "cache").resources
    return float(ResourceTerm(model).parts()["products"]) / resources.PRODUCT_LUTS, float(netlist.lut_high)


def in_use() -> Floats:
    """LUTs per bit of a digit, per digit, per digit of a bias, per bit behind a ReLU."""
    digit = resources.DIGIT_LUTS
    return np.array([digit, digit * resources.SUM_BITS, resources.BIAS_LUTS, resources.RELU_LUTS])


def fitted(rows: Sequence[Layer]) -> Floats:
    """The constants of ``in_use`` that ``rows`` suggest."""
    counts = np.array([row.counts for row in rows])
    bare, bias, relu = np.array([(row.bare, row.summed - row.bare, row.whole - row.summed) for row in rows]).T
    weights, _ = nnls(counts[:, :2] / np.sqrt(bare)[:, None], np.sqrt(bare))
    return np.array([*weights, bias.sum() / counts[:, 2].sum(), relu.sum() / counts[:, 3].sum()])


def one_factor(count: Floats, luts: Floats) -> float:
    """The factor of ``count`` with the least squares of relative errors."""
    ratio = count / luts
    return float(ratio.sum() / (ratio @ ratio))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say_errors(name: str, predicted: Floats, luts: Floats) -> None:
    off = predicted / luts - 1
    say(f"  {name:44s} {np.median(abs(off)):6.1%} / {np.quantile(abs(off), 0.9):6.1%}   mean {np.mean(off):+6.1%}")


def split(rows: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Rows to fit, rows left out."""
    left_out = list(rows[HELD_OUT - 1 :: HELD_OUT])
    return [row for number, row in enumerate(rows) if (number + 1) % HELD_OUT], left_out


def layers(count: int) -> None:
    start = time.perf_counter()
    seen, left_out = split([layer_row(seed) for seed in range(count)])
    title = f"{count} layers, {time.perf_counter() - start:.0f} s: LUTs per"
    say(f"{title:46s} {'digit x bit':>12s} {'digit':>12s} {'bias digit':>12s} {'ReLU bit':>12s}")
    found = fitted(seen)
    for name, (bit, digit, bias, relu) in (("in use", in_use()), ("fitted", found)):
        say(f"  {name:44s} {bit:12.2f} {digit:12.2f} {bias:12.2f} {relu:12.2f}")
    ebops, whole = (np.array([getattr(row, name) for row in seen]) for name in ("ebops", "whole"))
    factor, exponent, scale = one_factor(ebops, whole), *with_sharing(seen, found)
    for size, chosen in (
        (f"of {SMALL} LUTs or more", [row for row in left_out if row.whole >= SMALL]),
        ("smaller", [row for row in left_out if row.whole < SMALL]),
    ):
        say(f"relative error of {len(chosen)} layers left out, {size} (median / 90 %)")
        names = ("whole", "counts", "ebops", "outputs")
        luts, counts, peer, outputs = (np.array([getattr(row, name) for row in chosen]) for name in names)
        say_errors("term, constants in use", counts @ in_use(), luts)
        say_errors("term, constants fitted", counts @ found, luts)
        say_errors(
            f"fitted, and for sharing outputs ** {exponent:+.2f}", counts @ found * scale * outputs**exponent, luts
        )
        say_errors(f"effective bit operations times {factor:.2f}", peer * factor, luts)


def with_sharing(rows: Sequence[Layer], constants: Floats) -> tuple[float, float]:
    """Exponent and factor of the power of outputs by which ``rows`` differ from the term: more of them share more."""
    ratio = np.array([row.whole / (row.counts @ constants) for row in rows])
    exponent, factor = np.polyfit(np.log([row.outputs for row in rows]), np.log(ratio), 1)
    return float(exponent), float(np.exp(factor))


def products(count: int) -> None:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        seen, left_out = split([product_row(seed, Path(folder)) for seed in range(count)])
    say(f"{count} times four products, {time.perf_counter() - start:.0f} s: LUTs per bit times bit")
    factor = one_factor(*np.array(seen).T)
    say(f"  {'in use':44s} {resources.PRODUCT_LUTS:9.2f}\n  {'fitted':44s} {factor:9.2f}")
    say(f"relative error of {len(left_out)} designs left out (median / 90 %)")
    bits, luts = np.array(left_out).T
    say_errors("constant in use", bits * resources.PRODUCT_LUTS, luts)
    say_errors("constant fitted", bits * factor, luts)
    say_errors(f"alkaid's rule, {ALKAID_PRODUCT} of a LUT", bits * ALKAID_PRODUCT, luts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=150)
    parser.add_argument("--products", type=int, default=12)
    options = parser.parse_args()
    layers(options.layers)
    products(options.products)


if __name__ == "__main__":
    main()
