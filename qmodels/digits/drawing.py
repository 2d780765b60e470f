"""Digits as if written by hand: strokes that are moved, turned and bent at random, with noise on every pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, pi, sin

import numpy as np
import numpy.typing as npt

from qmodels.types import Floats

SIZE = 28
"""Pixels along each side."""
LEVELS = 256
"""An image is of multiples of 1/256 below 1, as a camera's are."""
_AT_ONCE = 200
_WOBBLE, _SHIFT, _TURN, _NOISE = 0.02, 0.06, 0.2, 0.04

Point = tuple[float, float]


def _arc(x: float, y: float, rx: float, ry: float, begin: float, end: float, pieces: int = 10) -> list[Point]:
    """Points of an ellipse around (x, y) from one angle to another, in turns, clockwise from the right."""
    angles = [2 * pi * (begin + (end - begin) * piece / pieces) for piece in range(pieces + 1)]
    return [(x + rx * cos(angle), y + ry * sin(angle)) for angle in angles]


_STROKES: Mapping[int, Sequence[Sequence[Point]]] = {
    0: [_arc(0.5, 0.5, 0.22, 0.33, 0, 1, 16)],
    1: [[(0.38, 0.3), (0.52, 0.17), (0.52, 0.83)]],
    2: [[*_arc(0.5, 0.36, 0.2, 0.19, 0.5, 1.08), (0.3, 0.83), (0.72, 0.83)]],
    3: [_arc(0.47, 0.34, 0.2, 0.17, 0.58, 1.25), _arc(0.47, 0.67, 0.22, 0.17, 0.75, 1.42)],
    4: [[(0.6, 0.83), (0.6, 0.17), (0.27, 0.63), (0.75, 0.63)]],
    5: [[(0.7, 0.18), (0.36, 0.18), (0.33, 0.47), *_arc(0.48, 0.63, 0.21, 0.2, 0.68, 1.4)]],
    6: [[(0.62, 0.16), (0.38, 0.42), *_arc(0.49, 0.64, 0.19, 0.19, 0.5, 1.5, 14)]],
    7: [[(0.28, 0.18), (0.72, 0.18), (0.44, 0.83)]],
    8: [_arc(0.5, 0.33, 0.17, 0.16, 0, 1, 12), _arc(0.5, 0.66, 0.2, 0.18, 0, 1, 12)],
    9: [[*_arc(0.5, 0.36, 0.19, 0.19, 0, 1, 14), (0.66, 0.55), (0.58, 0.84)]],
}
"""Strokes in a square of side 1, y downwards."""


def digits(number: int, seed: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Images (number, SIZE, SIZE, 1) and what they show. The same seed draws the same."""
    random = np.random.default_rng(seed)
    shown = random.integers(0, len(_STROKES), number)
    images = np.empty((number, SIZE, SIZE), np.float32)
    for digit in _STROKES:
        rows = np.flatnonzero(shown == digit)
        for start in range(0, len(rows), _AT_ONCE):
            chosen = rows[start : start + _AT_ONCE]
            images[chosen] = _drawn(digit, len(chosen), random)
    return images[..., None], shown


def _drawn(digit: int, number: int, random: np.random.Generator) -> Floats:
    begins = np.array([point for stroke in _STROKES[digit] for point in stroke[:-1]])
    ends = np.array([point for stroke in _STROKES[digit] for point in stroke[1:]])
    turn, slant = random.normal(0, _TURN, (2, number))
    scale = random.normal(0, 0.1, (number, 2)) + 1
    moves = np.array([[np.cos(turn) * scale[:, 0], slant - np.sin(turn)], [np.sin(turn), np.cos(turn) * scale[:, 1]]])
    shift = random.normal(0, _SHIFT, (number, 1, 2))
    # The same hand at both ends of a stroke's pieces, so that they stay joined.
    bend = random.normal(0, _WOBBLE, (number, 4))
    begins, ends = (
        _bent(np.einsum("ijn,pj->npi", moves, points - 0.5), bend) + 0.5 + shift for points in (begins, ends)
    )
    width = random.uniform(0.025, 0.055, (number, 1, 1))
    distance = _distance(begins, ends)
    ink = 1 / (1 + np.exp((distance - width) / 0.012))
    noisy = ink + random.normal(0, _NOISE, ink.shape)
    return np.clip(np.round(noisy * LEVELS), 0, LEVELS - 1).astype(np.float32) / LEVELS


def _bent(points: Floats, bend: Floats) -> Floats:
    """Moved along slow waves over the square."""
    x, y = points[..., 0], points[..., 1]
    waves = [np.sin(2 * pi * y), np.cos(2 * pi * y), np.sin(2 * pi * x), np.cos(2 * pi * x)]
    moved = [wave * bend[:, n, None] for n, wave in enumerate(waves)]
    return np.stack([x + moved[0] + moved[1], y + moved[2] + moved[3]], axis=-1)


def _distance(begins: Floats, ends: Floats) -> Floats:
    """(number, SIZE, SIZE): from each pixel's middle to the nearest piece of a stroke."""
    middles = (np.arange(SIZE) + 0.5) / SIZE
    pixels = np.stack(np.meshgrid(middles, middles), axis=-1)[None]
    nearest = np.full((len(begins), SIZE, SIZE), np.inf)
    for piece in range(begins.shape[1]):
        begin, along = begins[:, piece, None, None], (ends - begins)[:, piece, None, None]
        length = np.maximum((along**2).sum(-1), 1e-12)
        part = np.clip(((pixels - begin) * along).sum(-1) / length, 0, 1)
        nearest = np.minimum(nearest, np.sqrt(((pixels - begin - part[..., None] * along) ** 2).sum(-1)))
    return nearest
