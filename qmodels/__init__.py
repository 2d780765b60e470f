"""Physics systems: where their events come from, and the float and quantized networks trained on them."""
