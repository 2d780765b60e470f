"""One matrix-vector product as hls4ml and HLS build it: LUT, FF, DSP, BRAM, cycles and interval of a Dense layer.

The terms follow nnet_dense_latency.h and nnet_dense_resource.h of hls4ml; ``Coefficients`` are what one of each costs,
fitted on C synthesis reports. Three regimes:

- *unrolled* (reuse factor 1): every constant has its own adders or DSP.
- *shared* (strategy latency, reuse factor above 1): the same, but products that need a DSP take turns on few.
- *folded* (strategy resource, reuse factor above 1): weights in block RAM, n_in * n_out / reuse multipliers that select
  their input and, where the reuse factor is above n_in, the accumulator they add to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hls.figures.estimates.constants import DSP_AREA, ConstantProducts
from hls.target.resources import Counts

Coefficients = Mapping[str, float]

_ROM_WIDTHS = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))  # depth, bits of one 18K block
_SMALLEST_ROM = 1024
ADDER_NS = 0.92
_DSP_NS = 2.0


@dataclass(frozen=True)
class DenseShape:
    """A Dense layer as it is asked for. Widths are in bits; ``stage_ns`` is what one clock period has for logic.

    ``from_port`` says that it reads the ports of the design, which hls4ml packs into one wide word.
    """

    n_in: int
    n_out: int
    input_bits: int
    weight_bits: int
    accumulator_bits: int
    strategy: str
    reuse_factor: int
    stage_ns: float
    from_port: bool
    products: ConstantProducts

    @property
    def folded(self) -> bool:
        """Weights come out of a memory, word by word."""
        return self.strategy == "resource" and self.reuse_factor > 1


@dataclass(frozen=True)
class DenseCost:
    """Figures of one layer, memory in tiles of 36 kbit; ``path_ns`` is the combinational delay."""

    counts: Counts
    cycles: int
    interval: int
    path_ns: float


def legal_reuse_factor(n_in: int, n_out: int, asked: int) -> int:
    """The reuse factor that hls4ml takes for strategy ``resource``: the nearest legal one, the smaller of two.

    Legal is a divisor of n_in * n_out that divides n_in or is a multiple of it.

    >>> [legal_reuse_factor(6, 4, asked) for asked in (1, 4, 5, 9, 100)]  # 1, 2, 3, 6, 12 and 24 are legal
    [1, 3, 6, 6, 24]
    """
    legal = {f for f in range(1, n_in + 1) if n_in % f == 0}
    legal |= {n_in * f for f in range(1, n_out + 1) if n_out % f == 0}
    return min(legal, key=lambda factor: (abs(factor - asked), factor))


def lut_terms(shape: DenseShape) -> dict[str, float]:
    """What the LUTs of a layer are spent on: the name of a coefficient, and how often it counts."""
    return _folded_terms(shape) if shape.folded else _unrolled_terms(shape)


def _unrolled_terms(shape: DenseShape) -> dict[str, float]:
    products = shape.products
    dsp = "dsp_resource" if shape.strategy == "resource" else "dsp_latency"
    # The first additions of a tree are no wider than products of two plus a bit: HLS trims sign bits above.
    bits = min(shape.accumulator_bits, shape.input_bits + shape.weight_bits + 1.5)
    return {
        "unrolled.accumulate": (products.nonzero - products.dsps) * bits,
        "unrolled.shift_add": products.adders * (shape.input_bits + shape.weight_bits / 2),
        f"unrolled.{dsp}": products.dsps * bits,
    }


def _folded_terms(shape: DenseShape) -> dict[str, float]:
    bits, lanes = shape.accumulator_bits, shape.n_in * shape.n_out / shape.reuse_factor
    turns = shape.reuse_factor / shape.n_in
    window = 2 ** math.ceil(math.log2(shape.n_out)) if turns > 2 and shape.n_out > 1 else 0
    terms = {
        "folded.lane": lanes * bits,
        "folded.lane_lut": 0.0 if takes_dsp(shape) else lanes * bits,
        "folded.accumulator": float(shape.n_out * bits),
        "folded.select": lanes * window * bits,
    }
    if shape.from_port:
        return terms | {"folded.port": 1.0, "folded.port_bit": float(shape.n_in * shape.input_bits)}
    reads = max(1.0, shape.n_in / shape.reuse_factor)
    width = min(shape.reuse_factor, shape.n_in)
    return terms | {"folded.select": lanes * window * bits + reads * width * shape.input_bits}


def takes_dsp(shape: DenseShape) -> bool:
    """Whether a product of an input with a weight from memory takes a DSP."""
    return shape.input_bits * shape.weight_bits > DSP_AREA


def ff_terms(shape: DenseShape) -> dict[str, float]:
    """What the flip-flops of a layer are spent on."""
    outputs = float(shape.n_out * shape.accumulator_bits)
    products = shape.products
    if shape.folded:
        lanes = shape.n_in * shape.n_out / shape.reuse_factor
        wide = shape.reuse_factor > 2 * shape.n_in
        held = "lane_selected" if wide else "lane"
        bits = shape.accumulator_bits if wide else shape.weight_bits
        return {"folded.output_ff": outputs, f"folded.{held}_ff": lanes * bits, "folded.control_ff": 1.0}
    if shape.strategy == "latency" and shape.reuse_factor > 1 and products.dsps > shared_dsps(shape):
        return {"shared.product_ff": products.nonzero * shape.accumulator_bits}
    registered = float(int(path_ns(shape) / shape.stage_ns))
    terms = {"unrolled.output_ff": outputs if shape.reuse_factor == 1 else 0.0}
    if shape.strategy == "latency":
        return terms | {
            "unrolled.input_ff": registered * shape.n_in * shape.input_bits,
            "unrolled.adder_latency_ff": registered * products.adders,
            "unrolled.dsp_latency_ff": products.dsps * shape.accumulator_bits,
        }
    return terms | {
        "unrolled.adder_resource_ff": registered * products.adders,
        "unrolled.dsp_resource_ff": products.dsps * shape.accumulator_bits,
    }


def shared_dsps(shape: DenseShape) -> int:
    """DSPs that hls4ml allows strategy latency: one for every ``reuse_factor`` products."""
    return max(1, math.ceil(shape.products.total / shape.reuse_factor))


def path_ns(shape: DenseShape) -> float:
    """Delay of the longest path through an unrolled layer: product, then a tree of adders."""
    products = shape.products
    if products.nonzero == 0:
        return 0.0
    product = _DSP_NS if products.dsps else ADDER_NS * math.ceil(math.log2(max(products.digits, 1)))
    return product + ADDER_NS * math.ceil(math.log2(1 + products.terms))


def cycles(shape: DenseShape) -> int:
    """Latency of the layer in clock cycles."""
    if shape.folded:
        return shape.reuse_factor + 1
    straight = int(path_ns(shape) / shape.stage_ns)
    if shape.strategy != "latency" or shape.reuse_factor == 1 or straight == 0:
        return straight
    turns = math.ceil(shape.products.dsps / shared_dsps(shape))
    return straight + max(turns, 1)


def interval(shape: DenseShape) -> int:
    """Clock cycles between two events."""
    if shape.folded:
        return shape.reuse_factor
    after = cycles(shape) + 1
    return after if shape.strategy == "resource" else min(shape.reuse_factor, after)


def bram_18k(shape: DenseShape) -> float:
    """18 kbit blocks for weights, and for the table of accumulators that hls4ml adds where the reuse is above n_in."""
    if not shape.folded:
        return 0.0
    lanes = shape.n_in * shape.n_out / shape.reuse_factor
    blocks = rom_blocks(shape.reuse_factor, math.ceil(lanes * shape.weight_bits))
    turns = shape.reuse_factor // shape.n_in
    index_bits = math.ceil(math.log2(turns)) if turns > 1 else 0
    return blocks + rom_blocks(shape.reuse_factor, index_bits)


def rom_blocks(depth: int, width: int) -> int:
    """18 kbit blocks for ``depth`` words of ``width`` bits; none for a memory so small that HLS takes LUTs.

    >>> rom_blocks(64, 16), rom_blocks(512, 36), rom_blocks(512, 37), rom_blocks(2048, 16)
    (0, 1, 2, 2)
    """
    if depth * width <= _SMALLEST_ROM:
        return 0
    for limit, bits in _ROM_WIDTHS:
        if depth <= limit:
            return math.ceil(width / bits)
    return math.ceil(depth * width / (16384 * 1))


def dense_cost(shape: DenseShape, coefficients: Coefficients) -> DenseCost:
    """Figures of the layer. ``reuse_factor`` must be legal for its strategy."""
    if shape.folded:
        dsps = shape.n_in * shape.n_out / shape.reuse_factor if takes_dsp(shape) else 0.0
    elif shape.strategy == "latency":
        dsps = min(shape.products.dsps, shared_dsps(shape))
    else:
        dsps = shape.products.dsps
    return DenseCost(
        Counts(
            lut=weighted(lut_terms(shape), coefficients),
            ff=weighted(ff_terms(shape), coefficients),
            dsp=dsps,
            bram=bram_18k(shape) / 2,
        ),
        cycles=cycles(shape),
        interval=interval(shape),
        path_ns=0.0 if shape.folded else path_ns(shape),
    )


def weighted(terms: Mapping[str, float], coefficients: Coefficients) -> float:
    """Sum of the terms, each with its coefficient.

    >>> weighted({"adder": 3.0, "register": 2.0}, {"adder": 1.5, "register": 0.25})
    5.0
    """
    return sum(coefficients[name] * count for name, count in terms.items())
