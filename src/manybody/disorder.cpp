#include "koushi/manybody/disorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "koushi/base/text.hpp"
#include "koushi/manybody/operator_products.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

namespace {

struct CommonOptions {
  std::optional<std::vector<Deck::MixedRow>> disorder;
  std::optional<int> realisation;
  std::optional<std::vector<Deck::MixedRow>> extra_terms;

  static const Keys<CommonOptions>& keys() {
    static const auto all =
        Keys<CommonOptions>()
            .mixed_rows("disorder", &CommonOptions::disorder,
                        "random factors of parts of H, one row for each: [part, \"box\", a, b] uniform from a to b, "
                        "[part, \"normal\", mean, deviation], or [part, \"signs\", p], -1 with the probability p, else "
                        "1. All terms of a part on the same sites have one factor. Parts are named by their keys, "
                        "those of a distance shell as \"J_1\"; \"J\" means all shells")
            .example("[[\"J\", \"box\", 0.5, 1.5], [\"field\", \"box\", -1, 1]]")
            .integer("realisation", &CommonOptions::realisation, {1, 4294967295.0},
                     "number of the disorder, on which it depends alone, not on the seed; 1 where it is not given")
            .mixed_rows(
                "extra_terms", &CommonOptions::extra_terms,
                "further terms of H on sites of their own, in rows as those of kind = \"terms\": a coefficient, "
                "perhaps its imaginary part, then operators with their sites")
            .from_file()
            .example("[[0.1, \"Sz\", 0]]");
    return all;
  }
};

using Sites = std::vector<int>;

/// One row of `disorder`.
struct Law {
  enum class Shape { box, normal, signs };
  Shape shape = Shape::box;
  double first = 0;   ///< lower end, mean or probability
  double second = 0;  ///< upper end or deviation
  std::uint64_t seed = 1;
  std::uint32_t name = 0;  ///< of the part, as a number

  double operator()(const Sites& sites) const {
    const auto site = [&](std::size_t k) { return k < sites.size() ? static_cast<std::uint64_t>(sites[k]) + 1 : 0; };
    const std::uint64_t step = name | (site(2) << 16U) | (site(3) << 40U);
    const RandomBlock block = philox(seed, RandomPurpose::disorder, step, site(0), static_cast<std::uint32_t>(site(1)));
    const double u = uniform(block.word[0], block.word[1]);
    switch (shape) {
      case Shape::box:
        return first + (second - first) * u;
      case Shape::normal:
        return first + second * normal_pair(block).first;
      case Shape::signs:
        break;
    }
    return u < first ? -1 : 1;
  }
};

/// A number of 16 bits for a name (Fowler, Noll, Vo).
std::uint32_t number_of(const std::string& name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return ((hash >> 16U) ^ hash) & 0xFFFFU;
}

Law read_law(const DeckSection& section, const Deck::MixedRow& row, std::size_t number) {
  const std::string shape = "[part, \"box\", a, b], [part, \"normal\", mean, deviation] or [part, \"signs\", p]";
  const auto* const name = row.size() > 1 ? std::get_if<std::string>(&row[1]) : nullptr;
  if (name == nullptr || std::get_if<std::string>(row.data()) == nullptr)
    section.refuse_row("disorder", number, "this is no random factor of a part", shape);
  const std::vector<std::string> laws{"box", "normal", "signs"};
  const auto at = std::find(laws.begin(), laws.end(), *name);
  if (at == laws.end())
    section.refuse_row("disorder", number, fmt::format("\"{}\" is no law of random numbers", *name),
                       join(laws) + hint(*name, laws));
  Law law;
  law.shape = static_cast<Law::Shape>(at - laws.begin());
  std::vector<double> numbers;
  for (std::size_t k = 2; k < row.size(); ++k) {
    const auto* const value = std::get_if<double>(&row[k]);
    if (value == nullptr || !std::isfinite(*value))
      section.refuse_row("disorder", number, "a parameter of a law is no finite number", shape);
    numbers.push_back(*value);
  }
  if (numbers.size() != (law.shape == Law::Shape::signs ? 1 : 2))
    section.refuse_row("disorder", number, fmt::format("\"{}\" with {} numbers", *name, numbers.size()), shape);
  law.first = numbers[0];
  if (numbers.size() > 1) law.second = numbers[1];
  if (law.shape == Law::Shape::box && !(law.second >= law.first))
    section.refuse_row("disorder", number, "the upper end lies below the lower one", "a <= b");
  if (law.shape == Law::Shape::normal && law.second < 0)
    section.refuse_row("disorder", number, "a negative deviation", "0 or more");
  if (law.shape == Law::Shape::signs && (law.first < 0 || law.first > 1))
    section.refuse_row("disorder", number, fmt::format("{} is no probability", law.first), "0 to 1");
  return law;
}

/// The sites of some places, each once, in order.
Sites sites_of(const Space& space, const std::vector<int>& places) {
  Sites sites;
  for (const int p : places) sites.push_back(space.site_of(p));
  std::sort(sites.begin(), sites.end());
  sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
  return sites;
}

/// to + factor(sites) times every term of `from`.
void add_scaled(Operator& to, const Operator& from, const std::function<double(const Sites&)>& factor) {
  const Space& space = from.space();
  using Functions = std::vector<std::pair<int, std::vector<double>>>;
  const auto tables = [&](const std::vector<PlaceFunction>& functions, std::vector<int>& places) {
    Functions result;
    for (const PlaceFunction& f : functions) {
      places.push_back(f.place);
      result.emplace_back(f.place, from.tables()[static_cast<std::size_t>(f.table)]);
    }
    return result;
  };
  if (from.constant() != 0) to.add_constant(factor({}) * from.constant());
  for (std::size_t p = 0; p < from.linear().size(); ++p) {
    const int place = static_cast<int>(p);
    if (from.linear()[p] != 0) to.add_linear(place, factor(sites_of(space, {place})) * from.linear()[p]);
  }
  for (const PairTerm& pair : from.pairs())
    to.add_pair(pair.p, pair.q, factor(sites_of(space, {pair.p, pair.q})) * pair.weight);
  for (const ProductTerm& term : from.products()) {
    std::vector<int> places;
    const Functions functions = tables(term.functions, places);
    to.add_product(factor(sites_of(space, places)) * term.weight, functions);
  }
  for (const MoveTerm& term : from.moves()) {
    std::vector<int> places(term.move.place.begin(), term.move.place.begin() + term.move.n);
    const Functions functions = tables(term.functions, places);
    to.add_bare_move(term.move, factor(sites_of(space, places)) * term.element, functions);
  }
}

/// Whether every term belongs to a part.
bool is_all_parts(const Operator& h) {
  std::size_t pairs = 0;
  std::size_t products = 0;
  std::size_t moves = 0;
  double constant = h.constant();
  std::vector<double> linear = h.linear();
  for (const auto& [name, part] : h.parts()) {
    pairs += part.pairs().size();
    products += part.products().size();
    moves += part.moves().size();
    constant -= part.constant();
    for (std::size_t p = 0; p < linear.size(); ++p) linear[p] -= part.linear()[p];
  }
  const double rounding = 1e-12 * h.bound();
  return pairs == h.pairs().size() && products == h.products().size() && moves == h.moves().size() &&
         std::abs(constant) <= rounding &&
         std::all_of(linear.begin(), linear.end(), [rounding](double x) { return std::abs(x) <= rounding; });
}

Operator with_disorder(const DeckSection& section, const Operator& h, const std::vector<Deck::MixedRow>& rows,
                       std::uint64_t realisation) {
  const auto key_of = [](const std::string& part) { return part.substr(0, part.rfind('_')); };
  const auto is_shell = [](const std::string& part) {
    const std::size_t at = part.rfind('_');
    return at != std::string::npos && at + 1 < part.size() &&
           part.find_first_not_of("0123456789", at + 1) == std::string::npos;
  };
  std::vector<std::string> names;
  for (const auto& [name, part] : h.parts()) {
    if (is_shell(name) && std::count(names.begin(), names.end(), key_of(name)) == 0) names.push_back(key_of(name));
    names.push_back(name);
  }
  if (!is_all_parts(h) || names.empty())
    section.refuse("disorder", fmt::format("the parts of \"{}\" have no names", section.kind()),
                   "a Hamiltonian with couplings of its own keys");
  std::vector<std::optional<Law>> laws(h.parts().size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Law law = read_law(section, rows[r], r);
    const std::string part = std::get<std::string>(rows[r][0]);
    bool found = false;
    for (std::size_t k = 0; k < laws.size(); ++k) {
      const std::string& name = h.parts()[k].first;
      if (name != part && !(is_shell(name) && key_of(name) == part)) continue;
      if (laws[k]) section.refuse_row("disorder", r, fmt::format("\"{}\" has a factor already", name), "one per part");
      law.seed = realisation;
      law.name = number_of(name);
      laws[k] = law;
      found = true;
    }
    if (!found)
      section.refuse_row("disorder", r, fmt::format("\"{}\" is no part of this H, or its coupling is 0", part),
                         join(names) + hint(part, names));
  }
  Operator result(h.space());
  for (std::size_t k = 0; k < laws.size(); ++k) {
    result.begin_part(h.parts()[k].first);
    add_scaled(result, h.parts()[k].second, [&](const Sites& sites) {
      if (!laws[k]) return 1.0;
      if (sites.size() > 4)
        section.refuse("disorder", fmt::format("a term of \"{}\" has {} sites", h.parts()[k].first, sites.size()),
                       "parts of terms on at most four sites");
      return (*laws[k])(sites);
    });
  }
  result.begin_part("");
  return result;
}

void add_terms(const DeckSection& section, const std::vector<Deck::MixedRow>& rows, Operator& h) {
  const OperatorAlphabet alphabet(h.space());
  ProductSum sum(h.space());
  std::vector<NamedProduct> products;
  const std::size_t before = h.moves().size();
  h.begin_part("extra_terms");
  try {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      products.push_back(read_product(section, "extra_terms", r, rows[r], alphabet, h.n_sites()));
      for (const LocalProduct& one : alphabet.product(products[r].coefficient, products[r].operators)) sum.add(r, one);
    }
    sum.put_into(h, [&products](std::size_t row) { return adjoint_text(products[row]); });
  } catch (const ProductFault& fault) {
    section.refuse_row("extra_terms", fault.row, fault.problem, fault.expected);
  }
  h.begin_part("");
  if (h.moves().size() > before && section.has("marshall") && section.boolean("marshall"))
    section.refuse("extra_terms", "terms that flip spins are those of states that are not rotated",
                   "marshall = false, or terms of Sz alone");
}

}  // namespace

const std::vector<Key>& common_hamiltonian_keys() { return CommonOptions::keys().list(); }

Operator with_common_keys(const DeckSection& section, Operator h) {
  const CommonOptions options = CommonOptions::keys().read(section);
  if (options.realisation && !options.disorder)
    section.refuse("realisation", "there is no disorder of which it is the number", "none without disorder");
  if (options.disorder)
    h = with_disorder(section, h, *options.disorder, static_cast<std::uint64_t>(options.realisation.value_or(1)));
  if (options.extra_terms) add_terms(section, *options.extra_terms, h);
  return h;
}

}  // namespace koushi
