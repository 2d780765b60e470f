"""What is generated: the four processes of the background, in their shares, and the four signals.

Those of arXiv:2107.02157, the data set of the anomaly-detection challenge at 40 MHz: 13 TeV proton collisions of which
every event has an electron or a muon above 23 GeV.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.errors import ModelDataError

COMMON = (
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",  # mm: the particles that a tracker would call stable
    "111:mayDecay = off",  # two photons next to each other, a fifth of all particles: the detector takes them as one
)
COLLISION = (
    "Beams:eCM = 13000.",
    # The underlying event takes nine tenths of the time and hardly makes a jet above 15 GeV.
    "PartonLevel:MPI = off",
)
_TO_LEPTONS = "onIfAny = 11 13 15"


@dataclass(frozen=True)
class Process:
    """``settings`` of PYTHIA; ``heavy_flavour`` if its leptons come from decays of b and c hadrons, which are rare.

    The τ leptons of each shower decay ``decayed`` times, where few leptons come out.
    """

    name: str
    label: str
    settings: tuple[str, ...]
    heavy_flavour: bool = False
    decayed: int = 1


W = Process("w", r"$W \to \ell\nu$", ("WeakSingleBoson:ffbar2W = on", "24:onMode = off", f"24:{_TO_LEPTONS}"))
Z = Process(
    "z",
    r"$Z \to \ell\ell$",
    ("WeakSingleBoson:ffbar2gmZ = on", "PhaseSpace:mHatMin = 50.", "23:onMode = off", f"23:{_TO_LEPTONS}"),
)
QCD = Process(
    "qcd",
    "QCD",
    (
        "HardQCD:hardbbbar = on",
        "HardQCD:hardccbar = on",
        "PhaseSpace:pTHatMin = 25.",
        # More events of high pT, of which the hadrons are made to decay less often in return: see collisions.py.
        "PhaseSpace:bias2Selection = on",
        "PhaseSpace:bias2SelectionPow = 3.",
        "PhaseSpace:bias2SelectionRef = 25.",
    ),
    heavy_flavour=True,
)
TOP = Process("tt", r"$t\bar{t}$", ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"))

SHARES: dict[str, float] = {"w": 0.592, "qcd": 0.338, "z": 0.067, "tt": 0.003}
"""Of the background's events, after the lepton filter."""

A_TO_4L = Process(
    "a-to-4l",
    r"$A \to 4\ell$",
    (
        "HiggsSM:gg2H = on",
        "25:m0 = 50.",
        "25:mMin = 0.",
        "25:onMode = off",
        "25:onIfMatch = 23 23",
        "23:mMin = 1.",  # both are far off their mass
        "23:onMode = off",
        f"23:{_TO_LEPTONS}",
    ),
)
LQ_TO_B_TAU = Process(
    "lq-to-b-tau",
    r"$LQ \to b\tau$",
    (
        "LeptoQuark:gg2LQLQbar = on",
        "LeptoQuark:qqbar2LQLQbar = on",
        "42:0:products = 5 15",
        "42:m0 = 80.",
        "42:mMin = 50.",
        "42:mMax = 110.",
    ),
)
H0_TO_TAU_TAU = Process(
    "h0-to-tau-tau",
    r"$h^0 \to \tau\tau$",
    ("HiggsSM:gg2H = on", "25:m0 = 60.", "25:onMode = off", "25:onIfMatch = 15 -15"),
    decayed=3,
)
HC_TO_TAU_NU = Process(
    "hc-to-tau-nu",
    r"$h^\pm \to \tau\nu$",
    (
        "Higgs:useBSM = on",
        "HiggsBSM:ffbar2H+- = on",
        "37:m0 = 60.",
        "37:onMode = off",
        "37:onIfMatch = 15 16",
    ),
    decayed=5,
)

BACKGROUND = (W, QCD, Z, TOP)
SIGNALS = (A_TO_4L, LQ_TO_B_TAU, H0_TO_TAU_TAU, HC_TO_TAU_NU)
PROCESSES = {process.name: process for process in (*BACKGROUND, *SIGNALS)}


def find_process(name: str) -> Process:
    """The process called ``name``; ModelDataError if there is none."""
    if name not in PROCESSES:
        raise ModelDataError(f"no process is called {name!r}; choose one of {', '.join(PROCESSES)}")
    return PROCESSES[name]
