"""NodeEdgeProjection: from nodes to edges and back. All values by hand: edges 01, 02, 10, 12, 20, 21."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError
from hls.importing import import_keras
from tests.hls.importing.files import activation, layer, port, tensor, write

NODES = [[1.0, -1.0], [2.0, -2.0], [4.0, -4.0]]
EDGES = [[1.0], [2.0], [0.5], [-1.0], [4.0], [0.25]]


def computed(folder: Path, event: Any, stored: Any = None, **config: Any) -> Any:
    """What the layer makes of one event of type ap_fixed<10,4>."""
    entry = layer("NodeEdgeProjection", "p", tensor("q"), module="somewhere", **config)
    layers = [port("x", *np.shape(event)), activation("q", "quantized_bits(10,3,alpha=1)", "x"), entry]
    path = write(folder / "model.keras", layers, "p", None if stored is None else {"p": [stored]})
    return emulate(import_keras(path), np.asarray([event]))[0].tolist()


def test_each_edge_gets_its_receiver_or_its_sender(tmp_path: Path) -> None:
    receivers = computed(tmp_path, NODES, receiving=True, node_to_edge=True)
    assert [row[0] for row in receivers] == [1, 1, 2, 2, 4, 4]
    assert [row[1] for row in receivers] == [-1, -1, -2, -2, -4, -4]
    senders = computed(tmp_path, NODES, receiving=False, node_to_edge=True)
    assert [row[0] for row in senders] == [2, 4, 1, 4, 1, 2]


def test_each_node_sums_the_edges_that_it_receives_or_sends(tmp_path: Path) -> None:
    assert computed(tmp_path, EDGES, receiving=True, node_to_edge=False) == [[3.0], [-0.5], [4.25]]
    assert computed(tmp_path, EDGES, receiving=False, node_to_edge=False) == [[4.5], [1.25], [1.0]]


def test_the_stored_matrix_must_be_that_of_the_layer(tmp_path: Path) -> None:
    pairs = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], np.float32)[None]
    assert computed(tmp_path, NODES, pairs, receiving=True)[2] == [2, -2]
    with pytest.raises(ModelFileError, match="'p': its stored matrix is not that of a NodeEdgeProjection of 3 nodes"):
        computed(tmp_path, NODES, pairs, receiving=False)
    with pytest.raises(ModelFileError, match="its stored matrix"):
        computed(tmp_path, NODES, np.ones(3, np.float32))


def test_a_number_of_edges_that_no_graph_has(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="one edge for each pair of nodes"):
        computed(tmp_path, EDGES[:5], node_to_edge=False)
    with pytest.raises(ModelFileError, match=r"reads nodes and features, and a tensor of shape \(2,\)"):
        computed(tmp_path, NODES[0])
    with pytest.raises(ModelFileError, match="receiving"):
        computed(tmp_path, NODES, receiving="yes")
