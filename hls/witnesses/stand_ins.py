"""Layers of packages that do not live beside QKeras here, in the operations of Keras itself, from their definitions.

They are known to the process of the witness alone and share no code with the importer: a wrapper holds its layer and
calls it, a product takes the matrix that the file holds. Where one was needed, the version of the witness says so.
"""

from __future__ import annotations

from typing import Any

import keras
from keras.src.legacy.saving.saving_utils import model_from_config


class PruneLowMagnitude(keras.layers.Wrapper):  # type: ignore[misc]  # Keras has no types
    """TensorFlow's model optimization: while it trains, small weights become zero; then it is the layer in it.

    Zeros are in the stored weights by then. Mask and threshold of each weight that it prunes, and the step of training,
    lie in the file behind those of the layer.
    """

    def __init__(self, layer: Any, **config: Any) -> None:
        schedule = ("pruning_schedule", "block_size", "block_pooling_type", "sparsity_m_by_n")
        super().__init__(layer, **{key: value for key, value in config.items() if key not in schedule})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> PruneLowMagnitude:
        """Keras 2 wrote no modules, and Keras reads such a layer as it reads those of a whole model."""
        if "module" in config["layer"]:
            return super().from_config(config, custom_objects)  # type: ignore[no-any-return]
        return cls(**{**config, "layer": model_from_config(config["layer"], custom_objects)})

    def build(self, input_shape: Any = None) -> None:
        """The layer's variables, and those of training."""
        super().build(input_shape)
        for variable in self._pruned():
            self.add_weight(shape=variable.shape, initializer="ones", trainable=False, name="mask")
            self.add_weight(shape=(), initializer="zeros", trainable=False, name="threshold")
        self.add_weight(shape=(), initializer="zeros", trainable=False, dtype="int64", name="pruning_step")

    def _pruned(self) -> list[Any]:
        names = ("kernel", "depthwise_kernel", "pointwise_kernel", "embeddings")
        return [getattr(self.layer, name) for name in names if getattr(self.layer, name, None) is not None]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the layer."""
        return self.layer.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """What the layer gives."""
        return self.layer(inputs)


class NodeEdgeProjection(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """JEDI's: nodes to the edges between them, or edges to nodes, by the matrix of zeros and ones that is stored."""

    def __init__(self, receiving: bool = True, node_to_edge: bool = True, **config: Any) -> None:
        super().__init__(**config)
        self._to_edges = node_to_edge

    def build(self, input_shape: Any) -> None:
        """The matrix, (outputs, inputs)."""
        self._matrix = self.add_weight(
            shape=(1, self._places(input_shape[-2]), input_shape[-2]), trainable=False, name="adjacency_matrix"
        )

    def _places(self, given: int) -> int:
        """So many nodes have ``n (n - 1)`` edges, each from one to another."""
        return given * (given - 1) if self._to_edges else next(n for n in range(given + 2) if n * (n - 1) >= given)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Features are kept."""
        return (*input_shape[:-2], self._places(input_shape[-2]), input_shape[-1])

    def call(self, inputs: Any) -> Any:
        """The product over the places."""
        return keras.ops.matmul(self._matrix, inputs)


STAND_INS = {kind.__name__: kind for kind in (PruneLowMagnitude, NodeEdgeProjection)}
