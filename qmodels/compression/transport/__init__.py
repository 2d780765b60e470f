"""The distance between a collision and its reconstruction: as a loss of training, and as a figure.

``sinkhorn`` is the loss, in TensorFlow, with the ``gradient`` of its masses; ``distortion`` is the figure, without.
"""
