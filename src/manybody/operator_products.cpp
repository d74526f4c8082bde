#include "koushi/manybody/operator_products.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

using Phase = std::complex<double>;
using Table = std::vector<double>;

/// S^x = (S^+ + S^-) / 2, S^y = (S^+ - S^-) / 2i.
LocalSum of_ladders(char axis, LocalProduct raise, LocalProduct lower) {
  if (axis == '+') return {raise};
  if (axis == '-') return {lower};
  if (axis != 'x' && axis != 'y') return {};
  raise.coefficient = axis == 'x' ? Phase(0.5) : Phase(0, -0.5);
  lower.coefficient = axis == 'x' ? Phase(0.5) : Phase(0, 0.5);
  return {raise, lower};
}
/// The sign of o_1 o_2 ... = sign prod_hops c^dagger_q c_p, of fermion operators in the order of their places; the
/// hops go from the k-th place that loses a fermion to the k-th that gains one, or back where `reversed`.
int sign_of_hops(const std::vector<LocalOperator>& odd, bool reversed) {
  std::vector<int> from;
  std::vector<int> to;
  for (std::size_t k = 0; k < odd.size(); ++k)
    ((odd[k].change < 0) != reversed ? from : to).push_back(static_cast<int>(k));
  std::vector<int> order;
  for (std::size_t h = 0; h < from.size(); ++h) {
    order.push_back(reversed ? from[h] : to[h]);
    order.push_back(reversed ? to[h] : from[h]);
  }
  int sign = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i + 1; j < order.size(); ++j) sign *= order[i] > order[j] ? -1 : 1;
  }
  return sign;
}

}  // namespace

OperatorAlphabet::OperatorAlphabet(const Space& space) : space_(space), with_spins_(space.n_flavours() == 3) {}

std::vector<std::string> OperatorAlphabet::names() const {
  switch (space_.local(0).kind) {
    case LocalSpace::Kind::boson:
      return {"bdag", "b", "n"};
    case LocalSpace::Kind::spin:
      return {"Sz", "Sx", "Sy", "S+", "S-"};
    case LocalSpace::Kind::fermion:
      break;
  }
  if (space_.n_flavours() == 1) return {"cdag", "c", "n"};
  std::vector<std::string> all{"cdag_up", "c_up", "cdag_down", "c_down", "n_up", "n_down", "n"};
  for (const char* name : {"Sz", "Sx", "Sy", "S+", "S-"}) all.emplace_back(name);
  for (const char* name : {"sz", "sx", "sy", "s+", "s-"}) {
    if (with_spins_) all.emplace_back(name);
  }
  return all;
}

LocalSum OperatorAlphabet::of(const std::string& name, int site) const {
  if (space_.local(0).kind == LocalSpace::Kind::boson) {
    const int place = space_.place(0, site);
    if (name == "bdag" || name == "b") return {{1, {step(place, name == "b" ? -1 : 1)}}};
    if (name == "n") return {{1, {value(place, 1)}}};
    return {};
  }
  if (space_.local(0).kind == LocalSpace::Kind::spin) return spin(name, space_.place(0, site));
  if (space_.n_flavours() == 1) {
    const int place = space_.place(0, site);
    if (name == "cdag" || name == "c") return {{1, {step(place, name == "c" ? -1 : 1)}}};
    if (name == "n") return {{1, {value(place, 1)}}};
    return {};
  }
  const int up = space_.place(0, site);
  const int down = space_.place(1, site);
  for (const auto& [word, place] : {std::pair{"_up", up}, std::pair{"_down", down}}) {
    if (name == std::string("cdag") + word) return {{1, {step(place, 1)}}};
    if (name == std::string("c") + word) return {{1, {step(place, -1)}}};
    if (name == std::string("n") + word) return {{1, {value(place, 1)}}};
  }
  if (name == "n") return {{1, {value(up, 1)}}, {1, {value(down, 1)}}};
  if (with_spins_ && !name.empty() && name[0] == 'S') return spin(name, space_.place(2, site));
  if (name.size() != 2 || name[0] != (with_spins_ ? 's' : 'S')) return {};
  const LocalProduct raise{1, {step(up, 1), step(down, -1)}};
  const LocalProduct lower{1, {step(down, 1), step(up, -1)}};
  if (name[1] == 'z') return {{0.5, {value(up, 1)}}, {-0.5, {value(down, 1)}}};
  return of_ladders(name[1], raise, lower);
}

LocalSum OperatorAlphabet::product(std::complex<double> coefficient,
                                   const std::vector<std::pair<std::string, int>>& operators) const {
  LocalSum products{{coefficient, {}}};
  for (const auto& [name, site] : operators) {
    LocalSum longer;
    for (const LocalProduct& next : of(name, site)) {
      for (LocalProduct product : products) {
        product.coefficient *= next.coefficient;
        product.operators.insert(product.operators.end(), next.operators.begin(), next.operators.end());
        longer.push_back(std::move(product));
      }
    }
    products = std::move(longer);
  }
  return products;
}

LocalSum OperatorAlphabet::spin(const std::string& name, int place) const {
  if (name.size() != 2 || name[0] != 'S') return {};
  if (name[1] == 'z') return {{1, {value(place, 0.5)}}};
  return of_ladders(name[1], {1, {step(place, 2)}}, {1, {step(place, -2)}});
}

LocalOperator OperatorAlphabet::step(int place, int change) const {
  const LocalSpace& local = space_.local(place);
  Table table = ladder_elements(local, change);
  if (table.empty()) {
    for (int x = local.min; x <= local.max; x += local.step)
      table.push_back(x + change >= local.min && x + change <= local.max ? 1.0 : 0.0);
  }
  return {place, change, table};
}

LocalOperator OperatorAlphabet::value(int place, double unit) const {
  LocalOperator result{place, 0, {}};
  const LocalSpace& local = space_.local(place);
  for (int x = local.min; x <= local.max; x += local.step) result.table.push_back(unit * x);
  return result;
}

void ProductSum::add(std::size_t row, const LocalProduct& product) {
  std::vector<LocalOperator> list = product.operators;
  Complex coefficient = product.coefficient;
  // In the order of their places; fermion operators of different places anticommute.
  for (std::size_t i = 1; i < list.size(); ++i) {
    for (std::size_t k = i; k > 0 && list[k - 1].place > list[k].place; --k) {
      if (is_odd(list[k - 1]) && is_odd(list[k])) coefficient = -coefficient;
      std::swap(list[k - 1], list[k]);
    }
  }
  std::vector<LocalOperator> merged;
  for (const LocalOperator& next : list) {
    if (merged.empty() || merged.back().place != next.place) {
      merged.push_back(next);
    } else {
      merged.back() = times(merged.back(), next);
    }
  }
  for (const LocalOperator& one : merged) {
    if (std::all_of(one.table.begin(), one.table.end(), [](double x) { return x == 0; })) return;
  }
  collect(row, coefficient, merged);
}

void ProductSum::put_into(Operator& h, const std::function<std::string(std::size_t)>& adjoint_of) const {
  double largest = 0;
  for (const auto& [key, term] : terms_)
    largest = std::max({largest, std::abs(term.coefficient), std::abs(term.of_adjoint)});
  const double negligible = 1e-12 * largest;
  for (const auto& [key, term] : terms_) {
    if (std::abs(term.coefficient - std::conj(term.of_adjoint)) > negligible) {
      throw ProductFault{term.row, "H is not hermitian: the adjoint of this term is missing, or is not its own",
                         fmt::format("the row {} as well", adjoint_of(term.row))};
    }
    if (std::abs(term.coefficient) > negligible) put(h, key, term.coefficient);
  }
}

/// a b: b acts first.
LocalOperator ProductSum::times(const LocalOperator& a, const LocalOperator& b) const {
  const LocalSpace& local = space_.local(a.place);
  LocalOperator result{a.place, a.change + b.change, Table(a.table.size(), 0.0)};
  for (int x = local.min; x <= local.max; x += local.step) {
    const int between = x + b.change;
    if (between < local.min || between > local.max) continue;
    const auto k = static_cast<std::size_t>(local.index(x));
    result.table[k] = b.table[k] * a.table[static_cast<std::size_t>(local.index(between))];
  }
  return result;
}

void ProductSum::collect(std::size_t row, Complex coefficient, const std::vector<LocalOperator>& list) {
  std::vector<LocalOperator> odd;
  int changes = 0;
  int fermions = 0;
  const LocalOperator* first = nullptr;
  for (const LocalOperator& one : list) {
    if (one.change == 0) continue;
    if (first == nullptr) first = &one;
    ++changes;
    if (!is_odd(one)) continue;
    odd.push_back(one);
    fermions += one.change;
  }
  if (fermions != 0) {
    throw ProductFault{row, "this term changes the number of fermions",
                       "as many annihilation operators as creation operators"};
  }
  if (changes > 4) throw ProductFault{row, fmt::format("this term changes {} places", changes), "at most four places"};
  // Terms and their adjoints are known under the same key: the first place that changes goes down.
  const bool reversed = first != nullptr && first->change > 0;
  if (!odd.empty()) coefficient *= sign_of_hops(odd, reversed);
  std::vector<std::pair<TermKey, double>> parts{{{}, 1.0}};
  for (const LocalOperator& one : list) {
    const int change = reversed ? -one.change : one.change;
    std::vector<std::pair<TermKey, double>> longer;
    for (const auto& [index, weight] : decomposed(one, reversed)) {
      for (const auto& [key, factor] : parts) {
        TermKey next = key;
        if (change != 0 || index != 0) next.push_back({one.place, change, index});
        longer.emplace_back(next, factor * weight);
      }
    }
    parts = std::move(longer);
  }
  for (const auto& [key, weight] : parts) {
    const auto [at, is_new] = terms_.try_emplace(key);
    if (is_new) at->second.row = row;
    if (first == nullptr || !reversed) at->second.coefficient += weight * coefficient;
    if (first == nullptr || reversed) at->second.of_adjoint += weight * coefficient;
  }
}

/// The function of one place, without the factors of a ladder operator, in the basis of PlacedIndex; of a reversed
/// operator as a function of the state that it leads to.
std::vector<std::pair<int, double>> ProductSum::decomposed(const LocalOperator& one, bool reversed) const {
  const LocalSpace& local = space_.local(one.place);
  const int change = reversed ? -one.change : one.change;
  const Table elements = ladder_elements(local, change);
  std::vector<std::pair<int, double>> points;  // x that the operator of the key acts on, value
  double scale = 0;
  for (int x = local.min; x <= local.max; x += local.step) {
    if (x + change < local.min || x + change > local.max) continue;
    const int acts_on = reversed ? x + change : x;
    double value = one.table[static_cast<std::size_t>(local.index(acts_on))];
    if (!elements.empty() && change != 0) value /= elements[static_cast<std::size_t>(local.index(x))];
    points.emplace_back(x, value);
    scale = std::max(scale, std::abs(value));
  }
  const double slope = points.size() > 1 ? (points[1].second - points[0].second) / local.step : 0.0;
  const double constant = points.empty() ? 0.0 : points[0].second - slope * points[0].first;
  std::vector<std::pair<int, double>> result;
  const auto keep = [&](int index, double weight) {
    if (std::abs(weight) > 1e-14 * scale) result.emplace_back(index, weight);
  };
  keep(0, constant);
  keep(1, slope);
  for (std::size_t k = 2; k < points.size(); ++k)
    keep(2 + local.index(points[k].first), points[k].second - constant - slope * points[k].first);
  return result;
}

/// Values of a basis function over all states of a place.
std::vector<double> ProductSum::values_of(const PlacedIndex& at) const {
  const LocalSpace& local = space_.local(at.place);
  Table values;
  for (int x = local.min; x <= local.max; x += local.step)
    values.push_back(at.index == 1 ? x : at.index == 2 + local.index(x) ? 1.0 : 0.0);
  return values;
}

void ProductSum::put(Operator& h, const TermKey& key, Complex coefficient) const {
  Move move;
  std::vector<std::pair<int, Table>> functions;
  std::vector<PlacedIndex> from;
  std::vector<PlacedIndex> to;
  std::vector<PlacedIndex> others;
  bool linear = true;
  for (const PlacedIndex& at : key) {
    if (at.index != 0) functions.emplace_back(at.place, values_of(at));
    linear = linear && at.index == 1;
    if (at.change == 0) continue;
    (!space_.is_fermionic(at.place) ? others : at.change < 0 ? from : to).push_back(at);
  }
  if (space_.exclusive() && (share_a_site(from) || share_a_site(to))) return;  // no state is before or behind it
  const auto change = [&move](const PlacedIndex& at) {
    move.place[static_cast<std::size_t>(move.n)] = at.place;
    move.change[static_cast<std::size_t>(move.n++)] = at.change;
  };
  for (std::size_t k = 0; k < from.size(); ++k) {
    change(from[k]);
    change(to[k]);
  }
  move.hops = static_cast<int>(from.size());
  for (const PlacedIndex& at : others) change(at);
  if (move.n > 0) {
    h.add_move(move, coefficient, functions);
  } else if (key.empty()) {
    h.add_constant(coefficient.real());
  } else if (linear && key.size() == 1) {
    h.add_linear(key[0].place, coefficient.real());
  } else if (linear && key.size() == 2) {
    h.add_pair(key[0].place, key[1].place, coefficient.real());
  } else {
    h.add_product(coefficient.real(), functions);
  }
}

bool ProductSum::share_a_site(const std::vector<PlacedIndex>& places) const {
  return places.size() == 2 && space_.site_of(places[0].place) == space_.site_of(places[1].place);
}

std::vector<std::pair<std::string, int>> adjoint(const std::vector<std::pair<std::string, int>>& operators) {
  const auto of = [](std::string name) {
    if (name.starts_with("cdag") || name.starts_with("bdag")) return name.erase(1, 3);
    if (name == "b" || name == "c" || name.starts_with("c_")) return name.insert(1, "dag");
    if (name.ends_with('+'))
      name.back() = '-';
    else if (name.ends_with('-'))
      name.back() = '+';
    return name;
  };
  std::vector<std::pair<std::string, int>> result;
  for (auto at = operators.rbegin(); at != operators.rend(); ++at) result.emplace_back(of(at->first), at->second);
  return result;
}

namespace {

/// The first fixed charge that a product changes, -1: none.
int first_changed(const Space& space, const LocalProduct& product) {
  for (std::size_t c = 0; c < space.charges().size(); ++c) {
    const Charge& charge = space.charges()[c];
    if (!charge.value) continue;
    int change = 0;
    for (const LocalOperator& one : product.operators)
      change += charge.weight[static_cast<std::size_t>(space.flavour_of(one.place))] * one.change;
    if (change != 0) return static_cast<int>(c);
  }
  return -1;
}

}  // namespace

std::string changed_charge(const Space& space, const LocalSum& products) {
  std::string name;
  for (const LocalProduct& product : products) {
    const int changed = first_changed(space, product);
    if (changed < 0) return "";
    name = space.charges()[static_cast<std::size_t>(changed)].name;
  }
  return name;
}

void add_hermitian_part(ProductSum& sum, const OperatorAlphabet& alphabet, std::complex<double> c,
                        const std::vector<std::pair<std::string, int>>& operators) {
  for (const LocalSum& half :
       {alphabet.product(0.5 * c, operators), alphabet.product(0.5 * std::conj(c), adjoint(operators))}) {
    for (const LocalProduct& product : half) {
      if (first_changed(alphabet.space(), product) < 0) sum.add(0, product);
    }
  }
}

Operator operator_of(const Space& space, const ProductSum& sum) {
  Operator result(space);
  sum.put_into(result, [](std::size_t) { return std::string(); });
  return result;
}

std::pair<Operator, Operator> hermitian_parts(const Space& space, std::complex<double> c,
                                              const std::vector<std::pair<std::string, int>>& operators) {
  const OperatorAlphabet alphabet(space);
  ProductSum real(space);
  ProductSum imaginary(space);
  add_hermitian_part(real, alphabet, c, operators);
  add_hermitian_part(imaginary, alphabet, c * std::complex<double>(0, -1), operators);
  return {operator_of(space, real), operator_of(space, imaginary)};
}

namespace {

/// sigma = 2 S of every letter.
void read_pauli_word(const DeckSection& section, const std::string& key, std::size_t number, const std::string& word,
                     const Space& space, NamedProduct& product) {
  const LocalSpace& local = space.local(0);
  if (local.kind != LocalSpace::Kind::spin || local.states() != 2)
    section.refuse_row(key, number, fmt::format("\"{}\" is a word of Pauli matrices", word),
                       "operators with their sites; Pauli matrices are those of spins 1/2");
  if (static_cast<int>(word.size()) != space.n_sites())
    section.refuse_row(key, number, fmt::format("\"{}\" has {} letters", word, word.size()),
                       fmt::format("{} letters, one per site", space.n_sites()));
  for (std::size_t site = 0; site < word.size(); ++site) {
    if (word[site] == 'I') continue;
    product.coefficient *= 2;
    product.operators.emplace_back(word[site] == 'X' ? "Sx" : word[site] == 'Y' ? "Sy" : "Sz", static_cast<int>(site));
  }
}

}  // namespace

NamedProduct read_product(const DeckSection& section, const std::string& key, std::size_t number,
                          const Deck::MixedRow& row, const OperatorAlphabet& alphabet, int n_sites) {
  const std::string shape = "a coefficient, perhaps its imaginary part, then operators with their sites";
  const auto number_at = [&](std::size_t k) { return k < row.size() ? std::get_if<double>(&row[k]) : nullptr; };
  NamedProduct result;
  std::size_t k = 1;
  if (number_at(0) == nullptr) section.refuse_row(key, number, "a term begins with no number", shape);
  result.coefficient = *number_at(0);
  if (number_at(1) != nullptr) {
    result.coefficient += std::complex<double>(0, *number_at(1));
    k = 2;
  }
  const std::vector<std::string> names = alphabet.names();
  for (; k < row.size(); k += 2) {
    const auto* name = std::get_if<std::string>(&row[k]);
    if (name == nullptr)
      section.refuse_row(key, number, fmt::format("{} stands where an operator must", *number_at(k)), shape);
    if (k + 1 == row.size() && name->find_first_not_of("IXYZ") == std::string::npos) {
      read_pauli_word(section, key, number, *name, alphabet.space(), result);
      break;
    }
    if (std::find(names.begin(), names.end(), *name) == names.end())
      section.refuse_row(key, number, fmt::format("\"{}\" is no operator of these states", *name),
                         join(names) + hint(*name, names));
    const double* site = number_at(k + 1);
    if (site == nullptr)
      section.refuse_row(key, number, fmt::format("\"{}\" has no site", *name), "a site behind every operator");
    if (*site != std::round(*site) || *site < 0 || *site >= n_sites)
      section.refuse_row(key, number, fmt::format("{} is no site", *site), fmt::format("sites 0 to {}", n_sites - 1));
    result.operators.emplace_back(*name, static_cast<int>(*site));
  }
  return result;
}

std::string adjoint_text(const NamedProduct& row) {
  std::string text = fmt::format("[{}", row.coefficient.real());
  if (row.coefficient.imag() != 0) text += fmt::format(", {}", -row.coefficient.imag());
  for (const auto& [name, site] : adjoint(row.operators)) text += fmt::format(", \"{}\", {}", name, site);
  return text + "]";
}

}  // namespace koushi
