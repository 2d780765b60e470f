"""Refusals of whole files, ports, boosted trees and what HGQ trains, each with its cure."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hls.graph import FixedGraph
from hls.importing import Statements, import_model
from hls.importing.formats import plain_model
from tests.hls.importing.cures import TYPE, Case, Entries, Read, keras, of_file
from tests.hls.importing.files import layer, port, tensor, write
from tests.hls.importing.onnx_files import File, Step
from tests.hls.importing.tree_files import FIRST, LIGHTGBM, chain, conifer, onnx, written, xgboost

RELU = [port("x", 3), layer("ReLU", "o", tensor("x"))]


def subclassed(folder: Path) -> FixedGraph:
    path = folder / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Mine", "config": {}}))
    return import_model(path, TYPE)


def in_a_dict(value: Any) -> Read:
    """A model whose outputs are written so."""
    return lambda folder: import_model(write(folder / "m.keras", RELU, value), TYPE)


def stated(input_type: str | None) -> Read:
    return of_file(RELU, statements=Statements(input_type))


def of_size(*shape: int | None) -> Read:
    entry = {**port("x"), "config": {"name": "x", "batch_shape": [None, *shape]}}
    return of_file([entry, RELU[1]], statements=TYPE)


def plain_trees(folder: Path) -> Any:
    return plain_model(written(folder / "m.json", conifer("<")))


FILES = [
    Case("a subclass", ("rebuild it as a Functional or Sequential model",), subclassed, of_file(RELU, statements=TYPE)),
    Case("lists in a dict", ("build the model with one list or one dict",), in_a_dict({"a": [["o", 0, 0]]}),
         in_a_dict({"a": ["o", 0, 0]})),
    Case("no type", ("--input-type 'ap_fixed<16,6>'",), stated(None), stated("ap_fixed<16,6>")),
    Case("another type", ("write it like ap_fixed<16,6>",), stated("fixed 16"), stated("ap_fixed<16,6>")),
    Case("an open size", ("build the model with Input(shape=(...)) of whole numbers",), of_size(None), of_size(3)),
    Case("no axis", ("build the model with Input(shape=(1,))",), of_size(), of_size(1)),
    Case("trees to quantize", ("give the model to `qtrigger new`",), plain_trees,
         lambda folder: import_model(written(folder / "m.json", conifer("<")), TYPE)),
]  # fmt: skip


def trees(told: str, refused: Any, cured: Any, *, cured_statements: Statements = TYPE,
          statements: Statements = TYPE) -> Case:  # fmt: skip
    return Case(f"trees {told}", (told,), _trees(refused, statements), _trees(cured, cured_statements))


def _trees(held: Any, statements: Statements) -> Read:
    def read(folder: Path) -> FixedGraph:
        if isinstance(held, File):
            return import_model(held.write(folder / "m.onnx"), statements)
        if not isinstance(held, str):
            return import_model(written(folder / "m.json", held), statements)
        (folder / "m.txt").write_text(held, encoding="utf-8")
        return import_model(folder / "m.txt", statements)

    return read


def changed(change: Callable[[Any], None]) -> Any:
    """Trees of XGBoost, of which something was changed."""
    found = xgboost(FIRST)
    change(found["learner"])
    return found


def tree(learner: Any) -> Any:
    return learner["gradient_booster"]["model"]["trees"][0]


def oblique() -> Any:
    found = conifer("<")
    found["trees"][0][0]["weight"][0] = [1, 0.5]
    return found


BOOSTED = [
    trees("--input-type 'ap_fixed<16,6>'", xgboost(FIRST), xgboost(FIRST), statements=Statements()),
    trees("train with 1024 at most", xgboost(chain(1024)), xgboost(chain(4))),
    trees("train with booster='gbtree'", changed(lambda held: held["gradient_booster"].update(name="gblinear")),
          xgboost(FIRST)),
    trees("train with one of binary:logistic", xgboost(FIRST, objective="count:poisson"),
          xgboost(FIRST, objective="binary:logistic")),
    trees("train with them as numbers, one a column", changed(lambda held: tree(held).update(categories=[0])),
          xgboost(FIRST)),
    trees("train with multi_strategy='one_output_per_tree'",
          changed(lambda held: tree(held).update(tree_param={"size_leaf_vector": "2"})), xgboost(FIRST)),
    trees("convert again with '<' or '<='", conifer(">"), conifer("<=")),
    trees("train with splits along the axes", oblique(), conifer("<")),
    trees("train with gradient boosting", conifer("<=", init_predict=[0, 0]), conifer("<=", init_predict=[0])),
    *(trees(told, LIGHTGBM.replace(old, new, 1), LIGHTGBM) for old, new, told in [
        ("max_feature_idx=1\n", "max_feature_idx=1\naverage_output\n", "train with boosting='gbdt'"),
        ("decision_type=2 2", "decision_type=2 1", "train with them as numbers, one a column"),
        ("decision_type=2 2", "decision_type=6 2", "train with zero_as_missing=false"),
        ("is_linear=0", "is_linear=1", "train with linear_tree=false"),
    ]),
    trees("export one ensemble of one input, with target_opset", onnx(steps=(replace(onnx().steps[0], output="z"),)),
          onnx()),
    trees("as initial_types=[('x', FloatTensorType([None, 16]))]", replace(onnx(), shape=(None, None)), onnx()),
    trees("or take the file of the library itself", onnx(steps=(Step("Add", ("x", "w"), "x1"),)), onnx()),
    trees("reads another tensor than the input; export the trees alone",
          onnx(steps=(Step("Squeeze", ("x",), "x1"),)), onnx()),
    trees("train with a sum or a mean of trees", onnx(aggregate_function="MAX"), onnx(aggregate_function="AVERAGE")),
    trees("leaves; train with 1024 at most", onnx(nodes_falsenodeids=[2, 0, 0, 0, 0, 7, 0, 0]), onnx()),
    trees("splits by BRANCH_MEMBER; export it with target_opset", onnx(mode="BRANCH_MEMBER"), onnx()),
]  # fmt: skip


def config(kind: str, overflow: str = "SAT", rounding: str = "RND") -> dict[str, Any]:
    options = {"q_type": kind, "scaler": None, "round_mode": rounding, "overflow_mode": overflow}
    return {"class_name": "QuantizerConfig", "config": options}


def of_hgq(kind: str, *sources: str, **more: Any) -> dict[str, Any]:
    tensors = [tensor(source) for source in sources]
    options = {"enable_iq": False, "enable_oq": False, **more}
    return layer(kind, "o", *(tensors if len(tensors) == 1 else [tensors]), module="hgq.layers", **options)


def quantizer(k: int, i: int, f: int, shape: tuple[int, ...] = (1, 1, 1, 1)) -> list[Any]:
    """Arrays of one that saturates, by fraction: one type for all."""
    return [np.full(shape, value, np.float32) for value in (i, f, k)]


DUMMY, TYPED = config("dummy"), config("kif")
TABLES = {"exp/iq": (1, 2, 2), "exp/oq": (0, 1, 4), "inv/iq": (1, 3, 2), "inv/oq": (0, 2, 4)}


def attention(**changes: Any) -> dict[str, Any]:
    """Of one head and depth one, over itself; nothing but the tables of its softmax is quantized."""
    silent = ("qkvo_iq_conf", "qkvo_kq_conf", "qkvo_oq_conf", "softmax_oq_conf")
    confs = {f"softmax_{place.replace('/', '_')}_conf": TYPED for place in TABLES}
    options = {"num_heads": 1, "key_dim": 1, "value_dim": 1, "use_bias": False, "fuse": "none", "stable_softmax": True}
    return of_hgq("QMultiHeadAttention", "q", "q", **{**options, **dict.fromkeys(silent, DUMMY), **confs, **changes})


def parts(**changed_tables: list[Any]) -> dict[str, list[Any]]:
    """Arrays of an attention over two numbers, of one head and depth one."""
    kernels = {"query_dense": (2, 1, 1), "key_dense": (2, 1, 1), "value_dense": (2, 1, 1), "output_dense": (1, 1, 2)}
    found: dict[str, list[Any]] = {f"o/{name}": [np.full(shape, 0.5)] for name, shape in kernels.items()}
    for place, widths in TABLES.items():
        arrays = changed_tables.get(place.replace("/", "_"), quantizer(*widths))
        found[f"o/_softmax/{place.replace('/', '_table/')}/quantizer"] = arrays
    return found


def attending(told: str, refused: Entries, weights: Any = None, cured: Entries | None = None) -> Case:
    held = parts() if weights is None else weights
    return keras(
        refused, told, cured or [attention()], shape=(2, 2), weights=held, cured_weights=parts(), statements=TYPE
    )


def of_tables(kind: str = "QDenseT", source: str = "q", **changes: Any) -> dict[str, Any]:
    """Tables of networks without a hidden layer."""
    options = {"n_hl": 0, "subnn_activation": "tanh", "enable_iq": True, "iq_conf": TYPED, "toq_conf": TYPED}
    return of_hgq(kind, source, **{**options, **changes})


def tables(iq: tuple[int, int, int] = (1, 2, 2)) -> dict[str, list[Any]]:
    """Arrays of two inputs and an output."""
    one = (1, 1, 1)
    return {
        "o/module/layers/einsum_dense": [np.full((2, 1, 1), 0.5)], "o/iq/quantizer": quantizer(*iq, one),
        "o/toq/quantizer": quantizer(1, 2, 3, one),
    }  # fmt: skip


def looked_up(**changes: Any) -> dict[str, Any]:
    return of_hgq("QUnaryFunctionLUT", "q", **{"activation": "tanh", "enable_oq": True, "oq_conf": TYPED, **changes})


LOOKED_UP = {"o/oq/quantizer": quantizer(1, 1, 5, (1, 1))}
CONFS = {f"{place.replace('/', '_')}_conf": TYPED for place in TABLES}


def of_pquant(kind: str = "PQDense", source: str = "q", **changes: Any) -> dict[str, Any]:
    told = {"overflow_mode_data": "SAT", "round_mode": "RND"}
    options = {"quantize_input": False, "final_compression_done": True, "use_bias": False, **changes}
    held = {"config": {"quantization_parameters": told}, **options}
    return layer(kind, "o", tensor(source), module="pquant.core.keras.layers", **held)


MATRIX = {"o": [np.full((3, 2), 0.5)]}


def proxied(**modes: str) -> dict[str, Any]:
    options: dict[str, Any] = {"RND": "TRN", "SAT": "WRAP", **modes}
    return layer("FixedPointQuantizer", "o", tensor("q"), **options)


PROXY = {"o": [np.full((1, 3), value, np.float32) for value in (1, 6, 3)]}
MIXED = {"o": [np.array([values], np.float32) for values in ([1, 0, 1], [6, 5, 4], [3, 2, 1])]}
HGQ = [
    keras([proxied(RND="RND_INF")], "quantize with TRN", [proxied()], weights=PROXY),
    keras([proxied(SAT="SAT")], "train its quantizer with overflow_mode='WRAP'", [proxied()], weights=MIXED),
    keras([layer("HQuantize", "o", tensor("q"), paq_conf={"rnd_strategy": "auto"})], "take HGQ's proxy of the model",
          [proxied()], weights={"o": [np.full((1, 3), 2.0)]}, cured_weights=PROXY),
    keras([of_hgq("QDense", "q", use_bias=False, kq_conf=config("float"))], "quantize with 'kbi' or 'kif'",
          [of_hgq("QDense", "q", use_bias=False, kq_conf=TYPED)],
          weights={**MATRIX, "o/kq/quantizer": quantizer(1, 2, 3, (1, 1))}),
    keras([of_hgq("QEinsumDense", "q", equation="bnc,cN->bN", bias_axes=None, kq_conf=DUMMY)],
          ("has an axis twice, or one that it sums over in one of the two alone", "write it with the batch in front"),
          [of_hgq("QEinsumDense", "q", equation="bnc,cN->bnN", bias_axes=None, kq_conf=DUMMY)],
          shape=(4, 3), weights=MATRIX),
    keras([of_hgq("QEinsumDense", "q", equation="bc,c->bc", bias_axes=None, kq_conf=DUMMY)], "train it with fewer",
          [of_hgq("QEinsumDense", "q", equation="bc,cd->bd", bias_axes=None, kq_conf=DUMMY)], shape=(3000,),
          weights={"o": [np.full(3000, 0.5)]}, cured_weights={"o": [np.full((3000, 1), 0.5)]}),
    keras([layer("QEinsum", "o", [tensor("q"), tensor("q"), tensor("q")], module="hgq.layers", enable_iq=False,
                 equation="bi,bi,bi->b")], "chain two of them",
          [layer("QEinsum", "e", [tensor("q"), tensor("q")], module="hgq.layers", enable_iq=False,
                 equation="bi,bi->bi"),
           layer("QEinsum", "o", [tensor("e"), tensor("q")], module="hgq.layers", enable_iq=False,
                 equation="bi,bi->b")]),
    keras([of_hgq("QConv2D", "q", kernel_size=1, use_bias=False, kq_conf=DUMMY, data_format="channels_first")],
          "build the model channels_last, Permute what it reads",
          [layer("Permute", "p", tensor("q"), dims=[2, 3, 1]),
           of_hgq("QConv2D", "p", kernel_size=1, use_bias=False, kq_conf=DUMMY)],
          shape=(1, 2, 2), weights={"o": [np.full((1, 1, 1, 2), 0.5)]}),
    attending("HGQ2's QMultiHeadAttention is read here", [layer("MultiHeadAttention", "o", tensor("q"), tensor("q"))]),
    attending("call it with a query, a value and a key, and fuse of 'none'", [attention(fuse="qv")]),
    attending("train it with stable_softmax=True on two axes", [attention(stable_softmax=False)]),
    attending("train it with quantizers of fewer bits", [attention()], parts(exp_iq=quantizer(1, 2, 18))),
    attending("train it with softmax_allow_heterogeneous_table=False", [attention()],
              parts(exp_iq=quantizer(1, 2, 2, (1, 1, 2, 1)))),
    *(keras([refused], told, cured or [of_tables()], shape=shape, weights=weights or tables(), cured_weights=tables(),
            first="quantized_bits(24,3,alpha=1)")
      for refused, told, cured, shape, weights in [
        (of_tables(subnn_activation="mish"), "train with one of tanh", None, (2,), None),
        (of_tables(toq_conf=DUMMY), "train with toq_conf of 'kbi' or 'kif'", None, (2,), None),
        (of_tables(), "train its input quantizer to fewer bits", None, (2,), tables((1, 3, 18))),
        (of_tables("QConvT1D", kernel_size=1, data_format="channels_first"), "channels_last, Permute what it reads",
         [layer("Permute", "p", tensor("q"), dims=[2, 1]), of_tables("QConvT1D", "p", kernel_size=1)], (2, 1), None),
      ]),
    keras([of_hgq("Quantizer", "q", config={**TYPED, "config": {**TYPED["config"], "affine": [2.0, 1.0]}})],
          "train it without affine", [of_hgq("Quantizer", "q", config=TYPED)],
          weights={"o/quantizer": quantizer(1, 2, 3, (1, 1))}),
    keras([looked_up(activation="mish")], "train with one of tanh", [looked_up()], weights=LOOKED_UP),
    keras([looked_up(enable_oq=False)], "train with enable_oq=True", [looked_up()], weights=LOOKED_UP),
    keras([of_hgq("QSoftmax", "q", axes=[1], **CONFS)], "take it over the last, 2",
          [layer("Permute", "p", tensor("q"), dims=[2, 1]), of_hgq("QSoftmax", "p", axes=[2], **CONFS)], shape=(2, 3),
          weights={f"o/{place.replace('/', '_table/')}/quantizer": quantizer(*types, (1, 1, 1))
                   for place, types in TABLES.items()}),
]  # fmt: skip
EACH: dict[str, Any] = {"config": {"quantization_parameters": {"use_high_granularity_quantization": True}}}
PQUANT = [
    keras([of_pquant(final_compression_done=False)], "apply_final_compression(model)", [of_pquant()],
          weights={"o": [np.full((3, 2), 0.5)]}),
    keras([of_pquant("PQConv1d", kernel_size=[1], data_format="channels_first", **EACH)],
          "channels_last, Permute what it reads",
          [layer("Permute", "p", tensor("q"), dims=[2, 1]), of_pquant("PQConv1d", "p", kernel_size=[1], **EACH)],
          shape=(2, 2), weights={"o": [np.full((1, 2, 2), 0.5)]}),
    keras([of_pquant("PQActivation", activation="tanh")], "train with quantize_output=True",
          [of_pquant("PQActivation", activation="tanh", quantize_output=True)],
          weights={"o/output_quantizer": [np.float32(value) for value in (1, 1, 4, 6)]}),
]  # fmt: skip
CASES: list[Case] = [*FILES, *BOOSTED, *HGQ, *PQUANT]
