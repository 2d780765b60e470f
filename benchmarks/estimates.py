"""The analytic estimates: how fast they are, and the fit behind hls/estimates/coefficients.json with its errors.

    python benchmarks/estimates.py                       time of the estimates, and of alkaid's solver on the same graph
    python benchmarks/estimates.py --fit CSV             refit the hls4ml model and print errors on rows left out
    python benchmarks/estimates.py --fit CSV --rtl CSV --write       ... and the RTL model; rewrite coefficients.json

--fit takes C synthesis results of single QDense layers with the columns d_in, d_out, prec, rf, strategy and LUT_hls,
FF_hls, DSP_hls, BRAM_18K_hls, BestLatency_hls, IntervalMin_hls (wa-hls4ml-search, Apache-2.0); --rtl takes post-route
results with the columns ebops, cost, lut, ff, cycles, period_ns (JEDI-linear, arXiv:2508.15468). Fitting needs scipy.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.figures.estimates import adder_graph, estimate_hls4ml, estimate_rtl
from hls.figures.estimates.constants import constant_products, typical_kernel
from hls.figures.estimates.dense import DenseCost, DenseShape, dense_cost, ff_terms, lut_terms
from hls.figures.estimates.rtl_route import fit_values
from hls.graph import FixedGraph, nodes
from hls.graph.builder import GraphBuilder
from hls.graph.fixed import FixedArray, FixedType
from hls.importing import import_keras
from hls.target import Target

COEFFICIENTS = Path("hls/estimates/coefficients.json")
MODEL = Path("firmware_projects/evn-two-body/model.h5")
FOLDS = 5
Floats = npt.NDArray[np.float64]
Terms = Callable[[DenseShape], dict[str, float]]

# Input and accumulator of the fitted layers have hls4ml's default type; the reports' clocks stay below 87.5 % of 5 ns.
DATA_BITS = 16
STAGE_NS = 0.875 * 5


@dataclass(frozen=True)
class Row:
    """One synthesised Dense layer."""

    shape: DenseShape
    seen: dict[str, float]

    @property
    def regime(self) -> str:
        if self.shape.reuse_factor == 1:
            return "unrolled"
        return "folded" if self.shape.folded else "shared"


def read_dense(path: Path) -> list[Row]:
    rows = []
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            n_in, n_out, bits = int(line["d_in"]), int(line["d_out"]), int(line["prec"])
            products = constant_products(typical_kernel(n_in, n_out, bits), DATA_BITS)
            shape = DenseShape(
                n_in, n_out, DATA_BITS, bits, DATA_BITS, line["strategy"], int(line["rf"]), STAGE_NS, True, products
            )
            seen = {
                "lut": float(line["LUT_hls"]),
                "ff": float(line["FF_hls"]),
                "dsp": float(line["DSP_hls"]),
                "bram": float(line["BRAM_18K_hls"]) / 2,
                "uram": 0.0,
                "cycles": float(line["BestLatency_hls"]),
                "interval": float(line["IntervalMin_hls"]),
                "latency_ns": float(line["BestLatency_hls"]) * 5,
            }
            rows.append(Row(shape, seen))
    return rows


def fit_terms(rows: Sequence[Row], terms: Terms, figure: str) -> dict[str, float]:
    """Non-negative coefficients that minimise the (robust) error of the logarithm."""
    names = sorted({name for row in rows for name in terms(row.shape)})
    matrix = np.array([[terms(row.shape).get(name, 0.0) for name in names] for row in rows])
    return dict(zip(names, log_fit(matrix, np.array([row.seen[figure] for row in rows])), strict=True))


def log_fit(matrix: Floats, seen: Floats) -> list[float]:
    from scipy.optimize import least_squares

    scale = np.median(seen) / np.maximum(matrix.max(axis=0), 1)

    def residual(x: Floats) -> Floats:
        return np.asarray(np.log(matrix @ (x * scale) + 1e-9) - np.log(seen))

    solved = least_squares(residual, np.full(matrix.shape[1], 0.3), bounds=(0, np.inf), loss="soft_l1", f_scale=0.1)
    return [float(value) for value in solved.x * scale]


def fit_dense(rows: Sequence[Row]) -> dict[str, float]:
    return fit_terms(rows, lut_terms, "lut") | fit_terms(rows, ff_terms, "ff")


def figures(cost: DenseCost) -> dict[str, float]:
    return {
        **cost.counts,
        "uram": 0.0,
        "cycles": cost.cycles,
        "interval": cost.interval,
        "latency_ns": cost.cycles * 5.0,
    }


def groupings(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Which fold each row is in: at random, by shape, by precision."""
    shapes = sorted({(row.shape.n_in, row.shape.n_out) for row in rows})
    bits = sorted({row.shape.weight_bits for row in rows})
    order = np.random.default_rng(0).permutation(len(rows))
    return {
        "k-fold": [int(order[i]) % FOLDS for i in range(len(rows))],
        "by shape": [shapes.index((row.shape.n_in, row.shape.n_out)) % FOLDS for row in rows],
        "by precision": [bits.index(row.shape.weight_bits) for row in rows],
    }


def left_out(rows: Sequence[Row], folds: Sequence[int]) -> list[dict[str, float]]:
    """Relative errors of every row, by a fit that has not seen its fold."""
    errors: list[dict[str, float]] = [{} for _ in rows]
    for fold in sorted(set(folds)):
        seen = [row for row, its in zip(rows, folds, strict=True) if its != fold]
        found = fit_dense(seen)
        for index, (row, its) in enumerate(zip(rows, folds, strict=True)):
            if its == fold:
                predicted = figures(dense_cost(row.shape, found))
                errors[index] = {
                    name: abs(predicted[name] - value) / max(value, 1.0) for name, value in row.seen.items()
                }
    return errors


def summary(errors: Sequence[float]) -> dict[str, float]:
    return {"median": round(float(np.median(errors)), 4), "p90": round(float(np.quantile(errors, 0.9)), 4)}


def dense_model(path: Path) -> dict[str, Any]:
    rows = read_dense(path)
    worst: dict[str, dict[str, dict[str, float]]] = {}
    say(f"hls4ml Dense, C synthesis, {len(rows)} rows: relative error on rows left out, median / 90 %")
    for name, folds in groupings(rows).items():
        errors = left_out(rows, folds)
        for regime in ("unrolled", "shared", "folded", "all"):
            chosen = [e for e, row in zip(errors, rows, strict=True) if regime in (row.regime, "all")]
            parts = []
            for figure in rows[0].seen:
                found = summary([e[figure] for e in chosen])
                parts.append(f"{figure} {found['median']:.1%} / {found['p90']:.1%}")
                kept = worst.setdefault(regime, {}).setdefault(figure, found)
                worst[regime][figure] = {key: max(kept[key], found[key]) for key in found}
            say(f"  {name:12s} {regime:8s} {len(chosen):3d} rows: " + ", ".join(parts))
    return {
        "source": "wa-hls4ml-search (Apache-2.0): single QDense layers, Vivado / Vitis HLS C synthesis, 5 ns",
        "basis": "csynth",
        "rows": len(rows),
        "error_of": "worst of k-fold, folds by shape and folds by precision; always on rows left out",
        "rules": "DSP, BRAM, cycles and interval: nothing fitted, but their few constants were chosen on these rows",
        "coefficients": fit_dense(rows),
        "errors": {regime: found for regime, found in worst.items() if regime != "all"},
    }


def rtl_fit(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    cost, lut, ff, cycles, period = (
        np.array([row[key] for row in rows]) for key in ("cost", "lut", "ff", "cycles", "period_ns")
    )
    reference = float(np.exp(np.log(cost).mean()))
    doublings = np.log2(cost / reference)
    slope, middle = np.polyfit(doublings, cycles, 1)
    exponent, log_period = np.polyfit(doublings, np.log2(period), 1)
    return {
        "reference_cost": reference,
        "lut": float(np.exp(np.median(np.log(lut / cost)))),
        "ff": float(np.exp(np.median(np.log(ff / cost)))),
        "cycles": float(middle),
        "cycles_per_doubling": float(slope),
        "period_ns": float(2**log_period),
        "period_exponent": float(exponent),
    }


def rtl_model(path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{key: float(value) for key, value in line.items() if key != "design"} for line in csv.DictReader(file)]
    errors: dict[str, list[float]] = {"lut": [], "ff": [], "cycles": [], "period_ns": []}
    for index, row in enumerate(rows):
        found = rtl_fit(rows[:index] + rows[index + 1 :])
        for name, value in zip(errors, fit_values(found, row["cost"]), strict=True):
            errors[name].append(abs(value - row[name]) / row[name])
    kept = {name: summary(found) for name, found in errors.items()}
    say(f"RTL, post-route, {len(rows)} rows: relative error, leaving one out, median / 90 %")
    say("  " + ", ".join(f"{name} {found['median']:.1%} / {found['p90']:.1%}" for name, found in kept.items()))
    costs = [row["cost"] for row in rows]
    return {
        "source": "JEDI-linear (arXiv:2508.15468), its published reports: VU13P, Vivado, interval 1, target 2 ns",
        "basis": "post-route",
        "rows": len(rows),
        "error_of": "leaving one out",
        "range": [min(costs), max(costs)],
        "coefficients": rtl_fit(rows),
        "errors": {"post-route": kept},
    }


def random_graph(rng: np.random.Generator) -> FixedGraph:
    """One to three dense layers with random sizes, widths and sparsity."""
    sizes = rng.choice([4, 8, 12, 16, 24, 32, 48], int(rng.choice([1, 1, 2, 3])) + 1)
    scale, sparsity = 1 << int(rng.integers(1, 10)), float(rng.choice([0.0, 0.0, 0.3, 0.6, 0.8]))
    port, between = FixedType(True, int(rng.integers(4, 17)), 3), FixedType(False, int(rng.integers(4, 11)), 2)
    builder = GraphBuilder("random")
    last = builder.add(nodes.Input("x", (), "x", (int(sizes[0]),), port, port.raw_min, port.raw_max))
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        raw = np.clip(np.rint(rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in) * scale), -scale, scale - 1)
        raw[rng.random((n_in, n_out)) < sparsity] = 0
        raw[0, 0] = scale - 1
        fraction = scale.bit_length() - 1
        bias = FixedArray(rng.integers(-scale, scale, n_out), fraction)
        kernel = FixedArray(raw.astype(np.int64), fraction)
        last = builder.add(nodes.Dense(f"d{layer}", (last,), f"d{layer}", kernel, bias))
        last = builder.add(nodes.Quantize(f"q{layer}", (last,), f"d{layer}", between, between.raw_min, between.raw_max))
    return builder.finish(["x"], [last], ["y"])


def adder_graph_model(designs: int = 100) -> dict[str, Any]:
    from hls.rtl.trace import trace

    rng = np.random.default_rng(5)
    rows = []
    for _ in range(designs):
        graph = random_graph(rng)
        cost = trace(graph).cost
        if cost > 50:
            rows.append((adder_graph.cost_terms(graph), cost))
    names = sorted({name for terms, _ in rows for name in terms})
    matrix = np.array([[terms.get(name, 0.0) for name in names] for terms, _ in rows])
    costs = np.array([value for _, value in rows])
    folds = np.random.default_rng(0).permutation(len(rows)) % FOLDS
    errors = np.zeros(len(rows))
    for fold in range(FOLDS):
        found = np.array(log_fit(matrix[folds != fold], costs[folds != fold]))
        errors[folds == fold] = np.abs(matrix[folds == fold] @ found - costs[folds == fold]) / costs[folds == fold]
    kept = summary(list(errors))
    say(f"cost of the adder graph, {len(rows)} random networks: relative error against alkaid's own cost, left out,")
    say(f"  median {kept['median']:.1%} / 90 % {kept['p90']:.1%}")
    return {
        "source": "alkaid's CombLogic.cost of random dense networks (this script)",
        "rows": len(rows),
        "error_of": "k-fold, on networks left out",
        # Element-wise arithmetic is an adder of its width: nothing to share, so nothing to fit.
        "coefficients": dict(zip(names, log_fit(matrix, costs), strict=True)) | {"element": 1.0},
        "errors": {"cost": {"lut": kept}},
    }


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def measure() -> None:
    """Time of both estimates, beside that of the solver whose cost one of them predicts."""
    graph = import_keras(str(MODEL))
    target = Target(part="xcvu13p-flga2577-2-e", backend="vitis", clock_ns=5.0)
    for name, run in (
        ("estimate, hls4ml route", partial(estimate_hls4ml, graph, target)),
        ("estimate, RTL route", partial(estimate_rtl, graph, 5.0)),
    ):
        run()
        start = time.perf_counter()
        for _ in range(20):
            found = run()
        say(f"{name:28s} {(time.perf_counter() - start) / 20 * 1e3:8.2f} ms   {found['lut'].value:,.0f} LUT")
    try:
        from hls.rtl.trace import trace
    except ImportError:
        say("alkaid is not installed: nothing to compare with")
        return
    start = time.perf_counter()
    cost = trace(graph).cost
    seconds = time.perf_counter() - start
    if cost:
        known = estimate_rtl(graph, 5.0, cost=cost)
        say(f"{'alkaid, solved':28s} {seconds * 1e3:8.2f} ms   {known['lut'].value:,.0f} LUT from its own cost")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", type=Path, metavar="CSV", help="C synthesis results of Dense layers")
    parser.add_argument("--rtl", type=Path, metavar="CSV", help="post-route results of unrolled RTL")
    parser.add_argument("--cost", action="store_true", help="refit the adder-graph cost against alkaid (minutes)")
    parser.add_argument("--write", action="store_true", help=f"store what was fitted in {COEFFICIENTS}")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if options.fit is not None:
        found["hls4ml_dense"] = dense_model(options.fit)
    if options.rtl is not None:
        found["rtl"] = rtl_model(options.rtl)
    if options.cost:
        found["adder_graph"] = adder_graph_model()
    if not found:
        measure()
    if options.write:
        before = json.loads(COEFFICIENTS.read_text(encoding="utf-8")) if COEFFICIENTS.exists() else {}
        COEFFICIENTS.write_text(json.dumps(before | rounded(found), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
