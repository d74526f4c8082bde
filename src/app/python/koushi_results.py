"""Open koushi result files and draw them.

>>> run = open_run("heisenberg_square_4x4.h5")
>>> energy, error = run.history["energy"], run.history["energy_error"]
>>> run.observables["energy_per_site"]          # {'value': ..., 'error': ..., 'tau_int': ..., 'samples': ...}
"""
import logging
import sys
import warnings
from dataclasses import dataclass, field


@dataclass
class Run:
    title: str
    n_sites: int
    history: dict = field(default_factory=dict)
    units: dict = field(default_factory=dict)
    observables: dict = field(default_factory=dict)
    reference: dict = None
    series: dict = field(default_factory=dict)   # [measurement, replica, entry], of lattice fields
    curves: dict = field(default_factory=dict)   # {'x': ..., 'value': ..., 'error': ..., 'axis': ...}


def open_run(path):
    """Read history and series (arrays), observables (numbers), curves and the reference of one result file."""
    import h5py

    def text(item):
        value = item[()] if isinstance(item, h5py.Dataset) else item
        return value.decode() if isinstance(value, bytes) else str(value)

    with h5py.File(path, "r") as file:
        run = Run(text(file["summary/title"]), int(file["summary/n_sites"][0]))
        for name, data in file.get("history", {}).items():
            run.history[name] = data[()]
            run.units[name] = text(data.attrs.get("unit", ""))
        for name, group in file.get("observables", {}).items():
            run.observables[name] = {key: data[0] for key, data in group.items()}
        for name, data in file.get("series", {}).items():
            run.series[name] = data[()]
        for name, group in file.get("curves", {}).items():
            run.curves[name] = {key: data[()] for key, data in group.items()}
            run.curves[name]["axis"] = text(group["x"].attrs.get("help", ""))
        if "reference" in file:
            run.reference = {"quantity": text(file["reference/quantity"]), "value": file["reference/value"][0], "source": text(file["reference/source"])}
    return run


def autocorrelation(series, lags):
    """Normalised autocorrelation rho(t), t = 0 ... lags, averaged over the columns of series[measurement, replica]."""
    import numpy as np

    fluctuation = series - series.mean()
    n = len(fluctuation)
    gamma = [(fluctuation[:n - t] * fluctuation[t:]).mean() for t in range(min(lags, n - 1) + 1)]
    return np.array(gamma) / gamma[0]


def plot_run(run, picture):
    """Draw a run: the optimisation of a ground state, or the sampling of a lattice field."""
    import matplotlib

    matplotlib.use("Agg")
    warnings.filterwarnings("ignore", message="Glyph .* missing")  # titles may be in any script; fonts may not
    matplotlib.rcParams["font.family"] = ["DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "IPAGothic", "sans-serif"]
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    if run.series:
        plot_field(run, picture)
    elif "energy" in run.history:
        plot_ground_state(run, picture)
    else:
        raise SystemExit("this run has no history of the energy and no series to draw (a measurement alone?)")


def plot_field(run, picture):
    """Time history of S/V and of the field's square, their autocorrelation, and the correlator with its effective mass."""
    import matplotlib.pyplot as plt
    import numpy as np

    shown = [name for name in ("action_density", "phi2", "x2", "plaquette", "energy_density", "magnetization2") if name in run.series][:3]
    curves = [name for name in ("correlator", "effective_mass") if name in run.curves]
    rows = len(shown) + (1 if curves else 0)
    figure, axes = plt.subplots(rows, 2, figsize=(10, 2.6 * rows), constrained_layout=True, squeeze=False)
    figure.suptitle(run.title)
    for (left, right), name in zip(axes, shown):
        series = run.series[name][:, :, 0]
        left.plot(series[:, 0], color="0.7", linewidth=0.5, label="replica 0")
        if series.shape[1] > 1:
            left.plot(series.mean(axis=1), color="black", linewidth=0.5, label="mean of %d replicas" % series.shape[1])
        left.set_ylabel(name)
        left.set_xlabel("measurement")
        left.legend(loc="upper right", framealpha=0.9, fontsize="small")
        tau = run.observables.get(name, {}).get("tau_int", 5.0)
        rho = autocorrelation(series, int(max(10, 12 * tau)))
        right.plot(rho, color="black", marker=".", linewidth=0.8)
        right.axhline(0, color="0.7", linewidth=0.8)
        right.set_ylabel("autocorrelation")
        right.set_xlabel("measurements apart")
        if name in run.observables:
            right.set_title(r"$\tau_{int}$ = %.2f" % tau, fontsize="small")
    for axis, name in zip(axes[-1], curves):
        curve = run.curves[name]
        good = np.isfinite(curve["value"])
        if name == "effective_mass":  # no more than what still says something
            good &= curve["error"] < 0.5 * np.abs(curve["value"])
        if name == "correlator":
            good &= curve["value"] > 0
            axis.set_yscale("log")
        axis.errorbar(curve["x"][good], curve["value"][good], yerr=np.nan_to_num(curve["error"][good]), color="black", marker=".", linestyle="none", capsize=2)
        axis.set_xlabel(curve["axis"] + "  [lattice units]")
        axis.set_ylabel(name.replace("_", " "))
    if len(curves) == 1:
        axes[-1][1].axis("off")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_ground_state(run, picture):
    """Energy per site with error band and reference, and variance per site, against the step."""
    import matplotlib.pyplot as plt
    import numpy as np

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
        scale = abs(run.reference["value"]) or 1.0
        axes[1].semilogy(step, np.abs(energy - run.reference["value"]) / scale, color="black", linewidth=0.8)
        axes[1].set_ylabel("|relative deviation|")
    if "energy_per_site" in run.observables:
        measured = run.observables["energy_per_site"]
        axes[0].axhline(measured["value"], color="tab:blue", linewidth=0.8, label="measured at fixed parameters: %.6g" % measured["value"])
    axes[0].legend(loc="upper right", framealpha=0.9, fontsize="small")
    axes[-1].semilogy(step, run.history["variance"] / run.n_sites, color="black", linewidth=0.8)
    axes[-1].set_ylabel("Var E / N  [J$^2$]")
    axes[-1].set_xlabel("step of stochastic reconfiguration")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: koushi_results.py RESULT.h5 PICTURE.{png,svg,pdf}")
    try:
        plot_run(open_run(sys.argv[1]), sys.argv[2])
    except OSError as error:
        sys.exit("%s: the picture cannot be written (%s)" % (sys.argv[2], error.strerror or error))
    print(sys.argv[2])
