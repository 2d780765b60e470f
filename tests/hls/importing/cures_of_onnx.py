"""Refusals of operators of ONNX, QONNX and FINN, each with its cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.importing import Statements, import_model
from hls.importing.formats import plain_model
from hls.importing.importer import build_graph
from hls.importing.onnx.export import export_qonnx
from tests.hls.importing.cures import TYPE, Case, Read, of_file, onnx
from tests.hls.importing.files import activation, layer, port, tensor
from tests.hls.importing.onnx_files import BREVITAS, File, Step, entry

NUMBERS: dict[str, npt.ArrayLike] = {"s": 0.25, "z": 0.0, "b": 6.0, "b3": 3.0, "one": 1.0, "half": 0.5}
W, FLOATS = np.array([[0.5, -1.25], [1.0, 0.25], [2.0, 0.5]]), np.full((3, 2), 0.1)


def file(shape: Sequence[int | None], /, *steps: Step, **constants: npt.ArrayLike) -> File:
    """Operators behind a quantizer of the input, called "q"."""
    return File(shape, (quant("x", "q"), *steps), {**NUMBERS, **constants})


def quant(source: str, output: str, scale: str = "s", bits: str = "b", zero: str = "z", **options: Any) -> Step:
    return Step("Quant", (source, scale, zero, bits), output, options, BREVITAS)


def step(kind: str, *inputs: str, domain: str = "", **options: Any) -> Step:
    return Step(kind, inputs or ("q",), "y", options, domain)


def one(
    told: str,
    shape: Sequence[int | None],
    refused: Step | Sequence[Step],
    cured: Step | Sequence[Step],
    **constants: Any,
) -> Case:
    """Operators behind the quantizer."""
    steps, others = ([found] if isinstance(found, Step) else found for found in (refused, cured))
    return onnx(file(shape, *steps, **constants), told, file(shape, *others, **constants))


RELU = Step("Relu", ("q",), "y")
LINE, IMAGE = (1, 3), (1, 2, 4, 4)
WINDOW: dict[str, Any] = {"kernel_shape": [2, 2]}
TWO = np.array([1, 2])
FUNCTION = (Step("Softplus", ("q",), "t"), quant("t", "y"))
EXACT = [
    one("write it with those that are known: Abs, Add", LINE, step("Det"), RELU),
    one("put a quantizer right behind the division or average", (1, 2, 3, 3), step("GlobalAveragePool"),
        [Step("GlobalAveragePool", ("q",), "p"), quant("p", "y")]),
    one("qtrigger quantize MODEL --events FILE --out NEW.keras, or train it with quantizers", LINE,
        step("MatMul", "q", "F"), [quant("F", "w", bits="b3"), step("MatMul", "q", "w")], F=FLOATS),
    one('softmax = "drop"', LINE, step("Softmax"), RELU),
    one('sigmoid = "drop"', LINE, step("Sigmoid"), RELU),
    one("tanh is not supported; put a quantizer (Quant) right behind it", LINE, step("Tanh"), FUNCTION),
    one("put a quantizer (Quant) right behind it", LINE, [Step("Softplus", ("q",), "t"), step("Relu", "t")], FUNCTION),
    one("leave these options at their defaults", LINE, [Step("Selu", ("q",), "t", {"alpha": 1.5}), quant("t", "y")],
        [Step("Selu", ("q",), "t"), quant("t", "y")]),
    one("take one scale for all of them", LINE, [Step("Tanh", ("q",), "t"), quant("t", "y", scale="c")], FUNCTION,
        c=[[0.25, 0.5, 1.0]]),
    one("return_quant_tensor=False", LINE, Step("Log", ("s",), "y"), RELU),
    one("take the last axis", (1, 2, 3), step("Softmax", axis=1), RELU),
    onnx(file(LINE, step("Softmax")), "choose one of drop, argmax, table", file(LINE, step("Softmax")),
         Statements("ap_fixed<8,4>", softmax="tables"), Statements("ap_fixed<8,4>", softmax="table")),
    onnx(file(LINE, RELU), "leave the statement out", file(LINE, RELU), Statements("ap_fixed<8,4>", softmax="drop"),
         TYPE),
    onnx(File(LINE, [step("Neg", "x")], {}), "--input-type 'ap_fixed<16,6>'", File(LINE, [step("Neg", "x")], {}),
         Statements(), TYPE),
    onnx(file((1, None), RELU), "every size but the batch's fixed", file(LINE, RELU)),
    onnx(replace(file(LINE, RELU), element=10), "export the model in float32", file(LINE, RELU)),
    onnx(File(LINE, [step("MatMul", "x", "F")], {"F": FLOATS}), "qtrigger quantize", File(LINE, [step(
        "MatMul", "x", "W")], {"W": W})),
]  # fmt: skip
QUANTIZERS = [
    one("use ROUND, ", LINE, quant("q", "y", rounding_mode="SOMEHOW"), quant("q", "y", rounding_mode="ROUND")),
    one("use a whole number up to 64", LINE, quant("q", "y", bits="half"), quant("q", "y")),
    one("use a whole one", LINE, quant("q", "y", zero="half"), quant("q", "y", zero="one")),
    one("use BipolarQuant", LINE, quant("q", "y", bits="one", zero="one"),
        step("BipolarQuant", "q", "one", domain=BREVITAS)),
    one("one for the tensor, or one a channel", (1, 2, 3), quant("q", "y", scale="t"), quant("q", "y"),
        t=np.full((2, 3), 0.25)),
    one("write Quant with signed = 0 and a bit width of 1", LINE,
        [Step("Relu", ("q",), "r"), step("BipolarQuant", "r", "one", domain=BREVITAS)],
        [Step("Relu", ("q",), "r"), quant("r", "y", bits="one", signed=0)]),
    one("one for the tensor, or one a channel", (1, 2, 3), step("BipolarQuant", "q", "t", domain=BREVITAS),
        step("BipolarQuant", "q", "one", domain=BREVITAS), t=np.full((2, 3), 0.25)),
    one("take an output scale nearer to the scale", LINE,
        step("Trunc", "q", "s", "z", "b", "none", "b3", domain=BREVITAS),
        step("Trunc", "q", "s", "z", "b", "s", "b3", domain=BREVITAS), none=0.0),
    one("use zero", LINE, step("Trunc", "q", "s", "one", "b", "b3", domain=BREVITAS),
        step("Trunc", "q", "s", "z", "b", "b3", domain=BREVITAS)),
    one("give it the scale of the quantizer before it", LINE, step("Trunc", "q", "half", "z", "b", "b3",
        domain=BREVITAS), step("Trunc", "q", "s", "z", "b", "b3", domain=BREVITAS)),
    one("one row a channel", (1, 2, 3), step("MultiThreshold", "q", "t"), step("MultiThreshold", "q", "u"),
        t=np.zeros(3), u=np.zeros((3, 1))),
    one("255 steps at most", (1, 2, 3), step("MultiThreshold", "q", "t"), step("MultiThreshold", "q", "u"),
        t=np.zeros((2, 1)), u=np.zeros((3, 1))),
    one("int8 or uint8", LINE, step("QuantizeLinear", "q", "s", "z"), step("QuantizeLinear", "q", "s", "o"),
        o=np.array(0, np.int8)),
    one("one for the tensor", LINE, step("QuantizeLinear", "q", "t", "o"), step("QuantizeLinear", "q", "s", "o"),
        o=np.array(0, np.int8), t=np.full(3, 0.25)),
    one("int8 or uint8", LINE, step("QuantizeLinear", "q", "s", output_dtype=10),
        step("QuantizeLinear", "q", "s", output_dtype=3)),
    one("a product of tensors (Mul)", LINE, step("Pow", "q", "t"),
        [Step("Mul", ("q", "q"), "p"), step("Mul", "p", "q")], t=3.0),
    one("one for all, or one a channel", LINE, [Step("DequantizeLinear", ("W", "t"), "w"), step("MatMul", "q", "w")],
        [Step("DequantizeLinear", ("W", "u"), "w"), step("MatMul", "q", "w")],
        W=np.ones((3, 2), np.int8), t=np.full(3, 0.25), u=np.full(2, 0.25)),
    one("one for the tensor", LINE, step("DequantizeLinear", "q", "t", "o"), step("DequantizeLinear", "q", "s", "o"),
        o=np.array(0, np.int8), t=np.full(3, 0.25)),
]  # fmt: skip
HALF = Step("MaxPool", ("q",), "p", {"kernel_shape": [2]})
TOP = Step("TopK", ("q", "k"), "t", more=("i",))
WHOLE_NUMBERS = Step("Cast", ("q",), "i", {"to": 6})
TURN = Step("Transpose", ("q",), "t", {"perm": [1, 0]})
FLAT = Step("Flatten", ("q",), "f")
LINES = (1, 2, 3)
K, CUBE = np.full((3, 2, 2, 2), 0.5), (1, 2, 4, 4, 4)
PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1])
SHAPES = [
    one("make the batch the first axis", LINE, [TURN, step("MatMul", "t", "W")], step("MatMul", "q", "W"), W=W),
    one("make the batch the first axis", (1, 1), [TURN, step("Add", "t", "q")], step("Add", "q", "q")),
    one("make it the first", LINES, [Step("Transpose", ("q",), "t", {"perm": [1, 0, 2]}), step("Flatten", "t")],
        step("Flatten")),
    one("reshape one of them", LINES, [FLAT, step("Add", "q", "f")], [FLAT, step("Add", "f", "f")]),
    one("keep the batch as an axis of all three", LINES, step("Einsum", "q", "q", equation="abc,abc->bc"),
        step("Einsum", "q", "q", equation="abc,abc->abc")),
    one("make the batch the first axis", LINES, step("Einsum", "q", "o", equation="abc,ad->dbc"),
        step("Einsum", "q", "o", equation="abc,bd->adc"), o=np.ones((2, 3))),
    one("take two at a time, which computes the same", LINES, step("Einsum", "q", "q", "q", equation="abc,abc,abc->ab"),
        [Step("Mul", ("q", "q"), "t"), step("Einsum", "t", "q", equation="abc,abc->ab")]),
    one("write it with MatMul, Mul and ReduceSum, which compute the same", LINES,
        step("Einsum", "q", "c", equation="abc,cdd->ab"), step("MatMul", "q", "v"), c=np.ones((3, 2, 2)),
        v=np.ones((3, 1))),
    one("repeat along other axes", LINE, step("Tile", "q", "n"), step("Tile", "q", "m"), n=np.array([2, 1]),
        m=np.array([1, 2])),
    one("repeat along other axes", LINE, step("Expand", "q", "n"), step("Expand", "q", "m"), n=np.array([2, 1]),
        m=np.array([1, 1])),
    one("unsqueeze it behind the batch first", LINE, step("Expand", "q", "n"),
        [Step("Unsqueeze", ("q", "a"), "u"), step("Expand", "u", "n")], n=np.array([1, 2, 3]), a=np.array([1])),
    one("take one for all events", (2, 3), step("Concat", "c", "q", axis=1), step("Concat", "d", "q", axis=1),
        c=np.array([[1.0], [2.0]]), d=np.array([[1.0]])),
    one("a softmax it masks as well", LINE, [Step("Where", ("m", "q", "no"), "w"), step("ReduceMax", "w", axes=[1])],
        [Step("Where", ("m", "q", "low"), "w"), step("ReduceMax", "w", axes=[1])], m=np.array([True, False, True]),
        no=-np.inf, low=-1000.0),
    one("state ends that values lie between", LINE, step("Clip", "q", "e"), step("Clip", "q", "z"), e=np.inf),
    one("leave it out", LINE, step("Max", "q", "e"), RELU, e=np.inf),
    one("write numbers that no value goes beyond", LINE, step("Max", "q", "e"), step("Max", "q", "l"),
        e=[0.0, -np.inf, 1.0], l=[0.0, -1000.0, 1.0]),
    one("export the model in float32", LINE, step("Cast", "q", to=10), step("Cast", "q", to=1)),
    one("cast to int32 or int64 (a Clip before it keeps the ends)", LINE, step("Cast", "q", to=3),
        [Step("Clip", ("q", "l", "h"), "c"), step("Cast", "c", to=6)], l=-128.0, h=127.0),
    one("cast it to float32", LINE, [Step("Cast", ("one",), "c", {"to": 16}), step("Mul", "q", "c")],
        [Step("Cast", ("one",), "c", {"to": 1}), step("Mul", "q", "c")]),
    one("cast them to float32 first", (1, 4), [WHOLE_NUMBERS, step("ReduceMean", "i", axes=[1])],
        [WHOLE_NUMBERS, Step("Cast", ("i",), "f", {"to": 1}), step("ReduceMean", "f", axes=[1])]),
    one("cast them to float32 first", LINE, [Step("ArgMax", ("q",), "i", {"axis": 1}), step("Mean", "i", "i")],
        [Step("ArgMax", ("q",), "i", {"axis": 1}), Step("Cast", ("i",), "f", {"to": 1}), step("Mean", "f", "f")]),
    one("export the model as it runs (model.eval())", LINE,
        Step("BatchNormalization", ("q", *"cccc"), "y", more=("m", "v")),
        step("BatchNormalization", "q", *"cccc"), c=np.ones(3)),
    one("export the model in float32", LINE, step("Mul", "q", "c"), step("Mul", "q", "d"), c=np.array((1 << 25) + 1),
        d=np.array(1 << 25)),
    one("export the model as it runs (model.eval())", LINE, step("Dropout", "q", "half", "yes"), step("Dropout", "q"),
        yes=np.array(True)),
    one("leave it out, or compute it in software", (1, 1, 4), [replace(HALF, more=("i",)), step("Add", "p", "i")],
        [replace(HALF, more=("i",)), step("Relu", "p")]),
    one("take what it would look up as an input", LINE, step("Gather", "c", "q"), RELU, c=np.arange(8.0)),
    one("leave it the first axis", LINE, step("Squeeze", "q", "a"), RELU, a=np.array([0])),
    one("onnx.inliner.inline_local_functions(onnx.load(FILE))", LINE, step("Relu", domain="mine"), RELU),
    one("quantize_static(..., quant_format=QuantFormat.QDQ)", LINE, [Step("QuantizeLinear", ("q", "s", "o"), "i"),
        step("MatMulInteger", "i", "W")], [Step("QuantizeLinear", ("q", "s", "o"), "i"), Step(
        "DequantizeLinear", ("i", "s", "o"), "d"), Step("DequantizeLinear", ("W", "one", "o"), "w"),
        step("MatMul", "d", "w")], o=np.array(0, np.int8), W=np.ones((3, 2), np.int8)),
    one("its scale is that of each event; take fixed ones", LINE, step("DynamicQuantizeLinear"),
        [Step("QuantizeLinear", ("q", "s", "o"), "i"), step("DequantizeLinear", "i", "s", "o")],
        o=np.array(0, np.int8)),
    one("compare it (Greater)", LINE, [Step("Not", ("q",), "n"), step("Where", "n", "q", "z")],
        [Step("Greater", ("q", "z"), "c"), Step("Not", ("c",), "n"), step("Where", "n", "q", "z")]),
    one("sum the constant first", LINES, step("Einsum", "q", "c", equation="abc,cd->ab"), step("MatMul", "q", "v"),
        c=np.ones((3, 2)), v=np.full((3, 1), 2.0)),
    one("bring the tensor to that size first (Expand)", (1, 1, 2, 3), step("MatMul", "q", "c"),
        [Step("Expand", ("q", "n"), "e"), step("MatMul", "e", "c")], c=np.ones((2, 3, 2)), n=np.array([1, 2, 2, 3])),
    one("compare it (Greater)", LINE, step("Where", "q", "q", "z"), [Step("Greater", ("q", "z"), "c"), step(
        "Where", "c", "q", "z")]),
    one("reshape them", LINES, [Step("Greater", ("q", "z"), "c"), Step("Flatten", ("q",), "f"), step(
        "Where", "c", "f", "z")], [Step("Greater", ("q", "z"), "c"), step("Where", "c", "q", "z")]),
    one("choose one number, and add the others behind it", LINE, [Step("Greater", ("q", "z"), "c"), step(
        "Where", "c", "q", "k")], [Step("Greater", ("q", "z"), "c"), Step("Where", ("c", "q", "z"), "t"), step(
        "Add", "t", "k")], k=np.arange(3.0)),
    one("fold it: qonnx-cleanup, or onnxsim", LINE, [Step("MatMul", ("W", "W"), "p"), step("MatMul", "q", "p")],
        step("MatMul", "q", "W"), W=np.ones((3, 3))),
    one("leave it off the chip", LINE, step("Div", "q", "q"), RELU),
    one("leave it off the chip", LINE, step("Div", "s", "q"), RELU),
    one("take a part of another axis", LINE, step("Gather", "q", "i", axis=0), step("Gather", "q", "i", axis=1),
        i=np.array([0])),
    one("take one place, or a list of places", LINE, step("Gather", "q", "i", axis=1),
        step("Gather", "q", "j", axis=1), i=np.array([[0], [1]]), j=np.array([0, 1])),
    one("take mode='nearest'", LINES, step("Resize", "q", "", "twice", mode="linear"),
        step("Resize", "q", "", "twice", mode="nearest"), twice=np.array([1, 1, 2], np.float32)),
    one("take a part of another axis", LINE, step("Slice", "q", "i", "j", "i"), step("Slice", "q", "i", "j", "k"),
        i=np.array([0]), j=np.array([2]), k=np.array([1])),
    one("split another axis", LINE, step("Split", axis=0), step("Split", axis=1)),
    one("take the first one (select_last_index=0), which is another network", LINE,
        step("ArgMax", axis=1, select_last_index=1), step("ArgMax", axis=1)),
    one("take the largest along another axis", LINE, step("ArgMax", axis=0), step("ArgMax", axis=1)),
    one("take as many as an axis has", LINE, step("TopK", "q", "k"), step("TopK", "q", "i"),
        k=np.array([4]), i=np.array([3])),
    one("leave it out, or compute it in software", LINE, [TOP, step("Relu", "i")], [TOP, step("Relu", "t")],
        k=np.array([2])),
    one("sum along another axis", LINE, step("CumSum", "q", "i"), step("CumSum", "q", "k"), i=np.array(0),
        k=np.array(1)),
    one("use BatchNormalization, which is another network", LINE, step("LayerNormalization", "q", "c"),
        step("BatchNormalization", "q", "c", "c", "c", "c"), c=np.ones(3)),
    one("flatten all axes but the batch", LINES, step("Flatten", axis=2), step("Flatten", axis=1)),
    one("concatenate other axes", LINE, step("Concat", "q", "q", axis=0), step("Concat", "q", "q", axis=1)),
    one("fold it: qonnx-cleanup, or onnxsim", LINE, [Step("Relu", ("one",), "r"), step("Mul", "q", "r")],
        step("Mul", "q", "one")),
    one("it must be a constant", LINE, step("Gemm", "q", "q"), step("Gemm", "q", "W"), W=W),
    one("it must be one number", LINE, step("Clip", "q", "l"), step("Clip", "q", "z"), l=np.zeros(3)),
    one("keep the batch as the first axis", LINE, step("Reshape", "q", "t"), step("Reshape", "q", "u"),
        t=np.array([3, 1]), u=np.array([-1, 3])),
    one("keep the batch as the first axis", LINE, step("Reshape", "q", "t"), step("Reshape", "q", "u"),
        t=np.array([-1, -1]), u=np.array([0, 3])),
    one("take those of one element only", LINE, step("Squeeze", "q", "a"), [Step("Unsqueeze", ("q", "a"), "u"), step(
        "Squeeze", "u", "a")], a=np.array([1])),
    one("give one number, or one for each of an axis", LINE, step("Add", "q", "c"), step("Add", "q", "d"),
        c=np.zeros((2, 3)), d=np.zeros(3)),
    one("one or two spatial axes", CUBE, step("MaxPool", kernel_shape=[2, 2, 2]), RELU),
    one("one or two spatial axes", LINE, step("Conv", "q", "k"), step("MatMul", "q", "k"), k=np.ones((3, 3))),
    one("make the input larger", (1, 2, 1, 1), step("Conv", "q", "k"), step("Conv", "q", "k", pads=[1, 1, 1, 1]), k=K),
    one("one or two spatial axes", LINES, step("ConvTranspose", "q", "k"), step("ConvTranspose", "q", "l"), k=K,
        l=np.ones((2, 1, 2))),
    one("pad less", LINES, step("ConvTranspose", "q", "l", pads=[2, 2]), step("ConvTranspose", "q", "l", pads=[1, 2]),
        l=np.ones((2, 1, 2))),
    one("state pads and output_padding", LINES, step("ConvTranspose", "q", "l", auto_pad="SAME_UPPER", strides=[3]),
        step("ConvTranspose", "q", "l", strides=[3], output_padding=[1]), l=np.ones((2, 1, 2))),
    one("pool without a dilation", IMAGE, step("MaxPool", dilations=[2, 2], **WINDOW), step("MaxPool", **WINDOW)),
    one("pad by less than a window", IMAGE, step("AveragePool", pads=[2, 2, 2, 2], **WINDOW),
        step("AveragePool", pads=[1, 1, 1, 1], **WINDOW)),
    one("such as -1000 for -inf", IMAGE, step("Pad", "q", "p", "no"), step("Pad", "q", "p", "low"), p=PADS, no=-np.inf,
        low=-1000.0),
    one("use constant, edge, reflect, wrap", IMAGE, step("Pad", "q", "p", mode="linear"),
        step("Pad", "q", "p", mode="wrap"), p=PADS),
    one("pad other axes", IMAGE, step("Pad", "q", "p"), step("Pad", "q", "t"), p=np.roll(PADS, 2), t=PADS),
    one("use DCR or CRD", (1, 4, 2, 2), step("DepthToSpace", blocksize=2, mode="RDC"),
        step("DepthToSpace", blocksize=2, mode="CRD")),
    one("state other axes", LINES, step("ReduceMax", "q", axes=[0]), step("ReduceMax", "q", axes=[1])),
]  # fmt: skip


def plain(told: str, refused: File, cured: File) -> Case:
    """Files without types, that are to be quantized."""

    def read(found: File) -> Read:
        return lambda folder: build_graph(plain_model(found.write(folder / "m.onnx")), "ap_fixed<8,4>")

    return Case(f"plain {told}", (told,), read(refused), read(cured))


def unquantized(*steps: Step, **constants: npt.ArrayLike) -> File:
    return File(IMAGE, steps, {"z": 0.0, "one": 1.0, "six": 6.0, **constants})


PLAIN = [
    Case("plain give it to `qtrigger new`", ("give it to `qtrigger new`",),
         lambda folder: build_graph(plain_model(file(LINE, RELU).write(folder / "m.onnx"))),
         lambda folder: import_model(file(LINE, RELU).write(folder / "m.onnx"))),
    plain('outputs = "argmax" of a project gives it', unquantized(step("ArgMax", "x", axis=1)),
          unquantized(step("Relu", "x"))),
    plain("pad as padding='same' does", unquantized(step("MaxPool", "x", kernel_shape=[3, 3], pads=[2, 1, 1, 2])),
          unquantized(step("MaxPool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1]))),
    plain("or pool without padding", unquantized(step("AveragePool", "x", kernel_shape=[3, 3], pads=[2, 1, 1, 2])),
          unquantized(step("AveragePool", "x", kernel_shape=[2, 2]))),
    plain("round them (Floor, Ceil, Round) instead", unquantized(step("Cast", "x", to=6)),
          unquantized(step("Ceil", "x"))),
    plain("clip from zero on: that is a ReLU", unquantized(step("Clip", "x", "one", "six")),
          unquantized(step("Clip", "x", "z", "six"))),
]  # fmt: skip


def with_initializer(*fields: bytes, sparse: bool = False) -> Read:
    """A file that holds one more constant, of these fields."""

    def read(folder: Path) -> Any:
        found = file(LINE, RELU)
        graph = found.graph() + entry(15 if sparse else 5, b"".join(fields))
        (folder / "m.onnx").write_bytes(found.framed(graph))
        return import_model(folder / "m.onnx")

    return read


WHOLE = with_initializer(entry(1, 1), entry(2, 1), entry(8, "w"), entry(9, b"\0\0\0\0"))
CONTAINER = [
    Case("weights elsewhere", ("save_as_external_data=False",), with_initializer(entry(8, "w"), entry(14, 1)), WHOLE),
    Case("complex weights", ("save it as float32",), with_initializer(entry(8, "w"), entry(2, 14)), WHOLE),
    Case("sparse weights", ("save the weights as dense ones",), with_initializer(sparse=True), WHOLE),
]  # fmt: skip


def exported(function: str) -> Read:
    """A square, written as QONNX."""
    square = layer("Multiply", "o", [tensor("q"), tensor("q")])
    entries = [port("x", 3), activation("q", function, "x"), square]

    def read(folder: Path) -> Any:
        graph = of_file(entries)(folder)
        export_qonnx(graph, folder / "out.onnx")
        return graph

    return read


EXPORT = Case("sums too long", ("narrow the types of its inputs",), exported("quantized_bits(20,2,alpha=1)"),
              exported("quantized_bits(8,2,alpha=1)"))  # fmt: skip
CASES: list[Case] = [*EXACT, *QUANTIZERS, *SHAPES, *PLAIN, *CONTAINER, EXPORT]
