// Replica exchange for everything that the catalogue offers under [action], in every parameter that its rungs can
// differ in: S, the difference D that decides, and what is decided, against actions written anew from the keys of the
// deck.
#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <complex>
#include <set>

#include "field_decks.hpp"
#include "koushi/field/ladder.hpp"
#include "koushi/field/replica_exchange.hpp"
#include "koushi/random/philox.hpp"
#include "koushi/study/field_chain.hpp"

using namespace koushi;

namespace {

/// The sites of a small lattice, the last direction fastest, and the ways between them.
class Sites {
 public:
  explicit Sites(const Deck& deck)
      : extents_(deck.integers("lattice.extents")), boundary_(deck.texts("lattice.boundary")) {
    for (const int n : extents_) count_ *= n;
  }
  int count() const { return count_; }
  int dimension() const { return static_cast<int>(extents_.size()); }
  struct Neighbour {
    int site;
    double weight;  ///< -1 across an antiperiodic boundary, 0 across an open or fixed end
  };
  Neighbour neighbour(int site, const std::vector<int>& step) const {
    Neighbour to{0, 1};
    int stride = count_;
    for (std::size_t mu = 0; mu < extents_.size(); ++mu) {
      const int n = extents_[mu];
      stride /= n;
      const int c = site / stride % n + step[mu];
      if (c < 0 || c >= n) {
        const std::string name = boundary_.empty() ? "periodic" : boundary_[boundary_.size() == 1 ? 0 : mu];
        to.weight *= name == "periodic" ? 1 : name == "antiperiodic" ? -1 : 0;
      }
      to.site += (c + n) % n * stride;
    }
    return to;
  }
  std::vector<int> unit(int mu) const {
    std::vector<int> step(extents_.size());
    step[static_cast<std::size_t>(mu)] = 1;
    return step;
  }

 private:
  std::vector<int> extents_;
  std::vector<std::string> boundary_;
  int count_ = 1;
};

/// A configuration of one replica, [component][site].
using Field = std::vector<double>;

double scalar_action(const Deck& deck, const Field& phi) {
  const Sites sites(deck);
  const int n = static_cast<int>(deck.integer("action.components"));
  const std::string form = deck.text("action.normalization");
  const double lambda = deck.has("action.lambda") ? deck.real("action.lambda") : 0;
  double s = 0;
  for (int x = 0; x < sites.count(); ++x) {
    double square = 0;
    double gradient = 0;
    double hops = 0;
    for (int c = 0; c < n; ++c) {
      const double here = phi[static_cast<std::size_t>(c * sites.count() + x)];
      square += here * here;
      for (int mu = 0; mu < sites.dimension(); ++mu) {
        const auto [y, w] = sites.neighbour(x, sites.unit(mu));
        const double there = w * phi[static_cast<std::size_t>(c * sites.count() + y)];
        gradient += w == 0 ? 0 : (there - here) * (there - here);
        hops += there * here;
      }
    }
    if (form == "hopping") {
      s += -2 * deck.real("action.kappa") * hops + square + lambda * (square - 1) * (square - 1);
    } else if (form == "textbook") {
      s += 0.5 * gradient + 0.5 * deck.real("action.mass_squared") * square + lambda / 24 * square * square;
    } else {
      s += gradient + deck.real("action.mass_squared") * square + lambda * square * square;
    }
  }
  return s;
}

double sine_gordon_action(const Deck& deck, const Field& phi) {
  const Sites sites(deck);
  const double beta = deck.real("action.beta");
  double s = 0;
  for (int x = 0; x < sites.count(); ++x) {
    const double here = phi[static_cast<std::size_t>(x)];
    for (int mu = 0; mu < sites.dimension(); ++mu) {
      const auto [y, w] = sites.neighbour(x, sites.unit(mu));
      s += 0.5 * std::pow(w * phi[static_cast<std::size_t>(y)] - here, 2);
    }
    s += deck.real("action.mass_squared") / (beta * beta) * (1 - std::cos(beta * here));
  }
  return s;
}

double path_action(const Deck& deck, const Field& inner) {
  const double a = deck.real("action.spacing");
  const std::vector<double> potential = deck.reals("action.potential");
  const auto v = [&](double x) {
    double sum = 0;
    for (std::size_t k = 0; k < potential.size(); ++k) sum += potential[k] * std::pow(x, static_cast<double>(k + 1));
    return sum;
  };
  Field x = inner;
  if (deck.texts("lattice.boundary") == std::vector<std::string>{"fixed"}) {
    x.insert(x.begin(), deck.reals("action.ends")[0]);
    x.push_back(deck.reals("action.ends")[1]);
  } else {
    x.push_back(x.front());
  }
  const std::string rule = deck.text("action.rule");
  double s = 0;
  for (std::size_t k = 0; k + 1 < x.size(); ++k) {
    s += std::pow(x[k + 1] - x[k], 2) / (2 * a);
    s += a * (rule == "mid-point"     ? v(0.5 * (x[k] + x[k + 1]))
              : rule == "symmetrised" ? 0.5 * (v(x[k]) + v(x[k + 1]))
                                      : v(x[k]));
  }
  return s;
}

double spin_action(const Deck& deck, const Field& s) {
  const Sites sites(deck);
  const bool potts = deck.text("action.kind") == "potts";
  const auto n = static_cast<int>(s.size()) / sites.count();
  const auto component = [&](int x, int c) { return s[static_cast<std::size_t>(c * sites.count() + x)]; };
  const std::vector<std::vector<std::vector<int>>> shells{{{1, 0}, {0, 1}}, {{1, 1}, {1, -1}}, {{2, 0}, {0, 2}}};
  const std::vector<double> J = deck.reals("action.J");
  double h = 0;
  for (int x = 0; x < sites.count(); ++x) {
    for (std::size_t shell = 0; shell < J.size(); ++shell) {
      for (const auto& step : shells[shell]) {
        const auto [y, w] = sites.neighbour(x, step);
        for (int c = 0; c < n; ++c)
          h -= J[shell] * w *
               (potts ? (component(x, 0) == component(y, 0) ? 1.0 : 0.0) : component(x, c) * component(y, c));
      }
    }
    h -= deck.real("action.field") * (potts ? (component(x, 0) == 0 ? 1.0 : 0.0) : component(x, 0));
  }
  return deck.real("action.beta") * h;
}

double hopfield_action(const Deck& deck, const Field& s) {
  double h = 0;
  for (const std::string& pattern : deck.texts("action.pattern_list")) {
    for (std::size_t i = 0; i < s.size(); ++i) {
      for (std::size_t j = 0; j < s.size(); ++j)
        h -= i == j ? 0 : (pattern[i] == pattern[j] ? 0.5 : -0.5) / static_cast<double>(s.size()) * s[i] * s[j];
    }
  }
  return deck.real("action.beta") * h;
}

double wilson_action(const Deck& deck, const Field& u) {
  const Sites sites(deck);
  const std::string group = deck.text("action.group");
  const int n = group == "u1" ? 1 : group == "su2" ? 2 : 3;
  const int reals = n == 1 ? 2 : n == 2 ? 4 : 18;
  const auto link = [&](int x, int mu) {
    const auto v = [&](int c) { return u[static_cast<std::size_t>((mu * reals + c) * sites.count() + x)]; };
    Eigen::MatrixXcd m(n, n);
    for (int i = 0; i < n * n && n != 2; ++i) m(i / n, i % n) = {v(i), v(n * n + i)};
    using Complex = std::complex<double>;
    if (n == 2) m << Complex(v(0), v(3)), Complex(v(2), v(1)), Complex(-v(2), v(1)), Complex(v(0), -v(3));
    return m;
  };
  /// 1 - Re tr / N of the loop of a steps along mu and b along nu.
  const auto loop = [&](int x, int mu, int a, int nu, int b) {
    Eigen::MatrixXcd m = Eigen::MatrixXcd::Identity(n, n);
    const auto go = [&](int direction, int steps, bool back) {
      std::vector<int> step = sites.unit(direction);
      if (back) step[static_cast<std::size_t>(direction)] = -1;
      for (int k = 0; k < steps; ++k) {
        const int next = sites.neighbour(x, step).site;
        m *= back ? Eigen::MatrixXcd(link(next, direction).adjoint()) : link(x, direction);
        x = next;
      }
    };
    go(mu, a, false);
    go(nu, b, false);
    go(mu, a, true);
    go(nu, b, true);
    return 1 - m.trace().real() / n;
  };
  const std::string rectangles = deck.text("action.rectangles");
  const double c1 = rectangles == "luscher-weisz" ? -1.0 / 12
                    : rectangles == "iwasaki"     ? -0.331
                    : rectangles == "dbw2"        ? -1.4088
                                                  : 0;
  double s = 0;
  for (int x = 0; x < sites.count(); ++x) {
    for (int mu = 0; mu < sites.dimension(); ++mu) {
      for (int nu = mu + 1; nu < sites.dimension(); ++nu)
        s += (1 - 8 * c1) * loop(x, mu, 1, nu, 1) + c1 * (loop(x, mu, 2, nu, 1) + loop(x, mu, 1, nu, 2));
    }
  }
  return deck.real("action.beta") * s;
}

struct Law {
  std::string kind;
  double (*action)(const Deck&, const Field&);
  std::vector<std::string> decks;  ///< [action], and what else [lattice] has than extents [3, 4]
};

const std::vector<Law>& laws() {
  const std::string twisted = "lattice.boundary=[\"antiperiodic\", \"periodic\"]";
  const std::string line = "lattice.extents=[9]";
  static const std::vector<Law> all{
      {"phi4",
       scalar_action,
       {"mass_squared=-0.7|lambda=0.4|" + twisted,
        "mass_squared=0.5|lambda=2.0|components=2|normalization=\"textbook\"",
        "kappa=0.2|lambda=0.5|components=3|normalization=\"hopping\"|" + twisted,
        "mass_squared=0.4|lambda=0.2|components=4|lattice.boundary=[\"open\"]"}},
      {"free-field",
       scalar_action,
       {"mass_squared=0.8", "mass_squared=0.6|components=2|normalization=\"textbook\"",
        "mass_squared=0.9|components=4"}},
      {"sine-gordon", sine_gordon_action, {"mass_squared=1.3|beta=1.7"}},
      {"path",
       path_action,
       {"spacing=0.5|potential=[0.1, -0.5, 0.2, 0.5]|" + line,
        "spacing=0.5|potential=[0.1, -0.5, 0.2, 0.5]|rule=\"mid-point\"|lattice.boundary=[\"fixed\"]|ends=[0.7, "
        "-0.4]|" +
            line,
        "spacing=0.5|potential=[0.0, 0.8]|rule=\"symmetrised\"|lattice.boundary=[\"fixed\"]|ends=[0.7, -0.4]|" + line,
        "spacing=0.7|potential=[0.0, 0.8]|rule=\"symmetrised\"|" + line}},
      {"wilson",
       wilson_action,
       {"group=\"u1\"|beta=1.2", "group=\"su2\"|beta=2.2", "group=\"su3\"|beta=5.0",
        "group=\"su2\"|beta=1.5|rectangles=\"luscher-weisz\"", "group=\"su3\"|beta=2.0|rectangles=\"iwasaki\"",
        "group=\"u1\"|beta=1.2|lattice.extents=[2, 3, 2]"}},
      {"ising", spin_action, {"beta=0.4|field=0.3|" + twisted, "beta=0.3|field=-0.2|J=[1.0, -0.4]"}},
      {"xy", spin_action, {"beta=0.8|field=0.4|J=[1.0, 0.3]"}},
      {"sigma-model",
       spin_action,
       {"beta=1.1|field=0.4|" + twisted, "beta=1.2|field=0.3|components=4|lattice.boundary=[\"open\"]"}},
      {"clock", spin_action, {"states=5|beta=0.8|field=0.4", "states=2|beta=0.5|field=0.2"}},
      {"potts", spin_action, {"states=3|beta=0.8|field=0.5|J=[1.0, 0.0, 0.2]|lattice.extents=[4, 5]"}},
      {"hopfield",
       hopfield_action,
       {"beta=1.5|pattern_list=[\"++-+-+--\", \"+-++-++-\", \"--+++-++\"]|lattice.extents=[8]"}}};
  return all;
}

/// [replica], of one rank.
std::vector<Field> configurations(const FieldTheory& theory) {
  const Configuration copy = theory.configuration();
  const auto replicas = static_cast<std::ptrdiff_t>(theory.grid().n_replicas());
  const auto size = static_cast<std::ptrdiff_t>(copy.local.size()) / replicas;
  std::vector<Field> all;
  for (std::ptrdiff_t r = 0; r < replicas; ++r)
    all.emplace_back(copy.local.begin() + r * size, copy.local.begin() + (r + 1) * size);
  return all;
}

/// Two rungs of a deck at work: their actions, and one exchange.
void check_ladder(const Deck& deck, const Law& law, const std::string& parameter) {
  const double own = deck.real(parameter);
  const double other = own + 0.2 * std::abs(own);
  const Deck with_ladder =
      Deck::parse(deck.source(), "ladder.toml",
                  {fmt::format("updater.1={{kind=\"replica-exchange\", parameter=\"{}\", values=[{}, {}]}}", parameter,
                               own, other)},
                  catalogue());
  const Ladder ladder = make_ladder(with_ladder);
  REQUIRE(ladder.values == std::vector<double>{own, other});
  const Communicator self = Communicator::self();
  const Grid grid = make_grid(self, with_ladder);
  std::vector<std::unique_ptr<FieldTheory>> rungs;
  std::vector<Deck> decks;
  std::vector<std::vector<Field>> x;
  for (std::size_t k = 0; k < 2; ++k) {
    decks.push_back(with_ladder.with(ladder.parameter, ladder.values[k]));
    rungs.push_back(make_field_theory(decks[k], grid));
    rungs[k]->start(5 + k, 0.6);
    const auto updaters = make_updaters(decks[k], *rungs[k]);
    for (std::uint64_t t = 0; t < 3; ++t) updaters[0]->update(2 * t + k);
    x.push_back(configurations(*rungs[k]));
  }
  const std::size_t replicas = x[0].size();
  std::vector<double> found(replicas);  // D
  std::vector<double> exact(replicas);
  for (const bool swapped : {false, true}) {
    for (std::size_t k = 0; k < 2; ++k) {
      const std::vector<double> s = rungs[k]->action();
      const std::vector<Field>& at = x[swapped ? 1 - k : k];
      double first = 0;  // S may lack what no configuration changes
      for (std::size_t r = 0; r < replicas; ++r) {
        const double reference = law.action(decks[k], at[r]);
        if (r == 0) first = s[0] - reference;
        CHECK(std::abs(s[r] - reference - first) < 1e-10 * (1 + std::abs(reference)));
        found[r] += swapped ? s[r] : -s[r];
        exact[r] += swapped ? reference : -reference;
      }
    }
    rungs[0]->exchange(*rungs[1], std::vector<bool>(replicas, true));
  }
  double spread = 0;
  for (std::size_t r = 0; r < replicas; ++r) {
    CHECK(std::abs(found[r] - exact[r]) < 1e-10 * (1 + std::abs(exact[r])));
    spread = std::max(spread, std::abs(exact[r]));
  }
  CHECK(spread > 0.1);  // the parameter is in S
  ReplicaExchange exchange(2, static_cast<std::int64_t>(replicas), 3);
  exchange.update({rungs[0].get(), rungs[1].get()}, 7, true);
  const std::vector<Field> after[2] = {configurations(*rungs[0]), configurations(*rungs[1])};
  std::size_t accepted = 0;
  std::size_t certain = 0;  // decisions that no random number can turn
  for (std::size_t r = 0; r < replicas; ++r) {
    const RandomBlock word = philox(3, RandomPurpose::exchange, 7, r, 0);
    const bool goes = uniform(word.word[0], word.word[1]) < std::exp(-exact[r]);
    accepted += goes ? 1 : 0;
    certain += exact[r] <= 0 ? 1 : 0;
    CHECK(after[0][r] == x[goes ? 1 : 0][r]);
    CHECK(after[1][r] == x[goes ? 0 : 1][r]);
  }
  INFO(accepted << " of " << replicas << " accepted, " << certain << " without question, |D| up to " << spread);
  CHECK((accepted < replicas && certain > 0 && accepted > certain));
}

/// S is linear in a coupling with a series, and the series gives the slope; the virial has the degree.
void check_coupling(const Deck& deck, const Coupling& coupling) {
  const std::string key = "action." + coupling.key;
  const double step = 0.2 * std::abs(deck.real(key));
  const Communicator self = Communicator::self();
  const Grid grid = make_grid(self, deck);
  const auto theory = make_field_theory(deck, grid);
  const auto moved = make_field_theory(deck.with(key, deck.real(key) + step), grid);
  theory->start(5, 0.6);
  moved->set_configuration(theory->configuration().local);
  const Measured here = theory->measure();
  const Measured there = moved->measure();
  const std::vector<double> s[2] = {theory->action(), moved->action()};
  const double volume = static_cast<double>(grid.n_sites());
  for (std::size_t r = 0; r < s[0].size(); ++r) {
    const double slope = coupling.factor * here.at(coupling.series)[r];  // per site
    CHECK(std::abs(s[1][r] - s[0][r] - step * volume * slope) < 1e-10 * (1 + std::abs(s[0][r])));
    if (here.count("virial") == 0) continue;
    const double virial = there.at("virial")[r] - here.at("virial")[r];
    CHECK(std::abs(virial - step * slope * coupling.degree / field_action(deck).components) < 1e-10);
  }
}

}  // namespace

TEST_CASE("rungs of every action and parameter exchange by the weights that their decks give", "[conformance]") {
  std::set<std::string> kinds;
  for (const Section& section : catalogue()) {
    if (section.name != "action") continue;
    for (const Section::Kind& kind : section.kinds) {
      const auto law = std::find_if(laws().begin(), laws().end(), [&](const Law& l) { return l.kind == kind.name; });
      INFO(kind.name);
      REQUIRE(law != laws().end());
      std::set<std::string> tried;
      for (const std::string& keys : law->decks) {
        const Deck deck = field_deck(kind.name, keys, 60, "{kind=\"metropolis\", hits=2}");
        for (const Coupling& coupling : field_action(deck).couplings) {
          INFO(keys << ", ladder in " << coupling.key);
          check_ladder(deck, *law, "action." + coupling.key);
          if (!coupling.series.empty()) check_coupling(deck, coupling);
          tried.insert(coupling.key);
        }
      }
      // Real numbers of a kind that are no couplings: of measurements, and of the first configuration.
      const std::set<std::string> others{"flow_time", "flow_step", "smearing_weight", "noise", "gap_time"};
      for (const Key& key : kind.keys) {
        INFO(key.path);
        if (key.type == KeyType::real) CHECK((tried.count(key.path) > 0) != (others.count(key.path) > 0));
      }
    }
  }
}
