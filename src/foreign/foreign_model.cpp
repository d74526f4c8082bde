#include "foreign_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// 2 Delta S^z of an operator, 0 for those that leave it.
int spin_change(const std::string& name) {
  static const std::map<std::string, int> changes = {{"S+", 2},      {"s+", 2},    {"S-", -2},        {"s-", -2},
                                                     {"cdag_up", 1}, {"c_up", -1}, {"cdag_down", -1}, {"c_down", 1}};
  const auto found = changes.find(name);
  return found == changes.end() ? 0 : found->second;
}

ProductTable::Product adjoint(const ProductTable::Product& product) {
  ProductTable::Product all;
  for (auto at = product.rbegin(); at != product.rend(); ++at) {
    std::string name = at->first;
    if (name == "S+" || name == "s+") {
      name[1] = '-';
    } else if (name == "S-" || name == "s-") {
      name[1] = '+';
    } else if (name.rfind("cdag", 0) == 0) {
      name.erase(1, 3);
    } else if (name.rfind("c_", 0) == 0) {
      name.insert(1, "dag");
    }
    all.emplace_back(name, at->second);
  }
  return all;
}

/// A term of one step of the square root of the machine's accuracy is a rounding of the sum.
constexpr double negligible = 1e-14;

}  // namespace

void refuse(const ForeignPlace& at, const std::string& problem, const std::string& expected) {
  throw DeckError(fmt::format("{}{}: error: {}\n  expected: {}", at.file,
                              at.line > 0 ? fmt::format(":{}", at.line) : "", problem, expected));
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::optional<double> foreign_number(std::string word) {
  for (char& c : word) {
    if (c == 'd' || c == 'D') c = 'e';
  }
  const char* const begin = word.data() + (word.rfind('+', 0) == 0 ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(begin, word.data() + word.size(), value);
  if (word.empty() || error != std::errc() || end != word.data() + word.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string real_text(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string list_text(const std::vector<double>& values) {
  std::vector<std::string> parts;
  for (const double value : values) parts.push_back(real_text(value));
  return "[" + join(parts) + "]";
}

void ProductTable::add(std::complex<double> coefficient, const Product& product) {
  add_expanded(coefficient, product, 0);
}

/// S^x = (S^+ + S^-) / 2, S^y = (S^+ - S^-) / 2i.
void ProductTable::add_expanded(std::complex<double> coefficient, const Product& product, std::size_t from) {
  for (std::size_t k = from; k < product.size(); ++k) {
    const std::string& name = product[k].first;
    if (name.size() != 2 || (name[1] != 'x' && name[1] != 'y')) continue;
    for (const char sign : {'+', '-'}) {
      Product one = product;
      one[k].first = {name[0], sign};
      const std::complex<double> factor =
          name[1] == 'x' ? std::complex<double>(0.5) : std::complex<double>(0, sign == '+' ? -0.5 : 0.5);
      add_expanded(coefficient * factor, one, k + 1);
    }
    return;
  }
  sum_[product] += coefficient;
}

void ProductTable::add_with_adjoint(std::complex<double> coefficient, const Product& product) {
  add(coefficient, product);
  add(std::conj(coefficient), adjoint(product));
}

std::vector<std::string> ProductTable::rows() const {
  std::vector<std::string> rows;
  for (const auto& [product, coefficient] : sum_) {
    if (std::abs(coefficient) < negligible || product.empty()) continue;
    std::string row = "[" + real_text(coefficient.real());
    if (std::abs(coefficient.imag()) >= negligible) row += ", " + real_text(coefficient.imag());
    for (const auto& [name, site] : product) row += fmt::format(", \"{}\", {}", name, site);
    rows.push_back(row + "]");
  }
  return rows;
}

std::complex<double> ProductTable::constant() const {
  const auto found = sum_.find({});
  return found == sum_.end() ? 0.0 : found->second;
}

bool ProductTable::complex_valued() const {
  return std::any_of(sum_.begin(), sum_.end(),
                     [](const auto& one) { return std::abs(one.second.imag()) >= negligible; });
}

bool ProductTable::conserves_spin() const {
  return std::all_of(sum_.begin(), sum_.end(), [](const auto& one) {
    int change = 0;
    for (const auto& [name, site] : one.first) change += spin_change(name);
    return change == 0 || std::abs(one.second) < negligible;
  });
}

void ForeignModel::check_charges(const ForeignPlace& electrons_at, const ForeignPlace& twice_sz_at) const {
  const int n = electrons.value_or(0);
  if (n < 0 || n > 2 * n_sites)
    refuse(electrons_at, fmt::format("{} electrons on {} sites", n, n_sites), fmt::format("0 to {}", 2 * n_sites));
  const int of_spins = states == ForeignStates::electrons ? 0 : static_cast<int>(2 * spin) * n_sites;
  const int most = of_spins + std::min(n, 2 * n_sites - n);
  if (twice_sz && (std::abs(*twice_sz) > most || (*twice_sz - most) % 2 != 0))
    refuse(twice_sz_at, fmt::format("2Sz = {}", *twice_sz), fmt::format("{}, {}, ... {}", -most, -most + 2, most));
}

double ForeignModel::number(const std::string& name, double otherwise) const {
  const auto found = value.find(name);
  return found == value.end() ? otherwise : found->second;
}

}  // namespace koushi
