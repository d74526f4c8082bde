#include "field_lattice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/field/ladder.hpp"
#include "koushi/field/network_field.hpp"
#include "koushi/field/updater.hpp"

namespace koushi {

namespace {

const std::vector<std::pair<std::string, Boundary>>& boundaries() {
  static const std::vector<std::pair<std::string, Boundary>> all{{"periodic", Boundary::periodic},
                                                                 {"antiperiodic", Boundary::antiperiodic},
                                                                 {"open", Boundary::open},
                                                                 {"fixed", Boundary::fixed}};
  return all;
}

/// Extents, boundary and replicas of the deck.
GridOptions lattice_options(const Deck& deck) {
  GridOptions options;
  options.extents = deck.integers("lattice.extents");
  const std::size_t d = options.extents.size();
  if (d > 4) deck.refuse("lattice.extents", fmt::format("{} directions were given", d), "1 to 4");
  double sites = 1;
  for (const int n : options.extents) sites *= n;
  if (sites > 4.0e9)
    deck.refuse("lattice.extents", fmt::format("{:.3g} sites", sites),
                "fewer than 2^32");  // the counter of random numbers
  const std::vector<std::string> names = deck.texts("lattice.boundary");
  if (names.size() > 1 && names.size() != d)
    deck.refuse("lattice.boundary", fmt::format("{} boundaries were given", names.size()), fmt::format("1 or {}", d));
  for (std::size_t k = 0; k < d; ++k) {
    options.boundary.push_back(Boundary::periodic);
    for (const auto& [name, boundary] : boundaries()) {
      if (!names.empty() && name == names[names.size() == 1 ? 0 : k]) options.boundary.back() = boundary;
    }
  }
  options.replicas = deck.integer("lattice.replicas");
  return options;
}

}  // namespace

Section field_lattice_section(const std::vector<std::string>& studies) {
  using namespace declare;
  Key boundary = key("boundary", KeyType::texts, "[]",
                     "one per direction, or one for all; none means periodic; fixed ends are those of a path");
  for (const auto& [name, value] : boundaries()) boundary.choices.push_back(name);
  return {"lattice",
          "The lattice of the field, and independent copies of it.",
          false,
          {{"hypercubic",
            "1 to 4 directions; the first is that of correlators",
            {between(1, 65536, key("extents", KeyType::integers, "", "sites per direction")), boundary,
             between(1, 1048576,
                     key("replicas", KeyType::integer, "1",
                         "independent copies, all updated at once; shared out over the ranks first")),
             optional(at_least(
                 1, key("ranks", KeyType::integers, "", "ranks per direction of one copy; chosen if not given")))}}},
          studies};
}

FieldAction field_action(const Deck& deck) {
  const DeckSection section(deck, "action");
  const GridOptions lattice = lattice_options(deck);
  FieldAction action = action_kinds().of(section).make(section, lattice);
  return deck.has("path.variables") ? in_path_variables(deck, lattice, std::move(action)) : action;
}

PathOptions required_path(const Deck& deck) {
  const std::optional<PathOptions> path = field_action(deck).path;
  if (!path)
    deck.refuse("action.kind", fmt::format("\"{}\" is no path of one coordinate", deck.text("action.kind")),
                "\"path\"");
  return *path;
}

double numbers_per_site(const Deck& deck) {
  const FieldAction action = field_action(deck);
  double further = 0;
  std::size_t rungs = 1;
  for (const FieldUpdate& update : field_updates(deck)) {
    further = std::max<double>(further, update.arrays * action.components + update.numbers);
    if (update.ladder) rungs = update.ladder->values.size();
  }
  return (action.numbers_per_site + further) * static_cast<double>(rungs);
}

double bytes_of_fields(const Deck& deck) {
  double sites = static_cast<double>(deck.integer("lattice.replicas"));
  for (const int n : deck.integers("lattice.extents")) sites *= n;
  return 8 * sites * numbers_per_site(deck);
}

GridOptions grid_options(const Deck& deck) {
  GridOptions options = lattice_options(deck);
  const GridNeeds needs = field_action(deck).grid;
  if (!needs.fixed_ends && std::count(options.boundary.begin(), options.boundary.end(), Boundary::fixed) > 0)
    deck.refuse("lattice.boundary", "fixed ends of something else than a path", "periodic, antiperiodic or open");
  options.range = needs.range;
  options.numbers = needs.numbers;
  options.split_rows = needs.split_rows;
  options.divisible = needs.undivided.empty();
  return options;
}

Grid make_grid(const Communicator& comm, const Deck& deck) {
  GridOptions options = grid_options(deck);
  const double bytes = bytes_of_fields(deck) / comm.size();
  if (!fits_into_memory(bytes)) {
    deck.refuse(
        "lattice.extents",
        fmt::format("fields on [{}] in {} replicas would take {} on each of {} ranks", fmt::join(options.extents, ", "),
                    options.replicas, format_bytes(bytes), comm.size()),
        fmt::format("less than 80 % of the {} of this machine, or more ranks", format_bytes(physical_memory())));
  }
  const bool given = deck.has("lattice.ranks");
  if (const std::string why = field_action(deck).grid.undivided; !why.empty()) {
    if (given && deck.integers("lattice.ranks") != std::vector<int>{1})
      deck.refuse("lattice.ranks", why, "[1], or none");
    if (comm.size() > options.replicas)
      deck.refuse("lattice.replicas", fmt::format("{} ranks for {} replicas: {}", comm.size(), options.replicas, why),
                  "at least as many replicas as ranks");
  }
  options.ranks = given ? deck.integers("lattice.ranks") : choose_divisions(options, comm.size());
  if (options.ranks.empty()) {
    deck.refuse("lattice.extents",
                fmt::format("{} ranks cannot share {} replicas of this lattice", comm.size(), options.replicas),
                fmt::format("fewer ranks, more replicas, or extents that leave boxes of at least {} sites (the range "
                            "of the action and its loops)",
                            std::max(2, options.range)));
  }
  try {
    return {comm, options};
  } catch (const UsageError& error) {
    deck.refuse(given ? "lattice.ranks" : "lattice.extents", error.what(),
                "one number per direction, their product a divisor of the number of ranks, boxes of at least the range "
                "of the action, a replica for every group");
  }
}

}  // namespace koushi
