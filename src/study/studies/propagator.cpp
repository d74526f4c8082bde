#include "koushi/field/propagator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/parallel/exact_sum.hpp"
#include "koushi/statistics/complex_weights.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

constexpr int block_draws = 256;
constexpr int blocks_at_once = 256;

/// <x_f| e^{-iHt} |x_i> of the deck's path in real time, between its ends and others: the Gaussian part in closed form, bumps
/// as a mean over draws on a rotated contour, beside the sum over a grid on the same contour and the continuum.
class PropagatorStudy {
 public:
  PropagatorStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        draws_(deck.integer("study.draws")),
        bins_(static_cast<int>(deck.integer("study.bins"))),
        series_(1) {
    path_ = required_path(deck);
    const GridOptions lattice = grid_options(deck);
    if (lattice.boundary[0] != Boundary::fixed)
      deck.refuse(deck.given("lattice.boundary") ? "lattice.boundary" : "lattice.extents",
                  "a propagator is that of paths between two given points", "boundary = [\"fixed\"]");
    if (lattice.replicas != 1)
      deck.refuse("lattice.replicas", "draws are no chains, so there are no copies", "no replicas");
    if (draws_ < bins_)
      deck.refuse("study.draws", fmt::format("{} draws in {} bins", draws_, bins_), "at least one draw per bin");
    steps_ = lattice.extents[0] + 1;
    if (const std::string why = Propagator::objection(path_); !why.empty())
      deck.refuse("action.potential", why, "at most c_1 and c_2, and action.bumps");
    try {
      propagator_.emplace(path_, steps_);
      if (propagator_->has_bumps() && propagator_->n_negative() > 0)
        throw UsageError(
            "a caustic has been passed, behind which directions of the contour turn the other way and the bumps are "
            "not bounded on it\n  expected: a shorter time, or no bumps");
    } catch (const UsageError& error) {
      const auto [problem, expected] = problem_and_expected(error.what());
      deck.refuse("action.spacing", problem, expected);
    }
    begin_ = path_.ends[0];
    ends_ = {path_.ends[1]};
    if (deck.has("study.end_points")) {
      for (const double x : deck.reals("study.end_points")) ends_.push_back(x);
    }
    for (const double end : ends_)
      angles_.push_back(deck.has("study.angle") ? deck.real("study.angle") : propagator_->default_angle(begin_, end));
    if (deck.has("study.angle") && !propagator_->has_bumps())
      deck.refuse("study.angle", "a quadratic V leaves a Gaussian, and no contour", "no angle");
    if (propagator_->has_bumps() && std::isinf(log_bound()))
      deck.refuse(deck.given("study.angle") ? "study.angle" : "action.ends",
                  "bumps that are not centred on the classical path have no bound at pi/4", "an angle below pi/4");
    if (!deck.has("study.reference.observable")) return;
    std::vector<std::string> names{"propagator_re", "propagator_im", "propagator_abs"};
    if (propagator_->has_bumps()) names.insert(names.end(), {"average_phase", "effective_samples"});
    refuse_unknown_reference(deck, names, "measured");
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) {
      done_ = static_cast<int>(reader.read_integers("state/bins").at(0));
      read_series(reader, "", done_, series_);
      if (comm_.is_root()) print_out(fmt::format("resumed {} at bin {}\n", run_.file(), done_));
    });
    if (begin == StudyRun::Begin::done) return 0;
    const int bins = propagator_->has_bumps() ? bins_ : 0;
    Progress progress(comm_.is_root(), done_, bins, "bin");
    run_.start(bins > 0);
    if (comm_.is_root() && !done_) print_out(class_text());
    while (done_ < bins) {
      series_.add("weights", means_of_bin(done_));
      run_.phases().lap("draws", static_cast<double>(draws_of_bin(done_)) * steps_ / comm_.size(), "points/rank");
      ++done_;
      progress.step(done_, done_ > 1 ? fmt::format("average phase {:.4f}", phase(0).value) : "");
      if (run_.checkpoint_if_due(done_ == bins, [this](ResultWriter& writer) { write(writer); }))
        return run_.stopped(progress, fmt::format("bin {}", done_));
    }
    for (std::size_t e = 0; e < ends_.size() && propagator_->has_bumps(); ++e) exact_.push_back(by_grid(e));
    if (propagator_->has_bumps()) run_.phases().lap("sums over a grid");
    warn(progress);
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

  RunEstimate describe(int ranks) {
    RunEstimate estimate;
    estimate.text =
        fmt::format("propagator   t = {:.6g} in {} steps of {}, from x = {} to {}\n{}", path_.spacing * steps_, steps_,
                    path_.spacing, begin_, fmt::join(ends_, ", "), class_text());
    if (ranks <= 0 || !propagator_->has_bumps()) return estimate;
    const std::int64_t count = std::min<std::int64_t>(draws_, block_draws);
    const Propagator::Sums sums("koushi::study::weights", 1, ends_.size(), 4);
    const auto start = std::chrono::steady_clock::now();
    propagator_->sample(1, 0, count, block_draws, begin_, ends_, angles_, sums);
    Kokkos::fence("koushi::study::trial");
    estimate.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() *
                       static_cast<double>(draws_) / static_cast<double>(count) / ranks;
    estimate.step_seconds = estimate.seconds / bins_;
    estimate.text +=
        fmt::format("time         about {} on {} ranks of this processor\n", format_seconds(estimate.seconds), ranks);
    return estimate;
  }

 private:
  /// What is said of the contour before anything is drawn.
  std::string class_text() const {
    if (!propagator_->has_bumps())
      return fmt::format("contour      none: a quadratic V leaves a Gaussian, {} caustics passed\n",
                         propagator_->n_negative());
    return fmt::format(
        "contour      x = x_cl + e^(i t) y, t = {:.4f}. V is quadratic but for bumps, and |e^(-(x - c)^2 / 2 w^2)| "
        "stays below "
        "{:.3g} at all angles from 0 to t, so |e^(iS)| falls on the whole way: the class is that of the real axis\n",
        fmt::join(angles_, ", "), std::exp(log_bound()));
  }

  /// K by sums over a grid on contours whose angles are small enough for bumps below e^{1.5}, so that nothing cancels; NaN
  /// where those of two angles do not agree.
  Propagator::Complex by_grid(std::size_t e) const {
    double angle = angles_[e];
    while (angle > 0.1 && propagator_->log_bound(begin_, ends_[e], angle) > 1.5) angle *= 0.95;
    const Propagator::Complex one = propagator_->mean_by_grid(begin_, ends_[e], angle, 0.17, 10);
    const Propagator::Complex other = propagator_->mean_by_grid(begin_, ends_[e], 0.9 * angle, 0.17, 10);
    if (!(std::abs(one - other) < 1e-6 * std::abs(other))) return {std::nan(""), std::nan("")};
    return propagator_->gaussian(begin_, ends_[e]) * one;
  }

  double log_bound() const {
    double most = 0;
    for (std::size_t e = 0; e < ends_.size(); ++e)
      most = std::max(most, propagator_->log_bound(begin_, ends_[e], angles_[e]));
    return most;
  }

  std::int64_t first_of_bin(int bin) const { return draws_ * bin / bins_; }
  std::int64_t draws_of_bin(int bin) const { return first_of_bin(bin + 1) - first_of_bin(bin); }

  /// Means over the draws of a bin: [end][Re w, Im w, |w|, |w|^2]. Collective; the ranks share its blocks.
  std::vector<double> means_of_bin(int bin) const {
    const std::int64_t draws = draws_of_bin(bin);
    const std::int64_t blocks = (draws + block_draws - 1) / block_draws;
    const std::int64_t begin = blocks * comm_.rank() / comm_.size();
    const std::int64_t end = blocks * (comm_.rank() + 1) / comm_.size();
    std::vector<ExactSum> sums(4 * ends_.size());
    const auto seed = static_cast<std::uint64_t>(deck_.integer("seed"));
    for (std::int64_t at = begin; at < end; at += blocks_at_once) {
      const std::int64_t until = std::min(end, at + blocks_at_once);
      const std::int64_t count = std::min(draws, until * block_draws) - at * block_draws;
      const Propagator::Sums parts("koushi::study::weights", static_cast<std::size_t>(until - at), ends_.size(), 4);
      propagator_->sample(seed, static_cast<std::uint64_t>(first_of_bin(bin) + at * block_draws), count, block_draws,
                          begin_, ends_, angles_, parts);
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, parts);
      for (std::size_t b = 0; b < host.extent(0); ++b) {
        for (std::size_t k = 0; k < sums.size(); ++k) sums[k].add(host(b, k / 4, k % 4));
      }
    }
    std::vector<double> means = exact_totals(comm_, sums);
    for (double& mean : means) {
      mean /= static_cast<double>(draws);
      if (!std::isfinite(mean))
        throw NumericalError("weights on the contour are not finite; remedy: lower bumps, or a shorter time");
    }
    return means;
  }

  SeriesColumn column(std::size_t end, std::size_t k) const { return {"weights", 4 * end + k}; }
  /// Re or Im of K, from the mean of w.
  Observable part(std::size_t end, bool imaginary) const {
    const Propagator::Complex k0 = propagator_->gaussian(begin_, ends_[end]) * propagator_->normalisation(angles_[end]);
    return {imaginary ? "propagator_im" : "propagator_re",
            imaginary ? "Im <x_f| e^(-iHt) |x_i>" : "Re <x_f| e^(-iHt) |x_i>",
            {column(end, 0), column(end, 1)},
            [k0, imaginary](const std::vector<double>& m) {
              return imaginary ? k0.real() * m[1] + k0.imag() * m[0] : k0.real() * m[0] - k0.imag() * m[1];
            }};
  }
  Observable modulus(std::size_t end) const {
    const double k0 = std::abs(propagator_->gaussian(begin_, ends_[end]) * propagator_->normalisation(angles_[end]));
    return {"propagator_abs",
            "|<x_f| e^(-iHt) |x_i>|",
            {column(end, 0), column(end, 1)},
            [k0](const std::vector<double>& m) { return k0 * std::hypot(m[0], m[1]); }};
  }
  Observable phase_to(std::size_t end) const { return average_phase("weights", 4 * end); }
  Observable effective(std::size_t end) const { return effective_samples("weights", 4 * end); }
  /// Bins are independent, so errors are those of their means alone.
  Estimate estimate(const Observable& observable) const { return of_independent_bins(series_, observable); }
  Estimate phase(std::size_t end) const { return estimate(phase_to(end)); }
  bool resolved(std::size_t end) const {
    const Estimate e = estimate(effective(end));
    return e.value > fewest_effective && phase(end).value > 3 * phase(end).error;
  }

  std::vector<Observable> observables() const {
    return {part(0, false), part(0, true), modulus(0), phase_to(0), effective(0)};
  }

  void warn(Progress& progress) {
    const double curvature = path_.potential.size() > 2 ? 2 * std::abs(path_.potential[2]) : 0;
    if (path_.spacing * std::sqrt(curvature) > 0.5)
      run_.warn(progress, "spacing",
                fmt::format("a omega = {:.3g}: K of this lattice is far from the continuum; remedy: a smaller spacing",
                            path_.spacing * std::sqrt(curvature)));
    const double limit = std::abs(propagator_->continuum(begin_, ends_[0]));
    const double here = std::abs(propagator_->gaussian(begin_, ends_[0]));
    if (!(std::abs(here - limit) < 0.1 * limit))
      run_.warn(
          progress, "caustic",
          "|K| of the quadratic part is more than a tenth from the continuum: a caustic is near, or the spacing is "
          "too large; remedy: a smaller spacing, another time");
    if (propagator_->has_bumps() && log_bound() > 4)
      run_.warn(progress, "bumps",
                fmt::format(
                    "weights on the contour may be as large as e^({:.3g} t h): few draws may carry the means; remedy: "
                    "compare two values of study.angle",
                    std::exp(log_bound())));
    for (std::size_t e = 0; e < ends_.size() && propagator_->has_bumps(); ++e) {
      if (!resolved(e))
        run_.warn(progress, "phase",
                  fmt::format("of the draws to x_f = {} only {:.2g} count, or the average phase {} is not resolved: no "
                              "value is quoted; remedy: a shorter time, lower bumps, more draws",
                              ends_[e], estimate(effective(e)).value, with_error(phase(e).value, phase(e).error)));
    }
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{steps_ - 1});
    writer.write("summary/steps", std::vector<std::int64_t>{std::max(done_, 1)});
    writer.write("state/bins", std::vector<std::int64_t>{done_});
    const bool bumps = propagator_->has_bumps();
    if (bumps) write_series(writer, "", series_, "", "[bin][1][end, then Re w, Im w, |w|, |w|^2]");
    if (bumps && done_ < 2) return;
    writer.write("summary/table", table());
    if (has_reference(deck_, "value"))
      write_reference(writer, deck_, "value", deck_.text("study.reference.observable"));
    for (const Observable& o : bumps ? observables() : std::vector<Observable>{}) {
      const Estimate e = estimate(o);
      const bool quoted = resolved(0) || o.name == "average_phase" || o.name == "effective_samples";
      StoredObservable result = stored(o, e, quoted ? e.error : std::nan(""));
      if (!quoted) result.value = std::nan("");
      result.counted = "bins of draws";
      write_observable(writer, "", result);
    }
    if (!bumps) {
      const Propagator::Complex k = propagator_->gaussian(begin_, ends_[0]);
      for (const auto& [name, value] :
           {std::pair{"propagator_re", k.real()}, {"propagator_im", k.imag()}, {"propagator_abs", std::abs(k)}}) {
        StoredObservable result{name, value, 0.0};
        result.help = "of <x_f| e^(-iHt) |x_i>, in closed form";
        result.error_help = "0: a Gaussian integral";
        write_observable(writer, "", result);
      }
    }
    std::vector<std::size_t> order(ends_.size());
    for (std::size_t e = 0; e < order.size(); ++e) order[e] = e;
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) { return ends_[a] < ends_[b]; });
    for (const bool imaginary : {false, true}) {
      const std::string suffix = imaginary ? "_im" : "_re";
      const std::string help = imaginary ? "Im <x_f| e^(-iHt) |x_i>" : "Re <x_f| e^(-iHt) |x_i>";
      StoredCurve sampled{"propagator" + suffix, {}, {}, {}, "x_f", help};
      StoredCurve grid{"propagator_grid" + suffix,
                       {},
                       {},
                       {},
                       "x_f",
                       help + ", by sums over a grid on the same contour",
                       "0: sums on contours of two angles agree to 1e-6"};
      StoredCurve continuum{"propagator_continuum" + suffix, {}, {}, {}, "x_f", help + " in the continuum", "0"};
      for (const std::size_t e : order) {
        const auto choose = [imaginary](Propagator::Complex k) { return imaginary ? k.imag() : k.real(); };
        for (StoredCurve* const curve : {&sampled, &grid, &continuum}) curve->x.push_back(ends_[e]);
        if (bumps) {
          const Estimate found = estimate(part(e, imaginary));
          sampled.value.push_back(resolved(e) ? found.value : std::nan(""));
          sampled.error.push_back(resolved(e) ? found.error : std::nan(""));
        } else {
          sampled.value.push_back(choose(propagator_->gaussian(begin_, ends_[e])));
          sampled.error.push_back(0);
        }
        if (!exact_.empty()) grid.value.push_back(choose(exact_[e]));
        continuum.value.push_back(choose(propagator_->continuum(begin_, ends_[e])));
      }
      write_curve(writer, "curves", sampled);
      grid.error.assign(grid.value.size(), 0);
      continuum.error.assign(continuum.value.size(), 0);
      if (!exact_.empty()) write_curve(writer, "curves", grid);
      if (!bumps) write_curve(writer, "curves", continuum);
    }
  }

  std::string grid_text(std::size_t e, bool imaginary) const {
    if (exact_.empty() || std::isnan(exact_[e].real())) return "-";
    return fmt::format("{:.8f}", imaginary ? exact_[e].imag() : exact_[e].real());
  }

  std::string table() const {
    std::string text =
        fmt::format("t = {:.6g} in {} steps of {}, x_i = {}\n", path_.spacing * steps_, steps_, path_.spacing, begin_);
    const bool bumps = propagator_->has_bumps();
    std::vector<std::string> x;
    std::vector<std::pair<std::string, std::vector<std::string>>> columns;
    if (bumps) {
      columns = {{"Re K", {}}, {"Im K", {}}, {"Re, by a grid", {}}, {"Im, by a grid", {}}, {"average phase", {}}};
    } else {
      columns = {{"Re K", {}}, {"Im K", {}}, {"Re, continuum", {}}, {"Im, continuum", {}}};
    }
    for (std::size_t e = 0; e < ends_.size(); ++e) {
      x.push_back(fmt::format("{:.6g}", ends_[e]));
      if (bumps) {
        for (const bool imaginary : {false, true}) {
          const Estimate found = estimate(part(e, imaginary));
          columns[imaginary ? 1 : 0].second.push_back(resolved(e) ? with_error(found.value, found.error)
                                                                  : "not resolved");
        }
        columns[2].second.push_back(grid_text(e, false));
        columns[3].second.push_back(grid_text(e, true));
        columns[4].second.push_back(with_error(phase(e).value, phase(e).error));
      } else {
        const Propagator::Complex k = propagator_->gaussian(begin_, ends_[e]);
        const Propagator::Complex limit = propagator_->continuum(begin_, ends_[e]);
        for (const auto& [at, value] : {std::pair{0, k.real()}, {1, k.imag()}, {2, limit.real()}, {3, limit.imag()}})
          columns[static_cast<std::size_t>(at)].second.push_back(fmt::format("{:.10g}", value));
      }
    }
    text += column_blocks("x_f", x, columns);
    if (!bumps && has_reference(deck_, "value")) {
      const Propagator::Complex k = propagator_->gaussian(begin_, ends_[0]);
      const std::string name = deck_.text("study.reference.observable");
      const double value = name == "propagator_re" ? k.real() : name == "propagator_im" ? k.imag() : std::abs(k);
      text += fmt::format("{:<28}{:>22.10g}\n", name, value);
      text += reference_line(deck_, "value", value, 0);
    }
    if (bumps && has_reference(deck_, "value")) {
      for (const Observable& o : observables()) {
        if (deck_.text("study.reference.observable") != o.name) continue;
        const Estimate e = estimate(o);
        text += fmt::format("{:<28}{:>22}\n", o.name, with_error(e.value, e.error));
        text += reference_line(deck_, "value", e.value, e.error);
      }
    }
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  PathOptions path_;
  int steps_ = 1;
  std::optional<Propagator> propagator_;
  double begin_ = 0;
  std::vector<double> ends_;
  std::vector<double> angles_;  ///< of the contours, by ends
  std::int64_t draws_;
  int bins_;
  int done_ = 0;
  std::vector<Propagator::Complex> exact_;  ///< by ends, once the draws are made
  MeasuredSeries series_;
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all{
      between(1, 1e12, key("draws", KeyType::integer, "1000000", "paths on the contour; none where V is quadratic")),
      between(20, 100000, key("bins", KeyType::integer, "100", "of draws, whose means give the errors")),
      optional(
          between(0.01, 0.785398163397448309,
                  key("angle", KeyType::real, "",
                      "t of the contour x = x_cl + e^(it) y; if not given: pi/4 where the bumps stand on the classical "
                      "path, else one at which the Gaussian part keeps half of its phase"))),
      optional(key("end_points", KeyType::reals, "", "further x_f beside that of action.ends, by the same draws"))};
  for (const Key& one : reference_keys()) all.push_back(one);
  return all;
}

}  // namespace

StudyKind propagator_kind() {
  return {.name = "propagator",
          .help = "the kernel <x_f| e^(-iHt) |x_i> of a path in real time, between action.ends",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return PropagatorStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return PropagatorStudy(comm, deck, {}).describe(ranks); },
          .value_keys = {"study.reference.observable", "study.angle"},
          .subject = StudyKind::Subject::theory,
          .template_settings = {"lattice.extents=[15]", "lattice.boundary=[\"fixed\"]", "action.kind=path",
                                "action.spacing=0.0625"}};
}

}  // namespace koushi
