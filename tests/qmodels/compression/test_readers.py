"""ROOT and HepMC files of others, made here event by event, and what a conversion does with each."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import awkward as ak
import numpy as np
import pyhepmc
import pytest
import uproot

from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.conversion import convert
from qmodels.compression.samples.readers import Branches, open_source
from qmodels.compression.samples.selection import Selection
from qmodels.errors import ModelDataError

Particle = tuple[float, float, float, int]
EVENTS: list[list[Particle]] = [
    [(5.0, 0.5, 1.0, 211), (3.0, 0.1, 0.2, 13), (2.0, -0.1, -0.2, -13)],
    [],
    [(4.0, -1.0, 3.0, 22)],
    [(8.0, 2.6, 0.0, 22), (6.0, 1.0, -3.0, 130), (0.4, 0.0, 0.0, 211)],
    [(1.0 + 0.01 * i, 0.04 * i - 1.2, 0.1 * i - 3.0, 211) for i in range(60)],
]
NO_MUONS = Selection(muons=False)


def write_root(path: Path, events: Sequence[Sequence[Particle]], collection: str = "PFCands") -> Path:
    """A tree ``Events`` of jagged branches, as in NanoAOD."""
    kinds = {"pt": "float32", "eta": "float32", "phi": "float32", "pdgId": "int32"}
    with uproot.recreate(path) as file:
        tree = file.mktree("Events", {f"{collection}_{name}": f"var * {kind}" for name, kind in kinds.items()})
        columns = {}
        for index, (name, kind) in enumerate(kinds.items()):
            flat = np.array([particle[index] for event in events for particle in event], kind)
            columns[f"{collection}_{name}"] = ak.unflatten(flat, [len(event) for event in events])
        tree.extend(columns)
    return path


def write_hepmc(path: Path, events: Sequence[Sequence[Particle]], kind: str = "hepmc3", unit: float = 1.0) -> Path:
    """Massless final particles of a collision, in GeV or, with a ``unit`` of 1000, in MeV; and a neutrino in each."""
    units = pyhepmc.Units.GEV if unit == 1.0 else pyhepmc.Units.MEV
    with pyhepmc.open(str(path), "w", format=kind) as file:
        for event in events:
            record = pyhepmc.GenEvent(units, pyhepmc.Units.MM)
            vertex = pyhepmc.GenVertex()
            for pz in (6500.0, -6500.0):
                vertex.add_particle_in(pyhepmc.GenParticle((0, 0, pz * unit, 6500 * unit), 2212, 4))
            for pt, eta, phi, code in [*event, (30.0, 0.0, 0.0, -14), (20.0, 0.0, 0.0, 4900211)]:
                momentum = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)
                vertex.add_particle_out(pyhepmc.GenParticle(tuple(unit * x for x in momentum), code, 1))
            vertex.add_particle_out(pyhepmc.GenParticle((unit, 0, 0, unit), 5, 2))  # not final
            record.add_vertex(vertex)
            file.write(record)
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "root": lambda folder: write_root(folder / "e.root", EVENTS),
    "hepmc2": lambda folder: write_hepmc(folder / "e.hepmc2", EVENTS, "hepmc2"),
    "hepmc3": lambda folder: write_hepmc(folder / "e.hepmc", EVENTS),
    "hepmc3 in MeV": lambda folder: write_hepmc(folder / "e.dat", EVENTS, unit=1000.0),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_gives_the_same_collisions(kind: str, tmp_path: Path) -> None:
    source = WRITERS[kind](tmp_path)
    header = convert(source, tmp_path / "c.h5", "other", NO_MUONS)
    read = read_collisions(tmp_path / "c.h5")
    assert read.header == header
    assert (header.generated, dict(header.skipped), header.seed) == (5, {"no particles": 1}, None)
    assert header.generator == f"file {source.name}"
    rows = read.particles
    np.testing.assert_allclose(
        rows[0, :4], np.array([[5, 0.5, 1], [3, 0.1, 0.2], [2, -0.1, -0.2], [0, 0, 0]]), atol=1e-6
    )
    np.testing.assert_allclose(rows[1, :2], [[4, -1, 3], [0, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(rows[2, :2], [[6, 1, -3], [0, 0, 0]], atol=1e-6)
    assert np.count_nonzero(rows[3, :, 0]) == 50


def test_with_muons_asked_for(tmp_path: Path) -> None:
    header = convert(write_root(tmp_path / "e.root", EVENTS), tmp_path / "c.h5", "b-to-ks", Selection())
    assert (header.events, dict(header.skipped)) == (1, {"no pair of muons": 4})
    np.testing.assert_allclose(read_collisions(tmp_path / "c.h5").muons[0, :, 0], [3.0, 2.0])


def test_another_collection(tmp_path: Path) -> None:
    source = write_root(tmp_path / "e.root", EVENTS, "L1PuppiCands")
    branches = Branches(collection="L1PuppiCands")
    assert convert(source, tmp_path / "c.h5", "other", NO_MUONS, branches=branches).events == 4
    with pytest.raises(ModelDataError, match=r"has no branch PFCands_pt.* name the collection"):
        open_source(source)
    with pytest.raises(ModelDataError, match=r"has no tree 'Nothing'; it has Events;1"):
        open_source(source, Branches("Nothing"))


@pytest.mark.parametrize(
    ("particle", "why"),
    [
        ((np.nan, 0.0, 0.0, 211), "NaN or infinity"),
        ((4.0, 0.0, np.inf, 211), "NaN or infinity"),
        ((-4.0, 0.0, 0.0, 211), "negative pT"),
        ((0.0, 0.0, 0.0, 211), "no particles"),
    ],
)
def test_a_bad_event_is_skipped_and_counted(particle: Particle, why: str, tmp_path: Path) -> None:
    source = write_root(tmp_path / "e.root", [EVENTS[2], [particle], EVENTS[2]])
    header = convert(source, tmp_path / "c.h5", "other", NO_MUONS)
    assert (header.generated, header.events, dict(header.skipped)) == (3, 2, {why: 1})


def test_angles_are_wrapped_but_degrees_refused(tmp_path: Path) -> None:
    source = write_root(tmp_path / "e.root", [[(4.0, 0.0, 6.0, 22)]])
    convert(source, tmp_path / "c.h5", "other", NO_MUONS)
    assert read_collisions(tmp_path / "c.h5").particles[0, 0, 2] == pytest.approx(6.0 - 2 * np.pi)
    source = write_root(tmp_path / "e.root", [EVENTS[2], [(4.0, 0.0, 270.0, 22)]])
    with pytest.raises(ModelDataError, match=r"e\.root: event 1 has φ = 270; angles must be in radians"):
        convert(source, tmp_path / "c.h5", "other", NO_MUONS)


def test_how_many(tmp_path: Path) -> None:
    source = write_root(tmp_path / "e.root", EVENTS)
    header = convert(source, tmp_path / "c.h5", "other", NO_MUONS, events=2)
    assert (header.events, header.generated) == (2, 3)
    (tmp_path / "c.h5").unlink()
    with pytest.raises(ModelDataError, match=r"5 events asked for, 4 of its 5 pass \(no particles 1\); ask for fewer"):
        convert(source, tmp_path / "c.h5", "other", NO_MUONS, events=5)
    with pytest.raises(ModelDataError, match=r"none of its 5 events passes: no particles 5"):
        convert(source, tmp_path / "c.h5", "other", Selection(particle_pt=100.0, muons=False))
    assert list(tmp_path.iterdir()) == [source]


def test_a_truncated_root_file(tmp_path: Path) -> None:
    source = write_root(tmp_path / "e.root", EVENTS)
    content = source.read_bytes()
    for size in (len(content) - 1, len(content) // 2, 60):
        source.write_bytes(content[:size])
        with pytest.raises(ModelDataError, match=r"e\.root: (truncated|not a ROOT file)"):
            open_source(source)


def test_branches_of_unequal_length(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "e.root") as file:
        names = [f"PFCands_{name}" for name in ("pt", "eta", "phi", "pdgId")]
        tree = file.mktree("Events", dict.fromkeys(names, "var * float32"))
        long, short = ak.Array([[1.0], [2.0, 3.0]]), ak.Array([[1.0], [2.0]])
        tree.extend({name: ak.values_astype(long if name != names[1] else short, "float32") for name in names})
    with pytest.raises(ModelDataError, match=r"event 1: .* are not equally long"):
        list(open_source(tmp_path / "e.root").events)


@pytest.mark.parametrize("kind", ["hepmc2", "hepmc3"])
def test_a_truncated_hepmc_file(kind: str, tmp_path: Path) -> None:
    source = write_hepmc(tmp_path / "e.hepmc", EVENTS, kind)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelDataError, match=r"e\.hepmc: truncated"):
        open_source(source)


def test_a_hepmc_file_damaged_within(tmp_path: Path) -> None:
    source = write_hepmc(tmp_path / "e.hepmc", EVENTS)
    lines = source.read_text().splitlines(keepends=True)
    second = [index for index, line in enumerate(lines) if line.startswith("E ")][1]
    source.write_text("".join([*lines[: second + 3], "P nonsense\n", *lines[second + 4 :]]))
    with pytest.raises(ModelDataError, match=r"e\.hepmc: event \d of 5 cannot be parsed"):
        list(open_source(source).events)


def test_a_packed_hepmc_file(tmp_path: Path) -> None:
    plain = write_hepmc(tmp_path / "e.hepmc", EVENTS)
    packed = tmp_path / "e.hepmc.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert open_source(packed).total == 5
    assert len(list(open_source(packed).events)) == 5
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(ModelDataError, match=r"cannot be read to its end|truncated"):
        open_source(packed)


def test_files_of_no_kind(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="no such file"):
        open_source(tmp_path / "e.root")
    for content, message in (
        (b"", "neither ROOT nor HepMC"),
        (b"pt eta\n", "neither"),
        (b"\x89HDF\r\n", "is HDF5 already"),
    ):
        (tmp_path / "e").write_bytes(content)
        with pytest.raises(ModelDataError, match=message):
            open_source(tmp_path / "e")
