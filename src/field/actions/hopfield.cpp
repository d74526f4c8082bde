#include <fmt/format.h>

#include "koushi/field/field_action.hpp"
#include "koushi/field/hopfield_theory.hpp"

namespace koushi {

namespace {

enum class Start { pattern, random };

struct HopfieldDeck {
  double beta = 1;
  std::optional<int> patterns;
  std::optional<std::vector<std::string>> pattern_list;
  Start start = Start::pattern;
  double noise = 0;

  static const Keys<HopfieldDeck>& keys() {
    static const Keys<HopfieldDeck> all =
        Keys<HopfieldDeck>()
            .real("beta", &HopfieldDeck::beta, {0}, "inverse temperature, S = beta H")
            .required()
            .integer("patterns", &HopfieldDeck::patterns, {1, 65536}, "how many, drawn from the seed")
            .texts("pattern_list", &HopfieldDeck::pattern_list, {},
                   "the patterns themselves, one string of + and - each, [\"++-+\", ...], instead of `patterns`")
            .choice("start", &HopfieldDeck::start, {{"pattern", Start::pattern}, {"random", Start::random}},
                    "the first configuration: the first pattern, or random spins")
            .real("noise", &HopfieldDeck::noise, {0, 1},
                  "probability with which each spin of the first pattern is flipped at the start");
    return all;
  }
};

HopfieldOptions options_of(const DeckSection& section, const HopfieldDeck& keys, int n_sites) {
  HopfieldOptions options{
      .beta = keys.beta, .patterns = {}, .from_pattern = keys.start == Start::pattern, .noise = keys.noise};
  if (section.deck().given("study.start"))
    section.deck().refuse("study.start", "a Hopfield model starts as action.start says", "no study.start");
  if (!options.from_pattern && section.given("noise"))
    section.refuse("noise", "random spins have no pattern to flip", "start = \"pattern\", or no noise");
  if (keys.pattern_list) {
    if (keys.patterns) section.refuse("patterns", "the patterns are given by pattern_list", "one of the two");
    if (keys.pattern_list->empty())
      section.refuse("pattern_list", "there is none",
                     fmt::format("at least one pattern of {} characters + or -", n_sites));
    for (const std::string& text : *keys.pattern_list) {
      options.patterns.emplace_back();
      for (const char sign : text) options.patterns.back().push_back(sign == '+' ? 1 : -1);
      if (text.size() != static_cast<std::size_t>(n_sites) || text.find_first_not_of("+-") != std::string::npos) {
        section.refuse("pattern_list", fmt::format("pattern {} is not one of this lattice", options.patterns.size()),
                       fmt::format("{} characters + or -", n_sites));
      }
    }
    return options;
  }
  if (!keys.patterns) section.refuse("patterns", "it is missing", "their number, or pattern_list");
  if (static_cast<double>(*keys.patterns) * n_sites >= 2147483648.0)
    section.refuse("patterns", fmt::format("{} patterns of {} spins", *keys.patterns, n_sites),
                   "fewer than 2^31 numbers in all");
  options.patterns =
      random_patterns(static_cast<std::uint64_t>(section.deck().integer("seed")), *keys.patterns, n_sites);
  return options;
}

FieldAction hopfield(const DeckSection& section, const GridOptions& lattice) {
  const Deck& deck = section.deck();
  const HopfieldDeck keys = HopfieldDeck::keys().read(section);
  if (lattice.extents.size() != 1)
    deck.refuse("lattice.extents", fmt::format("a Hopfield model in {} directions", lattice.extents.size()),
                fmt::format("one number for action.kind = \"{}\"", section.kind()));
  if (deck.given("lattice.boundary"))
    deck.refuse("lattice.boundary", "the spins of a Hopfield model are all joined, without a boundary", "no boundary");
  FieldAction action;
  action.grid.undivided = "the spins of a Hopfield model are all joined, so a replica stays on one rank";
  // in bytes: spins, and the patterns on every rank
  action.numbers_per_site = (1 + 2.0 * keys.patterns.value_or(1) / static_cast<double>(lattice.replicas)) / 8;
  action.couplings = {{.key = "beta"}};
  action.configuration = "spins of a memory";
  action.make = [section, keys](const Grid& grid) {
    return make_hopfield_theory(grid, options_of(section, keys, static_cast<int>(grid.n_sites())));
  };
  return action;
}

}  // namespace

ActionKinds::OneKind hopfield_kind() {
  return {"hopfield",
          "associative memory: N spins s = +-1 in one direction, H = - 1 / (2 N) sum_{i != j} sum_mu xi_i xi_j s_i s_j",
          HopfieldDeck::keys().list(), hopfield};
}

}  // namespace koushi
