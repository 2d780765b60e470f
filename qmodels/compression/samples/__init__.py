"""Collisions: simulated, read from files of others, selected, clustered, and kept in files.

``pythia`` simulates, ``selection`` takes out muons and clusters, ``blocks`` are what is made in one go, ``generation``
makes samples of them, ``collision_files`` keeps these; ``readers`` and ``conversion`` bring in other people's files,
``event_sources`` finds events by the name of a sample, and ``data_command`` is ``qtrigger data compression``.
"""
