"""Layouts, symbols, packets and their files: by hand, there and back, and damaged."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmodels.compression.packing.bit_report import kl_bits, rate_report
from qmodels.compression.packing.latent_layout import (
    CODINGS,
    Coding,
    GridPoint,
    Ints,
    LatentLayout,
    Quantizer,
    read_layout,
)
from qmodels.compression.packing.layout_calibration import calibrate, raw_means
from qmodels.compression.packing.packet_files import read_packet_header, read_packets, write_packets
from qmodels.compression.packing.payloads import Sent, packet_bits, packet_widths
from qmodels.compression.packing.symbols import quantize, reconstruct
from qmodels.compression.packing.totals import BITS, cut_to, raw_totals
from qmodels.errors import ModelDataError
from tests.qmodels.compression.layouts import FRACTION, VARIANCES, gaussian_encoder, random_layout

# Steps of 4 LSBs from -8, five symbols, values 0.5 apart from -1; a latent never sent, always 0.25; steps of 1.
BY_HAND = (
    Quantizer(4, 8, 5, -(1 << 20), 1 << 19),
    Quantizer(1, 0, 1, 1 << 18, 0),
    Quantizer(1, 0, 2, 0, 1 << 20),
)
WEIGHTED = (replace(BY_HAND[0], weights=(1,) * 5), BY_HAND[1], replace(BY_HAND[2], weights=(1, 1)))
TOTALS = raw_totals([3, 200], [10.3, 1e6])
LAYOUT = LatentLayout(2, (GridPoint(-1.0, BY_HAND, WEIGHTED), GridPoint(0.0, (BY_HAND[1],) * 3, (BY_HAND[1],) * 3)))


def points(events: int, point: int = 0) -> Ints:
    """The same grid point for all events."""
    return np.full(events, point, np.int64)


def test_quantizers_by_hand() -> None:
    raw = np.array([[-9, 3, 0], [-8, 3, 1], [-5, 3, 2], [-4, -3, -1], [7, 0, 1], [11, 0, 0], [500, 0, 0]])
    symbols = quantize(raw, points(7), LAYOUT, "fixed")
    assert symbols[:, 0].tolist() == [0, 0, 0, 1, 3, 4, 4]
    assert symbols[:, 1].tolist() == [0] * 7
    assert symbols[:, 2].tolist() == [0, 1, 1, 0, 1, 0, 0]
    assert reconstruct(symbols, points(7), LAYOUT, "fixed")[4].tolist() == [0.5, 0.25, 1.0]


def test_fixed_packets_by_hand() -> None:
    assert packet_widths(LAYOUT, 0).tolist() == [3, 0, 1]
    assert packet_widths(LAYOUT, 1).tolist() == [0, 0, 0]
    widths = np.array([[3, 0, 1], [0, 0, 0], [3, 0, 1]])
    bits = packet_bits(np.array([[4, 0, 1], [0, 0, 0], [3, 0, 1]]), widths)
    assert bits.astype(int).tolist() == [1, 0, 0, 1, 0, 1, 1, 1]


def test_totals_by_hand(tmp_path: Path) -> None:
    # 3 visible particles, and 10.3 GeV as 41 quarters; then as many and as much as the fields hold.
    assert TOTALS.tolist() == [[3, 41], [200, 16383]]
    sent = Sent(np.array([[4, 0, 1], [3, 0, 1]]), points(2), TOTALS)
    write_packets(tmp_path / "a.qtb", sent, LAYOUT, "fixed", "mine")
    packets = f"{3:010b}{41:014b}{4:03b}{1:01b}" + f"{200:010b}{16383:014b}{3:03b}{1:01b}"
    content = (tmp_path / "a.qtb").read_bytes()
    assert len(packets) == 2 * (BITS + 4)
    assert content[-4 - 7 : -4] == int(packets, 2).to_bytes(7, "big")
    totals = read_packets(tmp_path / "a.qtb", LAYOUT).totals
    assert totals is not None
    assert totals.visible.tolist() == [3, 200]
    assert totals.ht.tolist() == [10.25, 4095.75]


OLD = {
    "fixed": (
        "UVRCMX4AeyJwcm9qZWN0IjoibWluZSIsImxheW91dCI6IjQzMzc3NWU4Yjc5NmVlYmIiLCJjb2RpbmciOiJmaXhlZCIsImxh"
        "dGVudHMiOjMsImV2ZW50cyI6MywiZXZlbnRzX3Blcl9zdHJpbmciOjIsImxvZzEwX2JldGEiOm51bGx9AzQk3AMAAAACAAAA"
        "UuDQr/Jt"
    ),
    "entropy": (
        "UVRCMYAAeyJwcm9qZWN0IjoibWluZSIsImxheW91dCI6IjQzMzc3NWU4Yjc5NmVlYmIiLCJjb2RpbmciOiJlbnRyb3B5Iiwi"
        "bGF0ZW50cyI6MywiZXZlbnRzIjozLCJldmVudHNfcGVyX3N0cmluZyI6MiwibG9nMTBfYmV0YSI6bnVsbH3dUgEcAwAAAAoA"
        "AAAEAAAABQAAAF9w2smqaw=="
    ),
}
"""Files of the first version, QTB1, as the program wrote them then: three events at the grid points 0, 1, 0."""


@pytest.mark.parametrize("coding", CODINGS)
def test_files_without_totals_are_read(tmp_path: Path, coding: Coding) -> None:
    path = tmp_path / "old.qtb"
    path.write_bytes(b64decode(OLD[coding]))
    packets = read_packets(path, LAYOUT)
    assert packets.totals is None
    assert packets.sent.symbols.tolist() == [[4, 0, 1], [0, 0, 0], [3, 0, 1]]
    assert packets.sent.points.tolist() == [0, 1, 0]
    path.write_bytes(b"QTB2" + path.read_bytes()[4:])
    with pytest.raises(ModelDataError, match="QTB2 whose header says totals: None"):
        read_packets(path, LAYOUT)


def test_no_more_particles_than_were_visible() -> None:
    rng = np.random.default_rng(5)
    clouds = rng.random((6, 4, 3))
    clouds[:, :, 0] /= clouds[:, :, 0].sum(axis=1, keepdims=True)
    cut = cut_to(clouds, np.array([1, 2, 3, 4, 5, 1000]))
    assert (cut[:, :, 0] > 0).sum(axis=1).tolist() == [1, 2, 3, 4, 4, 4]
    np.testing.assert_allclose(cut[:, :, 0].sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(cut[3:], clouds[3:], rtol=1e-6)
    kept = cut[1, :, 0] > 0
    assert clouds[1, kept, 0].min() > clouds[1, ~kept, 0].max()
    assert not cut[1, ~kept].any()


def test_the_nearest_grid_point() -> None:
    assert LAYOUT.nearest([-9.0, -1.0, -0.51, -0.49, 7.0]).tolist() == [0, 0, 0, 1, 1]
    with pytest.raises(ModelDataError, match="positive beta"):
        LAYOUT.nearest(-np.inf)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 50),
    st.sampled_from(["fixed", "entropy"]),
    st.booleans(),
    st.integers(1, 20),
)
def test_files_give_back_every_symbol(
    tmp_path_factory: pytest.TempPathFactory, seed: int, events: int, coding: Coding, mixed: bool, together: int
) -> None:
    rng, layout = np.random.default_rng(seed), random_layout(seed)
    where = rng.integers(0, 3, events) if mixed else points(events, int(rng.integers(3)))
    symbols = quantize(rng.integers(-(1 << 14), 1 << 14, (events, 4)), where, layout, coding)
    totals = raw_totals(rng.integers(1, 2000, events), rng.exponential(500.0, events))
    path = tmp_path_factory.mktemp("packets") / "a.qtb"
    header = write_packets(path, Sent(symbols, where, totals), layout, coding, "mine", together)
    assert read_packet_header(path) == header
    packets = read_packets(path, layout)
    assert packets.header == header
    assert (packets.sent.symbols == symbols).all()
    assert (packets.sent.points == where).all()
    assert packets.totals is not None
    assert (packets.totals.raw == totals).all()


def written(path: Path, events: int = 150) -> bytes:
    """A file of the first random layout, entropy-coded."""
    layout = random_layout(1)
    raw = np.random.default_rng(2).integers(-999, 999, (events, 4))
    sent = Sent(quantize(raw, points(events), layout, "entropy"), points(events), TOTALS[np.arange(events) % 2])
    write_packets(path, sent, layout, "entropy", "mine", 64)
    return path.read_bytes()


def test_no_damaged_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.qtb"
    whole = written(path)
    places = [*range(40), *range(40, len(whole), 17)]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(ModelDataError, match=r"a\.qtb: "):
            read_packets(path, random_layout(1))
    for size in places:
        path.write_bytes(whole[:size])
        with pytest.raises(ModelDataError, match=r"cut short|does not begin with QTB2"):
            read_packets(path, random_layout(1))
    path.write_bytes(whole + b"\0")
    with pytest.raises(ModelDataError, match="goes on after its 150 events"):
        read_packets(path, random_layout(1))


def test_wrong_bits_under_a_right_check_sum(tmp_path: Path) -> None:
    """A faulty writer, not a faulty disk: the strings themselves must tell."""
    path = tmp_path / "a.qtb"
    whole = written(path)
    block = whole.index(b"}") + 1 + 4
    for place in range(block + 8, len(whole) - 4, 29):
        flipped = whole[block:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 : -4]
        path.write_bytes(whole[:block] + flipped + zlib.crc32(flipped).to_bytes(4, "little"))
        try:
            found = read_packets(path, random_layout(1))
        except ModelDataError as error:
            assert "block of events 0 to 149" in str(error)
        else:  # other bits may be other symbols, never symbols outside their alphabet
            levels = np.array([quantizer.levels for quantizer in random_layout(1).points[0].entropy])
            assert (found.sent.symbols < levels).all()


def with_header(whole: bytes, **changes: object) -> bytes:
    """A packet file whose header says something else, under a right check sum; ``...`` takes a key out."""
    end = whole.index(b"}") + 1
    fields = json.loads(whole[6:end]) | changes
    text = json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()
    return (
        whole[:4] + len(text).to_bytes(2, "little") + text + zlib.crc32(text).to_bytes(4, "little") + whole[end + 4 :]
    )


@pytest.mark.parametrize(
    "key", ["project", "layout", "coding", "latents", "events", "events_per_string", "log10_beta", "totals"]
)
@pytest.mark.parametrize("value", [..., True, -1, 0, 1.5, 10**30, float("nan"), "x\0/", [], {}, "9" * 9000])
def test_every_field_of_the_header_is_checked(key: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "a.qtb"
    path.write_bytes(with_header(written(path), **{key: value}))
    with pytest.raises(ModelDataError, match=r"a\.qtb: ") as raised:
        read_packets(path, random_layout(1))
    assert "\n" not in str(raised.value)


def test_what_a_header_states_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "a.qtb"
    path.write_bytes(with_header(written(path), events=2**31 - 1))
    with pytest.raises(ModelDataError, match="cut short"):
        read_packets(path, random_layout(1))
    whole = written(path)
    block = whole.index(b"}") + 5
    path.write_bytes(whole[: block + 4] + b"\xff\xff\xff\xff" + whole[block + 8 :])
    with pytest.raises(ModelDataError, match=r"cut short in events 0 to 149: .* of 4294967295 bytes"):
        read_packets(path, random_layout(1))


def test_another_layout_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.qtb")
    with pytest.raises(ModelDataError, match=r"packed by 'mine' with layout [0-9a-f]{16}, this one is"):
        read_packets(tmp_path / "a.qtb", random_layout(2))
    with pytest.raises(ModelDataError, match="cannot be read"):
        read_packets(tmp_path / "none.qtb", random_layout(1))


def test_layouts_are_files(tmp_path: Path) -> None:
    for seed in range(5):
        layout = random_layout(seed)
        layout.write(tmp_path / "latent_layout.json")
        assert read_layout(tmp_path / "latent_layout.json") == layout


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", "other", "not a latent layout"),
        ("version", 3, "layout version 3"),
        ("points", [], "do not ascend"),
        ("fraction", "x", "damaged layout"),
        ("fraction", 1e400, "damaged layout"),
        ("fraction", 10**6, "beyond reason"),
        ("points", [{"log10_beta": 0, "fixed": [[1 << 40]], "entropy": [[1]]}], "latent 0: bad"),
        ("points", [{"log10_beta": 10**400, "fixed": [[1]], "entropy": [[1]]}], "damaged layout"),
        ("points", [{"log10_beta": 0, "fixed": [[0, 0, 2, 0, 0]], "entropy": [[1]]}], "latent 0: bad"),
        ("points", [{"log10_beta": 0, "fixed": [[1]], "entropy": [[1, 0, 4, 0, 0, 1, [1, 1]]]}], "latent 0: bad"),
        ("points", [{"log10_beta": 0, "fixed": [[1]], "entropy": []}], "0 entropy quantizers"),
    ],
)
def test_bad_layouts(tmp_path: Path, key: str, value: object, said: str) -> None:
    path = tmp_path / "latent_layout.json"
    path.write_text(json.dumps(json.loads(LAYOUT.to_json()) | {key: value}))
    with pytest.raises(ModelDataError, match=said):
        read_layout(path)
    path.write_text(LAYOUT.to_json()[:-9])
    with pytest.raises(ModelDataError, match="damaged layout"):
        read_layout(path)


def test_calibrated_layouts_blur_as_the_sampled_latents_do() -> None:
    layout = calibrate(gaussian_encoder(4000, 1), FRACTION, (-4.0, -2.0, 1.0))
    encode = gaussian_encoder(3000, 2)
    for point, log10_beta in enumerate(layout.grid):
        mean, log_variance = encode(float(log10_beta))
        where, noise = points(len(mean), point), np.exp(log_variance[0])
        for coding in CODINGS:
            symbols = quantize(raw_means(mean, FRACTION), where, layout, coding)
            latent = reconstruct(symbols, where, layout, coding)
            # A decoder that trusts noisy latents by 1 - σ² knows the means to σ²(1 - σ²).
            error = ((1 - noise) * latent - mean)[:, noise < 1]
            assert np.sum(np.mean(error**2, axis=0) / (noise * (1 - noise))[noise < 1]) <= 1.03 * np.sum(noise < 1)


def test_bits_against_the_bound() -> None:
    layout = calibrate(gaussian_encoder(4000, 1), FRACTION, (-4.0, -3.0, 1.0))
    reports = [rate_report(*gaussian_encoder(3000, 2)(b), layout, k) for k, b in enumerate(layout.grid)]
    for report, log10_beta in zip(reports, layout.grid, strict=True):
        variance = np.minimum(10.0**log10_beta * VARIANCES, 1.0)
        assert report.kl == pytest.approx(float(-0.5 * np.log2(variance).sum()), rel=0.01, abs=0.01)
    fine, middle, none = reports
    assert fine.chained < fine.string < fine.fixed
    # Scalar quantizers at fine steps are ½ log2(2πe/12) = 0.254 bits a latent above the bound.
    assert 0.2 * fine.active < fine.chained - fine.kl < 0.3 * fine.active
    assert fine.excess < middle.excess < 0.15
    assert (none.active, none.kl, none.fixed, none.string) == (0, 0.0, 0.0, 0.0)


def test_bits_of_kl_by_hand() -> None:
    # ½(1 + 1 - 1 - 0) = ½ nat, and ½(¼ - 1 - ln ¼) nats of the second.
    assert kl_bits([[1.0, 0.0]], [[0.0, np.log(0.25)]]) == pytest.approx((0.5 - 0.375 + np.log(2.0)) / np.log(2.0))


def test_calibration_refuses_what_is_not_finite() -> None:
    with pytest.raises(ModelDataError, match="the mean of event 1 is not finite"):
        calibrate(lambda _: (np.array([[0.0], [np.nan]]), np.zeros((2, 1))), FRACTION, (0.0,))
    with pytest.raises(ModelDataError, match="log-variance is not finite"):
        calibrate(lambda _: (np.zeros((2, 1)), np.full((2, 1), np.inf)), FRACTION, (0.0,))
    with pytest.raises(ModelDataError, match="must ascend"):
        calibrate(gaussian_encoder(10, 1), FRACTION, (0.0, 0.0))
