"""Jets from PYTHIA 8 and FastJet, and files of them in the layout of the public LHC jet data set."""
