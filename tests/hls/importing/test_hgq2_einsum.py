"""HGQ2's einsums from a file, against numpy's (hgq 0.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_keras
from hls.errors import ModelFileError, UnsupportedError
from tests.hls.importing import files
from tests.hls.importing.test_hgq2 import config, layer

RNG = np.random.default_rng(6)
LENGTH = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 2}
DUMMY = config("dummy", "WRAP")


def lengths(axes: str) -> tuple[int, ...]:
    return tuple(LENGTH[axis] for axis in axes)


def halves(*shape: int) -> np.ndarray:
    return RNG.integers(-8, 8, shape) * 0.5


@pytest.mark.parametrize(
    ("equation", "bias"),
    [
        ("Bbc,cd->Bbd", None), ("Bbc,cd->Bbd", "d"), ("Bbc,cd->Bbd", "bd"), ("Bbc,bcd->Bbd", "bd"),
        ("Babc,bcd->Babd", "ad"), ("Bbc,bd->Bdc", "dc"), ("Bbc,bd->Bdc", "c"), ("Bc,cde->Bed", "ed"),
        ("Babc,cad->Bbd", "d"), ("Bbc,bc->Bb", "b"), ("Bbc,bc->B", None), ("Bbc,c->Bcb", "c"), ("...c,cd->...d", "d"),
        ("Bb,de->Bdbe", "e"),
    ],
)  # fmt: skip
def test_an_einsum_with_a_kernel(equation: str, bias: str | None, tmp_path: Path) -> None:
    left, out = equation.replace("...", "Bab").split("->")
    source, axes = left.split(",")
    kernel, x = halves(*lengths(axes)), halves(20, *lengths(source[1:]))
    entry = layer(
        "QEinsumDense", "d", "x", equation=equation, bias_axes=bias, enable_iq=False, kq_conf=DUMMY, bq_conf=DUMMY
    )
    arrays: dict[str, list[Any]] = {"d": [kernel.astype(np.float32)]}
    wanted = np.einsum(f"{source},{axes}->{out}", x, kernel)
    if bias is not None:
        offset = halves(*(LENGTH[axis] if axis in bias else 1 for axis in out[min(map(out.index, bias)) :]))
        arrays["d"].append(offset.astype(np.float32))
        wanted = wanted + offset
    path = files.write(tmp_path / "m.keras", [files.port("x", *lengths(source[1:])), entry], "d", arrays)
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<8,4>"), x).reshape(wanted.shape), wanted)


@pytest.mark.parametrize(
    "equation",
    ["Bbc,cd->bd", "Bbc,d->Bd", "bnc,cc->bn", "Bbb,bd->Bd", "Bbc,cd->Bbde", "Bb,Bd->Bbd"],
)
def test_an_einsum_that_is_none_of_a_network_is_refused(equation: str, tmp_path: Path) -> None:
    entry = layer("QEinsumDense", "d", "x", equation=equation, bias_axes=None, enable_iq=False, kq_conf=DUMMY)
    arrays: dict[str, list[Any]] = {"d": [np.ones((2, 2), np.float32)]}
    path = files.write(tmp_path / "m.keras", [files.port("x", 2, 2), entry], "d", arrays)
    with pytest.raises(UnsupportedError, match="write it with the batch in front"):
        import_keras(path, "ap_fixed<8,4>")


@pytest.mark.parametrize(
    ("shape", "kernel", "bias"),
    [((2, 3), (4, 5), (5,)), ((2, 4), (4, 5), (4,)), ((4,), (4, 5), (5,)), ((2, 4), (4,), (5,))],
)
def test_arrays_of_another_equation_are_no_network(
    shape: tuple[int, ...], kernel: tuple[int, ...], bias: tuple[int, ...], tmp_path: Path
) -> None:
    entry = layer(
        "QEinsumDense", "d", "x", equation="Bbc,cd->Bbd", bias_axes="d", enable_iq=False, kq_conf=DUMMY, bq_conf=DUMMY
    )
    arrays: dict[str, list[Any]] = {"d": [np.ones(kernel, np.float32), np.ones(bias, np.float32)]}
    path = files.write(tmp_path / "m.keras", [files.port("x", *shape), entry], "d", arrays)
    with pytest.raises(ModelFileError, match="save the whole model again"):
        import_keras(path, "ap_fixed<8,4>")


@pytest.mark.parametrize("equation", ["Babc,Bacd->Babd", "Babd,Badb->Ba", "Bbc,Bdc->Bbd", "Bc,Bc->B"])
def test_an_einsum_of_two_tensors(equation: str, tmp_path: Path) -> None:
    sources = equation.split("->")[0].split(",")
    x = [halves(20, *lengths(axes[1:])) for axes in sources]
    entry = layer("QEinsum", "e", "x", "y", equation=equation, enable_iq=False)
    ports = [files.port(name, *lengths(axes[1:])) for name, axes in zip("xy", sources, strict=True)]
    path = files.write(tmp_path / "m.keras", [*ports, entry], "e")
    wanted = np.einsum(equation, *x)
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<8,4>"), x).reshape(wanted.shape), wanted)


def test_a_dot_is_a_sum_of_products(tmp_path: Path) -> None:
    entry = layer("QDot", "e", "x", "y", axes=-1, normalize=False, enable_iq=False)
    path = files.write(tmp_path / "m.keras", [files.port("x", 5), files.port("y", 5), entry], "e")
    x, y = halves(20, 5), halves(20, 5)
    wanted = (x * y).sum(axis=1, keepdims=True)
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<8,4>"), [x, y]), wanted)
