"""From a collision file to packets and back, with a small encoder and a decoder by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from qmodels.compression.packing.latent_layout import FILE, GridPoint, LatentLayout, Quantizer, TrellisQuantizer
from qmodels.compression.packing.layout_calibration import mean_fraction
from qmodels.compression.packing.packed_events import pack, packed_by, unpack, write_layout
from qmodels.compression.packing.packet_files import write_packets
from qmodels.compression.packing.payloads import Sent
from qmodels.errors import ModelDataError
from tests.qmodels.compression.synthetic import write

COUNT = 4


def encoder(arrays: Sequence[npt.NDArray[np.floating]]) -> list[npt.NDArray[np.float64]]:
    """Means: mean η and mean cos φ in eighths, whatever β; variances β, at most 1."""
    particles, log10_beta = arrays
    mean = np.rint(8.0 * particles[:, :, 1:3].mean(axis=1)) / 8.0
    return [mean, np.minimum(log10_beta * np.log(10.0), 0.0) * np.ones(2)]


def collisions(path: Path, events: int) -> Path:
    """Events of four particles all over the detector."""
    rng = np.random.default_rng(1)
    angles = rng.uniform([-3.0, -3.0], [3.0, 3.0], (events, COUNT, 2))
    return write(path, np.concatenate([np.full((events, COUNT, 1), 5.0), angles], axis=2).tolist())


@pytest.mark.parametrize("coding", ["fixed", "entropy"])
def test_there_and_back(tmp_path: Path, coding: str) -> None:
    # The identity on eighths between -4 and 4: what is unpacked is what the encoder gave.
    exact = Quantizer(1, 32, 64, -4 << 20, 1 << 17)
    weighted = Quantizer(1, 32, 64, -4 << 20, 1 << 17, 4, (1,) * 16)
    folder = tmp_path / "small"
    folder.mkdir()
    LatentLayout(3, (GridPoint(-2.0, (exact,) * 2, (weighted,) * 2),)).write(folder / FILE)
    events = collisions(tmp_path / "events.h5", 70)
    header = pack(folder, COUNT, encoder, events, 0.01, coding, tmp_path / "a.qtb")
    assert (header.events, header.log10_beta, packed_by(tmp_path / "a.qtb")) == (70, -2.0, "small")
    assert unpack(folder, tmp_path / "a.qtb", tmp_path / "back.h5") == header
    with h5py.File(events) as file, h5py.File(tmp_path / "back.h5") as back:
        angles = np.asarray(file["particles"])[:, :COUNT, 1:]
        means = np.rint(8.0 * np.stack([angles[..., 0], np.cos(angles[..., 1])], axis=-1).mean(axis=1)) / 8.0
        assert np.array_equal(back["latent"], means)
        assert np.array_equal(back["log10_beta"], np.full(70, -2.0))
        assert back["visible"][()].tolist() == [COUNT] * 70
        assert back["ht"][()].tolist() == [5.0 * COUNT] * 70
        assert "particles" not in back


def test_a_trellis_there_and_back(tmp_path: Path) -> None:
    # Quarters of the first quantizer and eighths between them of the second, to 4 on both sides: as fine as the means.
    symbols = np.arange(-16, 17)
    eighths = np.stack([2 * symbols, 2 * symbols - np.sign(symbols)]).ravel()
    trellis = TrellisQuantizer(1 << 30, 1 << 20, 0, tuple((eighths << 17).tolist()), (1,) * 66)
    one = (Quantizer(1, 0, 1, 0, 0),) * 2
    folder = tmp_path / "small"
    folder.mkdir()
    points = (GridPoint(-2.0, one, one, (trellis,) * 2), GridPoint(0.0, one, one))
    LatentLayout(3, points).write(folder / FILE)
    events = collisions(tmp_path / "events.h5", 700)
    header = pack(folder, COUNT, encoder, events, 0.01, "trellis", tmp_path / "a.qtb")
    assert unpack(folder, tmp_path / "a.qtb", tmp_path / "back.h5") == header
    with h5py.File(events) as file, h5py.File(tmp_path / "back.h5") as back:
        angles = np.asarray(file["particles"])[:, :COUNT, 1:]
        means = np.rint(8.0 * np.stack([angles[..., 0], np.cos(angles[..., 1])], axis=-1).mean(axis=1))
        far = np.abs(8.0 * back["latent"][()] - means)
        assert far.max() <= 2  # the other quantizer's levels lie between
        assert far.mean() < 0.5
    nothing = Sent(np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    write_packets(tmp_path / "a.qtb", nothing, LatentLayout(3, points), "trellis", "small")
    assert unpack(folder, tmp_path / "a.qtb", tmp_path / "back.h5").events == 0
    with pytest.raises(ModelDataError, match="no trellis at log10 beta 0, but from -2 to -2; choose"):
        pack(folder, COUNT, encoder, events, 1.0, "trellis", tmp_path / "b.qtb")
    LatentLayout(3, points[1:]).write(folder / FILE)
    with pytest.raises(ModelDataError, match="has no trellis; choose the coding entropy"):
        pack(folder, COUNT, encoder, events, 1.0, "trellis", tmp_path / "b.qtb")


def test_a_calibrated_layout_serves(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    clouds = rng.uniform(-3.0, 3.0, (2000, COUNT, 3)).astype(np.float32)
    coded: list[float] = []

    def noted(arrays: Sequence[npt.NDArray[np.floating]]) -> list[npt.NDArray[np.float64]]:
        coded.append(float(arrays[1][0, 0]))
        return encoder(arrays)

    layout = write_layout(tmp_path, noted, clouds)
    assert sorted(coded) == layout.grid.tolist()  # once at each beta, for layout and trellis
    assert any(point.trellis for point in layout.points)
    assert (layout.fraction, layout.latents, layout.grid[0], layout.grid[-1]) == (3, 2, -6.0, 1.0)
    events = collisions(tmp_path / "events.h5", 70)
    with pytest.warns(UserWarning, match=r"-9 is outside the range \[-6, 1\]"):
        assert pack(tmp_path, COUNT, encoder, events, 1e-9, "entropy", tmp_path / "a.qtb").log10_beta == -6.0


def test_bad_requests(tmp_path: Path) -> None:
    events = collisions(tmp_path / "events.h5", 3)
    out = tmp_path / "a.qtb"
    with pytest.raises(ModelDataError, match="no such layout"):
        pack(tmp_path, COUNT, encoder, events, 1.0, "fixed", out)
    one = (Quantizer(1, 0, 1, 0, 0),)
    LatentLayout(2, (GridPoint(0.0, one * 2, one * 2),)).write(tmp_path / FILE)
    with pytest.raises(ModelDataError, match="no multiples of"):
        pack(tmp_path, COUNT, encoder, events, 1.0, "fixed", out)
    LatentLayout(3, (GridPoint(0.0, one, one),)).write(tmp_path / FILE)
    with pytest.raises(ModelDataError, match="gives 2 means, its layout is for 1"):
        pack(tmp_path, COUNT, encoder, events, 1.0, "fixed", out)
    with pytest.raises(ModelDataError, match="unknown coding 'zip'"):
        pack(tmp_path, COUNT, encoder, events, 1.0, "zip", out)
    for beta in (0.0, -1.0, float("nan")):
        with pytest.raises(ModelDataError, match="give a positive number"):
            pack(tmp_path, COUNT, encoder, events, beta, "fixed", out)
    assert not out.exists()


def test_the_fraction_of_means() -> None:
    assert mean_fraction([[0.5, 3.0], [-0.125, 0.0]]) == 3
    assert mean_fraction([[4.0]]) == 0
    with pytest.raises(ModelDataError, match="no fixed-point numbers"):
        mean_fraction([[0.1]])
