#include "koushi/study/field_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/study/analysis_results.hpp"

namespace koushi {

FieldChain::FieldChain(const Deck& deck, const Grid& grid, std::string prefix)
    : grid_(grid),
      prefix_(std::move(prefix)),
      theory_(make_field_theory(deck, grid)),
      updaters_(make_updaters(deck, *theory_)),
      observables_(theory_->observables()) {
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
    Series& series = series_[name];
    series.width = static_cast<std::int64_t>(all.size()) / grid_.n_replicas();
    series.values.insert(series.values.end(), all.begin(), all.end());
  }
  if (save_every > 0 && measured() % save_every == 0) {
    saved_[sweep] = theory_->configuration();
    ++waiting_;
  }
}

std::int64_t FieldChain::measured() const {
  const auto found = series_.find("action_density");
  return found == series_.end() ? 0 : static_cast<std::int64_t>(found->second.values.size()) / grid_.n_replicas();
}

std::vector<double> FieldChain::column(const std::string& name, std::int64_t w) const {
  const Series& series = series_.at(name);
  const std::int64_t replicas = grid_.n_replicas();
  const std::int64_t n = measured();
  if (static_cast<std::int64_t>(series.values.size()) != n * replicas * series.width) {
    throw StoreError(
        fmt::format("{} was not measured from the start of this run: another koushi began it\n  expected: that one to "
                    "go on, or --overwrite",
                    name));
  }
  std::vector<double> result(static_cast<std::size_t>(n * replicas));
  for (std::int64_t t = 0; t < n; ++t) {
    for (std::int64_t r = 0; r < replicas; ++r) {
      result[static_cast<std::size_t>(r * n + t)] =
          series.values[static_cast<std::size_t>((t * replicas + r) * series.width + w)];
    }
  }
  return result;
}

Estimate FieldChain::estimate(const Observable& observable) const {
  const auto known = estimates_.find(observable.name);  // points of curves have no name
  if (known != estimates_.end()) return known->second;
  std::vector<std::vector<double>> series;
  for (const SeriesColumn& from : observable.series)
    series.push_back(column(from.series, static_cast<std::int64_t>(from.column)));
  const Estimate result = derived_gamma_method(series, grid_.n_replicas(), observable.value);
  if (!observable.name.empty()) estimates_.emplace(observable.name, result);
  return result;
}

double FieldChain::quoted_error(const Observable& observable, const Estimate& e) const {
  const bool enough = measured() >= fewest && static_cast<double>(measured()) >= 50 * std::max(0.5, e.tau_int) &&
                      std::isfinite(e.value);
  const auto fluctuates = [this](const SeriesColumn& from) {
    const std::vector<double> x = column(from.series, static_cast<std::int64_t>(from.column));
    return std::any_of(x.begin(), x.end(), [&x](double v) { return v != x[0]; });
  };
  if (!enough || (e.error == 0 && std::none_of(observable.series.begin(), observable.series.end(), fluctuates)))
    return std::nan("");
  return e.error;
}

double FieldChain::last_action_density() const {
  const Series& s = series_.at("action_density");
  const auto replicas = static_cast<std::size_t>(grid_.n_replicas());
  double last = 0;
  for (std::size_t r = 0; r < replicas; ++r) last += s.values[s.values.size() - 1 - r] / static_cast<double>(replicas);
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
    const std::string path = prefix_ + "observables/" + o.name + "/";
    const auto add = [&](const std::string& name, double value, const std::string& unit, const std::string& help) {
      write_reals(writer, path + name, {value}, unit, help);
    };
    add("value", e.value, "lattice units", o.help);
    add("error", quoted_error(o, e), "lattice units", error_help);
    add("naive_error", e.error / std::sqrt(2 * e.tau_int), "lattice units", "as if all measurements were independent");
    add("tau_int", e.tau_int, "measurements", "integrated autocorrelation time; 1/2 for independent measurements");
    add("r_hat", e.r_hat, "", "split R-hat over the replicas");
    writer.write(path + "samples", std::vector<std::int64_t>{e.samples});
  }
  for (const Curve& curve : measured() >= fewest ? theory_->curves() : std::vector<Curve>{}) {
    std::vector<double> values;
    std::vector<double> errors;
    for (const Observable& point : curve.points) {
      const Estimate e = estimate(point);
      values.push_back(e.value);
      errors.push_back(quoted_error(point, e));
    }
    write_curve(writer, prefix_ + "curves/" + curve.name, curve.x, curve.axis, values, errors, curve.help, error_help);
  }
}

void FieldChain::write(ResultWriter& writer) {
  history_.write(writer, prefix_);
  for (const auto& [name, series] : series_) {
    const std::string path = prefix_ + "series/" + name;
    writer.write_array(path, {measured(), grid_.n_replicas(), series.width}, series.values);
    writer.describe(path, "lattice units", "[measurement][replica][entry]");
  }
  write_observables(writer);
  std::vector<double> tuned;
  for (const auto& updater : updaters_) {
    for (const double x : updater ? updater->state() : std::vector<double>{}) tuned.push_back(x);
  }
  writer.write(prefix_ + "state/updaters", tuned);
  theory_->write(writer, prefix_ + "state/field");
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
  for (const std::string& name : reader.list(prefix_ + "series")) {
    Series series;
    series.values = reader.read_reals(prefix_ + "series/" + name);
    series.width = n_measurements > 0
                       ? static_cast<std::int64_t>(series.values.size()) / (n_measurements * grid_.n_replicas())
                       : 1;
    series_[name] = series;
  }
}

}  // namespace koushi
