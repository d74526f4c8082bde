"""Open koushi result files and draw them.

>>> run = open_run("heisenberg_square_4x4.h5")
>>> energy, error = run.history["energy"], run.history["energy_error"]
>>> run.observables["energy_per_site"]          # {'value': ..., 'error': ..., 'tau_int': ..., 'samples': ...}
"""
import json
import logging
import re
import sys
import textwrap
import warnings
from dataclasses import dataclass, field


@dataclass
class Run:
    title: str
    n_sites: int
    changes: str = ""                            # what --set and [scan] put in the place of the deck's words
    history: dict = field(default_factory=dict)
    units: dict = field(default_factory=dict)
    observables: dict = field(default_factory=dict)
    reference: dict = None
    series: dict = field(default_factory=dict)   # [measurement, replica, entry], of lattice fields
    curves: dict = field(default_factory=dict)   # {'x': ..., 'value': ..., 'error': ..., 'axis': ...}
    measured: dict = field(default_factory=dict)  # of a reweighting: what the runs gave themselves, as curves
    ladder: dict = field(default_factory=dict)   # of a run with replica exchange: parameter, values, acceptance, and its observables as curves over the values
    levels: list = field(default_factory=list)   # of an exact diagonalisation: energy, degeneracy, momentum, representation, spin
    study: str = ""
    deck: dict = field(default_factory=dict)     # resolved keys, as text
    sweep: int = 0
    field: object = None                         # [component, sites ...] of replica 0, of a lattice field


def open_run(path):
    """Read history and series (arrays), observables (numbers), curves and the reference of one result file."""
    import h5py

    def text(item):
        value = item[()] if isinstance(item, h5py.Dataset) else item
        return value.decode() if isinstance(value, bytes) else str(value)

    def own_symbol(name, group):
        if "symbol" in group:
            SYMBOLS[name] = text(group["symbol"])

    def curves(group):
        for name, curve in group.items():
            own_symbol(name, curve)
        return {name: dict({key: data[()] for key, data in curve.items() if key != "symbol"}, axis=text(curve["x"].attrs.get("help", "")), help=text(curve["value"].attrs.get("help", "")))
                for name, curve in group.items()}

    with h5py.File(path, "r") as file:
        if "summary/title" not in file:
            raise ValueError("%s is not a koushi result file" % path)
        run = Run(text(file["summary/title"]), int(file["summary/n_sites"][0]))
        run.study = text(file["summary/study"])
        run.changes = text(file["deck/changes"]) if "deck/changes" in file else ""
        run.deck = dict(line.split(" = ", 1) for line in text(file["deck/resolved"]).splitlines() if " = " in line)
        for name, data in file.get("history", {}).items():
            run.history[name] = data[()]
            run.units[name] = text(data.attrs.get("unit", ""))
        for name, group in file.get("observables", {}).items():
            own_symbol(name, group)
            run.observables[name] = {key: data[0] for key, data in group.items() if key != "symbol"}
        for name, data in file.get("series", {}).items():
            run.series[name] = data[()]
        run.curves = curves(file.get("curves", {}))
        run.measured = curves(file.get("measured", {}))
        if "ladder" in file:
            run.ladder = {"parameter": text(file["ladder/parameter"]), "values": file["ladder/values"][()], "acceptance": file["ladder/acceptance"][()],
                          "curves": curves(file["ladder"].get("curves", {}))}
        if "levels/energy" in file:
            levels = file["levels"]
            energies, momenta = levels["energy"][()], levels["momentum"][()]
            momenta = momenta.reshape(len(energies), -1).tolist() if len(momenta) else [[]] * len(energies)
            run.levels = [{"energy": float(e), "degeneracy": int(g), "momentum": k, "representation": r, "spin": float(s)} for e, g, k, r, s in
                          zip(energies, levels["degeneracy"][()], momenta, text(levels["representation"]).split("\n"), levels["spin"][()])]
        if "reference" in file:
            run.reference = {"quantity": text(file["reference/quantity"]), "value": file["reference/value"][0], "source": text(file["reference/source"])}
        if "state/field" in file:
            run.field = file["state/output" if "state/output" in file else "state/field"][0]
            run.sweep = int(file["state/sweep"][0])
    return run


def autocorrelation(series):
    """Normalised autocorrelation rho(t) of series[measurement, replica], its error, and the window W of the Gamma method.

    U. Wolff, Comput. Phys. Commun. 156, 143 (2004), eqs. (31)-(33), (50)-(52), with S = 1.5; the error after M. Luescher, Comput. Phys. Commun. 165,
    199 (2005), eq. (E.11).
    """
    import numpy as np

    fluctuation = series - series.mean()
    n = len(fluctuation)
    gamma_0 = (fluctuation ** 2).mean()
    if not gamma_0 > 0:
        return np.ones(1), np.zeros(1), 0
    rho, total, window, end = [1.0], 0.5, 0, min(n // 2, 5000)
    while len(rho) < end:
        lag = len(rho)
        rho.append((fluctuation[:n - lag] * fluctuation[lag:]).mean() / gamma_0)
        if window:
            continue
        total += rho[lag]
        tau = 1.5 / np.log((2 * total + 1) / (2 * total - 1)) if total > 0.5 else 1e-10
        if np.exp(-lag / tau) - tau / np.sqrt(lag * series.size) < 0:
            window = lag
            end = min(end, max(10, 3 * window + 1))  # what lies beyond is shown, as noise
    window = window or len(rho) - 1
    rho = np.array(rho)
    known = np.where(np.arange(3 * len(rho)) <= window, np.pad(rho, (0, 2 * len(rho))), 0)
    error = [0.0]
    for t in range(1, len(rho)):
        k = np.arange(1, t + window + 1)
        error.append(np.sqrt(((known[k + t] + known[np.abs(k - t)] - 2 * known[k] * known[t]) ** 2).sum() / series.size))
    return rho, np.array(error), window


def plot_run(run, picture):
    """Draw a run: the optimisation of a ground state, the sampling of a lattice field, or an analysis of such."""
    prepare()
    for draw, holds in PICTURES:
        if holds(run):
            draw(run, picture)
            return
    raise ValueError("this run has no history of the energy and no series to draw (a measurement alone?)")


# What names of observables, series and keys are called on an axis where their file does not say it; < > are left out where one configuration is meant.
SYMBOLS = {
    "action_density": r"$\langle S\rangle / V$", "energy_per_site": r"$\langle H\rangle / V$", "specific_heat": "$C$", "bond": r"$\langle s\cdot s'\rangle$ of bonds",
    "phi2": r"$\langle\phi^2\rangle$", "phi4": r"$\langle\phi^4\rangle$", "x2": r"$\langle x^2\rangle$", "x4": r"$\langle x^4\rangle$", "cosine": r"$\langle\cos\beta\phi\rangle$",
    "schwinger_dyson": r"$\langle\phi\,\partial S/\partial\phi\rangle / V$", "magnetization": r"$\langle|M|\rangle / V$", "magnetization2": r"$\langle M^2\rangle / V^2$",
    "susceptibility": r"$\chi$", "susceptibility_connected": r"$\chi$, connected", "binder": "$U_4$", "correlation_length": r"$\xi$",
    "plaquette": r"plaquette $\langle\mathrm{Re\,tr}\,U_P\rangle / N$", "polyakov_loop": r"$\langle|P|\rangle$", "polyakov_loop_re": r"$\langle\mathrm{Re}\,P\rangle$",
    "polyakov_susceptibility": r"$\chi_P$", "topological_charge": r"$\langle Q\rangle$", "topological_charge2": r"$\langle Q^2\rangle$",
    "topological_susceptibility": r"$\langle Q^2\rangle / V$", "t0": "$t_0$", "w0": "$w_0$", "flow": r"$t^2 \langle E\rangle$", "static_potential": "$V(R)$",
    "correlator": "$G(t)$", "effective_mass": r"effective mass $m_\mathrm{eff}$", "effective_energy": r"effective energy $E_\mathrm{eff}$",
    "overlap": r"overlap $\langle m_\mu\rangle$", "overlap_1": r"$\langle m_1\rangle$", "overlap_max": r"$\langle\max_\mu |m_\mu|\rangle$", "overlap_noise": r"$N \langle m_\mu^2\rangle$, $\mu > 1$",
    "density": r"$\rho(x)$", "ground_density": r"$|\psi_0(x)|^2$", "virial_energy": r"$\langle V + x V'/2\rangle$", "effective_samples": r"effective samples $n_\mathrm{eff}$", "n_sites": "$N$", "action.beta": r"$\beta$", "action.mass_squared": "$m^2$", "action.lambda": r"$\lambda$",
    "action.kappa": r"$\kappa$", "action.field": "$h$", "action.spacing": "$a$"}
PATTERNS = [(r"wilson_loop_(\d+)x(\d+)", r"$\\langle W(\1, \2)\\rangle$"), (r"creutz_ratio_(\d+)", r"$\\chi(\1, \1)$"), (r"gap_(\d+)", r"$E_\1 - E_0$"), (r"energy_p(\d+)", r"$E(p_\1)$"),
            (r"correlator(?:_(grid|continuum))?_(re|im)", lambda m: {"re": "Re", "im": "Im"}[m.group(2)] + r" $\langle x(t)\,x(0)\rangle$" + {None: "", "grid": ", by a grid", "continuum": ", continuum"}[m.group(1)]),
            (r"(.*)_of_(?:flow|width)", lambda m: symbol(m.group(1)))]


def symbol(name, of_one=False):
    """What a name, or a power of one, is called on an axis."""
    power = re.fullmatch(r"(.*)\^(-?[0-9.]+)", name)
    if power:
        return "%s$^{%s}$" % (symbol(power.group(1)), power.group(2))
    text = SYMBOLS.get(name, "")
    if name.startswith("lattice.extents."):
        text = "$L_%d$" % (int(name.split(".")[2]) + 1)
    for pattern, form in PATTERNS:
        if not text and re.fullmatch(pattern, name):
            text = re.sub(pattern, form, name)
    if of_one:
        text = text.replace(r"\langle", "").replace(r"\rangle", "")
    return text or name.replace("_", " ")


def title_of(run):
    """The title of the deck, which may name values that were set otherwise."""
    return "\n".join([run.title, *textwrap.wrap(run.changes and "with " + run.changes, 110)])


def prepare():
    import matplotlib

    matplotlib.use("Agg")
    warnings.filterwarnings("ignore", message="Glyph .* missing")  # titles may be in any script; fonts may not
    matplotlib.rcParams["font.family"] = ["DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "IPAGothic", "sans-serif"]
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def errorbar(axis, curve, good=None, **how):
    """Points of a curve with error bars, without those that are not finite or not `good`; those without an error are open and pale."""
    import numpy as np

    shown = np.isfinite(curve["value"]) & (True if good is None else good)
    how = {"color": "black", "marker": ".", "linestyle": "none", "capsize": 2, **how}
    axis.errorbar(curve["x"][shown], curve["value"][shown], yerr=np.nan_to_num(curve["error"][shown]), **how)
    bare = shown & ~np.isfinite(curve["error"])
    if bare.any():
        axis.plot(curve["x"][bare], curve["value"][bare], color="white", marker="o", markeredgecolor="0.5", markersize=7, linestyle="none", zorder=5,
                  label=None if "no error" in axis.get_legend_handles_labels()[1] else "no error")


def logarithmic(axis, values):
    """A logarithmic axis for positive values, whatever their error bars do, with plain numbers where they span less than a decade."""
    from math import floor, log10

    from matplotlib.ticker import FuncFormatter

    if len(values) == 0:
        return
    axis.set_yscale("log")
    ratio = max(values.max() / values.min(), 1.01)
    margin = min(3.0, ratio ** 0.15)
    axis.set_ylim(values.min() / margin, values.max() * margin)
    if ratio < 10:
        shown = range(1, 10) if ratio * margin ** 2 < 4 else (1, 2, 5)  # leading digits, or labels stand on each other
        axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: "%.4g" % y))
        axis.yaxis.set_minor_formatter(FuncFormatter(lambda y, _: "%.4g" % y if round(y / 10 ** floor(log10(y) + 1e-9), 6) in shown or ratio < 1.5 else ""))


def positive(axis, curves, colours=("black",)):
    """Which points of curves a logarithmic axis can show; the others are marked at its lower end."""
    import numpy as np

    hidden = 0
    for curve, colour in zip(curves, colours):
        below = np.isfinite(curve["value"]) & (curve["value"] <= 0)
        axis.plot(curve["x"][below], np.full(below.sum(), 0.03), color=colour, marker="v", markerfacecolor="none", linestyle="none", transform=axis.get_xaxis_transform())
        hidden += below.sum()
    if hidden:
        axis.plot([], [], color="black", marker="v", markerfacecolor="none", linestyle="none", label="not positive: %d" % hidden)
    return [curve["value"] > 0 for curve in curves]


def band(axis, x, value, error, colour, label):
    """A line with its error band, whose size the legend tells where it is too thin to be seen."""
    import numpy as np

    axis.fill_between(x, value - error, value + error, color=colour, alpha=0.3, linewidth=0)
    known = np.isfinite(value) & np.isfinite(error)
    if known.any() and 2 * np.median(error[known]) < 0.02 * np.ptp(value[known]):
        label += ", errors up to %.1g" % error[known].max()
    axis.plot(x, value, color=colour, linewidth=1, label=label)


def with_error(value, error):
    """0.4963(23), as the tables print it."""
    import math

    if not (math.isfinite(value) and math.isfinite(error)) or error <= 0:
        return "%.6g" % value
    decimals = 1 - math.floor(math.log10(error))
    if decimals <= 0:
        return "%.0f(%.0f)" % (value, error)
    return "%.*f(%.0f)" % (decimals, value, error * 10 ** decimals)


def plot_field(run, picture):
    """Time history of what was measured, its autocorrelation, the correlator with its effective mass, and the last configuration."""
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    energy = "energy_per_site" if "energy_per_site" in run.series else "action_density"
    wanted = ("plaquette", "topological_charge", "polyakov_loop") if "plaquette" in run.series else (energy, "phi2", "x2", "magnetization2", "overlap")
    shown = [name for name in wanted if name in run.series][:3]
    panels = []  # (name, [(label, curve, which of its points still say something)])
    for name in ("correlator", "effective_mass", "effective_energy", "density", "flow", "static_potential", "overlap"):
        lines = []
        for key in sorted(run.curves, key=lambda key: (len(key), key)):
            if key != name and not key.startswith(name + "_"):
                continue
            curve = run.curves[key]
            if name in ("effective_mass", "effective_energy", "static_potential"):
                good = curve["error"] < 0.5 * np.abs(curve["value"])
            else:
                good = np.isfinite(curve["value"])
            if good.any():
                lines.append((key[len(name) + 1:], curve, good))
        if lines:
            panels.append((name, lines))
    if run.ladder:
        over = [(name, run.ladder["curves"][name]) for name in (energy, "plaquette", "phi2", "x2") if name in run.ladder["curves"]][:1]
        values, acceptance = run.ladder["values"], run.ladder["acceptance"]
        over.append(("acceptance of exchanges", {"x": (values[1:] + values[:-1]) / 2, "value": acceptance, "error": 0 * acceptance, "axis": symbol(run.ladder["parameter"]) + ", between two rungs"}))
        panels += [(name, [("", curve, np.isfinite(curve["value"]))]) for name, curve in over]
    image = run.field is not None and "action.group" not in run.deck  # links are not drawn
    rows = len(shown) + (len(panels) + 1) // 2
    figure = plt.figure(figsize=(10 + (5.5 if image else 0), 2.8 * rows), constrained_layout=True)
    grid = figure.add_gridspec(rows, 3 if image else 2, width_ratios=[1, 1, 1.15][:3 if image else 2])
    figure.suptitle(title_of(run))
    for row, name in enumerate(shown):
        left, right = figure.add_subplot(grid[row, 0]), figure.add_subplot(grid[row, 1])
        series = run.series[name][:, :, 0]
        left.plot(series[:, 0], color="0.7", linewidth=0.5, label="replica 0")
        if series.shape[1] > 1:
            left.plot(series.mean(axis=1), color="black", linewidth=0.5, label="mean of %d replicas" % series.shape[1])
        left.set_ylabel("$m_1$" if name == "overlap" else symbol(name, of_one=True))
        left.set_xlabel("measurement")
        left.legend(loc="upper right", framealpha=0.9, fontsize="small")
        rho, error, window = autocorrelation(series)
        right.axhline(0, color="0.7", linewidth=0.8)
        right.errorbar(np.arange(len(rho)), rho, yerr=error, color="black", marker=".", linewidth=0.8, capsize=1.5)
        right.axvspan(0, window, color="tab:blue", alpha=0.12, linewidth=0)
        right.axvline(window, color="tab:blue", linewidth=1, label="window W = %d" % window)
        right.set_ylabel(r"$\rho(t)$")
        right.set_xlabel("measurements apart")
        right.set_xlim(left=0)
        tau = run.observables.get(name, {}).get("tau_int", 0.5 + rho[1:window + 1].sum())
        right.legend(loc="upper right", framealpha=0.9, fontsize="small", title=r"$\tau_{int}$ = %.2f" % tau)
    for number, (name, lines) in enumerate(panels):
        axis = figure.add_subplot(grid[len(shown) + number // 2, number % 2])
        for line, (label, curve, good) in enumerate(lines):
            label = "T = " + label if name == "static_potential" else momentum(run, label) if label else "p = 0" if len(lines) > 1 else None
            first = 1 if name == "effective_energy" else 0  # the same colour for a momentum everywhere
            colour = "C%d" % (line + first) if len(lines) + first > 1 else "black"
            errorbar(axis, curve, good & (curve["value"] > 0) if name == "correlator" else good, label=label, color=colour)
        left_out = sum((np.isfinite(curve["value"]) & ~good).sum() for _, curve, good in lines)
        if left_out:
            axis.set_title("not shown: %d point%s without an error, or with one above half the value" % (left_out, "s" if left_out > 1 else ""), fontsize="small", color="0.4", loc="right")
        if name == "correlator":
            visible = positive(axis, [curve for _, curve, _ in lines], ["C%d" % k for k in range(len(lines))] if len(lines) > 1 else ["black"])
            logarithmic(axis, np.concatenate([curve["value"][good] for (_, curve, _), good in zip(lines, visible)]))
        if name == "flow":
            axis.axhline(0.3, color="0.7", linewidth=0.8)
        axis.set_ylabel(symbol(name))
        entries = len(axis.get_legend_handles_labels()[1])
        if entries:
            axis.legend(framealpha=0.9, fontsize="small", ncol=1 + (entries - 1) // 4)
        if (lines[0][1]["x"] % 1 == 0).all():
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        along = lines[0][1]["axis"]
        axis.set_xlabel("pattern $\\mu$" if along == "pattern" else symbol(along) if "action." in along else along if "rungs" in along else along + "  [lattice units]")
    if image:
        draw_field(run, figure.add_subplot(grid[:2 if run.field.ndim == 2 else rows, 2]), figure)
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_exact_curves(run, picture):
    """The curves of a file that holds nothing else, those over the same axis in one panel."""
    import matplotlib.pyplot as plt
    import numpy as np

    panels = {}
    for name, curve in run.curves.items():
        panels.setdefault(curve["axis"], []).append((name, curve))
    figure, axes = plt.subplots(1, len(panels), figsize=(max(7, 5.5 * len(panels)), 4.3), constrained_layout=True, squeeze=False)
    figure.suptitle(textwrap.fill(title_of(run), 70 * max(1, len(panels))), fontsize="medium")
    for axis, (along, lines) in zip(axes[0], panels.items()):
        if along == "1/N":  # beside their limit, those that have one
            limits = [(run.observables[name[:-len("_of_width")]], name, curve) for name, curve in lines if name[:-len("_of_width")] + "_of_largest_width" in run.observables]
            lines = [(name, dict(curve, x=np.append(0, curve["x"]), value=np.append(limit["value"], curve["value"]) / limit["value"], error=np.append(limit["error"], curve["error"]) / abs(limit["value"])))
                     for limit, name, curve in limits]
            axis.set_ylabel("of the limit of infinite width")
            axis.axhline(1, color="0.6", linewidth=0.8)
        for name, curve in sorted(lines, key=lambda line: line[1]["error"].max() > 0):  # points above lines
            smooth = (curve["error"] <= 1e-6 * np.abs(curve["value"]).max()).all()
            if along in ("N", "set") and smooth:
                axis.plot(curve["x"], np.abs(curve["value"]) if along == "N" else curve["value"], marker="_", markersize=12, linestyle="none", label=symbol(name))
            elif along == "N":
                errorbar(axis, dict(curve, value=np.abs(curve["value"])), label="|" + symbol(name) + "|", color=None)
            elif smooth:
                axis.plot(curve["x"], curve["value"], linewidth=1.2, marker="." if len(curve["x"]) < 40 else None, label=symbol(name))
            else:
                errorbar(axis, curve, label=symbol(name), color=None)
        if all((curve["value"] > 0).all() for _, curve in lines) and along == "t":
            axis.set_yscale("log")
        if along == "N":
            axis.set_xscale("log")
            axis.set_yscale("log")
        if along == "set":
            axis.set_xticks(lines[0][1]["x"])
        if len(lines) > 1:
            axis.legend(framealpha=0.9, fontsize="small")
        else:
            axis.set_ylabel(symbol(lines[0][0]))
        axis.set_xlabel(along if along in ("N", "1/N", "set", "flow time") else along + "  [lattice units]")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_thermal(run, picture):
    """Thermal averages against the temperature, each in a panel of its own with a band of one standard error."""
    import matplotlib.pyplot as plt

    columns = 3 if len(run.curves) > 4 else 2
    rows = -(-len(run.curves) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.6 * columns, 0.6 + 3.3 * rows), constrained_layout=True, squeeze=False)
    figure.suptitle(textwrap.fill(title_of(run), 45 * columns), fontsize="medium")
    order = ["energy_per_site", "specific_heat", "entropy", "susceptibility", "free_energy", "filling", "compressibility"]
    for axis, name in zip(axes.flat, [name for name in order if name in run.curves]):
        curve = run.curves[name]
        axis.fill_between(curve["x"], curve["value"] - curve["error"], curve["value"] + curve["error"], color="tab:blue", alpha=0.3, linewidth=0)
        axis.plot(curve["x"], curve["value"], color="tab:blue", linewidth=1.2)
        axis.set_xscale("log")
        axis.set_xlabel("$T$  [J]")
        axis.set_ylabel(symbol(name))
    for axis in axes.flat[len(run.curves):]:
        axis.axis("off")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_spectra(run, picture):
    """S(q, omega) in colours against momentum and frequency, and below it the sum over all frequencies; of one or two momenta as lines."""
    import matplotlib.pyplot as plt
    import numpy as np

    spectra = {name: curve for name, curve in run.curves.items() if name.startswith("spectrum_")}
    label = lambda name: "(" + ",".join(name.split("_")[1:]) + ")"
    names = sorted(spectra, key=lambda name: [int(n) for n in name.split("_")[1:]])
    figure, axes = plt.subplots(2, 1, figsize=(8, 7.5), constrained_layout=True, height_ratios=(3, 1))
    figure.suptitle(textwrap.fill(title_of(run), 80), fontsize="medium")
    omega = spectra[names[0]]["x"]
    if len(names) > 2:
        values = np.array([spectra[name]["value"] for name in names]).T
        image = axes[0].imshow(values, origin="lower", aspect="auto", extent=(-0.5, len(names) - 0.5, omega[0], omega[-1]), cmap="magma",
                               vmax=np.percentile(values, 99.5), interpolation="nearest")
        figure.colorbar(image, ax=axes[0], label=r"$S(q, \omega)$  [1/J], cut at the 99.5th percentile")
        axes[0].set_ylabel(r"$\omega$  [J]")
    else:
        for name in names:
            axes[0].plot(omega, spectra[name]["value"], linewidth=1.2, label="q = " + label(name))
        axes[0].set_xlabel(r"$\omega$  [J]")
        axes[0].set_ylabel(r"$S(q, \omega)$  [1/J]")
        axes[0].legend(fontsize="small")
    static = [np.trapz(spectra[name]["value"], omega) for name in names]
    axes[1].plot(range(len(names)), static, marker="o", markersize=4, linewidth=0.8, color="black")
    for axis in axes if len(names) > 2 else axes[1:]:
        axis.set_xticks(range(len(names)))
        axis.set_xticklabels([label(name) for name in names], rotation=60 if len(names) > 12 else 0, fontsize="small")
    axes[1].set_xlim(-0.5, len(names) - 0.5)
    axes[1].set_xlabel("q in units of the reciprocal vectors of the supercell")
    axes[1].set_ylabel(r"$\int S\,d\omega$ of the picture")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_evolution(run, picture):
    """Curves of the time, how the energy moves, and steps with what they lose."""
    import matplotlib.pyplot as plt
    import numpy as np

    most = 10
    names = [name for name in run.curves if name not in ("energy", "energy_per_site")] or ["energy"]
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.3), constrained_layout=True, width_ratios=[1.6, 1, 1])
    figure.suptitle(title_of(run), fontsize="medium")
    for name in names[:most]:
        curve = run.curves[name]
        axes[0].errorbar(curve["x"], curve["value"], yerr=np.nan_to_num(curve["error"]), marker=".", linewidth=0.8, capsize=2, label=symbol(name))
    if len(names) > most:
        axes[0].set_title("%d of %d curves" % (most, len(names)), fontsize="small", color="0.4", loc="right")
    axes[0].legend(framealpha=0.9, fontsize="small")
    time, energy = run.history["time"], run.history["energy"]
    axes[1].errorbar(time, energy, yerr=run.history["energy_error"], color="black", marker=".", markersize=3, linewidth=0.6, elinewidth=0.4)
    axes[1].set_ylabel("$E$ of each step  [J]")
    for name, colour in (("step_size", "tab:blue"), ("lost", "tab:red")):
        values = run.history[name]
        axes[2].plot(time[values > 0], values[values > 0], color=colour, linewidth=1, label={"step_size": "length of steps  [1/J]", "lost": r"$\sum r\,dt$, lost so far"}[name])
    axes[2].set_yscale("log")
    axes[2].legend(framealpha=0.9, fontsize="small")
    for axis in axes:
        axis.set_xlabel("time $t$  [1/J]")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def momentum(run, label):
    """p2 as the integers of its momentum."""
    return "n = (%s)" % ", ".join("%d" % n for n in json.loads(run.deck["study.momenta"])[int(label[1:]) - 1])


def draw_field(run, axis, figure):
    """The last configuration of replica 0: a line, or an image of the last two directions where all others are 0."""
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    where = "replica 0 after %d sweeps" % run.sweep
    values = run.field
    # what the numbers of a site are: +-1, one of some states, a vector of length 1, or real
    signs = len(values) == 1 and (np.abs(values) == 1).all()
    states = int(float(run.deck["action.states"])) if "action.states" in run.deck and len(values) == 1 else 0
    vectors = len(values) > 1 and np.abs((values**2).sum(axis=0) - 1).max() < 1e-6
    if values.ndim == 2:
        discrete = signs or states > 0
        axis.plot(values[0], color="black", linewidth=0.8, linestyle="none" if discrete else "-", marker="." if discrete or values.shape[1] < 200 else None)
        axis.set_xlabel("site")
        axis.set_ylabel("first component" if len(values) > 1 else "$s$" if discrete else "field")
        if discrete:
            axis.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 10]))
        axis.set_title(where, fontsize="medium")
        return
    dimension = values.ndim - 1
    values = values[(slice(None),) + (0,) * (dimension - 2)]
    ticks, labels = None, None
    if vectors and len(values) == 2:
        shown, colours, low, high, name = np.arctan2(values[1], values[0]), "twilight", -np.pi, np.pi, "angle"
        ticks, labels = [-np.pi, 0, np.pi], [r"$-\pi$", "0", r"$\pi$"]
    elif signs:
        shown, colours, low, high, name = values[0], figure_colours(["#2b4a6f", "#f3ead7"]), -1, 1, "s"
        ticks, labels = [-0.5, 0.5], ["-1", "+1"]
    elif states:
        shown, low, high, name = values[0], -0.5, states - 0.5, "s"
        colours = figure_colours(discrete_colours(states))
        ticks = list(range(states)) if states <= 16 else None
    else:
        shown, colours, name = values[0], "RdBu_r", r"$\phi$" if len(values) == 1 else r"$\phi_1$" if not vectors else "$s_1$"
        high = 1.0 if vectors else np.abs(shown).max() or 1.0
        low = -high
    picture = axis.imshow(shown, cmap=colours, vmin=low, vmax=high, origin="lower", interpolation="nearest", aspect="equal")
    bar = figure.colorbar(picture, cax=axis.inset_axes([1.03, 0, 0.04, 1]), ticks=ticks, label=name)
    if labels:
        bar.set_ticklabels(labels)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axis.set_ylabel("$x_%d$" % (dimension - 1))
    axis.set_xlabel("$x_%d$" % dimension)
    slice_text = "" if dimension == 2 else ", at " + ", ".join("$x_%d = 0$" % k for k in range(1, dimension - 1))
    axis.set_title(where + slice_text, fontsize="medium")


def figure_colours(colours):
    from matplotlib.colors import ListedColormap

    return ListedColormap(colours)


def discrete_colours(count):
    import matplotlib

    return [matplotlib.colormaps["tab10" if count <= 10 else "nipy_spectral"](k if count <= 10 else k / (count - 1)) for k in range(count)]


def plot_correlator_fit(run, picture):
    """The correlator with its fit, effective masses with the fitted one, and the scan over t_min."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.6), constrained_layout=True)
    figure.suptitle(title_of(run))
    correlator, fit = run.curves["correlator"], run.curves["fit"]
    what = "energy" if "energy" in run.observables else "mass"  # of a momentum, or of none
    mass = run.observables[what]
    errorbar(axes[0], correlator, positive(axes[0], [correlator])[0], label="connected correlator")
    axes[0].plot(fit["x"], fit["value"], color="tab:red", linewidth=1.2, label="fit")
    logarithmic(axes[0], correlator["value"][correlator["value"] > 0])
    axes[0].set_xlabel("t  [lattice units]")
    axes[0].set_ylabel("G(t)")
    axes[0].legend(fontsize="small")
    middle = ("E = " if what == "energy" else "m = ") + with_error(mass["value"], mass["error"])
    for name, marker, colour in (("log_mass", "s", "0.6"), ("cosh_mass", "o", "black")):
        curve = run.curves[name]
        good = curve["error"] < 0.5 * np.abs(curve["value"])
        errorbar(axes[1], curve, good, marker=marker, color=colour, markersize=4, markerfacecolor="white", label=name.split("_")[0] + " effective " + what)
    axes[1].fill_between([fit["x"][0], fit["x"][-1]], mass["value"] - mass["error"], mass["value"] + mass["error"], color="tab:red", alpha=0.3, linewidth=0, label="fit, " + middle)
    axes[1].set_xlabel("t  [lattice units]")
    axes[1].set_ylabel("effective " + what)
    scan = run.curves["scan_mass"]
    good = scan["error"] < 0.5 * np.abs(scan["value"])
    errorbar(axes[2], scan, good)
    axes[2].axhspan(mass["value"] - mass["error"], mass["value"] + mass["error"], color="tab:red", alpha=0.3, linewidth=0)
    axes[2].set_xlabel("t_min  [lattice units]")
    axes[2].set_ylabel(what + " of the fit from t_min on")
    if run.reference:
        for axis in axes[1:]:
            axis.axhline(run.reference["value"], color="tab:blue", linestyle="--", linewidth=1, label="known: %.6g" % run.reference["value"])
    axes[1].legend(fontsize="small")
    quality = axes[2].twinx()
    quality.plot(scan["x"], run.curves["scan_q"]["value"], color="tab:green", marker="x", linestyle=":", linewidth=0.8, markersize=4)
    quality.set_ylim(0, 1)
    quality.set_ylabel("Q", color="tab:green")
    quality.tick_params(axis="y", colors="tab:green")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_reweighting(run, picture):
    """Observables against the parameter with error bands, what the runs gave themselves, and the effective samples."""
    import matplotlib.pyplot as plt
    import numpy as np

    names = [name for name in run.curves if name in run.measured] + ["effective_samples"]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5 * columns, 3.6 * rows), constrained_layout=True, squeeze=False)
    figure.suptitle(title_of(run))
    for axis, name in zip(axes.flat, names):
        curve = run.curves[name]
        dense = len(curve["x"]) > 5
        if name == "effective_samples" or not dense:
            errorbar(axis, curve, linestyle="-" if name == "effective_samples" else "none", linewidth=0.8, label=None if name == "effective_samples" else "reweighted")
        else:
            value = np.where(np.isfinite(curve["error"]), curve["value"], np.nan)  # what has no error has too few samples
            band(axis, curve["x"], value, curve["error"], "tab:blue", "reweighted")
        if name == "effective_samples":
            axis.set_ylim(bottom=0)
            fewest = float(run.deck["study.fewest"])
            axis.axhline(fewest, color="tab:red", linestyle="--", linewidth=1, label="warned of below %g" % fewest)
        else:
            errorbar(axis, run.measured[name], marker="o", markerfacecolor="white", label="runs")
        axis.locator_params(axis="x", nbins=5)
        axis.set_xlabel(symbol(curve["axis"]))
        axis.set_ylabel(symbol(name))
        axis.legend(fontsize="small")
    for axis in axes.flat[len(names):]:
        axis.axis("off")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_extrapolation(run, picture):
    """The runs with the fit and its limit, and the limit without the runs farthest from it."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), constrained_layout=True)
    figure.suptitle(title_of(run))
    fit, limit = run.curves["fit"], run.observables["limit"]
    band(axes[0], fit["x"], fit["value"], fit["error"], "tab:red", "fit, limit " + with_error(limit["value"], limit["error"]))
    errorbar(axes[0], run.curves["runs"], label="runs")
    axes[0].set_xlabel(symbol(fit["axis"]))
    axes[0].set_ylabel(symbol(run.deck["study.observable"].strip('"')))
    errorbar(axes[1], run.curves["scan_limit"])
    axes[1].axhspan(limit["value"] - limit["error"], limit["value"] + limit["error"], color="tab:red", alpha=0.3, linewidth=0)
    axes[1].set_xlabel(symbol(run.curves["scan_limit"]["axis"]) + " that the fit begins with")
    axes[1].set_ylabel("limit")
    if run.reference:
        for axis in axes:
            axis.axhline(run.reference["value"], color="tab:blue", linestyle="--", linewidth=1, label="known: %.8g" % run.reference["value"])
    axes[0].legend(fontsize="small")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_curves(table, picture):
    """Observables of several runs over a key of their decks, one line per other setting: what `koushi plot A.h5 B.h5 --x KEY --y NAMES` draws.

    table: {"title": ..., "over": [keys that differ], "x": key, "y": [names], "lines": [{"label": ..., "x": [...], "y": {name: {"value": [...], "error": [...]}}}],
            "symbols": {name: what the files call it on an axis}}
    """
    SYMBOLS.update(table.get("symbols", {}))
    prepare()
    import matplotlib.pyplot as plt
    import numpy as np

    names = table["y"]
    figure, axes = plt.subplots(len(names), 1, figsize=(7.5, 1 + 3.8 * len(names)), constrained_layout=True, squeeze=False)
    figure.suptitle("%s\nover %s" % (table["title"], ", ".join(table["over"])))
    colours = [plt.get_cmap("tab10" if len(table["lines"]) <= 10 else "viridis")(k if len(table["lines"]) <= 10 else k / (len(table["lines"]) - 1)) for k in range(len(table["lines"]))]
    for axis, name in zip(axes[:, 0], names):
        for line, colour, marker in zip(table["lines"], colours, "osD^vP*X<>" * len(colours)):
            curve = {"x": np.array(line["x"], dtype=float), "value": np.array(line["y"][name]["value"], dtype=float), "error": np.array(line["y"][name]["error"], dtype=float)}
            errorbar(axis, curve, color=colour, marker=marker, markersize=4, linestyle="-", linewidth=0.8, label=line["label"] or None)
        axis.set_xlabel(symbol(table["x"]))
        axis.set_ylabel(symbol(name))
        if any(line["label"] for line in table["lines"]):
            axis.legend(fontsize="small")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_levels(run, picture):
    """The levels of an exact diagonalisation above the lowest, by momentum and representation, in the colour of their total spin; beside them the curves of the lowest state."""
    import matplotlib.pyplot as plt

    panels = {}
    for name, curve in run.curves.items():
        panels.setdefault(curve["axis"], []).append((name, curve))
    figure, axes = plt.subplots(1, 1 + len(panels), figsize=(7 + 5.5 * len(panels), 4.8), constrained_layout=True, squeeze=False)
    figure.suptitle(textwrap.fill(title_of(run), 70 * (1 + len(panels))), fontsize="medium")
    sector = lambda level: (tuple(level["momentum"]), level["representation"])
    sectors = sorted(set(sector(level) for level in run.levels))
    lowest = min(level["energy"] for level in run.levels)
    axis = axes[0][0]
    spins = sorted(set(level["spin"] for level in run.levels if level["spin"] == level["spin"]))
    for level in run.levels:
        known = level["spin"] == level["spin"]
        axis.plot(sectors.index(sector(level)), level["energy"] - lowest, marker="_", markersize=22, markeredgewidth=2.0, linestyle="none",
                  color=plt.get_cmap("tab10")(spins.index(level["spin"]) % 10) if known else "0.4")
    for k, spin in enumerate(spins):
        axis.plot([], [], marker="_", markersize=14, markeredgewidth=2.0, linestyle="none", color=plt.get_cmap("tab10")(k % 10), label="S = %g" % spin)
    if spins:
        axis.legend(fontsize="small")
    axis.set_xlim(-0.6, len(sectors) - 0.4)
    axis.set_xticks(range(len(sectors)))
    axis.set_xticklabels(["%s %s" % ("(%s)" % ",".join(str(n) for n in k) if k else "", r) for k, r in sectors], rotation=60 if len(sectors) > 5 else 0, fontsize="small")
    axis.set_xlabel("momentum and representation")
    axis.set_ylabel("$E - E_0$  [J]")
    for axis, (along, lines) in zip(axes[0][1:], panels.items()):
        for name, curve in lines:
            axis.plot(curve["x"], curve["value"], marker="o", markersize=4, linestyle="none" if along == "row" else "-", linewidth=0.8, label=symbol(name))
        axis.set_xlabel(along)
        axis.legend(fontsize="small")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def plot_walkers(run, picture):
    """Mixed estimates of the energy and effective walkers against the interval, and the energy against the time of the correction."""
    import matplotlib.pyplot as plt
    import numpy as np

    energy = run.history["energy"] / run.n_sites
    interval = np.arange(1, len(energy) + 1)
    curve = run.curves.get("energy_against_correction")
    figure, axes = plt.subplots(3 if curve else 2, 1, figsize=(7, 9 if curve else 6), constrained_layout=True)
    axes[0].plot(interval, energy, color="black", linewidth=0.6)
    axes[0].set_ylabel("E / N  [J]")
    axes[0].set_title(title_of(run))
    axes[1].plot(interval, run.history["effective_walkers"], color="black", linewidth=0.6)
    axes[1].set_ylabel("effective walkers")
    axes[1].set_xlabel("interval")
    lines = [axes[0]]
    if curve:
        per_site = dict(curve, value=curve["value"] / run.n_sites, error=curve["error"] / run.n_sites)
        errorbar(axes[2], per_site, color="black", marker="o", markersize=4, linestyle="none")
        axes[2].set_xlabel("time of the correction  [1/J]")
        axes[2].set_ylabel("E(p) / N  [J]")
        lines.append(axes[2])
    if run.reference:
        for axis in lines:
            axis.axhline(run.reference["value"], color="tab:red", linestyle="--", label="reference: " + run.reference["source"])
        axes[0].legend(loc="best", framealpha=0.9, fontsize="small")
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
    late = np.append(energy[len(energy) // 10:], run.reference["value"] if run.reference else [])
    span = late.max() - late.min()
    axes[0].set_ylim(late.min() - 0.15 * span, late.max() + 0.15 * span)
    axes[0].set_ylabel("E / N  [J]")
    axes[0].set_title(title_of(run))
    if run.reference:
        axes[0].axhline(run.reference["value"], color="tab:red", linestyle="--", label="reference: " + run.reference["source"])
        scale = abs(run.reference["value"]) or 1.0
        axes[1].semilogy(step, np.abs(energy - run.reference["value"]) / scale, color="black", linewidth=0.8)
        axes[1].set_ylabel("|relative deviation|")
    if "energy_per_site" in run.observables:
        measured = run.observables["energy_per_site"]
        axes[0].axhline(measured["value"], color="tab:blue", linewidth=0.8, label="measured at fixed parameters: %.6g" % measured["value"])
    axes[0].legend(loc="best", framealpha=0.9, fontsize="small")
    axes[-1].semilogy(step, run.history["variance"] / run.n_sites, color="black", linewidth=0.8)
    axes[-1].set_ylabel("Var E / N  [J$^2$]")
    axes[-1].set_xlabel("step of stochastic reconfiguration")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


# What a file holds decides what is drawn of it; the first that fits is taken.
PICTURES = [
    (plot_correlator_fit, lambda run: "scan_mass" in run.curves),
    (plot_reweighting, lambda run: run.measured and "effective_samples" in run.curves),
    (plot_extrapolation, lambda run: "scan_limit" in run.curves),
    (plot_levels, lambda run: run.levels),
    (plot_walkers, lambda run: "effective_walkers" in run.history),
    (plot_evolution, lambda run: run.curves and "time" in run.history),
    (plot_ground_state, lambda run: "energy" in run.history),
    (plot_field, lambda run: run.series and run.field is not None),
    (plot_thermal, lambda run: run.curves.get("specific_heat", {}).get("axis") == "T"),
    (plot_spectra, lambda run: any(name.startswith("spectrum_") for name in run.curves)),
    (plot_exact_curves, lambda run: run.curves),
]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: koushi_results.py RESULT.h5 PICTURE.{png,svg,pdf}, or koushi_results.py --curves PICTURE.{png,svg,pdf} with a table as JSON on the standard input")
    try:
        if sys.argv[1] == "--curves":
            plot_curves(json.load(sys.stdin), sys.argv[2])
        else:
            plot_run(open_run(sys.argv[1]), sys.argv[2])
    except ValueError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit("%s: the picture cannot be written (%s)" % (sys.argv[2], error.strerror or error))
    print(sys.argv[2])
