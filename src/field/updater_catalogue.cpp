#include "updater_catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/ladder.hpp"

namespace koushi {

using namespace declare;

namespace {

class HmcUpdater final : public Updater {
 public:
  HmcUpdater(HmcOptions options, bool tuned, double target)
      : options_(options), tuned_(tuned), target_(target), step_(options.length / options.steps) {}

  double update(FieldTheory& theory, std::uint64_t step) override {
    HmcOptions now = options_;
    now.steps = std::max(1, static_cast<int>(std::ceil(options_.length / step_ - 1e-9)));
    const HmcReport report = hmc_trajectory(dynamic_cast<MolecularDynamics&>(theory), now, step);
    const Grid& grid = theory.grid();
    std::vector<double> local;
    if (grid.group().is_root()) {
      for (std::size_t r = 0; r < report.probability.size(); ++r) {
        local.push_back(report.probability[r]);
        const double weight = std::exp(-report.energy_change[r]);
        local.push_back(std::isnan(weight) ? 0 : weight);  // H is infinite
      }
    }
    const std::vector<double> all = grid.world().all_gather(local);  // in the order of the replicas
    double probability = 0;
    mean_weight_ = 0;
    for (std::size_t r = 0; r < all.size(); r += 2) {
      probability += all[r];
      mean_weight_ += all[r + 1];
    }
    mean_weight_ /= static_cast<double>(grid.n_replicas());
    return probability / static_cast<double>(grid.n_replicas());
  }

  void tune(double acceptance) override {
    if (!tuned_) return;
    ++calls_;
    step_ = std::clamp(step_ * std::exp(0.5 * (acceptance - target_) / std::sqrt(calls_)), shortest(), options_.length);
  }
  std::vector<double> state() const override { return {step_, calls_}; }
  void set_state(const std::vector<double>& state) override {
    step_ = state.at(0);
    calls_ = state.at(1);
  }
  double mean_weight() const override { return mean_weight_; }
  std::string remedy(bool low) const override {
    if (!tuned_) return low ? "tune = true, or more steps" : "tune = true, or fewer steps";
    if (low && step_ <= shortest())
      return "a shorter length, or parameters of the action that so many steps can follow";
    if (low) return "a longer warm_up, in which the step is tuned, a shorter length, or a larger acceptance to aim at";
    return step_ >= options_.length ? "a longer length: one step makes a whole trajectory"
                                    : "a longer warm_up, in which the step is tuned, or a smaller acceptance to aim at";
  }
  std::string description() const override {
    const std::string name = options_.acceleration_mass > 0
                                 ? fmt::format("fourier-hmc, acceleration mass {:.4g}", options_.acceleration_mass)
                                 : "hmc";
    return fmt::format("{}, trajectories of length {} in {} steps", name, options_.length,
                       std::max(1, static_cast<int>(std::ceil(options_.length / step_ - 1e-9))));
  }

 private:
  /// Where nothing is ever accepted, as with parameters near the end of the numbers, tuning would make trajectories
  /// without end.
  double shortest() const { return options_.length / std::max(options_.steps, 10000); }

  HmcOptions options_;
  bool tuned_;
  double target_;
  double step_;
  double calls_ = 0;
  double mean_weight_ = 1;
};

/// A count of all ranks over that of all sites.
double per_site(const Grid& grid, std::int64_t mine, int updates) {
  std::vector<std::int64_t> all{mine};
  grid.world().sum(all);
  return static_cast<double>(all[0]) /
         (static_cast<double>(grid.n_sites()) * static_cast<double>(grid.n_replicas()) * updates);
}

class MetropolisUpdater final : public Updater {
 public:
  MetropolisUpdater(const FieldTheory& theory, std::uint64_t seed, int hits, double width, bool tuned, double target)
      : colouring_(theory.grid(), theory.interactions()),
        seed_(seed),
        hits_(hits),
        largest_width_(theory.largest_width()),
        site_by_site_(theory.interactions().empty()),
        tuned_(tuned && largest_width_ > 0),
        target_(target),
        width_(width) {}

  double update(FieldTheory& theory, std::uint64_t step) override {
    return per_site(theory.grid(), theory.metropolis(colouring_, seed_, step, hits_, width_),
                    theory.updates_per_site().metropolis * hits_);
  }
  void tune(double acceptance) override {
    if (!tuned_) return;
    ++calls_;
    width_ = std::min(width_ * std::exp((acceptance - target_) / std::sqrt(calls_)), largest_width_);
  }
  std::vector<double> state() const override { return {width_, calls_}; }
  void set_state(const std::vector<double>& state) override {
    width_ = state.at(0);
    calls_ = state.at(1);
  }
  std::string remedy(bool low) const override {
    if (largest_width_ == 0 || (!low && width_ >= largest_width_)) return "";
    const std::string width = low ? "a smaller width" : "a larger width";
    return tuned_ ? "a longer warm_up, in which the width is tuned, or " + width + " to begin with"
                  : "tune = true, or " + width;
  }
  std::string description() const override {
    const std::string order = site_by_site_ ? "site by site" : fmt::format("{} colours", colouring_.n_colours());
    return fmt::format("metropolis, {}, {} hits{}", order, hits_,
                       largest_width_ > 0 ? fmt::format(" of width {:.4g}", width_) : "");
  }

 private:
  Colouring colouring_;
  std::uint64_t seed_;
  int hits_;
  double largest_width_;
  bool site_by_site_;  ///< all sites interact
  bool tuned_;
  double target_;
  double width_;
  double calls_ = 0;
};

class OverrelaxationUpdater final : public Updater {
 public:
  explicit OverrelaxationUpdater(const FieldTheory& theory) : colouring_(theory.grid(), theory.interactions()) {}
  double update(FieldTheory& theory, std::uint64_t) override {
    theory.overrelax(colouring_);
    return 1;
  }
  std::string description() const override { return fmt::format("overrelaxation, {} colours", colouring_.n_colours()); }

 private:
  Colouring colouring_;
};

class HeatbathUpdater final : public Updater {
 public:
  HeatbathUpdater(const FieldTheory& theory, std::uint64_t seed)
      : colouring_(theory.grid(), theory.interactions()), seed_(seed) {}
  double update(FieldTheory& theory, std::uint64_t step) override {
    return per_site(theory.grid(), theory.heatbath(colouring_, seed_, step), theory.updates_per_site().heatbath);
  }
  std::string description() const override { return fmt::format("heatbath, {} colours", colouring_.n_colours()); }

 private:
  Colouring colouring_;
  std::uint64_t seed_;
};

class ClusterUpdater final : public Updater {
 public:
  ClusterUpdater(bool single, std::uint64_t seed) : single_(single), seed_(seed) {}
  double update(FieldTheory& theory, std::uint64_t step) override {
    return per_site(theory.grid(), theory.flip_clusters(single_, seed_, step), 1);
  }
  std::string description() const override { return single_ ? "wolff, one cluster" : "swendsen-wang, all clusters"; }

 private:
  bool single_;
  std::uint64_t seed_;
};

/// The mass of Fourier acceleration: as the deck says, that of a free field, or 4 over the longest extent.
double acceleration_mass(const Deck& deck, const std::string& at, const Grid& grid) {
  const auto& options = grid.options();
  if (std::any_of(options.boundary.begin(), options.boundary.end(),
                  [](Boundary b) { return b != Boundary::periodic; })) {
    deck.refuse(at + "kind", "momenta have Fourier modes on periodic lattices only",
                "lattice.boundary = [\"periodic\"], or kind = \"hmc\"");
  }
  if (grid.decomposed() && grid.dimension() == 1) {
    deck.refuse(at + "kind", "Fourier transforms of one direction that ranks divide",
                "as many replicas as ranks, or kind = \"hmc\"");
  }
  if (deck.has(at + "acceleration_mass")) return deck.real(at + "acceleration_mass");
  const std::string kind = deck.text("action.kind");
  if (kind == "free-field" || kind == "sine-gordon") return std::sqrt(deck.real("action.mass_squared"));
  return 4.0 / *std::max_element(options.extents.begin(), options.extents.end());
}

void append_updaters(const Deck& deck, const FieldTheory& theory, std::vector<std::unique_ptr<Updater>>& all) {
  const auto seed = static_cast<std::uint64_t>(deck.integer("seed"));
  for (int k = 0; k < deck.count("updater"); ++k) {
    const std::string at = fmt::format("updater.{}.", k);
    const std::string kind = deck.text(at + "kind");
    if (kind == exchange_kind) {
      all.emplace_back();
      continue;
    }
    const std::vector<std::string> further = theory.further_updates();
    if (kind != "metropolis" && std::count(further.begin(), further.end(), kind) == 0) {
      const bool clusters = kind == "wolff" || kind == "swendsen-wang";
      deck.refuse(
          at + "kind",
          fmt::format("this action{} has no {} update",
                      clusters && is_spin(deck.text("action.kind")) ? ", with these couplings and this field," : "",
                      kind),
          "one of metropolis" + (further.empty() ? "" : ", " + join(further)));
    }
    if (kind == "overrelaxation") {
      all.push_back(std::make_unique<OverrelaxationUpdater>(theory));
    } else if (kind == "heatbath") {
      all.push_back(std::make_unique<HeatbathUpdater>(theory, seed));
    } else if (kind == "wolff" || kind == "swendsen-wang") {
      all.push_back(std::make_unique<ClusterUpdater>(kind == "wolff", seed));
    } else if (kind == "hmc" || kind == "fourier-hmc") {
      const std::string name = deck.text(at + "integrator");
      const Integrator integrator = name == "leapfrog"   ? Integrator::leapfrog
                                    : name == "omelyan2" ? Integrator::omelyan2
                                    : name == "omelyan4" ? Integrator::omelyan4
                                                         : Integrator::force_gradient;
      if (integrator == Integrator::force_gradient && is_spin(deck.text("action.kind"))) {
        deck.refuse(at + "integrator", "the force gradient of fields on spheres is not a shift of the field",
                    "leapfrog, omelyan2 or omelyan4");
      }
      HmcOptions options{integrator, deck.real(at + "length"), deck.real(at + "jitter"),
                         static_cast<int>(deck.integer(at + "steps")), seed};
      if (kind == "fourier-hmc") options.acceleration_mass = acceleration_mass(deck, at, theory.grid());
      all.push_back(std::make_unique<HmcUpdater>(options, deck.boolean(at + "tune"), deck.real(at + "acceptance")));
    } else {
      const auto hits = static_cast<int>(deck.integer(at + "hits"));
      if (5.0 * hits * static_cast<double>(theory.grid().n_replicas()) > 4.2e9) {  // the counter of random numbers
        deck.refuse(at + "hits",
                    fmt::format("{} hits for {} replicas are too many in one update", hits, theory.grid().n_replicas()),
                    "fewer hits and more repetitions");
      }
      const double width = deck.real(at + "width");
      if (const double largest = theory.largest_width(); largest > 0 && width > largest) {
        deck.refuse(at + "width", fmt::format("proposals of width {}", width),
                    fmt::format("at most {}, where they are flat", largest));
      }
      all.push_back(std::make_unique<MetropolisUpdater>(theory, seed, hits, width, deck.boolean(at + "tune"),
                                                        deck.real(at + "acceptance")));
    }
    all.back()->repetitions = static_cast<int>(deck.integer(at + "repetitions"));
  }
}

/// Updaters that together leave something as it was for ever.
void refuse_incomplete_updaters(const Deck& deck) {
  bool moves = false;
  bool moves_energy = false;
  const std::string action = deck.text("action.kind");
  bool moves_length = action != "phi4" && action != "free-field";  // |phi|, which others do not have
  for (int k = 0; k < deck.count("updater"); ++k) {
    const std::string kind = deck.text(fmt::format("updater.{}.kind", k));
    if (kind == exchange_kind) continue;
    moves = true;
    const bool clusters = kind == "wolff" || kind == "swendsen-wang";
    moves_energy = moves_energy || kind != "overrelaxation";
    moves_length = moves_length || !clusters;
  }
  if (!moves)
    deck.refuse("updater.0.kind", "replica-exchange alone makes no new configuration", "another updater beside it");
  if (!moves_energy)
    deck.refuse("updater.0.kind", "overrelaxation alone never changes S",
                "an updater that does beside it, or in its place");
  if (!moves_length)
    deck.refuse("updater.0.kind", "clusters alone never change |phi|",
                "another updater beside them, hmc or metropolis");
}

}  // namespace

Section updater_section(const std::vector<std::string>& studies) {
  const Key again = between(1, 1000, key("repetitions", KeyType::integer, "1", "in one sweep"));
  const auto tuned = [&again](const std::string& target) {
    return std::vector<Key>{key("tune", KeyType::boolean, "true", "adapt to the acceptance during the warm-up"),
                            between(0.05, 0.99, key("acceptance", KeyType::real, target, "to be reached by tuning")),
                            again};
  };
  std::vector<Key> hmc{
      choice("integrator", {"leapfrog", "omelyan2", "omelyan4", "force-gradient"}, "\"omelyan2\"",
             "of molecular dynamics"),
      at_least(positive, key("length", KeyType::real, "1.0", "of a trajectory")),
      between(1, 100000, key("steps", KeyType::integer, "10", "in a trajectory, to begin with")),
      between(0, 0.99, key("jitter", KeyType::real, "0.1", "lengths are drawn from length (1 +- jitter)"))};
  std::vector<Key> metropolis{
      at_least(positive, key("width", KeyType::real, "1.0", "proposals lie within +- width, to begin with")),
      between(1, 1000, key("hits", KeyType::integer, "1", "proposals per site"))};
  for (const Key& k : tuned("0.85")) hmc.push_back(k);
  std::vector<Key> fourier = hmc;
  for (Key& k : fourier) {
    if (k.path == "length") k.preset = "1.5";  // a quarter of a period, if all have the frequency 1
  }
  fourier.push_back(optional(at_least(
      positive,
      key("acceleration_mass", KeyType::real, "",
          "m of the masses 2 stiffness (k_hat^2 + m^2) of Fourier modes, near the mass in the spectrum; if not given: "
          "that of a free field or sine-Gordon, else 4 over the longest extent"))));
  for (const Key& k : tuned("0.5")) metropolis.push_back(k);
  return {"updater",
          "What a sweep does, in this order.",
          true,
          {{"hmc", "hybrid Monte Carlo", hmc},
           {"fourier-hmc",
            "hybrid Monte Carlo whose Fourier modes have masses that make them equally fast: scalar fields and paths, "
            "periodic",
            fourier},
           {"metropolis", "local updates, colour by colour", metropolis},
           {"heatbath", "links drawn anew from their conditional weight", {again}},
           {"overrelaxation",
            "reflections of spins about the sum of their neighbours, of links about their staples: S stays",
            {again}},
           {"wolff", "one cluster of spins, or of signs of a scalar field, from a random site", {again}},
           {"swendsen-wang", "all clusters of spins, or of signs of a scalar field", {again}},
           {exchange_kind,
            "parallel tempering: theories at several values of one parameter, the rungs of a ladder, exchange "
            "configurations",
            {key("values", KeyType::reals, "", "of the parameter, ascending; that of [action] must be among them"),
             choice("parameter", ladder_parameters(), "\"action.beta\"", "the key in which the rungs differ"), again}}},
          studies,
          8,
          "hmc"};
}

std::vector<std::unique_ptr<Updater>> make_updaters(const Deck& deck, const FieldTheory& theory) {
  std::vector<std::unique_ptr<Updater>> all;
  refuse_incomplete_updaters(deck);
  try {
    append_updaters(deck, theory, all);
  } catch (const UsageError& error) {  // a colouring that cannot be
    deck.refuse("lattice.extents", std::string(error.what()).substr(0, std::string(error.what()).find('\n')),
                "larger or open extents, or hmc or clusters");
  }
  return all;
}

}  // namespace koushi
