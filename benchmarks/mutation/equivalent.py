"""Mutants that compute the same bits as the right code, if more slowly or on more logic, each with the reason."""

from __future__ import annotations

_ONE_INPUT = "the node has one input, which is the first and the last"
_SPEED = "how events are divided among blocks and threads changes no result"
_CHOSEN = "a limit that is chosen and not found"

EQUIVALENT: dict[str, str] = {
    "hls/emulation/engine.py: self.block = int(np.clip(_BLOCK_BYTES // (4 * max(widest, 1)), 16, _MAX_BLOCK)) => "
    "self.block = int(np.clip(_BLOCK_BYTES // (4 * max(widest, 1)), (16 + 1), _MAX_BLOCK))": _SPEED,
    "hls/emulation/engine.py: if len(starts) <= 1 or self.threads == 1: => "
    "if len(starts) <= 1 or self.threads == (1 - 1):": _SPEED,
    "hls/emulation/plan.py: wide = values.astype(np.float64) if target.dtype == np.float64 else values => "
    "wide = values.astype(np.float64) if (target.dtype != np.float64) else values": (
        "units of float32 are less than 60 apart from zero, so a power of two between them is exact in either format"
    ),
    "hls/emulation/plan.py: return (numerator << fraction) // denominator if fraction >= 0 else "
    "numerator // (denominator << -fraction) => return (numerator << fraction) // denominator if fraction >= (0 + 1) "
    "else numerator // (denominator << -fraction)": "a shift by nothing is the same to the left and to the right",
    "hls/emulation/ports.py: return isinstance(events, list | tuple) and len(events) == 1 and "
    "isinstance(events[0], np.ndarray) => return isinstance(events, list | tuple) and len(events) == 1 and "
    "isinstance(events[(0 - 1)], np.ndarray)": "of one element the first is the last",
    "hls/emulation/steps.py: smallest = edges[0].raw_min => smallest = edges[(0 - 1)].raw_min": _ONE_INPUT,
    "hls/emulation/steps.py: return values[rescale(inputs[0], sources[0], raw).astype(np.int64) - node.raw_min] => "
    "return values[rescale(inputs[(0 - 1)], sources[0], raw).astype(np.int64) - node.raw_min]": _ONE_INPUT,
    "hls/emulation/steps.py: return np.where(x >= 0, x, x // (1 << shift)) => "
    "return np.where((x > 0), x, x // (1 << shift))": "zero by any slope is zero",
    "hls/emulation/steps.py: result = np.matmul(x.reshape(-1, kernel.shape[0]), kernel, out=into) => "
    "result = np.matmul(x.reshape(-1, kernel.shape[0]), kernel)": "scratch is only a place to write into",
    "hls/graph/edge.py: dtype = np.int64 if type_.width <= 62 else object => "
    "dtype = np.int64 if type_.width <= (62 + 1) else object": "int64 holds 63 bits too; sums are made of wider ones",
    "hls/graph/intervals.py: patches(bound[None], window, node.strides, node.dilation, node.padding)[0] for bound in "
    "(x.low, x.high) => patches(bound[None], window, node.strides, node.dilation, node.padding)[(0 - 1)] for bound in "
    "(x.low, x.high)": "of one element the first is the last",
    "hls/importing/activations.py: if (low, high) != (edge.raw_min, edge.raw_max) and low < high: => "
    "if (low, high) != (edge.raw_max, edge.raw_max) and low < high:": "a clip to all that can come changes nothing",
    "hls/importing/importer.py: guard = _finest_fraction(model) + 1 => "
    "guard = _finest_fraction(model) + (1 + 1)": "more guard bits than are needed round alike",
    "hls/importing/weights.py: qx, qq = qx.mean(axis=axes, keepdims=True), qq.mean(axis=axes, keepdims=True) => "
    "qx, qq = qx.mean(axis=axes, keepdims=False), qq.mean(axis=axes, keepdims=True)": (
        "the quotient of both is broadcast to the same shape"
    ),
    "hls/rtl/arithmetic.py: bits = max(high.bit_length(), (-low - 1).bit_length() if signed else 0) => "
    "bits = max(high.bit_length(), (-low - 1).bit_length() if signed else (0 - 1))": "no length is below zero",
    "hls/events/corners.py: seen = traced[name].reshape(len(raised), -1) => "
    "seen = traced[name].reshape(len(raised), -(1 + 1))": "NumPy takes any negative size for the one to find",
    "hls/events/sample.py: loaded = np.load(stream, allow_pickle=False) => "
    "loaded = np.load(stream)": "NumPy's own default",
    "hls/witnesses/netlist.py: limits: ClassVar[Limits] = Limits(max_events=2_000, "
    "multiplications=3_000, place=4) => limits: ClassVar[Limits] = Limits(max_events=2_000, "
    "multiplications=(3000 + 1), place=4)": _CHOSEN,
    "hls/emulation/steps.py: x = inputs[0].astype(wide, copy=False) => x = inputs[(0 - 1)].astype(wide, "
    "copy=False)": _ONE_INPUT,
    "hls/graph/costs.py: return np.array(widths, dtype=np.int64).reshape(constant.shape) => return "
    "np.array(widths).reshape(constant.shape)": "NumPy makes int64 of them by itself",
    'hls/importing/activations.py: mantissa, exponent = math.frexp(float(quantizer.get("negative_slope", '
    '0.0))) => mantissa, exponent = math.frexp(float(quantizer.get("negative_slope", (0.0 - 1))))': (
        "a leaky quantizer has a slope"
    ),
    "hls/importing/activations.py: raw = max(math.ceil(threshold * Fraction(2) ** "
    "emit.edge(x).fraction), 1) => raw = max(math.ceil(threshold * Fraction(2) ** "
    "emit.edge(x).fraction), (1 - 1))": (
        "a threshold of nothing counts zero as above and not as below, which gives zero either way"
    ),
    "hls/importing/element_types.py: if edge.fraction <= fraction: => if (edge.fraction < fraction):": (
        "rounding by no bits changes none"
    ),
    "hls/importing/element_types.py: low, high = min(edge.raw_min >> dropped, 0), max((edge.raw_max >> "
    "dropped) + up, 0) => low, high = min((edge.raw_min << dropped), 0), max((edge.raw_max >> dropped) + "
    "up, 0)": "the type is wider, and no value of it more is reached",
    "hls/importing/functions.py: return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, "
    "0.0)))) => return np.asarray(np.where((x >= 0), x, alpha * np.expm1(np.minimum(x, 0.0))))": (
        "the exponential of nothing less one is nothing"
    ),
    "hls/importing/heads.py: sign = FixedType(True, 1, 1 + bits - edge.fraction) # of a step that no "
    "difference passes: its floor is the sign => sign = FixedType(True, 1, (1 - 1) + bits - "
    "edge.fraction) # of a step that no difference passes: its floor is the sign": (
        "floors of smaller steps saturate to the same bit"
    ),
    "hls/importing/hgq2.py: return Formats(signed, np.where(used, bits, 0), np.where(used, signed + "
    "integer, 0), rounding, overflow) => return Formats(signed, np.where(used, bits, 0), np.where(used, "
    "signed + integer, (0 + 1)), rounding, overflow)": "nothing reads the integer bits of an element without bits",
    "hls/importing/learned_bits.py: return raw >> shift if shift >= 0 else raw << -shift => return raw "
    ">> shift if shift >= (0 + 1) else raw << -shift": "a shift by nothing is the same to the left and to the right",
    "hls/importing/schema.py: first = max(error.errors(include_url=False), key=lambda found: "
    'len(found["loc"])) => first = max(error.errors(), key=lambda found: len(found["loc"]))': (
        "an address of the complaint is there that nobody reads"
    ),
    'hls/importing/wiring.py: return _one_of_window(emit, "pad", inputs[0], (1,) * rank, (0,) * rank, '
    '(1,) * rank, around) => return _one_of_window(emit, "pad", inputs[0], (1,) * rank, ((0 - 1),) * '
    "rank, (1,) * rank, around)": "of a window of one place the first is the last",
    "hls/verification/span.py: if a.dtype == np.int64 == b.dtype and _largest(a) + _largest(b) < INT64: "
    "=> if (a.dtype == np.int64 != b.dtype) and _largest(a) + _largest(b) < INT64:": (
        "integers of Python add as those of NumPy do, more slowly"
    ),
    "hls/hls4ml_project/types.py: shift = (common & -common).bit_length() - 1 => "
    "shift = ((common | -common)).bit_length() - 1": "either has the length of the lowest bit",
}
