"""Names of the options of ``qtrigger data compression``, and nothing else: whoever asks for them starts at once."""

CUTS = ("particle_pt", "max_eta", "muon_pt", "muon_eta")
SIMULATION = ("jobs", "scheduler")
CONVERSION = ("tree", "collection")
DATA_OPTIONS = ("sample", "source", "selection", *CUTS, *SIMULATION, *CONVERSION)
