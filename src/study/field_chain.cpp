#include "koushi/study/field_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

FieldChain::FieldChain(const Deck& deck, const Grid& grid, std::string prefix)
    : grid_(grid),
      prefix_(std::move(prefix)),
      theory_(make_field_theory(deck, grid)),
      updaters_(make_updaters(deck, *theory_)),
      observables_(theory_->observables()),
      series_(grid.n_replicas()) {
  const FieldAction action = field_action(deck);
  if (action.correlator) spacing_ = action.correlator->spacing;
}

std::vector<std::string> FieldChain::descriptions() const {
  std::vector<std::string> all;
  for (const auto& updater : updaters_) {
    if (updater) all.push_back(updater->description());
  }
  return all;
}

void FieldChain::update(std::size_t k, std::uint64_t step, bool tunes) {
  Updater& updater = *updaters_[k];
  double acceptance = 0;
  double weight = 0;
  for (int n = 0; n < updater.repetitions; ++n) {
    const double now = updater.update(step + static_cast<std::uint64_t>(n));
    if (tunes) updater.tune(now);
    acceptance += now / updater.repetitions;
    weight += updater.mean_weight() / updater.repetitions;
  }
  history_.add(fmt::format("acceptance_{}", k), "", "mean acceptance of updater " + std::to_string(k), acceptance);
  if (!std::isnan(weight))
    history_.add(fmt::format("exp_minus_dH_{}", k), "",
                 "mean e^{-dH} of updater " + std::to_string(k) + ": 1 on average", weight);
}

void FieldChain::measure(std::int64_t sweep, std::int64_t save_every) {
  estimates_.clear();
  for (const auto& [name, local] : theory_->measure()) {
    const std::vector<double> all = grid_.world().all_gather(grid_.group().is_root() ? local : std::vector<double>{});
    if (name == "action_density" && !std::all_of(all.begin(), all.end(), [](double s) { return std::isfinite(s); })) {
      throw NumericalError(
          fmt::format("the action is not finite in sweep {}, or what a site adds to a measured sum is beyond 4e12; "
                      "remedy: an action with a minimum, a smaller [study] start",
                      sweep));
    }
    series_.add(name, all);
  }
  if (save_every > 0 && measured() % save_every == 0) {
    saved_[sweep] = theory_->configuration();
    ++waiting_;
  }
}

std::int64_t FieldChain::measured() const { return series_.measured("action_density"); }

Estimate FieldChain::estimate(const Observable& observable) const {
  const auto known = estimates_.find(observable.name);  // points of curves have no name
  if (known != estimates_.end()) return known->second;
  refuse_incomplete(observable);
  const Estimate result = series_.estimate(observable);
  if (!observable.name.empty()) estimates_.emplace(observable.name, result);
  return result;
}

double FieldChain::last_action_density() const {
  const std::vector<double>& values = series_.all().at("action_density").values;
  const auto replicas = static_cast<std::size_t>(grid_.n_replicas());
  double last = 0;
  for (std::size_t r = 0; r < replicas; ++r) last += values[values.size() - 1 - r] / static_cast<double>(replicas);
  return last;
}

std::vector<FieldChain::OddAcceptance> FieldChain::odd_acceptances(std::int64_t warm_up) const {
  std::vector<OddAcceptance> odd;
  for (std::size_t k = 0; k < updaters_.size(); ++k) {
    if (!updaters_[k]) continue;
    const auto& acceptance = history_.values(fmt::format("acceptance_{}", k));
    double mean = 0;
    for (auto t = static_cast<std::size_t>(warm_up); t < acceptance.size(); ++t)
      mean += acceptance[t] / static_cast<double>(acceptance.size() - static_cast<std::size_t>(warm_up));
    const std::string remedy = updaters_[k]->remedy(mean < 0.1);
    if ((mean < 0.1 || mean > 0.99) && !remedy.empty()) odd.push_back({k, mean, remedy});
  }
  return odd;
}

void FieldChain::write_observables(ResultWriter& writer) const {
  for (const Observable& o : measured() >= 1 ? observables_ : std::vector<Observable>{}) {
    const Estimate e = estimate(o);
    StoredObservable result = stored(o, e, quoted_error(o, e));
    result.error_help = error_help;
    result.naive_error = e.error / std::sqrt(2 * e.tau_int);
    write_observable(writer, prefix_, result);
  }
  for (const Curve& curve : measured() >= 1 ? theory_->curves() : std::vector<Curve>{}) {
    StoredCurve result{curve.name, curve.x, {}, {}, curve.axis, curve.help, error_help, curve.unit, curve.symbol};
    for (const Observable& point : curve.points) {
      const Estimate e = estimate(point);
      result.value.push_back(e.value);
      result.error.push_back(quoted_error(point, e));
    }
    write_curve(writer, prefix_ + "curves", result);
  }
}

void FieldChain::write(ResultWriter& writer) {
  history_.write(writer, prefix_);
  write_series(writer, prefix_, series_, "lattice units", "[measurement][replica][entry]");
  write_observables(writer);
  std::vector<double> tuned;
  for (const auto& updater : updaters_) {
    for (const double x : updater ? updater->state() : std::vector<double>{}) tuned.push_back(x);
  }
  writer.write(prefix_ + "state/updaters", tuned);
  theory_->write(writer, prefix_ + "state/field");
  if (const std::optional<Configuration> field = theory_->field())
    writer.write_box(prefix_ + "state/output", field->box, field->local);
  for (const std::int64_t sweep : filed_) writer.copy(fmt::format("{}configurations/{}", prefix_, sweep));
  written_.clear();
  for (const auto& [sweep, configuration] : saved_) {
    const std::string path = fmt::format("{}configurations/{}", prefix_, sweep);
    writer.write_box(path, configuration.box, configuration.local);
    if (writer.is_large(path)) written_.push_back(sweep);
  }
}

void FieldChain::checkpointed() {
  for (const std::int64_t sweep : written_) saved_.erase(sweep);
  filed_.insert(written_.begin(), written_.end());
  written_.clear();
  waiting_ = 0;
}

double FieldChain::waiting_bytes() const {
  if (waiting_ == 0) return 0;
  double all = sizeof(double);
  for (const std::int64_t n : saved_.rbegin()->second.box.shape) all *= static_cast<double>(n);
  return all * static_cast<double>(waiting_) / grid_.world().size();
}

void FieldChain::read(const ResultReader& reader, std::int64_t n_measurements) {
  const std::vector<double> tuned = reader.read_reals(prefix_ + "state/updaters");
  auto at = tuned.begin();
  for (const auto& updater : updaters_) {
    if (!updater) continue;
    const auto size = static_cast<std::ptrdiff_t>(updater->state().size());
    updater->set_state(std::vector<double>(at, at + size));
    at += size;
  }
  theory_->read(reader, prefix_ + "state/field");
  const ArrayBox here = theory_->box();
  for (const std::string& name : reader.list(prefix_ + "configurations")) {
    const std::string path = prefix_ + "configurations/" + name;
    if (reader.is_large(path)) {
      filed_.insert(std::stoll(name));
    } else {
      saved_[std::stoll(name)] = {here, reader.read_box(path, here)};
    }
  }
  history_.read(reader, prefix_);
  read_series(reader, prefix_, n_measurements, series_);
  if (n_measurements == 0) return;
  for (const Observable& o : observables_) refuse_incomplete(o);
}

/// Refuses what is not made of all measurements of this run.
void FieldChain::refuse_incomplete(const Observable& observable) const {
  for (const SeriesColumn& from : observable.series) {
    if (series_.measured(from.series) == measured()) continue;
    throw StoreError(fmt::format(
        "{} was not recorded by the version of koushi that began this run\n  expected: that version to go on, or "
        "--overwrite",
        from.series));
  }
}

}  // namespace koushi
