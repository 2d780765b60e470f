"""One page of plots: momenta and masses of simulated and of encoded events beside true ones."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import mplhep
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hls.machine.files import whole_file
from qmodels.simulation.fidelity import Made
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.plots import histograms
from qmodels.simulation.ttbar.fidelity import Observables, latent_observables, measured_observables
from qmodels.simulation.ttbar.layout import inside
from qmodels.types import Floats32

_SIMULATED = ("pT e", "pT missing", "pT jet1", "pT jet4", "m_jj", "m_jjj", "m_T", "m_tt")
_ENCODED = ("pT nu", "pT b", "m_jj", "m_jjj")


def draw(rows: dict[str, Made], other: Pairs, path: Path) -> None:
    """Draw what each of ``rows`` made beside the ``other`` half, and save it to ``path``; "floor" is left out."""
    shown = {name: made for name, made in rows.items() if name != "floor"}
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 12, "axes.labelsize": 14}):
        figure = Figure(figsize=(19, 13.5), layout="constrained")
        axes = figure.subplots(3, 4)
        simulated = {name: made.simulated[inside(made.simulated)] for name, made in shown.items()}
        for place, name in zip(axes[:2].ravel(), _SIMULATED, strict=True):
            _one(place, name, measured_observables, other.x, simulated, "$\\tilde{x}'$")
        encoded = {name: made.encoded for name, made in shown.items()}
        for place, name in zip(axes[2], _ENCODED, strict=True):
            _one(place, name, latent_observables, other.z, encoded, "$\\tilde{z}$")
        axes[0, 0].legend(fontsize=11)
        with whole_file(path, suffix=".png") as draft:
            figure.savefig(draft, dpi=80)


def _one(
    place: Axes, name: str, observables: Observables, true: Floats32, made: dict[str, Floats32], whose: str
) -> None:
    values, bins = observables(true)[name]
    ours = {who: observables(events)[name][0] for who, events in made.items() if len(events)}
    histograms(place, values, ours, bins, f"{name.replace('_', ' ')} of {whose} [GeV]")
