#include "contour_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

namespace {

constexpr int most_points = 128;  ///< matrices of a draw and of its flow grow as the square of this

}  // namespace

std::vector<Key> ContourStudy::keys() {
  using namespace declare;
  std::vector<Key> all{
      between(1, 1e12, key("draws", KeyType::integer, "100000", "paths on the contour")),
      between(20, 100000, key("bins", KeyType::integer, "100", "of draws, whose means give the errors")),
      between(100, 1e6,
              key("pilot", KeyType::integer, "10000",
                  "draws in each of eight rounds that shape the proposal of the draws")),
      between(1, 64, key("components", KeyType::integer, "16", "t distributions in that proposal")),
      between(
          0.01, 10,
          key("flow_times", KeyType::reals, "[0.5]",
              "tau of the contours that the real plane flows into, in units in which modes grow as e^tau: the first "
              "gives the results, others check it. Longer: less phase, but weights in fewer places"))};
  for (const Key& one : reference_keys()) all.push_back(one);
  return all;
}

ContourStudy::ContourStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
    : comm_(comm),
      deck_(deck),
      run_(comm, deck, options),
      path_(required_path(deck)),
      draws_(deck.integer("study.draws")),
      bins_(static_cast<int>(deck.integer("study.bins"))) {
  refuse_unsuitable();
  if (draws_ < bins_)
    deck.refuse("study.draws", fmt::format("{} draws in {} bins", draws_, bins_), "at least one draw per bin");
  if (deck.reals("study.flow_times").size() > 16)
    deck.refuse("study.flow_times", "more than 16 contours", "1 to 16 flow times");
}

void ContourStudy::refuse_unsuitable() const {
  if (path_.degree() > 2 && !path_.is_bound())
    deck_.refuse(
        "action.potential",
        fmt::format("V falls without bound as x^{} on a side, so that H is not defined by V alone and the flow "
                    "has no class to stay in",
                    path_.degree()),
        "an even highest power with a positive coefficient, or powers up to 2");
  const GridOptions lattice = grid_options(deck_);
  if (lattice.replicas != 1)
    deck_.refuse("lattice.replicas", "draws are no chains, so there are no copies", "no replicas");
  if (lattice.extents[0] > most_points)
    deck_.refuse("lattice.extents", fmt::format("{} points of the path", lattice.extents[0]),
                 fmt::format("at most {}: every draw carries a Jacobian of all of them", most_points));
}

void ContourStudy::set_action(const ContourAction& action, int products) {
  const auto seed = static_cast<std::uint64_t>(deck_.integer("seed"));
  for (const double time : deck_.reals("study.flow_times"))
    contours_.emplace_back(HolomorphicFlow(action, time), seed, static_cast<int>(contours_.size()),
                           static_cast<int>(deck_.integer("study.components")), products);
  if (!deck_.has("study.reference.observable")) return;
  std::vector<std::string> names{"average_phase", "effective_samples"};
  for (const Observable& one : results(contours_.front())) names.push_back(one.name);
  refuse_unknown_reference(deck_, names, "measured");
}

int ContourStudy::run() {
  const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) {
    done_ = static_cast<int>(reader.read_integers("state/bins").at(0));
    for (ContourDraws& contour : contours_) contour.read(reader, done_);
    if (comm_.is_root()) print_out(fmt::format("resumed {} at bin {}\n", run_.file(), done_));
  });
  if (begin == StudyRun::Begin::done) return 0;
  Progress progress(comm_.is_root(), done_, bins_, "bin");
  run_.start();
  if (done_ == 0) {
    if (comm_.is_root()) print_out(class_text());
    for (ContourDraws& contour : contours_) contour.shape_proposal(comm_, deck_.integer("study.pilot"));
    run_.phases().lap("pilot draws");
  }
  while (done_ < bins_) {
    const std::int64_t count = first_of_bin(done_ + 1) - first_of_bin(done_);
    for (ContourDraws& contour : contours_) contour.add_bin(comm_, first_of_bin(done_), count);
    run_.phases().lap("draws", static_cast<double>(count) * static_cast<double>(contours_.size()) / comm_.size(),
                      "draws/rank");
    ++done_;
    const ContourDraws& first = contours_.front();
    progress.step(done_,
                  done_ > 1 ? fmt::format("average phase {:.4f}", first.estimate(first.average_phase()).value) : "");
    if (run_.checkpoint_if_due(done_ == bins_, [this](ResultWriter& writer) { write(writer); }))
      return run_.stopped(progress, fmt::format("bin {}", done_));
  }
  compute_exactly();
  run_.phases().lap("sums over a grid");
  warn(progress);
  return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
}

RunEstimate ContourStudy::describe(int ranks) {
  RunEstimate estimate;
  estimate.text = head() + class_text();
  if (ranks <= 0) return estimate;
  double seconds = 0;
  for (const ContourDraws& contour : contours_) {
    constexpr std::size_t trial = 64;
    const HolomorphicFlow::Draws draws("koushi::study::trial", trial,
                                       static_cast<std::size_t>(contour.flow().numbers()));
    const auto start = std::chrono::steady_clock::now();
    contour.flow().sample(1, 0, 0, contour.flow().first_proposal(static_cast<int>(deck_.integer("study.components"))),
                          contour.flow().time(), draws);
    Kokkos::fence("koushi::study::trial");
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / trial;
  }
  const double pilots = static_cast<double>(ContourDraws::rounds * deck_.integer("study.pilot"));
  estimate.seconds = seconds * (static_cast<double>(draws_) + pilots) / ranks;
  estimate.step_seconds = seconds * static_cast<double>(draws_) / bins_ / ranks;
  estimate.text +=
      fmt::format("time         about {} on {} ranks of this processor\n", format_seconds(estimate.seconds), ranks);
  return estimate;
}

std::string ContourStudy::class_text() const {
  const std::string why = is_quadratic(path_) ? "V is quadratic"
                          : path_.degree() > 2
                              ? fmt::format("V grows as {} x^{}", path_.potential[path_.degree()], path_.degree())
                              : "V is quadratic but for bumps";
  std::string text = fmt::format(
      "contour      the real plane after a flow dz/dtau = G conj(dS/dz), tau = {:.4g}. {}, so the integral over the "
      "real "
      "plane exists, and G > 0, so |e^(-S)| falls along every line at all times from 0 to tau: the class is that of "
      "the "
      "real plane\n",
      fmt::join(deck_.reals("study.flow_times"), ", "), why);
  const HolomorphicFlow::Gaussian gaussian = contours_.front().flow().gaussian();
  // where it falls on both sides of what is not quadratic, that integral does not exist on closed contours
  const bool has_gaussian = path_.potential.size() <= 2 || path_.potential[2] >= 0;
  if (has_gaussian)
    text += fmt::format(
        "without {}: {:.10g}{:+.10g}i in closed form, {:.1e} of it away on this contour\n",
        is_quadratic(path_) ? "draws" : "what is not quadratic", gaussian.on_the_real_plane.real(),
        gaussian.on_the_real_plane.imag(),
        std::abs(gaussian.on_the_contour - gaussian.on_the_real_plane) / std::abs(gaussian.on_the_real_plane));
  return text;
}

void ContourStudy::warn(Progress& progress) {
  for (std::size_t c = 0; c < contours_.size(); ++c) {
    if (const std::string why = contours_[c].why_unresolved(); !why.empty())
      run_.warn(progress, fmt::format("contour {}", c),
                fmt::format("on the contour of flow time {}, {}: no value is quoted; remedy: another flow time, more "
                            "draws, a shorter time, fewer points",
                            contours_[c].flow().time(), why));
  }
  const auto values = [](const ContourDraws& contour, const std::vector<Observable>& all) {
    std::vector<Estimate> estimates;
    for (const Observable& one : all) estimates.push_back(contour.estimate(one));
    return estimates;
  };
  const ContourDraws& first = contours_.front();
  const std::vector<Observable> own = results(first);
  const std::vector<Estimate> mine = values(first, own);
  for (std::size_t c = 1; c < contours_.size(); ++c) {
    if (!first.is_resolved() || !contours_[c].is_resolved()) continue;
    const std::vector<Estimate> others = values(contours_[c], results(contours_[c]));
    for (std::size_t k = 0; k < own.size(); ++k) {
      const double pull = std::abs(mine[k].value - others[k].value) / std::hypot(mine[k].error, others[k].error);
      if (pull > 4)
        run_.warn(
            progress, "contours differ",
            fmt::format("{} is {} on the contour of flow time {} and {} on that of {}: draws of one of them miss a "
                        "part; remedy: more draws and pilot draws, shorter flows",
                        own[k].name, with_error(mine[k].value, mine[k].error), first.flow().time(),
                        with_error(others[k].value, others[k].error), contours_[c].flow().time()));
    }
  }
  if (const double worst = first.is_resolved() ? worst_pull() : 0; worst > 5)
    run_.warn(progress, "grid",
              fmt::format("a result is {:.1f} of its errors from that of a grid: the draws miss a part of the contour; "
                          "remedy: more draws and pilot draws, a shorter flow",
                          worst));
}

void ContourStudy::write(ResultWriter& writer) const {
  writer.write("summary/n_sites", std::vector<std::int64_t>{contours_.front().flow().action().size()});
  writer.write("summary/steps", std::vector<std::int64_t>{std::max(done_, 1)});
  writer.write("state/bins", std::vector<std::int64_t>{done_});
  for (const ContourDraws& contour : contours_) contour.write(writer);
  if (done_ < 2) return;
  writer.write("summary/table", table());
  if (has_reference(deck_, "value")) write_reference(writer, deck_, "value", deck_.text("study.reference.observable"));
  const ContourDraws& first = contours_.front();
  const bool quoted = first.is_resolved();
  const auto write_one = [&](const Observable& observable, bool is_quoted) {
    const Estimate e = first.estimate(observable);
    StoredObservable result = stored(observable, e, is_quoted ? e.error : std::nan(""));
    if (!is_quoted) result.value = std::nan("");
    result.counted = "bins of draws";
    write_observable(writer, "", result);
  };
  for (const Observable& one : results(first)) write_one(one, quoted);
  write_one(first.average_phase(), true);
  write_one(first.effective_samples(), true);
  std::vector<StoredCurve> of_flow;  // every number against the flow time
  for (const ContourDraws& contour : contours_) {
    std::vector<Observable> all = results(contour);
    if (!contour.is_resolved()) all.clear();
    all.push_back(contour.average_phase());
    all.push_back(contour.effective_samples());
    for (const Observable& one : all) {
      auto curve = std::find_if(of_flow.begin(), of_flow.end(),
                                [&one](const StoredCurve& c) { return c.name == one.name + "_of_flow"; });
      if (curve == of_flow.end()) {
        of_flow.push_back(
            {one.name + "_of_flow", {}, {}, {}, "flow time", one.help + ", on the contours of all flow times"});
        curve = std::prev(of_flow.end());
      }
      const Estimate e = contour.estimate(one);
      curve->x.push_back(contour.flow().time());
      curve->value.push_back(e.value);
      curve->error.push_back(e.error);
    }
  }
  if (contours_.size() == 1) of_flow.clear();
  for (const StoredCurve& curve : of_flow) write_curve(writer, "curves", curve);
  write_curves(writer);
}

std::string ContourStudy::table() const {
  std::string text = head();
  std::vector<std::string> x;
  std::vector<std::pair<std::string, std::vector<std::string>>> columns;
  for (const ContourDraws& contour : contours_) {
    const bool resolved = contour.is_resolved();
    std::size_t k = 0;
    const auto put = [&](const std::string& name, const std::string& value) {
      if (columns.size() <= k) columns.push_back({name, {}});
      columns[k++].second.push_back(value);
    };
    x.push_back(fmt::format("{:.4g}", contour.flow().time()));
    for (const Observable& one : results(contour)) {
      const Estimate e = contour.estimate(one);
      put(one.name, resolved ? with_error(e.value, e.error) : "not resolved");
    }
    const Estimate phase = contour.estimate(contour.average_phase());
    const Estimate effective = contour.estimate(contour.effective_samples());
    put("average phase", with_error(phase.value, phase.error));
    put("counts", with_error(effective.value, effective.error));
    put("largest weight", fmt::format("{:.2g}", contour.share_of_largest()));
  }
  text += column_blocks("flow time", x, columns);
  text += more_table();
  if (has_reference(deck_, "value")) {
    const ContourDraws& first = contours_.front();
    std::vector<Observable> all = results(first);
    all.push_back(first.average_phase());
    all.push_back(first.effective_samples());
    for (const Observable& one : all) {
      if (deck_.text("study.reference.observable") != one.name) continue;
      const Estimate e = first.estimate(one);
      if (first.is_resolved()) text += reference_line(deck_, "value", e.value, e.error);
    }
  }
  return text + run_.warning_lines();
}

}  // namespace koushi
