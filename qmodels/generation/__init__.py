"""Samples of simulated events, block by block: resumable, the same events however many processes make them.

``blocks`` are what one processor makes in one go, ``making`` has them made and goes through them in order, ``pythia``
starts the generator, ``clustering`` is FastJet.
"""
