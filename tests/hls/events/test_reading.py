"""Events and labels out of files of every format, and what is said of those that do not fit."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls.errors import EventError, ToolError
from hls.events import Choice, parse_features, read_events, read_labels

PT, ETA, PHI = np.array([1.5, 2.5, 3.5]), np.array([-1.0, 0.0, 1.0]), np.array([7, 8, 9])
JETS = [[1.0], [2.0, 3.0, 4.0], []]
SIGNAL = np.array([1, 0, 1])


def write_root(path: Path, kind: str = "tree") -> None:
    uproot = pytest.importorskip("uproot")
    awkward = pytest.importorskip("awkward")
    columns = {"pt": PT, "eta": ETA, "phi": PHI, "jet_pt": awkward.Array(JETS), "signal": SIGNAL}
    columns["p4"] = np.arange(12.0).reshape(3, 4)
    with uproot.recreate(path) as file:
        if kind == "tree":
            file.mktree("Events", {name: getattr(column, "dtype", "var * float64") for name, column in columns.items()
                                   if name != "p4"})  # fmt: skip
            file["Events"].extend({name: column for name, column in columns.items() if name != "p4"})
            file.mktree("Runs", {"run": "int32"})
            file["Runs"].extend({"run": np.array([1], "i4")})
        else:
            file.mkrntuple("Events", columns)


def write_parquet(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = {"pt": PT, "eta": ETA, "phi": PHI, "jet_pt": JETS, "signal": SIGNAL, "region": ["a", "b", "a"]}
    parquet.write_table(pyarrow.table(table | {"mass": pyarrow.array([1.0, None, 2.0])}), path)


def write_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("Events")
        for name, column in (("pt", PT), ("eta", ETA), ("phi", PHI), ("signal", SIGNAL)):
            group[name] = column
        group["p4"] = np.arange(12.0).reshape(3, 4)


def write_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, pt=PT, eta=ETA, phi=PHI, signal=SIGNAL, p4=np.arange(12.0).reshape(3, 4))


def write_csv(path: Path) -> None:
    rows = zip(PT, ETA, PHI, SIGNAL, ["a", "b", "a"], strict=True)
    path.write_text("pt, eta,phi,signal,region\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))


def write_packed(path: Path) -> None:
    write_csv(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def records() -> np.ndarray[Any, Any]:
    made = np.zeros(3, [("pt", "f8"), ("eta", "f8"), ("phi", "i8"), ("signal", "i4"), ("p4", "f8", (4,))])
    made["pt"], made["eta"], made["phi"], made["signal"] = PT, ETA, PHI, SIGNAL
    made["p4"] = np.arange(12.0).reshape(3, 4)
    return made


def write_records(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, records())


def write_packed_records(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, events=records())


FORMATS: dict[str, Callable[[Path], None]] = {
    "tree": write_root,
    "ntuple": lambda path: write_root(path, "ntuple"),
    "parquet": write_parquet,
    "hdf5": write_hdf5,
    "npz": write_npz,
    "csv": write_csv,
    "csv.gz": write_packed,
    "npy of records": write_records,
    "npz of records": write_packed_records,
}


@pytest.fixture(params=FORMATS)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same events in each format, under a name that says nothing of it."""
    path = tmp_path / "events.dat"
    FORMATS[request.param](path)
    return path


def read(path: Path, shape: tuple[int, ...], *features: str, labels: str | None = None) -> np.ndarray[Any, Any]:
    return read_events(path, {"x": shape}, Choice(parse_features(features), labels)).inputs["x"]


def refused(path: Path, shape: tuple[int, ...], *features: str, labels: str | None = None) -> str:
    with pytest.raises(EventError) as raised:
        read(path, shape, *features, labels=labels)
    message = str(raised.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


class TestEveryFormat:
    def test_named_columns_become_an_input_in_the_order_of_their_names(self, file: Path) -> None:
        assert read(file, (2,), "phi,pt").tolist() == [[7, 1.5], [8, 2.5], [9, 3.5]]
        assert read(file, (1,), "eta").tolist() == [[-1], [0], [1]]

    def test_labels_lie_beside_them(self, file: Path) -> None:
        found = read_events(file, {"x": (2,)}, Choice(parse_features(["pt,eta"]), "signal"))
        assert found.labels is not None
        assert found.labels.classes.tolist() == [1, 0, 1]
        assert str(found).startswith("pt, eta; labels '")

    def test_each_of_several_inputs(self, file: Path) -> None:
        ports = {"a": (2,), "b": (1,)}
        found = read_events(file, ports, Choice(parse_features(["a=pt,eta", "b=phi"])))
        assert found.inputs["b"].tolist() == [[7], [8], [9]]
        with pytest.raises(EventError, match=r"has inputs 'a', 'b'; say of each .*--features a=\.\.\. --features b="):
            read_events(file, ports, Choice(parse_features(["pt,eta"])))

    def test_a_name_that_is_not_there(self, file: Path) -> None:
        assert "'etta'; the nearest is 'eta'" in refused(file, (2,), "pt,etta")
        assert "'sgnal'; the nearest is 'signal'" in refused(file, (1,), "pt", labels="sgnal")

    def test_as_many_as_no_input_takes(self, file: Path) -> None:
        message = refused(file, (3,), "pt,eta")
        assert "input 'x' takes 3 values an event, and --features name 2: pt 1, eta 1" in message

    def test_nothing_is_guessed_of_many(self, file: Path) -> None:
        message = refused(file, (3,))
        assert "'x' takes 3 values" in message
        assert "--features NAME,NAME" in message

    def test_cut_off(self, file: Path) -> None:
        whole = file.read_bytes()
        text = whole.startswith(b"pt, eta")
        file.write_bytes(whole[:-6] if text else whole[: len(whole) // 2])
        refused(file, (2,), "phi,pt")


@pytest.mark.parametrize("kind", ["tree", "ntuple", "parquet"])
def test_lists_of_unequal_length(kind: str, tmp_path: Path) -> None:
    """They are refused, or cut and filled as the user says."""
    path = tmp_path / "events"
    FORMATS[kind](path)
    assert "'jet_pt' has 0 to 3 values an event" in refused(path, (3,), "jet_pt").replace("Events/", "")
    assert read(path, (2,), "jet_pt[:2]").tolist() == [[1, 0], [2, 3], [0, 0]]
    assert read(path, (3,), "eta,jet_pt[:2]").tolist() == [[-1, 1, 0], [0, 2, 3], [1, 0, 0]]


def test_a_name_in_several_trees(tmp_path: Path) -> None:
    uproot = pytest.importorskip("uproot")
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        for tree in ("Events", "Other"):
            file.mktree(tree, {"pt": "float64"})
            file[tree].extend({"pt": PT if tree == "Events" else ETA})
    assert "'pt' is in several places: 'Events/pt', 'Other/pt'; write which" in refused(path, (1,), "pt")
    assert read(path, (1,), "Other/pt").tolist() == [[-1], [0], [1]]


def test_arrays_of_one_shape_lie_along_the_last_axis(tmp_path: Path) -> None:
    path = tmp_path / "events.npz"
    pt, eta = np.arange(6.0).reshape(3, 2), -np.arange(6.0).reshape(3, 2)
    np.savez(path, pt=pt, eta=eta)
    assert read(path, (2, 2), "pt,eta")[1].tolist() == [[2, -2], [3, -3]]  # particle by particle
    assert read(path, (4,), "pt,eta")[1].tolist() == [2, 3, -2, -3]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_table_of_as_many_columns_needs_no_names(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "events"
    FORMATS[kind](path)
    if kind == "csv":
        path.write_text("pt;signal;eta\n1;1;-2.5\n2;0;1\n")
        assert read(path, (2,), labels="signal").tolist() == [[1, -2.5], [2, 1]]
    else:
        assert "column 'mass' has no value in 1 of 3 events" in refused(path, (1,), "mass")
        assert "column 'region' has dtype <U1, text" in refused(path, (1,), "region")


def test_a_table_of_hdf5_has_fields(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file["jets"] = np.array([(1.5, 2), (2.5, 3)], [("pt", "f4"), ("n", "i4")])
    assert read(path, (2,), "n,jets/pt").tolist() == [[2, 1.5], [3, 2.5]]


def test_records_of_as_many_fields_need_no_names(tmp_path: Path) -> None:
    made = np.array([(1.5, [(2.0, 3)]), (2.5, [(4.0, 5)])], [("pt", "f4"), ("jet", [("eta", "f4"), ("n", "u1")], (1,))])
    np.save(tmp_path / "events.npy", made)
    np.savez(tmp_path / "events.npz", jets=made)
    for name in ("events.npy", "events.npz"):
        assert read(tmp_path / name, (3,)).tolist() == [[1.5, 2.0, 3.0], [2.5, 4.0, 5.0]]
        assert read(tmp_path / name, (2,), "n,pt").tolist() == [[3, 1.5], [5, 2.5]]
    np.savez(tmp_path / "events.npz", jets=made, weights=np.array([0.5, 2.0]))
    assert read(tmp_path / "events.npz", (2,), "jets/jet/n,weights").tolist() == [[3, 0.5], [5, 2.0]]


def test_a_field_of_records_is_text(tmp_path: Path) -> None:
    np.save(tmp_path / "events.npy", np.array([(1.0, "a"), (2.0, "b")], [("pt", "f4"), ("region", "U1")]))
    assert read(tmp_path / "events.npy", (1,), "pt").tolist() == [[1.0], [2.0]]
    assert "column 'region' has dtype <U1, text" in refused(tmp_path / "events.npy", (1,), "region")


def test_what_gzip_packed_is_a_table_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_bytes(gzip.compress("# made by hand\npt;eta\n1.5;-2\n3;4\n".encode("utf-8-sig")))
    assert read(path, (2,)).tolist() == [[1.5, -2.0], [3.0, 4.0]]
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + b"\xff" + whole[-8:])
    assert "not unpacked as a table" in refused(path, (2,))
    path.write_bytes(gzip.compress(b"\x93NUMPY\x01\x00"))
    assert "no table in text inside; unpack it (gunzip)" in refused(path, (2,))
    path.write_bytes(gzip.compress(b"pt,eta\n" + b"1,2\n" * 4000))
    monkeypatch.setattr("hls.events.text_files._LARGEST_TEXT", 8000)
    assert "give fewer events" in refused(path, (2,))


@pytest.mark.parametrize(
    "text",
    [
        "# pt,eta\n1.5,-2\n3,4\n",  # as numpy.savetxt writes a header
        "# made by hand, in a hurry\n# pt,eta\n1.5,-2\n3,4\n",
        "# made by hand\npt,eta\n1.5,-2\n3,4\n",
        "# made by hand, in a hurry\npt,eta\n1.5,-2\n3,4\n",
    ],
)
def test_comments_before_a_table(text: str, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(text, encoding="utf-8")
    found = read_events(path, {"x": (2,)}, Choice(parse_features(["eta,pt"])))
    assert found.inputs["x"].tolist() == [[-2.0, 1.5], [4.0, 3.0]]


def test_a_filter_that_hdf5_does_not_bring_along(tmp_path: Path) -> None:
    """Such a file is whole (h5py/h5py#2294); HDF5 itself complains of a folder of plugins alone."""
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((2, 2))
        made.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (2,))  # Blosc's number
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((2, 2)), made)
        file["x"].id.write_direct_chunk((0, 0), b"packed", 0)
    with pytest.raises(EventError, match=r"compressed by filter 32001 .*set HDF5_PLUGIN_PATH"):
        read_events(path, {"x": (2,)})


def test_values_that_no_input_takes(tmp_path: Path) -> None:
    path = tmp_path / "events.npz"
    arrays = {"a": [1, np.nan, 3], "b": ["u", "v", "w"], "c": [1, 2], "d": [1j, 2, 3], "e": [], "f": [1, 2, 3]}
    np.savez(path, **{name: np.array(values) for name, values in arrays.items()})  # type: ignore[arg-type]
    assert "array 'a' holds NaN in event 1, 1 of 3" in refused(path, (1,), "a")
    assert "array 'b' has dtype <U1, text" in refused(path, (1,), "b")
    assert "differ in their number of events (f: 3, c: 2)" in refused(path, (2,), "f,c")
    assert "complex128" in refused(path, (1,), "d")
    assert "holds no events" in refused(path, (1,), "e")


def test_a_table_without_events_or_with_a_short_line(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("a,b\n")
    assert "holds no events" in refused(path, (2,))
    path.write_text("a,b\n1,2\n3\n")
    assert "event 1 has 1 values, the first line names 2" in refused(path, (2,))
    path.write_text("a,b\n1,2\n3,\n")
    assert "column 'b' holds NaN in event 1" in refused(path, (2,))
    path.write_text("")
    assert "is empty" in refused(path, (2,))


LABELS: dict[str, tuple[Any, list[int] | str]] = {
    "numbers": ([0, 2, 1], [0, 2, 1]),
    "whole floats": ([0.0, 1.0, 1.0], [0, 1, 1]),
    "flags": ([True, False, True], [1, 0, 1]),
    "a column": ([[1], [0], [1]], [1, 0, 1]),
    "one-hot": ([[0, 1], [1, 0], [0, 1]], [1, 0, 1]),
    "probabilities": ([[0.4, 0.6], [1, 0], [0, 1]], "2 columns that are not one-hot; give the class, its argmax"),
    "two ones": ([[1, 1], [1, 0], [0, 1]], "not one-hot"),
    "fractions": ([0.5, 1.0, 0.0], "0.5 is no whole number"),
    "NaN": ([np.nan, 1.0, 0.0], "nan is no whole number"),
    "text": (["sig", "bkg", "sig"], "are text; write the number of the network's score"),
    "too few": ([0, 1], "2 labels for 3 events"),
    "pictures": (np.zeros((3, 2, 2)), r"have shape \(3, 2, 2\)"),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels(case: str, tmp_path: Path) -> None:
    values, wanted = LABELS[case]
    path = tmp_path / "events.npz"
    np.savez(path, x=np.ones((3, 4)), y=np.array(values))
    if isinstance(wanted, list):
        found = read_events(path, {"x": (4,)}, Choice(labels="y")).labels
        assert found is not None
        assert found.classes.tolist() == wanted
    else:
        with pytest.raises(EventError, match=f"events.npz: labels 'y'.*{wanted}"):
            read_events(path, {"x": (4,)}, Choice(labels="y"))


def test_labels_that_nobody_named(tmp_path: Path) -> None:
    """``labels`` are taken if they tell classes; if they do not, the events are good all the same."""
    path, x = tmp_path / "events.npz", np.ones((3, 4))
    np.savez(path, x=x, labels=SIGNAL)
    found = read_events(path, {"x": (4,)}).labels
    assert found is not None
    assert found.classes.tolist() == [1, 0, 1]
    np.savez(path, x=x, labels=ETA / 2)
    told = read_events(path, {"x": (4,)})
    assert told.labels is None
    assert "-0.5 is no whole number" in str(told)


@pytest.mark.parametrize("kind", ["root", "hdf5"])
def test_arrays_in_a_tree_or_group_that_are_called_as_the_inputs(kind: str, tmp_path: Path) -> None:
    path, x = tmp_path / "events", np.arange(12.0).reshape(3, 4)
    if kind == "root":
        with pytest.importorskip("uproot").recreate(path) as file:
            file.mkrntuple("Events", {"x": x, "labels": SIGNAL, "other": PT})
    else:
        with h5py.File(path, "w") as file:
            file["Events/x"], file["Events/labels"], file["Events/other"] = x, SIGNAL, PT
    found = read_events(path, {"x": (4,)})
    assert found.inputs["x"].tolist() == x.tolist()
    assert found.labels is not None
    assert str(found) == "labels 'Events/labels'"


def test_labels_of_another_file(tmp_path: Path) -> None:
    events, labels = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(events, np.ones((3, 4)))
    np.save(labels, SIGNAL)
    found = read_events(events, {"x": (4,)}, Choice(labels=str(labels))).labels
    assert found is not None
    assert found.classes.tolist() == [1, 0, 1]
    assert read_labels(labels, 3).classes.tolist() == [1, 0, 1]
    with pytest.raises(EventError, match=r"x\.npy: holds one array without names"):
        read_events(events, {"x": (4,)}, Choice(labels="y"))


@pytest.mark.parametrize("text", ["pt,,eta", "", "=pt", "a="])
def test_features_that_are_written_wrongly(text: str) -> None:
    with pytest.raises(EventError, match="write names with commas"):
        parse_features([text])


def test_a_reader_that_is_not_installed(tmp_path: Path, without: Callable[..., None]) -> None:
    for kind, start, package in (("root", b"root", "uproot"), ("parquet", b"PAR1", "pyarrow")):
        path = tmp_path / kind
        path.write_bytes(start + bytes(100))
        without(package)
        with pytest.raises(ToolError, match=rf"{package} is not installed.*qtrigger\[events\]"):
            read_events(path, {"x": (4,)})
