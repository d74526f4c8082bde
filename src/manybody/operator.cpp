#include "koushi/manybody/operator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "koushi/base/error.hpp"

namespace koushi {

std::vector<double> ladder_elements(const LocalSpace& local, int change) {
  if (local.kind == LocalSpace::Kind::fermion || local.states() == 2) return {};
  std::vector<double> values;
  for (int x = local.min; x <= local.max; x += local.step) {
    double product = 1;
    for (int y = x; y != x + change; y += change > 0 ? local.step : -local.step) {
      const int low = change > 0 ? y : y - local.step;  // the lower of the two that are joined
      if (low < local.min || low + local.step > local.max) {
        product = 0;
        break;
      }
      product *= local.kind == LocalSpace::Kind::boson
                     ? std::sqrt(low + 1.0)
                     : 0.5 * std::sqrt(static_cast<double>((local.max - low) * (local.max + low + 2)));
    }
    values.push_back(product);
  }
  return values;
}

Operator::Operator(const Space& space) : space_(space), linear_(static_cast<std::size_t>(space.n_places())) {}

void Operator::fix(const std::string& charge, int value) {
  for (const Charge& c : space_.charges()) {
    if (c.name == charge && !conserves(c)) throw UsageError("this operator does not conserve the " + charge);
  }
  space_.fix(charge, value);
  for (auto& [name, part] : parts_) part.space_ = space_;
}

void Operator::begin_part(const std::string& name) {
  part_ = -1;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    if (parts_[k].first == name) part_ = static_cast<int>(k);
  }
  if (part_ >= 0 || name.empty()) return;
  part_ = static_cast<int>(parts_.size());
  parts_.emplace_back(name, Operator(space_));
}

Operator* Operator::part() { return part_ < 0 ? nullptr : &parts_[static_cast<std::size_t>(part_)].second; }

void Operator::add_constant(double weight) {
  constant_ += weight;
  if (part() != nullptr) part()->add_constant(weight);
}

void Operator::add_linear(int p, double weight) {
  if (p < 0 || p >= space_.n_places())
    throw UsageError(fmt::format("a term is of place {}, which is none of 0 ... {}", p, space_.n_places() - 1));
  linear_[static_cast<std::size_t>(p)] += weight;
  if (part() != nullptr) part()->add_linear(p, weight);
}

void Operator::add_pair(int p, int q, double weight) {
  for (const int place : {p, q}) {
    if (place < 0 || place >= space_.n_places())
      throw UsageError(fmt::format("a term is of places {} and {}, of which {} is none of 0 ... {}", p, q, place,
                                   space_.n_places() - 1));
  }
  pairs_.push_back({p, q, weight});
  if (part() != nullptr) part()->add_pair(p, q, weight);
}

int Operator::table_of(const std::vector<double>& values) {
  const auto found = std::find(tables_.begin(), tables_.end(), values);
  if (found != tables_.end()) return static_cast<int>(found - tables_.begin());
  tables_.push_back(values);
  return static_cast<int>(tables_.size()) - 1;
}

std::vector<PlaceFunction> Operator::functions_of(const std::vector<std::pair<int, std::vector<double>>>& functions) {
  std::vector<PlaceFunction> result;
  for (const auto& [place, values] : functions) {
    if (place < 0 || place >= space_.n_places())
      throw UsageError(
          fmt::format("a function is of place {}, which is none of 0 ... {}", place, space_.n_places() - 1));
    if (static_cast<int>(values.size()) != space_.local(place).states())
      throw UsageError(fmt::format("a function of place {} has {} values for {} states", place, values.size(),
                                   space_.local(place).states()));
    result.push_back({place, table_of(values)});
  }
  std::sort(result.begin(), result.end());
  return result;
}

void Operator::add_product(double weight, const std::vector<std::pair<int, std::vector<double>>>& functions) {
  products_.push_back({weight, functions_of(functions)});
  if (part() != nullptr) part()->add_product(weight, functions);
}

void Operator::add_bare_move(const Move& move, std::complex<double> element,
                             const std::vector<std::pair<int, std::vector<double>>>& functions) {
  sites_.push_back(move_sites(space_, move));
  moves_.push_back({move, element, functions_of(functions)});
  if (part() != nullptr) part()->add_bare_move(move, element, functions);
}

void Operator::add_move(const Move& move, std::complex<double> element,
                        const std::vector<std::pair<int, std::vector<double>>>& functions) {
  move_sites(space_, move);
  auto with_ladders = functions;
  for (std::size_t k = 0; k < static_cast<std::size_t>(move.n); ++k) {
    std::vector<double> values = ladder_elements(space_.local(move.place[k]), move.change[k]);
    if (!values.empty()) with_ladders.emplace_back(move.place[k], std::move(values));
  }
  add_bare_move(move, element, with_ladders);
}

std::vector<Move> Operator::move_list() const {
  UniqueMoves list;
  for (const MoveTerm& term : moves_) list.number(term.move);
  return list.moves;
}

bool Operator::is_real() const {
  return std::all_of(moves_.begin(), moves_.end(), [](const MoveTerm& term) { return term.element.imag() == 0; });
}

bool Operator::has_positive_elements() const {
  return std::any_of(moves_.begin(), moves_.end(), [this](const MoveTerm& term) {
    if (term.element.real() > 0 || term.element.imag() != 0) return true;
    return std::any_of(term.functions.begin(), term.functions.end(), [this](const PlaceFunction& f) {
      const std::vector<double>& table = tables_[static_cast<std::size_t>(f.table)];
      return *std::min_element(table.begin(), table.end()) < 0;
    });
  });
}

bool Operator::conserves(const Charge& charge) const {
  return std::all_of(moves_.begin(), moves_.end(), [&](const MoveTerm& term) {
    int change = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(term.move.n); ++k)
      change += charge.weight[static_cast<std::size_t>(space_.flavour_of(term.move.place[k]))] * term.move.change[k];
    return change == 0;
  });
}

double Operator::value(const std::vector<PlaceFunction>& functions, const std::int8_t* local) const {
  double product = 1;
  for (const PlaceFunction& f : functions)
    product *= tables_[static_cast<std::size_t>(f.table)]
                      [static_cast<std::size_t>(space_.local(f.place).index(local[f.place]))];
  return product;
}

double Operator::diagonal(const std::int8_t* local) const {
  double sum = constant_;
  for (const PairTerm& pair : pairs_) sum += pair.weight * local[pair.p] * local[pair.q];
  for (std::size_t p = 0; p < linear_.size(); ++p) sum += linear_[p] * local[p];
  for (const ProductTerm& term : products_) sum += term.weight * value(term.functions, local);
  return sum;
}

/// <x|O|x'>, x' = x + sigma c. T acts on x' = x - c where sigma = -1; where sigma = +1 its adjoint acts, whose element is
/// the conjugate of that of T on x.
std::complex<double> Operator::element_of(std::size_t k, const std::int8_t* local, int sigma) const {
  const MoveTerm& term = moves_[k];
  double product = 1;
  for (const PlaceFunction& f : term.functions) {
    int x = local[f.place];
    for (std::size_t m = 0; sigma < 0 && m < static_cast<std::size_t>(term.move.n); ++m) {
      if (term.move.place[m] == f.place) x -= term.move.change[m];
    }
    product *= tables_[static_cast<std::size_t>(f.table)][static_cast<std::size_t>(space_.local(f.place).index(x))];
  }
  return product * (sigma > 0 ? std::conj(term.element) : term.element);
}

double Operator::bound() const {
  const auto largest = [](double m, double x) { return std::max(m, std::abs(x)); };
  const auto of_place = [&](int p) {
    return static_cast<double>(std::max(std::abs(space_.local(p).min), std::abs(space_.local(p).max)));
  };
  const auto of_functions = [&](const std::vector<PlaceFunction>& functions) {
    double product = 1;
    for (const PlaceFunction& f : functions) {
      const auto& table = tables_[static_cast<std::size_t>(f.table)];
      product *= std::accumulate(table.begin(), table.end(), 0.0, largest);
    }
    return product;
  };
  double sum = std::abs(constant_);
  for (std::size_t p = 0; p < linear_.size(); ++p) sum += std::abs(linear_[p]) * of_place(static_cast<int>(p));
  for (const PairTerm& pair : pairs_) sum += std::abs(pair.weight) * of_place(pair.p) * of_place(pair.q);
  for (const ProductTerm& term : products_) sum += std::abs(term.weight) * of_functions(term.functions);
  for (std::size_t k = 0; k < moves_.size(); ++k)
    sum += (sites_[k].either != 0 ? 2 : 1) * std::abs(moves_[k].element) * of_functions(moves_[k].functions);
  return sum;
}

double Operator::infinite_temperature_value() const {
  // Every flavour has the weights z^x with one z, chosen such that its mean is that of the sector: the distribution of
  // largest entropy. A charge of several flavours leaves them at their middle.
  const auto n_flavours = static_cast<std::size_t>(space_.n_flavours());
  std::vector<std::vector<double>> weights(n_flavours);
  for (std::size_t f = 0; f < n_flavours; ++f) {
    const LocalSpace& local = space_.flavours()[f];
    double mean = 0.5 * (local.min + local.max);
    for (const Charge& charge : space_.charges()) {
      double of_charge = 0;  // what the fermions of a charge share
      int flavours = 0;
      for (std::size_t g = 0; g < n_flavours; ++g) {
        if (charge.weight[g] != 0) ++flavours;
      }
      if (!charge.value || charge.weight[f] == 0) continue;
      of_charge = static_cast<double>(*charge.value) / (flavours * charge.weight[f] * space_.n_sites());
      if (flavours == 1 || local.kind != LocalSpace::Kind::spin)
        mean = std::clamp<double>(of_charge, local.min, local.max);
      if (flavours == 1) break;
    }
    double low = -60;
    double high = 60;  // of ln z
    auto& w = weights[f];
    for (int step = 0; step < 200; ++step) {
      const double log_z = 0.5 * (low + high);
      w.clear();
      double sum = 0;
      double first = 0;
      for (int x = local.min; x <= local.max; x += local.step) {
        w.push_back(std::exp(log_z * (log_z > 0 ? x - local.max : x - local.min)));
        sum += w.back();
        first += x * w.back();
      }
      for (double& weight : w) weight /= sum;
      if (first / sum == mean) break;
      (first / sum < mean ? low : high) = log_z;
    }
  }
  const auto mean_of = [&](int p, const auto& function) {
    const auto f = static_cast<std::size_t>(space_.flavour_of(p));
    const LocalSpace& local = space_.flavours()[f];
    double sum = 0;
    for (int k = 0; k < local.states(); ++k)
      sum +=
          weights[f][static_cast<std::size_t>(k)] * function(local.min + k * local.step, static_cast<std::size_t>(k));
    return sum;
  };
  const auto x_of = [&](int p) { return mean_of(p, [](int x, std::size_t) { return static_cast<double>(x); }); };
  double sum = constant_;
  for (std::size_t p = 0; p < linear_.size(); ++p) {
    if (linear_[p] != 0) sum += linear_[p] * x_of(static_cast<int>(p));
  }
  for (const PairTerm& pair : pairs_) {
    sum +=
        pair.weight * (pair.p == pair.q ? mean_of(pair.p, [](int x, std::size_t) { return static_cast<double>(x * x); })
                                        : x_of(pair.p) * x_of(pair.q));
  }
  for (const ProductTerm& term : products_) {  // functions of one place are averaged together
    double product = term.weight;
    for (std::size_t a = 0; a < term.functions.size(); ++a) {
      const int place = term.functions[a].place;
      if (a > 0 && term.functions[a - 1].place == place) continue;
      product *= mean_of(place, [&](int, std::size_t k) {
        double value = 1;
        for (std::size_t b = a; b < term.functions.size() && term.functions[b].place == place; ++b)
          value *= tables_[static_cast<std::size_t>(term.functions[b].table)][k];
        return value;
      });
    }
    sum += product;
  }
  return sum;
}

void Operator::require_finite() const {
  const auto check = [](bool finite, const std::string& what) {
    if (!finite) throw UsageError(what + " is not finite");
  };
  check(std::isfinite(constant_), "the constant");
  for (std::size_t p = 0; p < linear_.size(); ++p)
    check(std::isfinite(linear_[p]), fmt::format("the field at place {}", p));
  for (const PairTerm& pair : pairs_)
    check(std::isfinite(pair.weight), fmt::format("the coupling of places {} and {}", pair.p, pair.q));
  for (const ProductTerm& term : products_) check(std::isfinite(term.weight), "the weight of a product of functions");
  for (std::size_t k = 0; k < moves_.size(); ++k)
    check(std::isfinite(moves_[k].element.real()) && std::isfinite(moves_[k].element.imag()),
          fmt::format("the element of move {}", k));
  for (const auto& table : tables_)
    check(std::all_of(table.begin(), table.end(), [](double x) { return std::isfinite(x); }), "a value of a function");
}

int order_sign(const Space& space, const Move& move, int sigma, const std::int8_t* local) {
  int sign = 1;
  std::vector<std::int8_t> x;
  for (int h = 0; h < move.hops; ++h) {
    if (h == 1) {  // the second hop sees what the first one left
      x.assign(local, local + space.n_places());
      for (const std::size_t k : {0, 1})
        x[static_cast<std::size_t>(move.place[k])] =
            static_cast<std::int8_t>(x[static_cast<std::size_t>(move.place[k])] + sigma * move.change[k]);
    }
    const std::int8_t* now = h == 0 ? local : x.data();
    const auto [low, high] =
        std::minmax(move.place[static_cast<std::size_t>(2 * h)], move.place[static_cast<std::size_t>(2 * h + 1)]);
    for (int p = low + 1; p < high; ++p) {
      if (space.is_fermionic(p) && now[p] != 0) sign = -sign;
    }
  }
  return sign;
}

void Operator::apply(const Basis& basis, std::span<const std::complex<double>> x,
                     std::span<std::complex<double>> y) const {
  Kokkos::parallel_for(
      "koushi::manybody::apply",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(basis.size())), [&](int row) {
        const std::vector<std::int8_t> state = basis.state(row);
        std::vector<std::int8_t> moved = state;
        std::complex<double> sum = diagonal(state.data()) * x[static_cast<std::size_t>(row)];
        for_connected(state.data(), [&](std::size_t k, int sigma, std::complex<double> element) {
          const Move& move = moves_[k].move;
          for (std::size_t m = 0; m < static_cast<std::size_t>(move.n); ++m)
            moved[static_cast<std::size_t>(move.place[m])] =
                static_cast<std::int8_t>(moved[static_cast<std::size_t>(move.place[m])] + sigma * move.change[m]);
          const std::int64_t column = basis.index(moved.data());
          if (column >= 0)
            sum += element * static_cast<double>(order_sign(space_, move, sigma, state.data())) *
                   x[static_cast<std::size_t>(column)];
          moved = state;
        });
        y[static_cast<std::size_t>(row)] = sum;
      });
}

Eigen::MatrixXcd Operator::matrix(const Basis& basis) const {
  const Eigen::Index n = basis.size();
  Eigen::MatrixXcd matrix = Eigen::MatrixXcd::Zero(n, n);
  for (Eigen::Index row = 0; row < n; ++row) {
    const std::vector<std::int8_t> state = basis.state(row);
    matrix(row, row) += diagonal(state.data());
    for_connected(state.data(), [&](std::size_t k, int sigma, std::complex<double> element) {
      const Move& move = moves_[k].move;
      std::vector<std::int8_t> moved = state;
      for (std::size_t m = 0; m < static_cast<std::size_t>(move.n); ++m)
        moved[static_cast<std::size_t>(move.place[m])] =
            static_cast<std::int8_t>(moved[static_cast<std::size_t>(move.place[m])] + sigma * move.change[m]);
      const std::int64_t column = basis.index(moved.data());
      if (column < 0) throw UsageError("the operator leads out of the basis");
      matrix(row, column) += element * static_cast<double>(order_sign(space_, move, sigma, state.data()));
    });
  }
  return matrix;
}

SymmetryTest::SymmetryTest(const Operator& op) : space_(op.space()) {
  // Kinds: 0 linear, 1 pair, 2 product, 3 move.
  const auto add = [&](Term term, std::complex<double> value) {
    if (value != 0.0) value_[std::move(term)] += value;
  };
  for (std::size_t p = 0; p < op.linear().size(); ++p) add({{{static_cast<int>(p), 0}}, 0}, op.linear()[p]);
  for (const PairTerm& pair : op.pairs()) {
    Term term{{{pair.p, 0}, {pair.q, 0}}, 1};
    std::sort(term.places.begin(), term.places.end());
    add(std::move(term), pair.weight);
  }
  for (const ProductTerm& product : op.products()) {
    Term term{{}, 2};
    for (const PlaceFunction& f : product.functions) term.places.emplace_back(f.place, f.table);
    std::sort(term.places.begin(), term.places.end());
    add(std::move(term), product.weight);
  }
  std::vector<std::vector<double>> tables;
  const auto number_of = [&](const std::vector<double>& values) {
    const auto found = std::find(tables.begin(), tables.end(), values);
    if (found != tables.end()) return static_cast<int>(found - tables.begin());
    tables.push_back(values);
    return static_cast<int>(tables.size()) - 1;
  };
  constexpr int function = 1000;  // beyond any change
  for (const MoveTerm& move : op.moves()) {
    // h T + h* T^dagger is one term; both of its halves are entered, so that an image is found however it is written.
    // Functions are of the state that an operator acts on: those of T^dagger are shifted by the change.
    for (const int sigma : {1, -1}) {
      Term term{{}, 3};
      std::map<int, int> changes;
      for (std::size_t k = 0; k < static_cast<std::size_t>(move.move.n); ++k) {
        changes[move.move.place[k]] = move.move.change[k];
        term.places.emplace_back(move.move.place[k], sigma * move.move.change[k]);
      }
      std::map<int, std::vector<double>> functions;
      for (const PlaceFunction& f : move.functions) {
        const LocalSpace& local = space_.local(f.place);
        const auto change = changes.find(f.place);
        const int c = change == changes.end() ? 0 : change->second;
        const std::vector<double>& table = op.tables()[static_cast<std::size_t>(f.table)];
        auto& values = functions.try_emplace(f.place, table.size(), 1.0).first->second;
        for (std::size_t k = 0; k < values.size(); ++k) {
          const int x = local.min + static_cast<int>(k) * local.step;  // acted upon by T or T^dagger
          const int y = sigma > 0 ? x : x - c;                         // acted upon by T
          const bool inside = y >= local.min && y <= local.max && y + c >= local.min && y + c <= local.max;
          values[k] *= inside ? table[static_cast<std::size_t>(local.index(y))] : 0.0;
        }
      }
      for (const auto& [place, values] : functions) term.places.emplace_back(place, function + number_of(values));
      std::sort(term.places.begin(), term.places.end());
      add(std::move(term), sigma > 0 ? move.element : std::conj(move.element));
    }
  }
  for (const auto& [term, value] : value_) {
    terms_.emplace_back(term, value);
    tolerance_ = std::max(tolerance_, 1e-12 * std::abs(value));
  }
}

SymmetryTest::Term SymmetryTest::image(const Term& term, const std::vector<int>& g) const {
  Term moved = term;
  for (auto& [place, what] : moved.places)
    place = space_.place(space_.flavour_of(place), g[static_cast<std::size_t>(space_.site_of(place))]);
  std::sort(moved.places.begin(), moved.places.end());
  return moved;
}

bool SymmetryTest::operator()(const std::vector<int>& g) const {
  // g maps different places of terms to different ones, so it is enough that each term has the value of its image.
  return std::all_of(terms_.begin(), terms_.end(), [&](const auto& term) {
    const auto found = value_.find(image(term.first, g));
    return found != value_.end() && std::abs(found->second - term.second) <= tolerance_;
  });
}

}  // namespace koushi
