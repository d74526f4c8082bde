#include "koushi/study/measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

constexpr const char* error_help =
    "one standard deviation, corrected for autocorrelation; NaN where the chains are too short";

/// Where the columns of series stand in the numbers of one estimator.
struct Columns {
  std::size_t estimator = 0;
  std::size_t first = 0;
  std::size_t width = 0;  ///< of all series of that estimator
};

std::map<std::string, Columns> columns_of(const std::vector<std::unique_ptr<Estimator>>& estimators) {
  std::map<std::string, Columns> all;
  for (std::size_t k = 0; k < estimators.size(); ++k) {
    std::size_t width = 0;
    for (const SeriesInfo& info : estimators[k]->series()) width += static_cast<std::size_t>(info.width);
    std::size_t first = 0;
    for (const SeriesInfo& info : estimators[k]->series()) {
      if (!all.emplace(info.name, Columns{k, first, width}).second)
        throw InternalError("two estimators have a series " + info.name);
      first += static_cast<std::size_t>(info.width);
    }
  }
  return all;
}

/// The series of all chains, on the root.
MeasuredSeries gather_at_root(const Communicator& comm, RowRange chains, const std::vector<SeriesInfo>& infos,
                              const MeasuredSeries& here) {
  const std::vector<std::int64_t> ranges = comm.all_gather(std::vector<std::int64_t>{chains.first, chains.count});
  MeasuredSeries all(chains.total);
  for (const SeriesInfo& info : infos) {
    const std::vector<double>& mine = here.all().at(info.name).values;
    if (!comm.is_root()) {
      comm.send_to_root(mine);
      continue;
    }
    const std::int64_t n = here.measured(info.name);
    std::vector<double> values(static_cast<std::size_t>(n * chains.total * info.width));
    for (int rank = 0; rank < comm.size(); ++rank) {
      const std::vector<double> theirs = rank == 0 ? mine : comm.receive_at_root(rank);
      const std::int64_t first = ranges[static_cast<std::size_t>(2 * rank)] * info.width;
      const std::int64_t count = ranges[static_cast<std::size_t>(2 * rank + 1)] * info.width;
      for (std::int64_t t = 0; t < n; ++t)
        std::copy_n(theirs.begin() + t * count, count, values.begin() + t * chains.total * info.width + first);
    }
    all.set(info.name, info.width, std::move(values));
  }
  return all;
}

/// The root's estimate and the error that it quotes, on every rank.
void share(const Communicator& comm, Estimate& estimate, double& quoted) {
  std::vector<double> numbers{estimate.value,
                              estimate.error,
                              estimate.variance,
                              estimate.tau_int,
                              estimate.r_hat,
                              quoted,
                              static_cast<double>(estimate.samples)};
  comm.broadcast(numbers);
  estimate = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], static_cast<std::int64_t>(numbers[6])};
  quoted = numbers[5];
}

}  // namespace

std::vector<std::unique_ptr<Estimator>> make_estimators(const Deck& deck, const Lattice& lattice,
                                                        const Operator& hamiltonian) {
  std::vector<std::string> names = deck.texts("study.measure.observables");
  names.insert(names.begin(), "energy");
  std::vector<std::unique_ptr<Estimator>> all;
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) continue;
    all.push_back(estimators().find(*name)->make(DeckSection(deck, "study.measure." + *name), lattice, hamiltonian));
  }
  return all;
}

std::vector<Key> observable_keys() {
  using namespace declare;
  std::vector<Key> keys{key("measure.observables", KeyType::texts, "[\"energy\"]",
                            "what is measured; the energy always is, and alone has no need of a name here")};
  for (const Section::Kind& kind : estimators().declared()) {
    keys[0].choices.push_back(kind.name);
    for (Key own : kind.keys) {
      own.path = "measure." + kind.name + "." + own.path;
      keys.push_back(own);
    }
  }
  return keys;
}

std::vector<Key> known_energy_keys() {
  using namespace declare;
  return {optional(key("reference.energy_per_site", KeyType::real, "", "known value to compare with")),
          optional(key("reference.source", KeyType::text, "", "where the reference comes from"))};
}

std::vector<Key> measurement_keys(bool required) {
  using namespace declare;
  constexpr double most = 1e12;
  const std::string help =
      "measurements with fixed parameters, over all chains; rounded up to a multiple of sampler.samples";
  std::vector<Key> keys{
      required ? between(1, most, key("measure.samples", KeyType::integer, "", help))
               : between(0, most, key("measure.samples", KeyType::integer, "0", help + "; 0: none")),
      between(0, 1e6, key("measure.warm_up", KeyType::integer, "10", "sweeps before the first of them")),
      optional(between(positive, 1e6,
                       key("measure.precision", KeyType::real, "",
                           "measure until the error of the energy per site is no larger than this, in J, but no more "
                           "than measure.samples")))};
  for (const Key& own : observable_keys()) keys.push_back(own);
  for (const Key& own : known_energy_keys()) keys.push_back(own);
  return keys;
}

Measurement::Measurement(StudyRun& run, VariationalModel& model, std::uint64_t first_step)
    : run_(run),
      model_(model),
      first_step_(first_step),
      wanted_(model.deck().has("study.measure.samples") ? model.deck().integer("study.measure.samples") : 0),
      warm_up_(model.deck().has("study.measure.warm_up") ? model.deck().integer("study.measure.warm_up") : 0),
      precision_(model.deck().has("study.measure.precision") ? model.deck().real("study.measure.precision") : 0),
      estimators_(make_estimators(model.deck(), model.lattice(), model.hamiltonian())),
      series_(model.chains().count) {
  columns_of(estimators_);
  if (precision_ > 0 && wanted_ == 0)
    model.deck().refuse("study.measure.precision", "no samples are measured",
                        "study.measure.samples > 0, the most that are measured for it");
}

std::int64_t Measurement::rounds() const {
  const std::int64_t total = model_.sampler().rows().total;
  return exact() ? 1 : (wanted_ + total - 1) / total;
}

std::int64_t Measurement::samples_per_chain() const {
  return model_.sampler().rows().total / std::max<std::int64_t>(1, model_.sampler().n_chains());
}

std::int64_t Measurement::measured() const { return round_ * model_.sampler().rows().total; }

void Measurement::restart() {
  series_.clear();
  round_ = 0;
  warmed_up_ = 0;
  energy_ = {};
  results_.clear();
  curves_.clear();
  estimates_.clear();
}

bool Measurement::run(const std::function<bool(bool now)>& checkpoint_if_due) {
  Progress warming(run_.comm().is_root(), warmed_up_, warm_up_, "warm-up sweep");
  while (warmed_up_ < warm_up_) {
    const std::int64_t sweeps = std::min(sweeps_at_once, warm_up_ - warmed_up_);
    model_.warm_up(first_step_ - 1, warmed_up_, sweeps);
    warmed_up_ += sweeps;
    if (warmed_up_ < warm_up_) warming.step(warmed_up_, "");
    if (checkpoint_if_due(false)) return false;
  }
  if (exact()) {
    model_.draw(first_step_);
    estimate_exactly();
    return true;
  }
  begun_here_ = false;
  Progress measuring(run_.comm().is_root(), round_, rounds(), "measurement round");
  while (round_ < rounds() && !is_precise()) {
    begun_here_ = true;
    model_.draw(first_step_ + static_cast<std::uint64_t>(round_));
    add_round();
    ++round_;
    measuring.step(round_, fmt::format("{} samples", measured()));
    if (checkpoint_if_due(round_ == rounds())) return false;
  }
  estimate_from_chains();
  return true;
}

/// The error is looked at after rounds that grow by a quarter, so that a run that is stopped and goes on ends where it
/// would have ended.
bool Measurement::is_precise() const {
  if (precision_ == 0 || round_ == 0) return false;
  std::int64_t look = 1;
  while (look < round_) look += std::max<std::int64_t>(1, look / 4);
  if (look > round_) return false;
  const Observable energy = estimators_.front()->observables().front();
  std::vector<SeriesInfo> infos;
  for (const SeriesInfo& info : estimators_.front()->series()) infos.push_back(info);
  const MeasuredSeries all = gather_at_root(model_.comm(), model_.chains(), infos, series_);
  Estimate estimate;
  double quoted = 0;
  if (model_.comm().is_root()) {
    estimate = all.estimate(energy);
    quoted = all.quoted_error(energy, estimate);
  }
  share(model_.comm(), estimate, quoted);
  return quoted <= precision_ * model_.n_sites();  // false where none is quoted
}

std::vector<std::vector<double>> Measurement::numbers_of_samples() {
  const Sampler& sampler = model_.sampler();
  const auto rows = static_cast<std::size_t>(sampler.rows().count);
  std::vector<StateNumbers> numbers;
  for (const auto& estimator : estimators_) {
    std::size_t width = 0;
    for (const SeriesInfo& info : estimator->series()) width += static_cast<std::size_t>(info.width);
    numbers.emplace_back("koushi::study::numbers", rows, width);
  }
  sampler.for_pieces(model_.psi(), [&](const Batch& piece, std::int64_t first) {
    const auto count = static_cast<std::int64_t>(piece.states.local.extent(0));
    const auto range = Kokkos::make_pair(first, first + count);
    for (std::size_t e = 0; e < estimators_.size(); ++e) {
      estimators_[e]->measure(Kokkos::DefaultExecutionSpace{}, model_.psi(), sampler.moves(), piece,
                              Kokkos::subview(numbers[e], range, Kokkos::ALL));
      Kokkos::fence("koushi::study::measured");
      model_.phases().lap(e == 0 ? "local energies" : "further observables", static_cast<double>(count),
                          "samples/rank");
    }
  });
  std::vector<std::vector<double>> all;
  for (const StateNumbers& of_estimator : numbers) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, of_estimator);
    all.emplace_back(host.data(), host.data() + host.size());
  }
  return all;
}

void Measurement::add_round() {
  const std::vector<std::vector<double>> numbers = numbers_of_samples();
  const std::map<std::string, Columns> columns = columns_of(estimators_);
  for (const auto& estimator : estimators_) {
    for (const SeriesInfo& info : estimator->series()) {
      const Columns& at = columns.at(info.name);
      const std::vector<double>& all = numbers[at.estimator];
      std::vector<double> values;
      for (std::size_t row = at.first; row < all.size(); row += at.width) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row);
        values.insert(values.end(), begin, begin + info.width);
      }
      series_.add_chain_by_chain(info.name, info.width, values);
    }
  }
}

void Measurement::estimate_all(const std::function<Estimate(const Observable&, double& quoted)>& estimate) {
  results_.clear();
  curves_.clear();
  estimates_.clear();
  for (const auto& estimator : estimators_) {
    for (const Observable& observable : estimator->observables()) {
      double quoted = 0;
      const Estimate e = estimate(observable, quoted);
      StoredObservable result = stored(observable, e, quoted);
      result.error_help = error_help;
      result.tau_help = "integrated autocorrelation time; 1/2 for independent samples";
      result.counted = "samples";
      result.variance = e.variance;
      results_.push_back(result);
      estimates_.push_back(e);
    }
    for (const Curve& curve : estimator->curves()) {
      StoredCurve result{curve.name, curve.x, {}, {}, curve.axis, curve.help, error_help, curve.unit, curve.symbol};
      for (const Observable& point : curve.points) {
        double quoted = 0;
        result.value.push_back(estimate(point, quoted).value);
        result.error.push_back(quoted);
      }
      curves_.push_back(result);
    }
  }
  energy_ = estimates_.front();
  model_.phases().lap("statistics");
}

void Measurement::estimate_exactly() {
  const std::vector<std::vector<double>> numbers = numbers_of_samples();
  const std::map<std::string, Columns> columns = columns_of(estimators_);
  const auto column = [&](const SeriesColumn& from) {
    const Columns& at = columns.at(from.series);
    const std::vector<double>& all = numbers[at.estimator];
    std::vector<double> values;
    for (std::size_t row = at.first; row < all.size(); row += at.width) values.push_back(all[row + from.column]);
    return values;
  };
  const Sampler& sampler = model_.sampler();
  estimate_all([&](const Observable& observable, double& quoted) {
    std::vector<std::vector<double>> of_observable;
    for (const SeriesColumn& from : observable.series) of_observable.push_back(column(from));
    const std::vector<double> imaginary = observable.imaginary ? column(*observable.imaginary) : std::vector<double>{};
    quoted = 0;
    return exact_estimate(model_.comm(), sampler.rows(), rows_per_block, observable, of_observable, imaginary,
                          sampler.weights());
  });
}

void Measurement::estimate_from_chains() {
  std::vector<SeriesInfo> infos;
  for (const auto& estimator : estimators_) {
    for (const SeriesInfo& info : estimator->series()) infos.push_back(info);
  }
  const Communicator& comm = model_.comm();
  const MeasuredSeries all = gather_at_root(comm, model_.chains(), infos, series_);
  estimate_all([&](const Observable& observable, double& quoted) {
    Estimate estimate;
    if (comm.is_root()) {
      estimate = all.estimate(observable);
      quoted = all.quoted_error(observable, estimate);
    }
    share(comm, estimate, quoted);
    return estimate;
  });
}

void Measurement::issue_warnings(Progress& progress) const {
  if (!model_.possible(energy_.value, energy_.error)) {
    throw NumericalError(
        std::isfinite(energy_.value)
            ? fmt::format("the measured energy {:.6g} is beyond that of every state: |E| is at most {:.6g}, the sum of "
                          "the moduli of the terms of H; remedy: parameters that are smaller, lower [solver] step_end",
                          energy_.value, model_.energy_bound())
            : std::string("the measured energy is not a number: the last update was too long, which no later step "
                          "could see; lower [solver] step_end or raise shift.relative_end") +
                  model_.remedy_of_images());
  }
  if (!std::isfinite(energy_.variance))
    throw NumericalError(
        "the variance of the measured energy is not a number; lower [solver] step_end or raise "
        "shift.relative_end");
  if (exact()) return;
  const double error = quoted_error() / model_.n_sites();
  if (precision_ > 0 && !(error <= precision_)) {
    run_.warn(progress, "precision",
              fmt::format("the error of E/N is {:.2g} after all {} samples, above study.measure.precision = {:g}; "
                          "remedy: more study.measure.samples",
                          error, measured(), precision_));
  }
  std::vector<std::string> unquoted;
  std::vector<std::string> constant;
  double longest = 0.5;
  const std::int64_t length = round_ * samples_per_chain();
  for (std::size_t k = 0; k < results_.size(); ++k) {
    const Estimate& e = estimates_[k];
    if (e.r_hat > 1.1) {
      run_.warn(progress, "R-hat",
                fmt::format("split R-hat = {:.3f} > 1.1 of {}: the chains disagree; more warm-up or another mixture of "
                            "moves",
                            e.r_hat, results_[k].name));
    }
    if (std::isfinite(results_[k].error)) continue;
    const bool still = length >= MeasuredSeries::fewest && e.error == 0;
    (still ? constant : unquoted).push_back(results_[k].name);
    if (!still) longest = std::max(longest, e.tau_int);
  }
  if (!constant.empty()) {
    run_.warn(
        progress, "constant",
        fmt::format("{}: every sample gives the same, so there is no error; the wavefunction is an eigenstate, or "
                    "the chains stand still",
                    join(constant)));
  }
  if (!unquoted.empty()) {
    run_.warn(progress, "short chains",
              fmt::format("{} measurements per chain are fewer than {} or than 50 tau_int = {:.1f}: no error is quoted "
                          "for {}; remedy: more study.measure.samples, fewer [sampler] chains, more sweeps",
                          length, MeasuredSeries::fewest, 50 * longest, join(unquoted)));
  }
}

void Measurement::write(ResultWriter& writer) const {
  for (const auto& estimator : estimators_) {
    for (const SeriesInfo& info : estimator->series()) {
      if (round_ > 0) write_series(writer, info, model_.chains(), series_);
    }
  }
  for (const StoredObservable& observable : results_) write_observable(writer, "", observable);
  for (const StoredCurve& curve : curves_) write_curve(writer, "curves", curve);
  writer.write("state/measurement/warmed_up", std::vector<std::int64_t>{warmed_up_});
  writer.write("state/measurement/rounds", std::vector<std::int64_t>{round_});
}

void Measurement::read(const ResultReader& reader) {
  if (!reader.contains("state/measurement/rounds")) {
    read_unnamed(reader);
    return;
  }
  warmed_up_ = reader.read_integers("state/measurement/warmed_up").at(0);
  round_ = reader.read_integers("state/measurement/rounds").at(0);
  for (const auto& estimator : estimators_) {
    for (const SeriesInfo& info : estimator->series()) {
      if (round_ > 0) read_series(reader, info, model_.chains(), round_ * samples_per_chain(), series_);
    }
  }
}

/// state/step = {.., .., warmed up}, state/measured = Re E_loc [round][chain][t], state/measured_imaginary = the sum of
/// (Im E_loc)^2, of which every sample takes its part.
void Measurement::read_unnamed(const ResultReader& reader) {
  warmed_up_ = reader.read_integers("state/step").at(2);
  if (exact() || !reader.contains("state/measured_imaginary")) return;
  const std::vector<double> measured = reader.read_reals("state/measured");
  const std::int64_t total = model_.sampler().rows().total;
  round_ = static_cast<std::int64_t>(measured.size()) / total;
  const double imaginary = std::sqrt(reader.read_reals("state/measured_imaginary").at(0) /
                                     static_cast<double>(std::max<std::size_t>(1, measured.size())));
  const RowRange rows = model_.sampler().rows();
  for (std::int64_t round = 0; round < round_; ++round) {
    std::vector<double> values;
    for (std::int64_t row = rows.first; row < rows.first + rows.count; ++row) {
      values.push_back(measured[static_cast<std::size_t>(round * total + row)]);
      values.push_back(imaginary);
    }
    series_.add_chain_by_chain("energy", 2, values);
  }
}

}  // namespace koushi
