"""Networks that tell the two signals apart: fresh ones at a β, and the reference classifier of a trained folder.

``inputs`` scales what they are given and ``separation`` is the AUC of one that is trained, both without TensorFlow;
``pfn`` builds and trains, ``reference_classifier`` makes the one for every β that fidelity is measured with.
"""
