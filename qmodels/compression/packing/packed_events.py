"""What ``qtrigger pack`` and ``qtrigger unpack`` do: from a collision file to packets and from these to collisions."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.machine.hdf5 import whole_hdf5
from qmodels.compression.autoencoder import DECODER_FILE, Encoder
from qmodels.compression.inputs import column, encoder_inputs, features
from qmodels.compression.networks import read_network
from qmodels.compression.packing.latent_layout import FILE, FILE_CODINGS, FileCoding, Ints, LatentLayout, read_layout
from qmodels.compression.packing.layout_calibration import LOG10_BETAS, calibrate, mean_fraction, raw_means
from qmodels.compression.packing.packet_files import (
    EVENTS_PER_STRING,
    PacketHeader,
    read_packet_header,
    read_packets,
    write_packets,
)
from qmodels.compression.packing.payloads import Sent
from qmodels.compression.packing.symbols import quantize, reconstruct
from qmodels.compression.packing.totals import cut_to, totals_of
from qmodels.compression.packing.trellis import trellis_symbols, trellis_values
from qmodels.compression.packing.trellis_calibration import with_trellis
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.errors import ModelDataError
from qmodels.types import Floats64

FORMAT = "qtrigger-unpacked"
_BLOCK_EVENTS = 4096


def write_layout(folder: Path, encoder: Encoder, clouds: npt.NDArray[np.float32]) -> LatentLayout:
    """Calibrate the layout of a quantized encoder on clouds (n, N, 3), some ten thousand, and write it into ``folder``.

    Raises ModelDataError for an encoder whose means are no fixed-point numbers, or not finite.
    """
    particles = features(clouds)

    @cache  # layout and trellis are calibrated on the same events
    def encode(log10_beta: float) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        mean, log_variance = encoder([particles, column(log10_beta, len(particles))])
        return mean, log_variance

    layout = with_trellis(calibrate(encode, mean_fraction(encode(min(LOG10_BETAS))[0])), encode)
    layout.write(folder / FILE)
    return layout


def pack(
    folder: Path, count: int, firmware: Encoder, inputs: Path, beta: float, coding: str, out: Path
) -> PacketHeader:
    """Pack the events of a collision file with the layout in ``folder``.

    Args:
        folder: the trained folder, whose name the packets bear.
        count: particles that the encoder takes.
        firmware: the encoder, bit by bit.
        inputs: collision file.
        beta: fidelity; the nearest of the layout's grid is taken, and stands in the header returned.
        coding: "fixed", "entropy" or "trellis".
        out: file to write, ``.qtb``.

    Raises:
        ModelDataError: a file is missing or damaged, β is not positive, the layout has no trellis there, or the means
            are not those of the layout.
    """
    known = next((each for each in FILE_CODINGS if each == coding), None)
    if known is None:
        raise ModelDataError(f"unknown coding {coding!r}; choose one of {', '.join(FILE_CODINGS)}")
    if not (np.isfinite(beta) and beta > 0):
        raise ModelDataError(f"beta is {beta}; give a positive number")
    layout = read_layout(folder / FILE)
    wanted = float(np.log10(beta))
    if not layout.grid[0] <= wanted <= layout.grid[-1]:
        low, high = layout.grid[[0, -1]]
        warnings.warn(
            f"log10 beta {wanted:g} is outside the range [{low:g}, {high:g}] of the layout, whose end is taken",
            stacklevel=2,
        )
    point = int(layout.nearest(wanted))
    if known == "trellis":
        _check_trellis(layout, point, folder)
    events = read_collisions(inputs)
    raw = _means(firmware, events.particles, count, layout, point)
    points = np.full(len(raw), point, np.int64)
    if known == "trellis":
        symbols = trellis_symbols(raw, layout.points[point].trellis, layout.fraction, EVENTS_PER_STRING)
    else:
        symbols = quantize(raw, points, layout, known)
    sent = Sent(symbols, points, totals_of(events).raw)
    return write_packets(out, sent, layout, known, folder.name)


def packed_by(path: Path) -> str:
    """Name of the project that packed a file; ModelDataError if it holds no packets or its header is damaged."""
    return read_packet_header(path).project


def unpack(folder: Path, path: Path, out: Path) -> PacketHeader:
    """Unpack a file with the layout in ``folder``, and the decoder if there is one, into an HDF5 file.

    Datasets: latent (n, L) for the decoder and log10_beta (n,); visible (n,) and ht (n,) in GeV if they were sent; and
    particles (n, N, 3) of (pT/H_T, η, φ) if there is a decoder, as many of them as were visible. All float32 but
    latent, whose multiples of 2**-20 take float64, and visible, int32.

    Raises:
        ModelDataError: a file is missing, damaged or of another layout.
    """
    layout = read_layout(folder / FILE)
    packets = read_packets(path, layout)
    sent, totals = packets.sent, packets.totals
    latent = _latents(sent, layout, packets.header.coding)
    log10_beta = layout.grid[sent.points].astype(np.float32)
    arrays: dict[str, npt.NDArray[np.number]] = {"latent": latent, "log10_beta": log10_beta}
    if totals is not None:
        arrays |= {"visible": totals.visible.astype(np.int32), "ht": totals.ht.astype(np.float32)}
    if (folder / DECODER_FILE).is_file():
        decoder = read_network(folder / DECODER_FILE, {"latent": (layout.latents,), "log10_beta": (1,)})
        restored = decoder(latent, log10_beta[:, None])[0]
        arrays["particles"] = restored if totals is None else cut_to(restored, totals.visible)
    _write(out, arrays, packets.header)
    return packets.header


def _check_trellis(layout: LatentLayout, point: int, folder: Path) -> None:
    grid = [each.log10_beta for each in layout.points if each.trellis]
    if not grid:
        raise ModelDataError(f"{folder / FILE} has no trellis; choose the coding entropy, or train the system again")
    if layout.points[point].log10_beta not in grid:
        raise ModelDataError(
            f"{folder / FILE} has no trellis at log10 beta {layout.points[point].log10_beta:g}, but from {grid[0]:g} "
            f"to {grid[-1]:g}; choose the coding entropy"
        )


def _latents(sent: Sent, layout: LatentLayout, coding: FileCoding) -> Floats64:
    """Latents (n, L) for the decoder."""
    if coding != "trellis":
        return reconstruct(sent.symbols, sent.points, layout, coding)
    if not len(sent.points):
        return np.zeros(sent.symbols.shape)
    return trellis_values(sent.symbols, layout.points[int(sent.points[0])].trellis)


def _means(firmware: Encoder, particles: npt.NDArray[np.float32], count: int, layout: LatentLayout, point: int) -> Ints:
    """Raw means (n, L) of the firmware, in blocks that fit into memory."""
    raw = np.empty((len(particles), layout.latents), np.int64)
    for start in range(0, len(particles), _BLOCK_EVENTS):
        block = encoder_inputs(particles[start : start + _BLOCK_EVENTS], count)
        mean = np.asarray(firmware([block, column(layout.points[point].log10_beta, len(block))])[0], np.float64)
        if mean.shape != (len(block), layout.latents):
            raise ModelDataError(f"the encoder gives {mean.shape[1]} means, its layout is for {layout.latents}")
        found = raw_means(mean, layout.fraction)
        if (np.ldexp(found.astype(np.float64), -layout.fraction) != mean).any():
            raise ModelDataError(f"means are no multiples of 2**-{layout.fraction}: the layout is of another encoder")
        raw[start : start + _BLOCK_EVENTS] = found
    return raw


def _write(out: Path, arrays: dict[str, npt.NDArray[np.number]], header: PacketHeader) -> None:
    with whole_hdf5(out) as file:
        file.attrs.update(format=FORMAT, project=header.project, layout=header.layout, coding=header.coding)
        for name, values in arrays.items():
            file.create_dataset(name, data=values, compression="lzf", shuffle=True)
