"""Trellis coding: its states by hand, the best path against all paths, files there and back, and what is refused."""

from __future__ import annotations

import itertools
import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qmodels.compression.packing.bit_report import rate_report
from qmodels.compression.packing.latent_layout import GridPoint, Ints, LatentLayout, TrellisQuantizer, read_layout
from qmodels.compression.packing.layout_calibration import calibrate, raw_means
from qmodels.compression.packing.packet_files import read_packet_header, read_packets, write_packets
from qmodels.compression.packing.payloads import Sent
from qmodels.compression.packing.totals import raw_totals
from qmodels.compression.packing.trellis import NEXT, trellis_symbols, trellis_values
from qmodels.compression.packing.trellis_calibration import with_trellis
from qmodels.errors import ModelDataError
from tests.qmodels.compression.layouts import FRACTION, gaussian_encoder, random_layout, trellis_layout

# Levels -2, 0, 2 and -1, 0, 1 at a fraction of 0; an LSB squared costs a bit. Zeros are four times as frequent.
BY_HAND = TrellisQuantizer(1 << 32, 1 << 20, 0, tuple(level << 20 for level in (-2, 0, 2, -1, 0, 1)), (1, 4, 1) * 2)
SILENT = TrellisQuantizer.silent(1 << 18)


def sent_by(layout: LatentLayout, point: int, events: int, seed: int, together: int) -> Sent:
    """Random events."""
    rng = np.random.default_rng(seed)
    raw = rng.integers(-(1 << 11), 1 << 11, (events, layout.latents))
    symbols = trellis_symbols(raw, layout.points[point].trellis, layout.fraction, together)
    totals = raw_totals(rng.integers(1, 2000, events), rng.exponential(500.0, events))
    return Sent(symbols, np.full(events, point, np.int64), totals)


def test_states_by_hand() -> None:
    # The register moves right; a state of the second quantizer adds 18, an odd symbol 4.
    assert NEXT[:4].tolist() == [[0, 4], [18, 22], [1, 5], [19, 23]]
    assert np.bincount(NEXT.ravel()).tolist() == [2] * 32


def test_the_best_path_of_all() -> None:
    levels, bits = BY_HAND.levels(0), BY_HAND.bits
    assert levels.tolist() == [-2, 0, 2, -1, 0, 1]
    assert bits == pytest.approx(np.log2([6, 1.5, 6] * 2))

    def cost(raw: Ints, path: tuple[int, ...]) -> float:
        state, total = 0, 0.0
        for mean, own in zip(raw.tolist(), path, strict=True):
            symbol = own + 3 * (state & 1)
            total += (mean - levels[symbol]) ** 2 + bits[symbol]
            state = int(NEXT[state, int(own != 1)])
        return total

    for seed in range(20):
        raw = np.random.default_rng(seed).integers(-3, 4, 6)
        least = min(cost(raw, path) for path in itertools.product(range(3), repeat=6))
        found = trellis_symbols(raw[:, None], [BY_HAND], 0, 6)[:, 0]
        assert cost(raw, tuple((found % 3).tolist())) == pytest.approx(least)


def test_every_string_begins_anew() -> None:
    raw = np.random.default_rng(1).integers(-3, 4, (1500, 2))
    whole = trellis_symbols(raw, [BY_HAND, SILENT], 0, 10)
    parts = [trellis_symbols(raw[k : k + 10], [BY_HAND, SILENT], 0, 10) for k in range(0, 1500, 10)]
    assert (whole == np.concatenate(parts)).all()
    assert trellis_symbols(raw[:0], [BY_HAND, SILENT], 0, 10).shape == (0, 2)
    assert trellis_values(whole, [BY_HAND, SILENT])[:, 1].tolist() == [0.25] * 1500


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 1), st.integers(0, 60), st.integers(1, 20))
@example(58011081, 0, 1, 1)  # no latent is sent
def test_files_give_back_every_symbol(
    tmp_path_factory: pytest.TempPathFactory, seed: int, point: int, events: int, together: int
) -> None:
    layout = trellis_layout(seed)
    sent = sent_by(layout, point, events, seed, together)
    path = tmp_path_factory.mktemp("packets") / "a.qtb"
    header = write_packets(path, sent, layout, "trellis", "mine", together)
    assert path.read_bytes().startswith(b"QTB3")
    assert read_packet_header(path) == header
    packets = read_packets(path, layout)
    assert (packets.sent.symbols == sent.symbols).all()
    assert (packets.sent.totals == sent.totals).all()


def test_no_damaged_file_is_read(tmp_path: Path) -> None:
    path, layout = tmp_path / "a.qtb", trellis_layout(1)
    write_packets(path, sent_by(layout, 0, 150, 2, 64), layout, "trellis", "mine", 64)
    whole = path.read_bytes()
    for place in [*range(40), *range(40, len(whole), 17)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(ModelDataError, match=r"a\.qtb: "):
            read_packets(path, layout)
        path.write_bytes(whole[:place])
        with pytest.raises(ModelDataError, match=r"cut short|does not begin with QTB2"):
            read_packets(path, layout)
    block = whole.index(b"}") + 5  # a faulty writer: other symbols, or none, under a right check sum
    for place in range(block + 8, len(whole) - 4, 29):
        flipped = whole[block:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 : -4]
        path.write_bytes(whole[:block] + flipped + zlib.crc32(flipped).to_bytes(4, "little"))
        try:
            found = read_packets(path, layout)
        except ModelDataError as error:
            assert "block of events 0 to 149" in str(error)
        else:
            trellis_values(found.sent.symbols, layout.points[0].trellis)


def test_what_no_decoder_would_find_is_not_written(tmp_path: Path) -> None:
    layout = LatentLayout(0, (GridPoint(-1.0, (), (), (BY_HAND,)), GridPoint(0.0, (), (), (BY_HAND,))))
    sent = Sent(np.array([[3], [0]]), np.zeros(2, np.int64), raw_totals([1, 1], [1.0, 1.0]))
    with pytest.raises(ModelDataError, match="symbols of no path: choose them for strings of 2 events"):
        write_packets(tmp_path / "a.qtb", sent, layout, "trellis", "mine", 2)
    mixed = replace(sent, symbols=np.array([[1], [1]]), points=np.array([0, 1]))
    with pytest.raises(ModelDataError, match="one beta for all events; choose the coding entropy"):
        write_packets(tmp_path / "a.qtb", mixed, layout, "trellis", "mine", 2)
    assert not (tmp_path / "a.qtb").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"coding": "entropy"}, "a file of QTB3 whose header says coding: entropy"),
        ({"totals": None}, "this one is|QTB3 whose header says totals"),
        ({"log10_beta": None}, "no common beta"),
        ({"log10_beta": -1.0}, r"no trellis at log10 beta -1\.0"),
        ({"layout": "0" * 16}, "this one is"),
    ],
)
def test_headers_of_another_kind(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    path, layout = tmp_path / "a.qtb", trellis_layout(1)
    write_packets(path, sent_by(layout, 0, 50, 2, 64), layout, "trellis", "mine", 64)
    whole = path.read_bytes()
    end = whole.index(b"}") + 1
    text = json.dumps(json.loads(whole[6:end]) | changes).encode()
    head = whole[:4] + len(text).to_bytes(2, "little") + text + zlib.crc32(text).to_bytes(4, "little")
    path.write_bytes(head + whole[end + 4 :])
    with pytest.raises(ModelDataError, match=said):
        read_packets(path, layout)


def test_layouts_with_and_without_a_trellis(tmp_path: Path) -> None:
    path, layout, plain = tmp_path / "latent_layout.json", trellis_layout(1), random_layout(1)
    layout.write(path)
    assert read_layout(path) == layout
    assert json.loads(layout.to_json())["version"] == 2
    assert json.loads(plain.to_json())["version"] == 1
    # A trellis that is added makes no file unreadable that was packed without it.
    assert layout.digest == plain.digest != layout.trellis_digest


@pytest.mark.parametrize(
    "row",
    [
        [1, 1, 0, [0, 1, 2, 3], [1, 1, 1, 1]],
        [1, 1, 0, [0, 1], [1, 0]],
        [1, 1, 0, [0, 1], [1, -1]],
        [1, 1, 0, [0, 1 << 40], [1, 1]],
        [1, 1, 0, [0, 1, 2], [1, 1]],
        [0, 1, 0, [0, 1], [1, 1]],
        [1 << 40, 1, 0, [0, 1], [1, 1]],
        [1, 1, 0, [], []],
        [1, 1, 0, [0, 1]],
        [1, 1, 0, 5, 5],
    ],
)
def test_bad_trellises(tmp_path: Path, row: list[object]) -> None:
    path, content = tmp_path / "latent_layout.json", json.loads(trellis_layout(1).to_json())
    content["points"][0]["trellis"][0] = row
    path.write_text(json.dumps(content))
    with pytest.raises(ModelDataError, match=r"bad trellis|damaged layout"):
        read_layout(path)


def test_a_calibrated_trellis_blurs_as_the_sampled_latents_do_and_is_shorter() -> None:
    encode, grid = gaussian_encoder(4000, 1), (-4.0, -2.0, -1.5)
    layout = with_trellis(calibrate(encode, FRACTION, grid), encode)
    assert [bool(point.trellis) for point in layout.points] == [False, True, True]
    fresh = gaussian_encoder(4000, 2)
    for point in (1, 2):
        mean, log_variance = fresh(grid[point])
        noise = np.exp(log_variance[0])
        symbols = trellis_symbols(raw_means(mean, FRACTION), layout.points[point].trellis, FRACTION, 512)
        latent = trellis_values(symbols, layout.points[point].trellis)
        error = ((1 - noise) * latent - mean)[:, noise < 1]
        assert np.sum(np.mean(error**2, axis=0) / (noise * (1 - noise))[noise < 1]) <= 1.03 * np.sum(noise < 1)
        report = rate_report(mean, log_variance, layout, point)
        assert report.trellis is not None
        assert report.above(report.trellis) < 0.15 < report.excess
