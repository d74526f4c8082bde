"""Open koushi result files and draw them.

>>> run = open_run("heisenberg_square_4x4.h5")
>>> energy, error = run.history["energy"], run.history["energy_error"]
>>> run.observables["energy_per_site"]          # {'value': ..., 'error': ..., 'tau_int': ..., 'samples': ...}
"""
import sys
from dataclasses import dataclass, field


@dataclass
class Run:
    title: str
    n_sites: int
    history: dict = field(default_factory=dict)
    units: dict = field(default_factory=dict)
    observables: dict = field(default_factory=dict)
    reference: dict = None


def open_run(path):
    """Read history (arrays), observables (numbers) and the reference of one result file."""
    import h5py

    def text(item):
        value = item[()]
        return value.decode() if isinstance(value, bytes) else str(value)

    with h5py.File(path, "r") as file:
        run = Run(text(file["summary/title"]), int(file["summary/n_sites"][0]))
        for name, data in file.get("history", {}).items():
            run.history[name] = data[()]
            run.units[name] = data.attrs.get("unit", "")
        for name, group in file.get("observables", {}).items():
            run.observables[name] = {key: data[0] for key, data in group.items()}
        if "reference" in file:
            run.reference = {"value": file["reference/value"][0], "source": text(file["reference/source"])}
    return run


def plot_run(run, picture):
    """Energy per site with error band and reference, and variance per site, against the step."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    if "energy" not in run.history:
        raise SystemExit("this run has no history of the energy to draw (a measurement alone?)")
    energy = run.history["energy"] / run.n_sites
    error = run.history["energy_error"] / run.n_sites
    step = run.history["step"]
    figure, axes = plt.subplots(3 if run.reference else 2, 1, sharex=True, figsize=(7, 8 if run.reference else 6),
                                constrained_layout=True)
    axes[0].fill_between(step, energy - error, energy + error, color="0.75", label="one standard error")
    axes[0].plot(step, energy, color="black", linewidth=0.8, label="mean local energy")
    late = energy[len(energy) // 10:]
    span = late.max() - late.min()
    axes[0].set_ylim(late.min() - 0.15 * span, late.max() + 0.15 * span)
    axes[0].set_ylabel("E / N  [J]")
    axes[0].set_title(run.title)
    if run.reference:
        axes[0].axhline(run.reference["value"], color="tab:red", linestyle="--", label="reference: " + run.reference["source"])
        axes[1].semilogy(step, np.abs(energy / run.reference["value"] - 1), color="black", linewidth=0.8)
        axes[1].set_ylabel("|relative deviation|")
    axes[0].legend(loc="upper right", frameon=False, fontsize="small")
    axes[-1].semilogy(step, run.history["variance"] / run.n_sites, color="black", linewidth=0.8)
    axes[-1].set_ylabel("Var E / N  [J$^2$]")
    axes[-1].set_xlabel("step of stochastic reconfiguration")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: koushi_results.py RESULT.h5 PICTURE.{png,svg,pdf}")
    plot_run(open_run(sys.argv[1]), sys.argv[2])
    print(sys.argv[2])
