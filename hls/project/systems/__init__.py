"""Physics systems: what they offer, how they are found, what is packed by them."""
