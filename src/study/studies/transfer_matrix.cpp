#include "koushi/field/transfer_matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

constexpr const char* error_help = "change of the value from a coarser grid of x to the one that was used";

/// The path integral of the deck's path by its transfer matrix, on grids of x that are refined until the numbers stay.
class TransferStudy {
 public:
  TransferStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm), deck_(deck), run_(comm, deck, options), n_levels_(static_cast<int>(deck.integer("study.levels"))) {
    path_ = required_path(deck);
    const GridOptions lattice = grid_options(deck);
    length_ = lattice.extents[0];
    boundary_ = lattice.boundary[0];
    if (lattice.replicas != 1)
      deck.refuse("lattice.replicas", "nothing is sampled, so there are no copies", "no replicas");
    if (boundary_ == Boundary::antiperiodic && !path_.is_even())
      deck.refuse("lattice.boundary", "the levels of a V that is not even have no parity",
                  "periodic, open or fixed ends, or V(x) = V(-x)");
    if (!path_.is_bound() && (boundary_ != Boundary::fixed || path_.degree() > 0))
      deck.refuse("action.potential", "V does not rise on both sides, so the levels are not discrete",
                  "an even highest power with a positive coefficient; between fixed ends also none");
    if (!path_.is_bound()) n_levels_ = 0;
    if (deck.has("study.reference.observable")) {
      std::vector<std::string> names{"x2", "x4", "x_mean", "log_z"};
      for (int n = 0; n < n_levels_; ++n) names.push_back(fmt::format("level_{}", n));
      for (int n = 1; n < n_levels_; ++n) names.push_back(fmt::format("gap_{}", n));
      refuse_unknown_reference(deck, names, "computed");
    }
    extent_ = TransferMatrix::extent(path_, length_, boundary_);
    if (extent_.points > TransferMatrix::max_points)
      deck.refuse("action.spacing",
                  fmt::format("x from {:.4g} to {:.4g} in steps below sqrt(a) are {} points", -extent_.reach,
                              extent_.reach, extent_.points),
                  fmt::format("a spacing (and widths of bumps) for which {} are enough", TransferMatrix::max_points));
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([](const ResultReader&) {});
    if (begin == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), 0, 1, "grid");
    run_.start(false);
    solve(progress);
    run_.phases().lap("transfer matrix", points_, "points");
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

  RunEstimate describe() const {
    RunEstimate estimate;
    estimate.text = fmt::format(
        "path         {} points at a = {}, V of degree {}\ngrid         x from {:.4g} to {:.4g}, {} points at first, "
        "at "
        "most {}\n",
        length_, path_.spacing, path_.degree(), -extent_.reach, extent_.reach, extent_.points,
        TransferMatrix::max_points);
    return estimate;
  }

 private:
  struct Number {
    std::string name;
    std::string help;
    double value;
    double error = 0;
  };

  std::vector<Number> numbers(const TransferResult& r) const {
    std::vector<Number> all{{"x2", "<x^2>, mean over the points", r.x2},
                            {"x4", "<x^4>, mean over the points", r.x4},
                            {"x_mean", "<x>, mean over the points", r.mean},
                            {"log_z", "log of int prod dx e^(-S) / (2 pi a)^(n/2), n steps", r.log_z}};
    for (std::size_t n = 0; n < r.levels.size(); ++n) {
      if (std::isnan(r.levels[n])) continue;
      all.push_back({fmt::format("level_{}", n), "E_n = -log(lambda_n) / a", r.levels[n]});
      if (n > 0) all.push_back({fmt::format("gap_{}", n), "E_n - E_0", r.levels[n] - r.levels[0]});
    }
    return all;
  }

  void solve(Progress& progress) {
    TransferMatrix::Extent extent = extent_;
    TransferResult before = TransferMatrix(path_, extent.reach, extent.points).solve(length_, boundary_, n_levels_);
    for (bool last = false; !last;) {
      extent.reach *= 1.08;
      extent.points = std::min(TransferMatrix::max_points, (5 * extent.points / 4) | 1);
      result_ = TransferMatrix(path_, extent.reach, extent.points).solve(length_, boundary_, n_levels_);
      numbers_ = numbers(result_);
      const std::vector<Number> coarse = numbers(before);
      double worst = 0;
      for (std::size_t k = 0; k < numbers_.size(); ++k) {
        numbers_[k].error = k < coarse.size() ? std::abs(numbers_[k].value - coarse[k].value) : std::nan("");
        const double scale = std::max(1.0, std::abs(numbers_[k].value));
        if (std::isfinite(numbers_[k].value)) worst = std::max(worst, numbers_[k].error / scale);
      }
      correlator_error_.clear();
      for (std::size_t t = 0; t < result_.correlator.size(); ++t)
        correlator_error_.push_back(std::abs(result_.correlator[t] - before.correlator[t]));
      points_ = extent.points;
      last = worst < 1e-10 || (worst < 1e-6 && extent.points > 500) || extent.points == TransferMatrix::max_points;
      if (last && worst > 1e-8) {
        run_.warn(progress, "grid",
                  fmt::format("numbers still move by {:.1e} from grid to grid; remedy: a smaller a V, or a larger "
                              "spacing if the grid cannot resolve sqrt(a)",
                              worst));
      }
      before = result_;
    }
    if (std::any_of(result_.levels.begin(), result_.levels.end(), [](double e) { return std::isnan(e); })) {
      run_.warn(
          progress, "levels",
          "eigenvalues of the transfer matrix below 1e-12 of the largest are rounding, or belong to no level: such "
          "levels are left out; remedy: a smaller spacing, or fewer study.levels");
    }
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{length_});
    writer.write("summary/steps", std::vector<std::int64_t>{1});
    writer.write("summary/table", table());
    if (has_reference(deck_, "value"))
      write_reference(writer, deck_, "value", deck_.text("study.reference.observable"));
    for (const Number& number : numbers_) {
      StoredObservable stored{number.name, number.value, number.error};
      stored.help = number.help;
      stored.error_help = error_help;
      stored.tau_help = "1/2: nothing is sampled";
      stored.unit = "lattice units";
      write_observable(writer, "", stored);
    }
    const std::vector<double> none(result_.x.size(), 0.0);
    write_curve(
        writer, "curves",
        {"density", result_.x, result_.density, none, "x", "density of a point of the path, mean over the points",
         "0: its grid is that of the numbers", "1 / x", R"($\rho(x)$)"});
    if (path_.is_bound()) {
      write_curve(
          writer, "curves",
          {"ground_density", result_.x, result_.ground_density, none, "x", "|psi_0(x)|^2 of the transfer matrix",
           "0: its grid is that of the numbers", "1 / x", R"($|\psi_0(x)|^2$)"});
    }
    if (!result_.correlator.empty()) {
      std::vector<double> t;
      for (std::size_t k = 0; k < result_.correlator.size(); ++k) t.push_back(path_.spacing * static_cast<double>(k));
      write_curve(writer, "curves",
                  {"correlator", t, result_.correlator, correlator_error_, "t", "<x(0) x(t)>, connected", error_help});
    }
  }

  std::string table() const {
    std::string text =
        fmt::format("transfer matrix of {} points of x, path of {} points at a = {}\n{:<28}{:>24}{:>12}\n", points_,
                    length_, path_.spacing, "observable", "value (lattice units)", "error");
    for (const Number& number : numbers_) {
      text += fmt::format("{:<28}{:>24.12g}{:>12.1e}\n", number.name, number.value, number.error);
      if (has_reference(deck_, "value") && deck_.text("study.reference.observable") == number.name)
        text += reference_line(deck_, "value", number.value, number.error);
    }
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  int n_levels_;
  PathOptions path_;
  int length_ = 1;
  Boundary boundary_ = Boundary::periodic;
  TransferMatrix::Extent extent_;
  int points_ = 0;
  TransferResult result_;
  std::vector<Number> numbers_;
  std::vector<double> correlator_error_;
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all{between(1, 64, key("levels", KeyType::integer, "6", "how many E_n are given"))};
  for (const Key& one : reference_keys()) all.push_back(one);
  return all;
}

}  // namespace

StudyKind transfer_matrix_kind() {
  return {.name = "transfer-matrix",
          .help = "the path integral of one coordinate, exactly, by its transfer matrix",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return TransferStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int) { return TransferStudy(comm, deck, {}).describe(); },
          .value_keys = {"study.reference.observable"},
          .subject = StudyKind::Subject::theory,
          .template_settings = {"lattice.extents=[20]", "action.kind=path"}};
}

}  // namespace koushi
