"""The distance between a collision and its reconstruction: as a loss of training, and as a figure."""
