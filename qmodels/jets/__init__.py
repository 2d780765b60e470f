"""Jets of a light quark, a gluon, W, Z or a top quark: events, networks that tell them apart, and their fidelity."""
