"""What tells the two signals apart: networks and trees, fresh ones at a β, and the reference classifier of a folder.

``parts`` are the events that train and those that are tested. ``inputs`` scales what a network is given, ``summaries``
are what ``trees`` are, and ``separation`` is the AUC of a trained network; none of these needs TensorFlow. ``pfn``
builds and trains, ``reference_classifier`` makes the one for every β that fidelity is measured with.
"""
