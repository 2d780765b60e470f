"""Faults of which each once survived the whole suite: wrong bits, or wrong verdicts, that nobody would have noticed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.operators import Mutant


@dataclass(frozen=True)
class Patch:
    """``old``, which stands once in the file at ``path``, becomes ``new``."""

    name: str
    path: str
    old: str
    new: str

    def mutant(self, root: Path) -> Mutant:
        """The edit; ValueError if the code is no longer what the patch was made for."""
        source, old = (root / self.path).read_bytes(), self.old.encode()
        if source.count(old) != 1:
            raise ValueError(f"{self.name}: {self.path} has {source.count(old)} times {self.old!r}")
        start = source.index(old)
        first = source.count(b"\n", 0, start) + 1
        last = first + old.count(b"\n")
        at_import = not source[source.rfind(b"\n", 0, start) + 1 :].startswith(b" ")
        return Mutant(self.path, "hand-made", start, start + len(old), self.new, first, last, at_import)


HAND_MADE = (
    Patch(
        "a digest blind to rounding",
        "hls/graph/digest.py",
        '_NAMES = ("name", "inputs", "layer")',
        '_NAMES = ("name", "inputs", "layer", "rounding")',
    ),
    Patch(
        "a digest blind to the order of ports",
        "hls/graph/digest.py",
        "placed = dict.fromkeys(inputs)",
        "placed = dict.fromkeys(sorted(inputs))",
    ),
    Patch(
        "quantized_linear is not symmetric where its text does not say so",
        "hls/importing/quantizers.py",
        'self.whole("symmetric", int(self.kind == "quantized_linear"))',
        'self.whole("symmetric", 0)',
    ),
    Patch(
        "vendors' reports are kept for another target",
        "hls/project/vendor_runs.py",
        "return report.graph.digest == digest and same",
        "return report.graph.digest == digest",
    ),
    Patch(
        "SAT_SYM where the ends are not those of the type",
        "hls/hls4ml_project/pointwise.py",
        "if type_.signed and raw_max == type_.raw_max and raw_min == -raw_max < 0:",
        "if type_.signed and raw_min == -raw_max < 0:",
    ),
    Patch(
        "no look at the constant that saturates the low end in RTL",
        "hls/rtl/arithmetic.py",
        "            _check_added(rounded, -low)\n",
        "",
    ),
    Patch(
        "float32 trusted up to 2**26",
        "hls/emulation/plan.py",
        "(np.dtype(np.float32), FLOAT32_LIMIT)",
        "(np.dtype(np.float32), 4 * FLOAT32_LIMIT)",
    ),
    Patch(
        "corner events without -1",
        "hls/events/corners.py",
        "(box.low[element], box.high[element], 1, -1)",
        "(box.low[element], box.high[element], 1)",
    ),
    Patch(
        "corner events without the outputs",
        "hls/events/corners.py",
        "(*first, *graph.outputs)",
        "first",
    ),
    Patch(
        "a compiled simulation found again for other ports",
        "hls/rtl/simulation.py",
        "digest([settings, header, bench,",
        "digest([settings, bench,",
    ),
    Patch(
        "an accumulator that holds the result alone",
        "hls/hls4ml_project/linear.py",
        "bound = max(edge.partial_bound, 1)",
        "bound = max(edge.magnitude, 1)",
    ),
    Patch(
        "a trial found again for another seed",
        "hls/scan/trial.py",
        "self.epochs, self.seed]",
        "self.epochs]",
    ),
)
