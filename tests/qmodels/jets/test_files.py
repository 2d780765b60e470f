"""Files of the public layout are read as they are meant; what is wrong in them is named, or left out and counted."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.jets.samples.columns import CLASSES, CONSTITUENT_COLUMNS, PUBLIC_FEATURES, PUBLIC_LABELS
from qmodels.jets.samples.files import EMPTY, NOT_FINITE, UNKNOWN_CLASS, read_jets
from qmodels.jets.samples.making import write_data
from qmodels.jets.system import SYSTEM
from qmodels.jets.variants import VARIANTS
from tests.qmodels.jets.public_files import PT, public_arrays, public_names, write_public


@pytest.mark.parametrize("named", [False, True])
def test_a_public_file_is_read(tmp_path: Path, named: bool) -> None:
    lists, table = public_arrays(10)
    path = write_public(tmp_path / "jets.h5", lists, table, public_names() if named else None)
    jets = read_jets(path, 8)
    assert jets.classes.tolist() == [0, 1, 2, 3, 4] * 2
    assert np.array_equal(jets.features, table[:, PUBLIC_FEATURES].astype(np.float32))
    assert np.array_equal(jets.constituents, lists[:, :8].astype(np.float32))


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    lists, table = public_arrays(5)
    names = public_names()
    turned = write_public(tmp_path / "turned.h5", lists, table[:, ::-1], names[::-1])
    as_usual = write_public(tmp_path / "usual.h5", lists, table, names)
    assert np.array_equal(read_jets(turned, 1).features, read_jets(as_usual, 1).features)


def test_the_hardest_constituents_are_kept_whatever_their_order(tmp_path: Path) -> None:
    lists, table = public_arrays(5, constituents=200)  # more than a file of ours holds
    lists[:, 15:, PT] = 1.0
    shuffled = lists[:, np.random.default_rng(1).permutation(200)]
    jets = read_jets(write_public(tmp_path / "jets.h5", shuffled, table), 16)
    assert np.array_equal(jets.constituents[:, :15], lists[:, :15].astype(np.float32))
    few = read_jets(write_public(tmp_path / "few.h5", lists[:, :3], table), 16)
    assert few.constituents.shape == (5, 16, len(CONSTITUENT_COLUMNS))
    assert not few.constituents[:, 3:].any()


def test_a_folder_of_files_is_one_sample(tmp_path: Path) -> None:
    for index in (1, 2):
        write_public(tmp_path / f"{index}.h5", *public_arrays(10, seed=index))
    assert len(read_jets(tmp_path, 8)) == 20
    assert len(read_jets(tmp_path, 8, at_most=13)) == 13
    (tmp_path / "none").mkdir()
    with pytest.raises(ModelDataError, match=r"without \.h5 files"):
        read_jets(tmp_path / "none", 8)


def test_jets_that_cannot_be_used_are_named_and_left_out_with_counts(tmp_path: Path) -> None:
    lists, table = public_arrays(20)
    table[3, PUBLIC_FEATURES[0]] = np.nan
    lists[4, 0, PT] = 1e300  # beyond float32
    lists[7] = 0.0
    table[9, PUBLIC_LABELS] = 0.0  # j_undef
    table[11, PUBLIC_LABELS] = 1.0
    path = write_public(tmp_path / "jets.h5", lists, table)
    with pytest.raises(ModelDataError, match=r"jet 3 has a number that is not finite; `qtrigger data jets --from"):
        SYSTEM.read_events(path, "mlp16")
    out = tmp_path / "usable.h5"
    header = write_data(out, None, 1, {"source": path})
    assert header.skipped == {NOT_FINITE: 2, EMPTY: 1, UNKNOWN_CLASS: 2}
    assert (header.events, header.generated) == (15, 20)
    kept = [row for row in range(20) if row not in (3, 4, 7, 9, 11)]
    found = read_jets(out, 8)
    assert np.array_equal(found.features, table[kept][:, PUBLIC_FEATURES].astype(np.float32))
    assert np.array_equal(found.constituents, lists[kept, :8].astype(np.float32))
    assert found.classes.tolist() == [row % len(CLASSES) for row in kept]
    header = write_data(tmp_path / "first.h5", 4, 1, {"source": path})
    assert (header.events, header.generated, header.skipped) == (4, 6, {NOT_FINITE: 2})


def test_other_files_are_refused(tmp_path: Path) -> None:
    lists, table = public_arrays(5)

    def refused(name: str, what: str) -> None:
        with pytest.raises(ModelDataError, match=what):
            read_jets(tmp_path / name, 8)

    refused("missing.h5", "no such file of jets")
    (tmp_path / "text.h5").write_text("jets")
    refused("text.h5", "not an HDF5 file")
    write_public(tmp_path / "columns.h5", lists, table[:, :20])
    refused("columns.h5", "20 columns without names")
    write_public(tmp_path / "names.h5", lists, table, [*public_names()[:-6], *"abcdef"])
    refused("names.h5", "lacks j_g, j_q, j_w, j_z, j_t")
    write_public(tmp_path / "three.h5", lists[:, :, :3], table)
    refused("three.h5", r"shape \(5, 20, 3\)")
    write_public(tmp_path / "short.h5", lists[:3], table)
    refused("short.h5", "a row for each jet")
    with h5py.File(tmp_path / "order.h5", "w") as file:
        file["jetConstituentList"], file["jets"] = lists, table
        file["particleFeatureNames"] = np.array(CONSTITUENT_COLUMNS[::-1], "S")
    refused("order.h5", "'j1_costhetarel' among the first 16 columns")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["Particles"] = lists
    refused("other.h5", "no dataset 'jetConstituentList'.*Particles")


def test_network_inputs_are_scaled_and_soft_constituents_left_out(tmp_path: Path) -> None:
    lists, table = public_arrays(5)
    lists[0, 2, PT], lists[0, 3, PT] = 2.5, 1.5
    jets = read_jets(write_public(tmp_path / "jets.h5", lists, table), 8)
    inputs = VARIANTS["sets-8"].inputs(jets)
    eta, phi = (CONSTITUENT_COLUMNS.index(name) for name in ("j1_etarel", "j1_phirel"))
    order = np.argsort(-lists[0, :, PT], kind="stable")[:8]
    expected = lists[0, order][:, [PT, eta, phi]] * [1 / 256, 4, 4]
    expected[lists[0, order, PT] <= 2.0] = 0.0
    assert np.allclose(inputs[0], expected)
    assert VARIANTS["mlp16"].inputs(jets)[:, 14].tolist() == pytest.approx([-1.875, -0.9375, 0.0, 0.9375, 1.875])
    many = read_jets(tmp_path / "jets.h5", 64)
    assert all(variant.inputs(many).shape == (5, *variant.shape) for variant in VARIANTS.values())


def test_wrong_options_are_named(tmp_path: Path) -> None:
    out = tmp_path / "jets.h5"
    for options, what in (
        ({"sample": "qx"}, "name some of the classes gqwzt"),
        ({"sample": "qq"}, "each once"),
        ({"source": out, "sample": "q"}, "sample goes with a simulation only"),
        ({"jobs": 1, "scheduler": "tcp://x"}, "exclude each other"),
    ):
        with pytest.raises(ModelDataError, match=what):
            write_data(out, 10, 1, options)
    with pytest.raises(ModelDataError, match="number of events"):
        write_data(out, None, 1, {})
    with pytest.raises(ModelDataError, match="unknown variant 'sets-9' of jets"):
        SYSTEM.read_events(out, "sets-9")
