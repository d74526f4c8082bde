#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/network/random_network.hpp"
#include "koushi/parallel/exact_sum.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

/// A product of up to six outputs of one draw, by the numbers of their points; -1 behind the last.
using Product = std::array<int, 6>;
using Products = Kokkos::View<int* [6], Kokkos::LayoutRight>;

/// Draws whose products are added up in plain doubles, one after the other.
constexpr int block_draws = 64;
constexpr int blocks_at_once = 64;

/// Sums over the draws of a block of every product.
struct SumProducts {
  NetworkOutputs outputs;
  Products products;
  Kokkos::View<double**, Kokkos::LayoutRight> sums;  ///< [block][product]
  KOKKOS_FUNCTION void operator()(int item) const {
    const int n = static_cast<int>(products.extent(0));
    const int block = item / n;
    const int product = item % n;
    const int last = Kokkos::min((block + 1) * block_draws, static_cast<int>(outputs.extent(0)));
    double sum = 0;
    for (int draw = block * block_draws; draw < last; ++draw) {
      double value = 1;
      for (int k = 0; k < 6 && products(product, k) >= 0; ++k) value *= outputs(draw, products(product, k));
      sum += value;
    }
    sums(block, product) = sum;
  }
};

class NetworkEnsemble {
 public:
  NetworkEnsemble(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        network_(network_kinds().of(DeckSection(deck, "network")).make(DeckSection(deck, "network"))),
        widths_(deck.integers("study.widths")),
        draws_(deck.integer("study.draws")),
        bins_(static_cast<int>(deck.integer("study.bins"))),
        series_(1) {
    if (widths_.empty()) deck.refuse("study.widths", "there is none", "hidden units of the networks, as [16, 64]");
    if (std::set<int>(widths_.begin(), widths_.end()).size() != widths_.size())
      deck.refuse("study.widths", "one is given twice", "different numbers of hidden units");
    if (draws_ < bins_)
      deck.refuse("study.draws", fmt::format("{} draws in {} bins", draws_, bins_), "at least one draw per bin");
    read_points();
    read_sets();
    find_scales();
    if (!deck.has("study.reference.observable")) return;
    std::vector<std::string> names;
    for (const Observable& o : observables()) names.push_back(o.name);
    refuse_unknown_reference(deck, names, "measured");
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) {
      done_ = static_cast<int>(reader.read_integers("state/bins").at(0));
      read_series(reader, "", done_, series_);
      if (comm_.is_root()) print_out(fmt::format("resumed {} at bin {}\n", run_.file(), done_));
    });
    if (begin == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), done_, bins_, "bin");
    run_.start();
    while (done_ < bins_) {
      for (std::size_t w = 0; w < widths_.size(); ++w) {
        series_.add(name_of(w), means_of_bin(w, done_));
        run_.phases().lap(fmt::format("width {}", widths_[w]),
                          static_cast<double>(draws_of_bin(done_)) * widths_[w] *
                              static_cast<double>(points_.extent(0)) / comm_.size(),
                          "units x points/rank");
      }
      ++done_;
      progress.step(done_, status());
      if (run_.checkpoint_if_due(done_ == bins_, [this](ResultWriter& writer) { write(writer); }))
        return run_.stopped(progress, fmt::format("bin {}", done_));
    }
    warn(progress);
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

  RunEstimate describe(int ranks) {
    RunEstimate estimate;
    std::vector<std::string> sizes;
    for (const int n : widths_) sizes.push_back(fmt::format("{} ({} parameters)", n, network_->n_parameters(n)));
    estimate.text = fmt::format(
        "networks     in {} dimensions, widths {}\ndraws        {} of each width in {} bins, at {} points, {} means of "
        "products\n",
        network_->dimension(), join(sizes), draws_, bins_, points_.extent(0), products_.size());
    if (ranks <= 0) return estimate;
    double seconds = 0;
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      const auto count = static_cast<int>(std::min<std::int64_t>(draws_, block_draws));
      const int tried = std::min(widths_[w], 256);  // the work goes with the parameters
      const double more =
          static_cast<double>(network_->n_parameters(widths_[w])) / static_cast<double>(network_->n_parameters(tried));
      const NetworkOutputs out("koushi::study::outputs", static_cast<std::size_t>(count), points_.extent(0));
      const auto start = std::chrono::steady_clock::now();
      network_->outputs(1, tried, 0, points_, out);
      Kokkos::fence("koushi::study::trial");
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * more *
                 static_cast<double>(draws_) / count / ranks;
    }
    estimate.text +=
        fmt::format("time         about {} on {} ranks of this processor\n", format_seconds(seconds), ranks);
    estimate.seconds = seconds;
    estimate.step_seconds = seconds / bins_;
    return estimate;
  }

 private:
  static std::string name_of(int width) { return fmt::format("products_{}", width); }
  std::string name_of(std::size_t w) const { return name_of(widths_[w]); }

  void read_points() {
    const auto rows = deck_.rows("study.points");
    if (rows.empty() || rows.size() > 1024)
      deck_.refuse("study.points", fmt::format("{} points were given", rows.size()), "1 to 1024");
    const auto d = static_cast<std::size_t>(network_->dimension());
    points_ = NetworkPoints("koushi::study::points", rows.size(), d);
    const auto host = Kokkos::create_mirror_view(points_);
    const bool on_lattice = !network_->extents().empty();
    for (std::size_t p = 0; p < rows.size(); ++p) {
      if (rows[p].size() != d)
        deck_.refuse("study.points", fmt::format("a point with {} coordinates", rows[p].size()),
                     fmt::format("{}, as many as the network has inputs", d));
      for (std::size_t mu = 0; mu < d; ++mu) {
        if (on_lattice && rows[p][mu] != std::round(rows[p][mu]))
          deck_.refuse("study.points", fmt::format("{} is between the sites of the lattice", rows[p][mu]),
                       "integers, with network.extents");
        host(p, mu) = rows[p][mu];
      }
      places_.push_back(rows[p]);
    }
    Kokkos::deep_copy(points_, host);
  }

  void read_sets() {
    if (deck_.has("study.four_points")) {
      for (const auto& row : deck_.rows("study.four_points")) {
        std::array<int, 4> set{};
        if (row.size() != 4)
          deck_.refuse("study.four_points", fmt::format("a set of {} points", row.size()),
                       "numbers of four points, from 0");
        for (std::size_t k = 0; k < 4; ++k) {
          if (row[k] != std::round(row[k]) || row[k] < 0 || row[k] >= static_cast<double>(places_.size()))
            deck_.refuse("study.four_points", fmt::format("there is no point {}", row[k]),
                         fmt::format("0 to {}, by their order in points", places_.size() - 1));
          set[k] = static_cast<int>(row[k]);
        }
        sets_.push_back(set);
      }
    }
    for (int p = 0; p < static_cast<int>(places_.size()); ++p) add({0, p, -1, -1, -1, -1});
    add({0, 0, 0, 0, -1, -1});
    add({0, 0, 0, 0, 0, 0});
    for (const auto& s : sets_) {
      add({s[0], s[1], s[2], s[3], -1, -1});
      for (int a = 0; a < 4; ++a) {
        for (int b = a + 1; b < 4; ++b)
          add({s[static_cast<std::size_t>(a)], s[static_cast<std::size_t>(b)], -1, -1, -1, -1});
      }
    }
    list_ = Products("koushi::study::products", products_.size());
    const auto host = Kokkos::create_mirror_view(list_);
    for (std::size_t k = 0; k < products_.size(); ++k) {
      for (std::size_t i = 0; i < 6; ++i) host(k, i) = products_[k][i];
    }
    Kokkos::deep_copy(list_, host);
  }

  static Product sorted(Product product) {
    std::sort(product.begin(), product.end(), [](int a, int b) { return a >= 0 && (b < 0 || a < b); });
    return product;
  }
  void add(const Product& product) {
    const Product wanted = sorted(product);
    if (std::find(products_.begin(), products_.end(), wanted) == products_.end()) products_.push_back(wanted);
  }
  SeriesColumn column(std::size_t w, const Product& product) const {
    const auto found = std::find(products_.begin(), products_.end(), sorted(product));
    return {name_of(w), static_cast<std::size_t>(found - products_.begin())};
  }

  void find_scales() {
    const std::optional<double> square = network_->two_point(places_[0], places_[0]);
    const bool known = square && *square > 0 && std::isfinite(*square);
    const int exponent = known ? static_cast<int>(std::lround(0.5 * std::log2(*square))) : 0;
    for (const Product& product : products_) {
      const auto degree = std::count_if(product.begin(), product.end(), [](int p) { return p >= 0; });
      scales_.push_back(std::ldexp(1.0, -static_cast<int>(degree) * exponent));
    }
  }

  std::int64_t first_of_bin(int bin) const { return draws_ * bin / bins_; }
  std::int64_t draws_of_bin(int bin) const { return first_of_bin(bin + 1) - first_of_bin(bin); }

  /// The means of all products over the draws of a bin. Collective; the ranks share its blocks.
  std::vector<double> means_of_bin(std::size_t w, int bin) const {
    const std::int64_t draws = draws_of_bin(bin);
    const std::int64_t blocks = (draws + block_draws - 1) / block_draws;
    const std::int64_t begin = blocks * comm_.rank() / comm_.size();
    const std::int64_t end = blocks * (comm_.rank() + 1) / comm_.size();
    std::vector<ExactSum> sums(products_.size());
    const auto seed = static_cast<std::uint64_t>(deck_.integer("seed"));
    for (std::int64_t at = begin; at < end; at += blocks_at_once) {
      const std::int64_t until = std::min(end, at + blocks_at_once);
      const std::int64_t count = std::min(draws, until * block_draws) - at * block_draws;
      const NetworkOutputs out("koushi::study::outputs", static_cast<std::size_t>(count), points_.extent(0));
      const std::uint64_t first = (static_cast<std::uint64_t>(widths_[w]) << 40) +
                                  static_cast<std::uint64_t>(first_of_bin(bin) + at * block_draws);
      network_->outputs(seed, widths_[w], first, points_, out);
      const auto n_blocks = static_cast<std::size_t>(until - at);
      const Kokkos::View<double**, Kokkos::LayoutRight> parts("koushi::study::products", n_blocks, products_.size());
      Kokkos::parallel_for("koushi::study::products",
                           Kokkos::RangePolicy<>(0, static_cast<int>(n_blocks * products_.size())),
                           SumProducts{out, list_, parts});
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, parts);
      for (std::size_t b = 0; b < n_blocks; ++b) {
        for (std::size_t k = 0; k < products_.size(); ++k) sums[k].add(host(b, k) * scales_[k]);
      }
    }
    std::vector<double> means = exact_totals(comm_, sums);
    for (std::size_t k = 0; k < means.size(); ++k) {
      double& mean = means[k];
      mean /= static_cast<double>(draws) * scales_[k];
      if (!std::isfinite(mean))
        throw NumericalError(fmt::format(
            "outputs of networks of width {} are not finite, or sums of their powers beyond 4e12; remedy: smaller "
            "parameters of [network]",
            widths_[w]));
    }
    return means;
  }

  Observable square(std::size_t w) const {
    return {
        "phi2", "<phi(x)^2> at the first point", {column(w, {0, 0, -1, -1, -1, -1})}, [](const std::vector<double>& m) {
          return m[0];
        }};
  }
  Observable kurtosis(std::size_t w) const {
    return {"kurtosis",
            "excess kurtosis <phi^4> / <phi^2>^2 - 3 at the first point",
            {column(w, {0, 0, -1, -1, -1, -1}), column(w, {0, 0, 0, 0, -1, -1})},
            [](const std::vector<double>& m) { return m[1] / (m[0] * m[0]) - 3; }};
  }
  Observable sixth(std::size_t w) const {
    return {"sixth_cumulant",
            "(<phi^6> - 15 <phi^4><phi^2> + 30 <phi^2>^3) / <phi^2>^3 at the first point",
            {column(w, {0, 0, -1, -1, -1, -1}), column(w, {0, 0, 0, 0, -1, -1}), column(w, {0, 0, 0, 0, 0, 0})},
            [](const std::vector<double>& m) { return m[2] / std::pow(m[0], 3) - 15 * m[1] / (m[0] * m[0]) + 30; }};
  }
  Observable four(std::size_t w, const std::array<int, 4>& s) const {
    Observable o{"", "", {column(w, {s[0], s[1], s[2], s[3], -1, -1})}, {}};
    for (const auto& [a, b] : {std::pair{0, 1}, {2, 3}, {0, 2}, {1, 3}, {0, 3}, {1, 2}})
      o.series.push_back(column(w, {s[static_cast<std::size_t>(a)], s[static_cast<std::size_t>(b)], -1, -1, -1, -1}));
    o.value = [](const std::vector<double>& m) { return m[0] - m[1] * m[2] - m[3] * m[4] - m[5] * m[6]; };
    return o;
  }
  /// d log |number| / d log N, a fit with the weights of their errors to the widths whose numbers are
  /// more than three errors from 0.
  Observable slope(const std::string& name, const std::string& help,
                   Observable (NetworkEnsemble::*of)(std::size_t) const) const {
    Observable result{name,
                      help,
                      {},
                      {},
                      "fewer than two widths have numbers more than three errors from 0, or these differ in sign; "
                      "remedy: more study.draws, smaller widths"};
    struct Part {
      Observable one;
      std::size_t first;
      double factor;
    };
    std::vector<Part> parts;
    double weights = 0;
    double mean = 0;
    std::vector<double> weight;
    int resolved = 0;
    bool one_sign = true;
    double sign = 0;  // of the first that is resolved
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      parts.push_back({(this->*of)(w), result.series.size(), 0});
      result.series.insert(result.series.end(), parts[w].one.series.begin(), parts[w].one.series.end());
      const Estimate e = done_ > 1 ? estimate(parts[w].one) : Estimate{};
      const double relative = e.error / e.value;
      const bool counts = done_ > 1 && std::isfinite(relative) && std::abs(e.value) > 3 * e.error;
      weight.push_back(!counts ? 0 : relative != 0 ? 1 / (relative * relative) : 1);
      if (counts) {
        ++resolved;
        if (sign == 0) sign = e.value;
        one_sign = one_sign && sign * e.value > 0;
      }
      weights += weight[w];
      mean += weight[w] * std::log(widths_[w]);
    }
    mean /= weights;
    double spread = 0;
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      parts[w].factor = weight[w] * (std::log(widths_[w]) - mean);
      spread += parts[w].factor * (std::log(widths_[w]) - mean);
    }
    for (Part& part : parts) part.factor /= spread;
    const bool sound = resolved > 1 && one_sign;
    result.value = [parts, sound](const std::vector<double>& m) {
      double sum = sound ? 0 : std::nan("");
      for (const Part& part : parts) {
        if (part.factor == 0) continue;
        const auto begin = m.begin() + static_cast<std::ptrdiff_t>(part.first);
        sum += part.factor *
               std::log(std::abs(part.one.value({begin, begin + static_cast<std::ptrdiff_t>(part.one.series.size())})));
      }
      return sum;
    };
    return result;
  }

  std::vector<Observable> observables() const {
    std::vector<Observable> all{square(0), kurtosis(0), sixth(0)};
    if (widths_.size() > 1) {
      all.push_back(slope("kurtosis_slope", "d log |kurtosis| / d log N over the widths", &NetworkEnsemble::kurtosis));
      all.push_back(
          slope("sixth_cumulant_slope", "d log |sixth cumulant| / d log N over the widths", &NetworkEnsemble::sixth));
    }
    return all;
  }

  double distance(std::size_t p) const {
    double square = 0;
    for (std::size_t mu = 0; mu < places_[p].size(); ++mu)
      square += (places_[p][mu] - places_[0][mu]) * (places_[p][mu] - places_[0][mu]);
    return std::sqrt(square);
  }

  /// A curve, and what is known of its points without drawing; NaN where nothing is.
  struct KnownCurve {
    Curve curve;
    std::vector<double> known{};
    bool is_limit = false;  ///< known of infinite width alone

    bool has_known() const {
      return std::any_of(known.begin(), known.end(), [](double x) { return std::isfinite(x); });
    }
    void add(double x, Observable point, std::optional<double> value) {
      curve.x.push_back(x);
      curve.points.push_back(std::move(point));
      known.push_back(value ? *value : std::nan(""));
    }
  };

  std::vector<KnownCurve> curves() const {
    std::vector<KnownCurve> all;
    KnownCurve two{{"propagator", "<phi(x_0) phi(x)>", "|x - x_0|", {}, {}}, {}, !network_->is_exact()};
    for (std::size_t p = 0; p < places_.size(); ++p)
      two.add(distance(p),
              {"",
               "",
               {column(0, {0, static_cast<int>(p), -1, -1, -1, -1})},
               [](const std::vector<double>& m) { return m[0]; }},
              network_->two_point(places_[0], places_[p]));
    all.push_back(std::move(two));
    if (!sets_.empty()) {
      KnownCurve connected{{"connected_four_point", "connected <phi phi phi phi>", "set", {}, {}}};
      for (std::size_t s = 0; s < sets_.size(); ++s) {
        std::array<NetworkPoint, 4> x;
        for (std::size_t i = 0; i < 4; ++i) x[i] = places_[static_cast<std::size_t>(sets_[s][i])];
        connected.add(static_cast<double>(s), four(0, sets_[s]), network_->connected_four_point(widths_[0], x));
      }
      all.push_back(std::move(connected));
    }
    if (widths_.size() > 1) {
      KnownCurve fourth{{"kurtosis_of_width", kurtosis(0).help, "N", {}, {}}};
      KnownCurve sixth_of_width{{"sixth_cumulant_of_width", sixth(0).help, "N", {}, {}}};
      for (std::size_t w = 0; w < widths_.size(); ++w) {
        fourth.add(widths_[w], kurtosis(w), known_kurtosis(widths_[w]));
        sixth_of_width.add(widths_[w], sixth(w), std::nullopt);
      }
      all.push_back(std::move(fourth));
      all.push_back(std::move(sixth_of_width));
    }
    return all;
  }

  std::optional<double> known_kurtosis(int width) const {
    const NetworkPoint& x = places_[0];
    const std::optional<double> connected = network_->connected_four_point(width, {x, x, x, x});
    const std::optional<double> square = network_->two_point(x, x);
    if (!connected || !square || !network_->is_exact()) return std::nullopt;
    return *connected / (*square * *square);
  }

  /// Bins are independent, so errors are those of their means alone.
  Estimate estimate(const Observable& observable) const { return of_independent_bins(series_, observable); }

  std::string status() const {
    if (done_ < 2) return "";
    const Estimate e = estimate(kurtosis(0));
    return fmt::format("kurtosis {}", with_error(e.value, e.error));
  }

  void warn(Progress& progress) {
    for (const Observable& o : observables()) {
      const Estimate e = estimate(o);
      if (!std::isfinite(e.error))
        run_.warn(progress, "no error",
                  fmt::format("{}: {}", o.name,
                              o.undefined.find("[study] measurements") == std::string::npos
                                  ? o.undefined
                                  : "noise outweighs the signal; remedy: more study.draws or bins"));
    }
    int far = 0;
    int compared = 0;
    for (const KnownCurve& one : curves()) {
      for (std::size_t k = 0; k < one.known.size() && !one.is_limit; ++k) {
        const Estimate e = estimate(one.curve.points[k]);
        if (!std::isfinite(one.known[k]) || !(e.error > 0)) continue;
        ++compared;
        if (std::abs(e.value - one.known[k]) > 5 * e.error) ++far;
      }
    }
    if (far > 0)
      run_.warn(progress, "exact values",
                fmt::format("{} of {} numbers are more than 5 sigma from what is known exactly; remedy: more draws, "
                            "unless their distribution has no finite variance",
                            far, compared));
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{static_cast<std::int64_t>(places_.size())});
    writer.write("summary/steps", std::vector<std::int64_t>{done_});
    writer.write("state/bins", std::vector<std::int64_t>{done_});
    write_series(writer, "", series_, "powers of phi", "[bin][1][product of outputs]");
    if (done_ < 2) return;
    writer.write("summary/table", table());
    if (has_reference(deck_, "value"))
      write_reference(writer, deck_, "value", deck_.text("study.reference.observable"));
    for (const Observable& o : observables()) {
      const Estimate e = estimate(o);
      StoredObservable result = stored(o, e, e.error);
      result.counted = "bins of draws";
      write_observable(writer, "", result);
    }
    for (const KnownCurve& one : curves()) {
      const Curve& curve = one.curve;
      StoredCurve result{curve.name, curve.x, {}, {}, curve.axis, curve.help};
      for (const Observable& point : curve.points) {
        const Estimate e = estimate(point);
        result.value.push_back(e.value);
        result.error.push_back(e.error);
      }
      write_curve(writer, "curves", result);
      if (!one.has_known()) continue;
      write_curve(writer, "curves",
                  {curve.name + (one.is_limit ? "_limit" : "_exact"), curve.x, one.known,
                   std::vector<double>(one.known.size(), 0.0), curve.axis,
                   one.is_limit ? "of infinite width, without drawing" : "exact, without drawing", "0"});
    }
  }

  std::string table() const {
    std::string text = fmt::format("{} draws of each width in {} bins; errors from the bins\n{:<28}{:>22}\n",
                                   first_of_bin(done_), done_, fmt::format("width {}", widths_[0]), "value");
    for (const Observable& o : observables()) {
      const Estimate e = estimate(o);
      text += fmt::format("{:<28}{:>22}", o.name, with_error(e.value, e.error));
      std::optional<double> exact;
      if (o.name == "kurtosis") exact = known_kurtosis(widths_[0]);
      if (o.name == "phi2" && network_->is_exact()) exact = network_->two_point(places_[0], places_[0]);
      if (exact) text += fmt::format("   exact {:.8g}, {:+.1f} sigma", *exact, (e.value - *exact) / e.error);
      text += "\n";
      if (has_reference(deck_, "value") && deck_.text("study.reference.observable") == o.name)
        text += reference_line(deck_, "value", e.value, e.error);
    }
    for (const KnownCurve& one : curves()) {
      const Curve& curve = one.curve;
      std::vector<std::string> x;
      std::vector<std::pair<std::string, std::vector<std::string>>> columns{{curve.name, {}}};
      if (one.has_known()) {
        columns.push_back({one.is_limit ? "N = infinity" : "exact", {}});
        columns.push_back({"sigma", {}});
      }
      for (std::size_t k = 0; k < curve.x.size(); ++k) {
        const Estimate e = estimate(curve.points[k]);
        x.push_back(fmt::format("{:.6g}", curve.x[k]));
        columns[0].second.push_back(with_error(e.value, e.error));
        if (!one.has_known()) continue;
        const bool any = std::isfinite(one.known[k]);
        columns[1].second.push_back(any ? fmt::format("{:.8g}", one.known[k]) : "-");
        columns[2].second.push_back(any ? fmt::format("{:+.1f}", (e.value - one.known[k]) / e.error) : "-");
      }
      text += "\n" + column_blocks(curve.axis, x, columns);
    }
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  std::shared_ptr<const RandomNetwork> network_;
  std::vector<int> widths_;
  std::int64_t draws_;
  int bins_;
  int done_ = 0;
  NetworkPoints points_;
  std::vector<NetworkPoint> places_;
  std::vector<std::array<int, 4>> sets_;
  std::vector<Product> products_;
  Products list_;
  /// powers of two that make the products of order one, since exact sums have a unit of their own: 2^{-68}
  std::vector<double> scales_;
  MeasuredSeries series_;
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all{
      example("[16]", between(1, 65536,
                              key("widths", KeyType::integers, "",
                                  "hidden units N; the first one is that of most numbers, all make the slopes"))),
      example("100000", between(1, 1e12, key("draws", KeyType::integer, "", "networks of each width"))),
      between(20, 100000, key("bins", KeyType::integer, "100", "of draws, whose means give the errors")),
      example("[[0.0], [1.0]]", key("points", KeyType::rows, "",
                                    "inputs x at which outputs are taken, one row of d numbers each; correlations with "
                                    "the first one are measured")),
      optional(key("four_points", KeyType::rows, "",
                   "sets of four points, by their numbers from 0, whose connected correlation is measured"))};
  for (const Key& one : reference_keys()) all.push_back(one);
  return all;
}

}  // namespace

StudyKind network_ensemble_kind() {
  return {
      .name = "network-ensemble",
      .help = "field theories made of networks with random parameters: correlations, cumulants, their fall with width",
      .keys = keys(),
      .run = [](const Communicator& comm, const Deck& deck,
                const RunOptions& options) { return NetworkEnsemble(comm, deck, options).run(); },
      .describe = [](const Communicator& comm, const Deck& deck,
                     int ranks) { return NetworkEnsemble(comm, deck, {}).describe(ranks); },
      .value_keys = {"study.reference.observable", "study.widths"},
      .subject = StudyKind::Subject::networks};
}

}  // namespace koushi
