#include "koushi/field/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/gauge_theory.hpp"
#include "koushi/field/hopfield_theory.hpp"
#include "koushi/field/ladder.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "momentum_correlators.hpp"
#include "updater_catalogue.hpp"

namespace koushi {

using namespace declare;

bool is_spin(const std::string& kind) {
  return kind == "ising" || kind == "xy" || kind == "sigma-model" || kind == "clock" || kind == "potts";
}

namespace {

constexpr int most_components = 4;

std::vector<Key> scalar_keys(bool interacting) {
  const std::vector<std::string> forms = interacting ? std::vector<std::string>{"lattice", "textbook", "hopping"}
                                                     : std::vector<std::string>{"lattice", "textbook"};
  std::vector<Key> keys{
      choice("normalization", forms, "\"lattice\"",
             interacting ? "lattice: sum (d phi)^2 + m^2 phi^2 + lambda phi^4; textbook: half the first two, lambda / "
                           "24; hopping: - 2 kappa phi phi + phi^2 + lambda (phi^2 - 1)^2"
                         : "lattice: sum (d phi)^2 + m^2 phi^2; textbook: half of it"),
      between(1, most_components, key("components", KeyType::integer, "1", "1: real, 2: complex, n: O(n) vector")),
      optional(key("mass_squared", KeyType::real, "", "m^2, of the lattice and textbook forms"))};
  if (interacting) {
    keys.push_back(at_least(0, key("lambda", KeyType::real, "", "quartic coupling")));
    keys.push_back(optional(key("kappa", KeyType::real, "", "hopping parameter, of the hopping form")));
  }
  return keys;
}

QuarticOptions quartic_options(const Deck& deck, const Grid& grid) {
  const std::string form = deck.text("action.normalization");
  const bool interacting = deck.text("action.kind") == "phi4";
  const bool hopping = form == "hopping";
  QuarticOptions options{.components = static_cast<int>(deck.integer("action.components"))};
  const double lambda = interacting ? deck.real("action.lambda") : 0;
  if (hopping) {
    if (!deck.has("action.kappa"))
      deck.refuse("action.kappa", "it is missing", "a real number, with normalization = \"hopping\"");
    if (deck.has("action.mass_squared"))
      deck.refuse("action.mass_squared", "the hopping form has kappa instead", "no mass_squared");
    for (const Boundary b : grid.options().boundary) {
      if (b == Boundary::open)
        deck.refuse("action.normalization", "the hopping form is defined on closed lattices",
                    "\"lattice\" or \"textbook\" with open boundaries");
    }
    // - 2 kappa sum phi phi' = kappa sum (phi' - phi)^2 - 2 d kappa sum phi^2, and lambda (phi^2 - 1)^2 = lambda phi^4
    //   - 2 lambda phi^2 + lambda
    options.stiffness = deck.real("action.kappa");
    if (lambda == 0 && 2 * grid.dimension() * std::abs(options.stiffness) >= 1) {
      deck.refuse("action.kappa",
                  fmt::format("{} without a quartic coupling leaves the action without a minimum", options.stiffness),
                  fmt::format("lambda > 0, or |kappa| < 1 / {}", 2 * grid.dimension()));
    }
    options.quadratic = 1 - 2 * lambda - 2 * grid.dimension() * options.stiffness;
    options.quartic = lambda;
    return options;
  }
  if (!deck.has("action.mass_squared")) deck.refuse("action.mass_squared", "it is missing", "a real number");
  if (interacting && deck.has("action.kappa"))
    deck.refuse("action.kappa", fmt::format("the {} form has mass_squared instead", form), "no kappa");
  const double mass_squared = deck.real("action.mass_squared");
  options.stiffness = form == "textbook" ? 0.5 : 1;
  options.quadratic = options.stiffness * mass_squared;
  options.quartic = form == "textbook" ? lambda / 24 : lambda;
  if (options.quartic == 0 && options.quadratic <= 0) {
    deck.refuse("action.mass_squared",
                fmt::format("{} without a quartic coupling leaves the action without a minimum", mass_squared),
                "mass_squared > 0");
  }
  return options;
}

std::vector<Key> spin_keys(std::vector<Key> more) {
  std::vector<Key> keys{at_least(0, key("beta", KeyType::real, "", "inverse temperature, S = beta H")),
                        key("J", KeyType::reals, "[1.0]",
                            "couplings per distance shell: [J1], [J1, J2] or [J1, J2, J3]; > 0 ferromagnetic"),
                        key("field", KeyType::real, "0.0", "h of the term - h sum of H")};
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

std::vector<Key> hopfield_keys() {
  return {at_least(0, key("beta", KeyType::real, "", "inverse temperature, S = beta H")),
          optional(between(1, 65536, key("patterns", KeyType::integer, "", "how many, drawn from the seed"))),
          optional(key("pattern_list", KeyType::texts, "",
                       "the patterns themselves, one string of + and - each, [\"++-+\", ...], instead of `patterns`")),
          choice("start", {"pattern", "random"}, "\"pattern\"",
                 "the first configuration: the first pattern, or random spins"),
          between(0, 1,
                  key("noise", KeyType::real, "0.0",
                      "probability with which each spin of the first pattern is flipped at the start"))};
}

HopfieldOptions hopfield_options(const Deck& deck, int n_sites) {
  HopfieldOptions options{.beta = deck.real("action.beta"),
                          .patterns = {},
                          .from_pattern = deck.text("action.start") == "pattern",
                          .noise = deck.real("action.noise")};
  if (deck.given("study.start"))
    deck.refuse("study.start", "a Hopfield model starts as action.start says", "no study.start");
  if (!options.from_pattern && deck.given("action.noise"))
    deck.refuse("action.noise", "random spins have no pattern to flip", "start = \"pattern\", or no noise");
  if (deck.has("action.pattern_list")) {
    if (deck.has("action.patterns"))
      deck.refuse("action.patterns", "the patterns are given by pattern_list", "one of the two");
    if (deck.texts("action.pattern_list").empty())
      deck.refuse("action.pattern_list", "there is none",
                  fmt::format("at least one pattern of {} characters + or -", n_sites));
    for (const std::string& text : deck.texts("action.pattern_list")) {
      options.patterns.emplace_back();
      for (const char sign : text) options.patterns.back().push_back(sign == '+' ? 1 : -1);
      if (text.size() != static_cast<std::size_t>(n_sites) || text.find_first_not_of("+-") != std::string::npos) {
        deck.refuse("action.pattern_list",
                    fmt::format("pattern {} is not one of this lattice", options.patterns.size()),
                    fmt::format("{} characters + or -", n_sites));
      }
    }
    return options;
  }
  if (!deck.has("action.patterns")) deck.refuse("action.patterns", "it is missing", "their number, or pattern_list");
  const std::int64_t count = deck.integer("action.patterns");
  if (static_cast<double>(count) * n_sites >= 2147483648.0)
    deck.refuse("action.patterns", fmt::format("{} patterns of {} spins", count, n_sites),
                "fewer than 2^31 numbers in all");
  options.patterns =
      random_patterns(static_cast<std::uint64_t>(deck.integer("seed")), static_cast<int>(count), n_sites);
  return options;
}

SpinModel spin_model(const Deck& deck) {
  const std::string kind = deck.text("action.kind");
  SpinModel model{.beta = deck.real("action.beta"), .J = deck.reals("action.J"), .field = deck.real("action.field")};
  if (model.J.size() > 3)
    deck.refuse("action.J", fmt::format("{} couplings were given", model.J.size()),
                "one per distance shell, at most 3");
  model.components = kind == "ising"         ? 1
                     : kind == "sigma-model" ? static_cast<int>(deck.integer("action.components"))
                                             : 2;
  if (kind == "clock" || kind == "potts") {
    model.kind = kind == "clock" ? SpinModel::Kind::clock : SpinModel::Kind::potts;
    model.states = static_cast<int>(deck.integer("action.states"));
  }
  return model;
}

}  // namespace

std::vector<Section> field_sections(const std::vector<std::string>& studies) {
  Key boundary = key("boundary", KeyType::texts, "[]",
                     "one per direction, or one for all; none means periodic; fixed ends are those of a path");
  boundary.choices = {"periodic", "antiperiodic", "open", "fixed"};
  Section lattice{"lattice",
                  "The lattice of the field, and independent copies of it.",
                  false,
                  {{"hypercubic",
                    "1 to 4 directions; the first is that of correlators",
                    {between(1, 65536, key("extents", KeyType::integers, "", "sites per direction")), boundary,
                     between(1, 1048576,
                             key("replicas", KeyType::integer, "1",
                                 "independent copies, all updated at once; shared out over the ranks first")),
                     optional(at_least(1, key("ranks", KeyType::integers, "",
                                              "ranks per direction of one copy; chosen if not given")))}}},
                  studies};
  Section action{
      "action",
      "The weight of a configuration is e^{-S}.",
      false,
      {{"phi4", "scalar field with n components and quartic self-interaction", scalar_keys(true)},
       {"free-field", "scalar field without interaction", scalar_keys(false)},
       {"sine-gordon",
        "1/2 (d phi)^2 + m^2 / beta^2 (1 - cos beta phi)",
        {at_least(positive, key("mass_squared", KeyType::real, "", "m^2")),
         at_least(positive, key("beta", KeyType::real, "", "beta"))}},
       {"path",
        "path of a particle of mass 1 on a line: (d x)^2 / (2 a) + a V(x)",
        {at_least(positive, key("spacing", KeyType::real, "", "a, time between two points")),
         key("potential", KeyType::reals, "", "V = c_1 x + c_2 x^2 + ..., as [c_1, c_2, ...], at most 8"),
         choice("rule", {"end-point", "mid-point", "symmetrised"}, "\"end-point\"",
                "where V is taken; results agree only as a -> 0"),
         key("ends", KeyType::reals, "[0.0, 0.0]",
             "x before the first and behind the last point, with boundary = [\"fixed\"]")}},
       {"wilson",
        "gauge links, beta sum (1 - Re tr U_P / N), in 2 to 4 directions, with rectangles if asked",
        {choice("group", {"u1", "su2", "su3"}, "", "of the links"),
         at_least(0, key("beta", KeyType::real, "", "2 N / g^2 (SU(N)), 1 / g^2 (U(1))")),
         choice(
             "rectangles", {"none", "luscher-weisz", "iwasaki", "dbw2"}, "\"none\"",
             "c_1 (1 - Re tr U_R / N) of 1 x 2 loops beside c_0 = 1 - 8 c_1 plaquettes; c_1 = -1/12, -0.331, -1.4088"),
         between(1, 4,
                 key("loops", KeyType::integer, "2",
                     "Wilson loops are measured up to so many links on a side, fewer than any direction has")),
         at_least(0, key("flow_time", KeyType::real, "0.0", "end of the gradient flow at every measurement; 0: none")),
         at_least(positive, key("flow_step", KeyType::real, "0.02",
                                "step of the flow, of third order; energies are measured at each")),
         between(0, 6,
                 key("static_loops", KeyType::integer, "0",
                     "loops R x T for the static potential, T along the first direction, up to so many links and fewer "
                     "than any direction has; 0: none")),
         choice("smearing", {"none", "ape", "stout"}, "\"none\"", "of the spatial links of those loops, in space only"),
         between(1, 200, key("smearing_steps", KeyType::integer, "10", "times")),
         between(0, 1, key("smearing_weight", KeyType::real, "0.5", "of the staples: ape 0.5, stout about 0.1"))}},
       {"ising", "spins s = +-1, H = - sum J s s' - h sum s", spin_keys({})},
       {"xy", "unit vectors of 2 components, H = - sum J s.s' - h sum s_1", spin_keys({})},
       {"sigma-model", "unit vectors of n components, H = - sum J s.s' - h sum s_1",
        spin_keys({between(2, 4, key("components", KeyType::integer, "3", "n"))})},
       {"clock", "XY spins at angles 2 pi k / states",
        spin_keys({between(2, 1024, key("states", KeyType::integer, "", "q"))})},
       {"potts", "spins 0 ... q - 1, H = - sum J [s = s'] - h sum [s = 0]",
        spin_keys({between(2, 64, key("states", KeyType::integer, "", "q"))})},
       {"hopfield",
        "associative memory: N spins s = +-1 in one direction, H = - 1 / (2 N) sum_{i != j} sum_mu xi_i xi_j s_i s_j",
        hopfield_keys()}},
      studies};
  action.template_kind = "phi4";
  action.template_key = "mass_squared";
  return {lattice, action, updater_section(studies)};
}

namespace {

/// c_1 of the action's rectangles.
double rectangle_weight(const Deck& deck) {
  const std::string kind = deck.text("action.rectangles");
  return kind == "luscher-weisz" ? -1.0 / 12 : kind == "iwasaki" ? -0.331 : kind == "dbw2" ? -1.4088 : 0;
}

/// Links on a side of the longest loops asked for: fewer than the shortest direction has, around which they would
/// close.
int loop_length(const Deck& deck, const std::string& key) {
  const std::vector<int> extents = deck.integers("lattice.extents");
  return std::min(static_cast<int>(deck.integer(key)), *std::min_element(extents.begin(), extents.end()) - 1);
}

double numbers_of_theory(const Deck& deck) {
  const std::string kind = deck.text("action.kind");
  if (kind == "wilson") {
    const std::string group = deck.text("action.group");
    const double reals = group == "u1" ? 2 : group == "su2" ? 4 : 18;
    const double generators = group == "u1" ? 1 : group == "su2" ? 3 : 8;
    const bool flows = deck.real("action.flow_time") > 0;
    const bool copied = flows || deck.integer("action.static_loops") > 0 || deck.integer("action.loops") > 2;
    // links, kept links, momenta; a copy; a force
    return static_cast<double>(deck.integers("lattice.extents").size()) *
           (2 * reals + generators + (copied ? reals : 0) + (flows ? generators : 0));
  }
  if (kind == "hopfield") {  // bytes: spins, and the patterns on every rank
    const double patterns = deck.has("action.patterns") ? static_cast<double>(deck.integer("action.patterns")) : 1;
    return (1 + 2 * patterns / static_cast<double>(deck.integer("lattice.replicas"))) / 8;
  }
  double components = 1;
  if (kind == "xy" || kind == "clock") components = 2;
  if (kind == "sigma-model" || kind == "phi4" || kind == "free-field")
    components = static_cast<double>(deck.integer("action.components"));
  const double numbers = (is_spin(kind) ? 3 : 4) * components;
  for (int k = 0; k < deck.count("updater"); ++k) {
    // velocities and the buffer of the transforms
    if (deck.text(fmt::format("updater.{}.kind", k)) == "fourier-hmc") return numbers + components + 1;
  }
  return numbers;
}

}  // namespace

double numbers_per_site(const Deck& deck) {
  const int at = ladder_updater(deck);
  return numbers_of_theory(deck) *
         (at < 0 ? 1.0 : static_cast<double>(deck.reals(fmt::format("updater.{}.values", at)).size()));
}

double bytes_of_fields(const Deck& deck) {
  double sites = static_cast<double>(deck.integer("lattice.replicas"));
  for (const int n : deck.integers("lattice.extents")) sites *= n;
  return 8 * sites * numbers_per_site(deck);
}

GridOptions grid_options(const Deck& deck) {
  GridOptions options;
  options.extents = deck.integers("lattice.extents");
  const std::size_t d = options.extents.size();
  if (d > 4) deck.refuse("lattice.extents", fmt::format("{} directions were given", d), "1 to 4");
  double sites = 1;
  for (const int n : options.extents) sites *= n;
  // the counter of random numbers
  if (sites > 4.0e9) deck.refuse("lattice.extents", fmt::format("{:.3g} sites", sites), "fewer than 2^32");
  const std::vector<std::string> names = deck.texts("lattice.boundary");
  if (names.size() > 1 && names.size() != d)
    deck.refuse("lattice.boundary", fmt::format("{} boundaries were given", names.size()), fmt::format("1 or {}", d));
  for (std::size_t k = 0; k < d; ++k) {
    const std::string name = names.empty() ? "periodic" : names[names.size() == 1 ? 0 : k];
    options.boundary.push_back(name == "open"           ? Boundary::open
                               : name == "antiperiodic" ? Boundary::antiperiodic
                               : name == "fixed"        ? Boundary::fixed
                                                        : Boundary::periodic);
    if (name == "fixed" && deck.text("action.kind") != "path")
      deck.refuse("lattice.boundary", "fixed ends of something else than a path", "periodic, antiperiodic or open");
  }
  options.replicas = deck.integer("lattice.replicas");
  if (deck.text("action.kind") == "wilson") {
    options.range = std::max({loop_length(deck, "action.loops"), loop_length(deck, "action.static_loops"),
                              rectangle_weight(deck) != 0 ? 2 : 1});
    options.split_rows = true;
    options.numbers = static_cast<int>(d) * (deck.text("action.group") == "u1"    ? 2
                                             : deck.text("action.group") == "su2" ? 4
                                                                                  : 18);
  }
  if (deck.text("action.kind") == "ising") options.split_rows = true;
  if (is_spin(deck.text("action.kind"))) options.range = spin_range(spin_model(deck), static_cast<int>(d));
  if (deck.text("action.kind") == "hopfield") {
    options.divisible = false;
    if (d != 1)
      deck.refuse("lattice.extents", fmt::format("a Hopfield model in {} directions", d),
                  "one number for action.kind = \"hopfield\"");
    if (deck.given("lattice.boundary"))
      deck.refuse("lattice.boundary", "the spins of a Hopfield model are all joined, without a boundary",
                  "no boundary");
  }
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
  if (deck.text("action.kind") == "hopfield") {
    const std::string why = "the spins of a Hopfield model are all joined, so a replica stays on one rank";
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

namespace {

SpatialMomenta spatial_momenta(const Deck& deck, const Grid& grid) {
  const std::string path = "study.momenta";
  const std::string kind = deck.text("action.kind");
  const GridOptions& options = grid.options();
  const std::size_t d = options.extents.size();
  if (kind == "wilson")
    deck.refuse(path, "a gauge field has no correlator of slices", "scalar fields or spins, or no momenta");
  const bool turns = std::any_of(options.boundary.begin() + 1, options.boundary.end(),
                                 [](Boundary b) { return b == Boundary::antiperiodic; });
  if (turns && deck.has("action.field") && deck.real("action.field") != 0) {
    deck.refuse(
        path, "a field along antiperiodic directions gives phi a mean at every momentum, which correlators would hold",
        "field = 0, periodic directions, or no momenta");
  }
  if (d == 1) deck.refuse(path, "the only direction is that of correlators", "2 to 4 directions, or no momenta");
  SpatialMomenta momenta{.average = deck.boolean("study.average_momenta")};
  for (const std::vector<double>& row : deck.rows(path)) {
    const std::string name = fmt::format("[{}]", fmt::join(row, ", "));
    if (row.size() != d - 1)
      deck.refuse(path, fmt::format("{} has {} numbers", name, row.size()),
                  fmt::format("{}, one per direction but the first", d - 1));
    std::vector<int> n;
    bool zero = true;
    for (std::size_t k = 0; k < row.size(); ++k) {
      const Boundary boundary = options.boundary[k + 1];
      const int half = boundary == Boundary::antiperiodic ? 1 : 0;
      const int length = options.extents[k + 1];
      if (row[k] != std::floor(row[k]))
        deck.refuse(path, fmt::format("{} in {} is not an integer", row[k], name),
                    "integers n, p = 2 pi n / L, or 2 pi (n + 1/2) / L along antiperiodic directions");
      if (std::abs(2 * row[k] + half) > length) {
        deck.refuse(path, fmt::format("{} in {} is beyond the zone of {} sites", row[k], name, length),
                    fmt::format("{} to {}", -(length + half) / 2, (length - half) / 2));
      }
      if (boundary == Boundary::open && row[k] != 0)
        deck.refuse(path, fmt::format("{} in {} is along an open direction, which has no momentum", row[k], name),
                    "0 there, or lattice.boundary periodic or antiperiodic");
      n.push_back(static_cast<int>(row[k]));
      zero = zero && n.back() == 0 && half == 0;
    }
    if (zero) deck.refuse(path, name + " is zero, the momentum of the series correlator", "momenta that are not zero");
    for (const std::vector<int>& other : momenta.n) {
      if (!same_correlator(grid, n, other, momenta.average)) continue;
      deck.refuse(path,
                  n == other ? fmt::format("{} is there twice", name)
                             : fmt::format("{} and [{}] have the same correlator{}", name, fmt::join(other, ", "),
                                           momenta.average ? " with average_momenta" : ", as p and -p"),
                  "momenta that differ");
    }
    momenta.n.push_back(n);
  }
  return momenta;
}

}  // namespace

std::string series_at_momentum(const Deck& deck, const Grid& grid, const std::vector<int>& n) {
  if (!deck.has("study.momenta") || n.size() + 1 != grid.options().extents.size()) return "";
  const SpatialMomenta momenta = spatial_momenta(deck, grid);
  for (std::size_t k = 0; k < momenta.n.size(); ++k) {
    if (same_correlator(grid, momenta.n[k], n, momenta.average)) return momentum_series(k);
  }
  return "";
}

namespace {

std::unique_ptr<FieldTheory> make_bare_theory(const Deck& deck, const Grid& grid) {
  const std::string kind = deck.text("action.kind");
  if (is_spin(kind)) {
    const auto& boundary = grid.options().boundary;
    if (kind == "potts" && std::count(boundary.begin(), boundary.end(), Boundary::antiperiodic) > 0) {
      deck.refuse("lattice.boundary", "Potts spins have no sign to change", "periodic or open");
    }
    return make_spin_theory(grid, spin_model(deck));
  }
  if (kind == "wilson") {
    const std::string group = deck.text("action.group");
    if (grid.dimension() < 2)
      deck.refuse("lattice.extents", "a gauge field in one direction",
                  "2 to 4 directions for action.kind = \"wilson\"");
    const auto& boundary = grid.options().boundary;
    if (std::count(boundary.begin(), boundary.end(), Boundary::antiperiodic) > 0)
      deck.refuse("lattice.boundary", "an antiperiodic gauge field", "periodic or open");
    GaugeOptions options{.group = group == "u1"    ? GaugeGroup::u1
                                  : group == "su2" ? GaugeGroup::su2
                                                   : GaugeGroup::su3,
                         .beta = deck.real("action.beta")};
    options.rectangle = rectangle_weight(deck);
    options.loops = loop_length(deck, "action.loops");
    options.flow_time = deck.real("action.flow_time");
    options.flow_step = deck.real("action.flow_step");
    const double steps = options.flow_time / options.flow_step;
    if (options.flow_time > 0 && (steps < 1 || steps > 1000)) {
      deck.refuse("action.flow_time", fmt::format("{} steps of the flow", steps),
                  "1 to 1000, by flow_time or flow_step");
    }
    if (std::abs(steps - std::round(steps)) > 1e-6) {
      deck.refuse("action.flow_time",
                  fmt::format("{} is no multiple of flow_step = {}", options.flow_time, options.flow_step),
                  fmt::format("{} or {}", options.flow_step * std::floor(steps), options.flow_step * std::ceil(steps)));
    }
    options.static_loops = loop_length(deck, "action.static_loops");
    const std::string smearing = deck.text("action.smearing");
    options.smearing = smearing == "ape" ? Smearing::ape : smearing == "stout" ? Smearing::stout : Smearing::none;
    options.smearing_steps = static_cast<int>(deck.integer("action.smearing_steps"));
    options.smearing_weight = deck.real("action.smearing_weight");
    if (options.static_loops > 0 && std::count(boundary.begin(), boundary.end(), Boundary::open) > 0) {
      deck.refuse("action.static_loops", "loops for the static potential with an open boundary", "periodic boundaries");
    }
    if (options.static_loops == 0 && options.smearing != Smearing::none)
      deck.refuse("action.smearing", "nothing would be measured with smeared links", "static_loops of at least 2");
    if (options.smearing != Smearing::none && grid.dimension() < 3)
      deck.refuse("action.smearing", "one spatial direction has no spatial staples", "3 or 4 directions");
    return make_gauge_theory(grid, options);
  }
  if (kind == "hopfield") return make_hopfield_theory(grid, hopfield_options(deck, static_cast<int>(grid.n_sites())));
  if (kind == "sine-gordon")
    return make_sine_gordon_theory(grid, deck.real("action.mass_squared"), deck.real("action.beta"));
  if (kind == "path") {
    if (grid.dimension() != 1)
      deck.refuse("lattice.extents", fmt::format("a path in {} directions", grid.dimension()),
                  "one number for action.kind = \"path\"");
    PathOptions options{.spacing = deck.real("action.spacing"), .potential = {0}};
    const std::vector<double> coefficients = deck.reals("action.potential");
    options.potential.insert(options.potential.end(), coefficients.begin(), coefficients.end());
    if (coefficients.size() > 8)
      deck.refuse("action.potential", fmt::format("{} coefficients were given", coefficients.size()), "at most 8");
    std::size_t degree = coefficients.size();
    while (degree > 0 && coefficients[degree - 1] == 0) --degree;
    if (degree == 0 || degree % 2 != 0 || coefficients[degree - 1] < 0) {
      deck.refuse("action.potential", "V is not bounded below", "an even highest power with a positive coefficient");
    }
    const std::vector<double> ends = deck.reals("action.ends");
    if (ends.size() != 2) deck.refuse("action.ends", fmt::format("{} ends were given", ends.size()), "two");
    if (deck.given("action.ends") && grid.options().boundary[0] != Boundary::fixed)
      deck.refuse("action.ends", "the ends of this path are not fixed", "lattice.boundary = [\"fixed\"], or no ends");
    std::copy(ends.begin(), ends.end(), options.ends);
    const std::string rule = deck.text("action.rule");
    options.rule = rule == "mid-point"     ? PathRule::mid_point
                   : rule == "symmetrised" ? PathRule::symmetrised
                                           : PathRule::end_point;
    return make_path_theory(grid, options);
  }
  return make_quartic_theory(grid, quartic_options(deck, grid));
}

}  // namespace

std::unique_ptr<FieldTheory> make_field_theory(const Deck& deck, const Grid& grid) {
  auto theory = make_bare_theory(deck, grid);
  if (deck.has("study.momenta")) {
    theory->correlate_at(spatial_momenta(deck, grid));
  } else if (deck.has("study.average_momenta") && deck.boolean("study.average_momenta")) {
    deck.refuse("study.average_momenta", "there are no momenta to average", "study.momenta beside it");
  }
  return theory;
}

}  // namespace koushi
