#include "hmc_updater.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace koushi {

namespace {

class HmcUpdater final : public Updater {
 public:
  HmcUpdater(MolecularDynamics& dynamics, FourierAcceleration* fourier, const HmcOptions& options, double mass,
             std::string name)
      : dynamics_(dynamics),
        fourier_(fourier),
        options_(options),
        mass_(mass),
        name_(std::move(name)),
        step_(options.length / options.steps) {}

  double update(std::uint64_t step) override {
    HmcOptions now = options_;
    now.steps = steps();
    if (fourier_ != nullptr) fourier_->accelerate(mass_);
    const HmcReport report = hmc_trajectory(dynamics_, now, step);
    std::vector<double> local;
    for (std::size_t r = 0; r < report.probability.size(); ++r) {
      local.push_back(report.probability[r]);
      const double weight = std::exp(-report.energy_change[r]);
      local.push_back(std::isnan(weight) ? 0 : weight);  // H is infinite
    }
    const Replicas replicas = dynamics_.replicas();
    const std::vector<double> all = replicas.gather(local);
    double probability = 0;
    mean_weight_ = 0;
    for (std::size_t r = 0; r < all.size(); r += 2) {
      probability += all[r];
      mean_weight_ += all[r + 1];
    }
    mean_weight_ /= static_cast<double>(replicas.total);
    return probability / static_cast<double>(replicas.total);
  }

  void tune(double acceptance) override {
    if (!options_.tune) return;
    ++calls_;
    step_ = std::clamp(step_ * std::exp(0.5 * (acceptance - options_.acceptance) / std::sqrt(calls_)), shortest(),
                       options_.length);
  }
  std::vector<double> state() const override { return {step_, calls_}; }
  void set_state(const std::vector<double>& state) override {
    step_ = state.at(0);
    calls_ = state.at(1);
  }
  double mean_weight() const override { return mean_weight_; }
  std::string remedy(bool low) const override {
    if (!options_.tune) return low ? "tune = true, or more steps" : "tune = true, or fewer steps";
    if (low && step_ <= shortest())
      return "a shorter length, or parameters of the action that so many steps can follow";
    if (low) return "a longer warm_up, in which the step is tuned, a shorter length, or a larger acceptance to aim at";
    if (step_ >= options_.length) return "a longer length: one step makes a whole trajectory";
    if (stands_before_fewer()) {
      return fmt::format("a longer length: {} steps make more of this one than the acceptance to aim at, {} less",
                         steps(), steps() - 1);
    }
    return "a longer warm_up, in which the step is tuned, or a smaller acceptance to aim at";
  }
  std::string description() const override {
    return fmt::format("{}, trajectories of length {} in {} steps", name_, options_.length, steps());
  }

 private:
  int steps() const { return std::max(1, static_cast<int>(std::ceil(options_.length / step_ - 1e-9))); }
  /// Whether the step was tuned to where steps() become one fewer: a kick of tune() would carry it there, and what came
  /// of so few drove it back. A kick must be small against the steps between two such places for that to be known.
  bool stands_before_fewer() const {
    if (steps() == 1 || calls_ < 1) return false;
    const double kicks = std::exp(1 / std::sqrt(calls_));  // two, each of the largest size
    const double fewer = options_.length / (steps() - 1);
    return kicks * kicks < fewer * steps() / options_.length && step_ * kicks >= fewer;
  }
  /// Where nothing is ever accepted, as with parameters near the end of the numbers, tuning would make trajectories
  /// without end.
  double shortest() const { return options_.length / std::max(options_.steps, 10000); }

  MolecularDynamics& dynamics_;
  FourierAcceleration* fourier_;  ///< null where the theory has none
  HmcOptions options_;
  double mass_;
  std::string name_;
  double step_;
  double calls_ = 0;
  double mean_weight_ = 1;
};

}  // namespace

std::unique_ptr<Updater> make_hmc_updater(const DeckSection& section, FieldTheory& theory, const HmcOptions& options,
                                          double mass, const std::string& name) {
  auto& dynamics = needed<MolecularDynamics>(section, theory);
  if (needs_force_gradient(options.integrator) && dynamic_cast<ForceGradient*>(&theory) == nullptr) {
    section.refuse("integrator",
                   fmt::format("{} takes the force at a shifted field, which this action does not have",
                               section.text("integrator")),
                   "leapfrog, omelyan2 or omelyan4");
  }
  HmcOptions seeded = options;
  seeded.seed = static_cast<std::uint64_t>(section.deck().integer("seed"));
  return std::make_unique<HmcUpdater>(dynamics, dynamic_cast<FourierAcceleration*>(&theory), seeded, mass, name);
}

}  // namespace koushi
