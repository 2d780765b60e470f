"""A detector like CMS in the parameters of Delphes.

Source of each figure: the card ``cards/delphes_card_CMS.tcl`` of Delphes 3 (arXiv:1307.6346,
github.com/delphes/delphes, commit 0593ac3), of which the modules are named beside them. The card in turn cites
arXiv:1405.6569 (tracks), arXiv:1306.2016 and arXiv:1502.02701 (electromagnetic calorimeter).

The widths of jets are none of the card's, which sums smeared constituents: see ``JET_RESOLUTION``.
"""

from __future__ import annotations

from qmodels.detector.parameters import CalorimeterResolution, Efficiency, TrackResolution

TRACK_RESOLUTION = TrackResolution((0.5, 1.5, 2.5), (0.01, 0.015, 0.025), (1.5e-4, 2.5e-4, 5.5e-4))
"""Of a charged hadron (ChargedHadronMomentumSmearing)."""
ELECTRON_TRACK_RESOLUTION = TrackResolution((0.5, 1.5, 2.5), (0.03, 0.05, 0.15), (1.3e-3, 1.7e-3, 3.1e-3))
"""Of an electron's track (ElectronMomentumSmearing)."""
MUON_RESOLUTION = TrackResolution((0.5, 1.5, 2.5), (0.01, 0.015, 0.025), (1.0e-4, 1.5e-4, 3.5e-4))
"""Of a muon (MuonMomentumSmearing)."""

ECAL_RESOLUTION = CalorimeterResolution(
    (1.5, 2.5, 5.0),
    (0.008, 0.008, 0.107),
    (0.11, 0.11, 2.08),
    (0.40, 0.40, 0.0),
    # 1 + 0.64 η², then 2.16 + 5.6 (|η| - 2)², written out
    ((1.0, 0.0, 0.64), (24.56, -22.4, 5.6), (1.0,)),
)
"""Of an electron or photon in the electromagnetic calorimeter (ECal)."""
HCAL_RESOLUTION = CalorimeterResolution((3.0, 5.0), (0.050, 0.130), (1.50, 2.70), (0.0, 0.0), ((1.0,), (1.0,)))
"""Of a hadron in the hadronic calorimeter (HCal)."""

ELECTRON_TRACKING = Efficiency((1.5, 2.5), (0.1, 1.0, 100.0), ((0.0, 0.73, 0.95, 0.99), (0.0, 0.50, 0.83, 0.90)))
"""That an electron leaves a track (ElectronTrackingEfficiency)."""
ELECTRON_EFFICIENCY = Efficiency((1.5, 2.5), (10.0,), ((0.0, 0.95), (0.0, 0.85)))
"""That an electron with a track is identified (ElectronEfficiency)."""
MUON_TRACKING = Efficiency((1.5, 2.5), (0.1, 1.0), ((0.0, 0.75, 0.99), (0.0, 0.70, 0.98)))
"""That a muon leaves a track (MuonTrackingEfficiency)."""
MUON_EFFICIENCY = Efficiency((2.4,), (10.0,), ((0.0, 0.95),))
"""That a muon with a track is identified (MuonEfficiency, which falls off above 1 TeV; here it does not)."""
TAU_TAG = Efficiency((2.5,), (1.0,), ((0.0, 0.60),))
"""That a jet of a hadronic τ is tagged (TauTagging)."""

JET_RESOLUTION = CalorimeterResolution((3.0, 5.0), (0.05, 0.13), (1.0, 2.7), (2.0, 0.0), ((1.0,), (1.0,)))
"""Of a jet's pT, in GeV: 20 % at 30 GeV, 11 % at 100 and 6 % at 1 TeV within |η| < 3, where CMS states typically 15
to 20 %, 10 % and 5 % of its particle flow (arXiv:1607.03663); beyond, as the card's hadronic calorimeter."""
JET_THRESHOLD = 20.0
"""GeV: the least pT of a jet (FastJetFinder)."""
ISOLATION_RADIUS, ISOLATION_PT = 0.5, 0.5
"""ΔR within which particles above this pT (GeV) are summed (Isolation)."""
ELECTRON_ISOLATION, MUON_ISOLATION = 0.12, 0.25
"""The largest sum in units of the lepton's pT."""
