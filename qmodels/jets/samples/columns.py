"""Names and order of the columns in files of jets, which are those of the public LHC jet data set (Zenodo 3602260)."""

from __future__ import annotations

CLASSES = ("g", "q", "w", "z", "t")
"""In the order of the label columns, of the networks' outputs, and of everything else here."""

MOST_CONSTITUENTS = 150

CONSTITUENT_COLUMNS = (
    "j1_px",
    "j1_py",
    "j1_pz",
    "j1_e",
    "j1_erel",
    "j1_pt",
    "j1_ptrel",
    "j1_eta",
    "j1_etarel",
    "j1_etarot",
    "j1_phi",
    "j1_phirel",
    "j1_phirot",
    "j1_deltaR",
    "j1_costheta",
    "j1_costhetarel",
)
"""Of ``jetConstituentList``; a file of others may have more behind these, such as j1_pdgid."""

JET_FEATURES = (
    "j_zlogz",
    "j_c1_b0_mmdt",
    "j_c1_b1_mmdt",
    "j_c1_b2_mmdt",
    "j_c2_b1_mmdt",
    "j_c2_b2_mmdt",
    "j_d2_b1_mmdt",
    "j_d2_b2_mmdt",
    "j_d2_a1_b1_mmdt",
    "j_d2_a1_b2_mmdt",
    "j_m2_b1_mmdt",
    "j_m2_b2_mmdt",
    "j_n2_b1_mmdt",
    "j_n2_b2_mmdt",
    "j_mass_mmdt",
    "j_multiplicity",
)
"""What the networks of 16 features read, in this order."""

LABELS = tuple(f"j_{name}" for name in CLASSES)

JET_COLUMNS = ("j_pt", "j_eta", "j_mass", *JET_FEATURES, *LABELS, "j_undef")
"""Of ``jets`` in a file of ours, which names them in ``jetFeatureNames``."""

PUBLIC_JET_COLUMNS = 59
PUBLIC_FEATURES = (12, *range(34, 47), 48, 52)
PUBLIC_LABELS = tuple(range(53, 58))
"""Where features and labels are in a public file of 59 columns, should it not name them."""
