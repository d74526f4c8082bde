#include <fmt/format.h>

#include <cmath>

#include "../contour_study.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/real_time_grid.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

namespace {

/// <x(t) x(0)> = Tr[e^{-beta H} e^{iHt} x e^{-iHt} x] / Z in real time, by closed paths in complex time (J. Schwinger,
/// J. Math. Phys. 2, 407 (1961); L. V. Keldysh, Sov. Phys. JETP 20, 1018 (1965)) on contours of the holomorphic flow,
/// beside matrices on a grid of x.
class ThermalCorrelatorStudy : public ContourStudy {
 public:
  ThermalCorrelatorStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : ContourStudy(comm, deck, options),
        beta_(deck.real("study.beta")),
        real_steps_(static_cast<int>(deck.integer("study.real_steps"))) {
    const GridOptions lattice = grid_options(deck);
    if (lattice.boundary[0] != Boundary::periodic)
      deck.refuse("lattice.boundary", "a trace is over closed paths", "boundary = [\"periodic\"], or none");
    if (!path_.is_bound())
      deck.refuse("action.potential", "V does not rise on both sides, so that the trace is infinite",
                  "an even highest power with a positive coefficient");
    set_steps(lattice.extents[0]);
    integral_ = "Z = Tr e^(-beta H)";
    set_action(trace_action(path_, steps_), real_steps_ + 1);
  }

 private:
  void set_steps(int points) {
    const std::string contour = deck_.text("study.contour");
    const bool tilted = contour == "tilted";
    const int rest = points - real_steps_ - (tilted ? 0 : real_steps_);  // of imaginary time, or of the way back
    const int least = tilted ? std::max(1, 3 - real_steps_) : contour == "split" ? 2 : 1;
    if (rest < least || points < 3)
      deck_.refuse("lattice.extents", fmt::format("{} points with {} real_steps", points, real_steps_),
                   fmt::format("at least {} for the contour \"{}\"", points - rest + std::max(least, 3 - points + rest),
                               contour));
    if (contour == "split" && rest % 2 != 0)
      deck_.refuse("lattice.extents", fmt::format("{} steps of imaginary time in two halves", rest),
                   "points of the parity that leaves an even number");
    const ContourAction::Complex forward(0, path_.spacing);
    const auto add = [this](int count, ContourAction::Complex step) { steps_.insert(steps_.end(), count, step); };
    add(real_steps_, forward);
    if (tilted) {
      add(rest, (beta_ - forward * static_cast<double>(real_steps_)) / static_cast<double>(rest));
    } else if (contour == "split") {
      add(rest / 2, beta_ / rest);
      add(real_steps_, -forward);
      add(rest / 2, beta_ / rest);
    } else {
      add(real_steps_, -forward);
      add(rest, beta_ / rest);
    }
  }

  std::string head() const override {
    return fmt::format(
        "correlator   <x(t) x(0)> at beta = {:.6g}, t up to {:.6g} in {} steps of {}, a closed contour of {} steps\n",
        beta_, path_.spacing * real_steps_, real_steps_, path_.spacing, steps_.size());
  }

  std::vector<Observable> results(const ContourDraws& contour) const override {
    return {part(contour, "z_re", false), part(contour, "z_im", true), contour.product("x2", "Re <x(0)^2>", 0, false),
            contour.product("correlator_re", "Re <x(t) x(0)> at the longest t", real_steps_, false),
            contour.product("correlator_im", "Im <x(t) x(0)> at the longest t", real_steps_, true)};
  }

  void compute_exactly() override {
    if (path_.rule != PathRule::mid_point) grid_ = thermal_by_grid(path_, steps_, real_steps_, beta_);
  }
  bool has_grid(std::size_t k) const { return k < grid_.correlator.size() && grid_.correlator[k].change < 1e-5; }

  Estimate correlator(int k, bool imaginary) const {
    return contours_.front().estimate(contours_.front().product("correlator", "", k, imaginary));
  }

  double worst_pull() const override {
    double worst = 0;
    for (int k = 0; k <= real_steps_; ++k) {
      if (!has_grid(static_cast<std::size_t>(k))) continue;
      const std::complex<double> exact = grid_.correlator[static_cast<std::size_t>(k)].value;
      for (const bool imaginary : {false, true}) {
        const Estimate e = correlator(k, imaginary);
        worst = std::max(worst, std::abs(e.value - (imaginary ? exact.imag() : exact.real())) / e.error);
      }
    }
    return worst;
  }

  std::string more_table() const override {
    std::vector<std::string> t;
    std::vector<std::pair<std::string, std::vector<std::string>>> columns{
        {"Re <x(t) x(0)>", {}}, {"Im <x(t) x(0)>", {}}, {"Re, by a grid", {}},
        {"Im, by a grid", {}},  {"Re, continuum", {}},  {"Im, continuum", {}}};
    const bool resolved = contours_.front().is_resolved();
    for (int k = 0; k <= real_steps_; ++k) {
      const auto at = static_cast<std::size_t>(k);
      t.push_back(fmt::format("{:.6g}", path_.spacing * k));
      for (const bool imaginary : {false, true}) {
        const std::size_t column = imaginary ? 1 : 0;
        const auto choose = [&](std::complex<double> c) {
          return fmt::format("{:.6f}", imaginary ? c.imag() : c.real());
        };
        const Estimate e = correlator(k, imaginary);
        columns[column].second.push_back(resolved ? with_error(e.value, e.error) : "not resolved");
        columns[2 + column].second.push_back(has_grid(at) ? choose(grid_.correlator[at].value) : "-");
        columns[4 + column].second.push_back(at < grid_.continuum.size() ? choose(grid_.continuum[at]) : "-");
      }
    }
    return column_blocks("t", t, columns);
  }

  void write_curves(ResultWriter& writer) const override {
    const bool resolved = contours_.front().is_resolved();
    for (const bool imaginary : {false, true}) {
      const std::string suffix = imaginary ? "_im" : "_re";
      const std::string help = imaginary ? "Im <x(t) x(0)>" : "Re <x(t) x(0)>";
      StoredCurve sampled{"correlator" + suffix, {}, {}, {}, "t", help};
      StoredCurve grid{
          "correlator_grid" + suffix,  {}, {}, {}, "t", help + " of the same contour, by matrices on a grid",
          "change from a coarser grid"};
      StoredCurve continuum{"correlator_continuum" + suffix,       {}, {}, {}, "t",
                            help + " of H, without steps of time", "0"};
      for (int k = 0; k <= real_steps_; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const auto choose = [&](std::complex<double> c) { return imaginary ? c.imag() : c.real(); };
        for (StoredCurve* const curve : {&sampled, &grid, &continuum}) curve->x.push_back(path_.spacing * k);
        const Estimate e = correlator(k, imaginary);
        sampled.value.push_back(resolved ? e.value : std::nan(""));
        sampled.error.push_back(resolved ? e.error : std::nan(""));
        if (grid_.correlator.empty()) continue;
        grid.value.push_back(has_grid(at) ? choose(grid_.correlator[at].value) : std::nan(""));
        grid.error.push_back(grid_.correlator[at].change);
        continuum.value.push_back(choose(grid_.continuum[at]));
        continuum.error.push_back(0);
      }
      write_curve(writer, "curves", sampled);
      if (grid_.correlator.empty()) continue;
      write_curve(writer, "curves", grid);
      write_curve(writer, "curves", continuum);
    }
  }

  double beta_;
  int real_steps_;
  std::vector<std::complex<double>> steps_;
  ThermalGrid grid_;
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all = ContourStudy::keys();
  all.push_back(between(1e-3, 1e3, key("beta", KeyType::real, "1.0", "1 / T of e^(-beta H)")));
  all.push_back(between(0, 60,
                        key("real_steps", KeyType::integer, "4",
                            "steps of action.spacing forward in real time: <x(t) x(0)> is given at each")));
  all.push_back(
      choice("contour", {"canonical", "split", "tilted"}, "\"tilted\"",
             "way of the time. canonical: 0 to t, back to 0, to -i beta. split: 0 to t, t - i beta/2, "
             "-i beta/2, -i beta. tilted: 0 to t, straight to -i beta. The points of the lattice that are left "
             "by the real steps share the rest"));
  return all;
}

}  // namespace

StudyKind thermal_correlator_kind() {
  return {.name = "thermal-correlator",
          .help = "<x(t) x(0)> of a path in real time at a temperature, on closed contours in complex time, for any V",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return ThermalCorrelatorStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return ThermalCorrelatorStudy(comm, deck, {}).describe(ranks); },
          .value_keys = {"study.reference.observable", "study.beta", "study.real_steps", "study.contour"},
          .subject = StudyKind::Subject::theory,
          .template_settings = {"lattice.extents=[12]", "action.kind=path", "action.spacing=0.125"}};
}

}  // namespace koushi
