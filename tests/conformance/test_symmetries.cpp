// S of everything that the catalogue offers under [action] keeps its symmetries: translations and reflections of a
// periodic lattice, and those of the fields.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <complex>

#include "field_decks.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/study/field_chain.hpp"

using namespace koushi;

namespace {

/// Decks of a kind without a term that breaks its symmetry.
std::vector<std::string> symmetric_decks(const std::string& kind) {
  const std::string solid = "|lattice.extents=[2, 3, 4]";
  if (kind == "phi4")
    return {"mass_squared=-0.7|lambda=0.4", "mass_squared=0.5|lambda=2.0|components=2" + solid,
            "kappa=0.2|lambda=0.5|components=3|normalization=\"hopping\""};
  if (kind == "free-field") return {"mass_squared=0.8|lattice.extents=[2, 3, 2, 4]", "mass_squared=0.8|components=4"};
  if (kind == "sine-gordon") return {"mass_squared=1.3|beta=1.7"};
  if (kind == "path")
    return {"spacing=0.5|potential=[0.0, -0.5, 0.0, 0.5]|lattice.extents=[9]",
            "spacing=0.5|potential=[0.0, 0.5, 0.0, 0.5]|rule=\"mid-point\"|lattice.extents=[9]"};
  if (kind == "wilson")
    return {"group=\"u1\"|beta=1.2" + solid, "group=\"su2\"|beta=2.2|rectangles=\"iwasaki\"",
            "group=\"su3\"|beta=5.0" + solid};
  if (kind == "hopfield") return {"beta=1.5|patterns=3|start=\"random\"|lattice.extents=[12]"};
  if (kind == "clock" || kind == "potts") return {"beta=0.8|states=5|J=[1.0, 0.3]"};
  if (kind == "sigma-model")
    return {"beta=0.8|J=[1.0, 0.3, -0.2]|lattice.extents=[4, 6]", "beta=0.8|components=4" + solid};
  return {"beta=0.4|J=[1.0, 0.3]", "beta=0.4" + solid};
}

/// A configuration of one replica, [component][site].
using Field = std::vector<double>;

void turn(Field& field, const Deck& deck, std::size_t sites) {
  const std::string kind = deck.text("action.kind");
  const std::size_t n = field.size() / sites;
  const auto rotate = [&](std::size_t re, std::size_t im, double angle) {
    const std::complex<double> z = std::polar(1.0, angle) * std::complex<double>(field[re], field[im]);
    field[re] = z.real();
    field[im] = z.imag();
  };
  if (kind == "wilson") {  // an element of the centre times the links that cross a plane
    const std::string group = deck.text("action.group");
    const std::size_t plane = sites / static_cast<std::size_t>(deck.integers("lattice.extents")[0]);
    for (std::size_t x = 0; x < plane; ++x) {
      for (std::size_t c = 0; c < 4 && group == "su2"; ++c) field[c * sites + x] *= -1;
      if (group == "u1") rotate(x, sites + x, 0.7);
      for (std::size_t c = 0; c < 9 && group == "su3"; ++c) rotate(c * sites + x, (9 + c) * sites + x, 2 * M_PI / 3);
    }
    return;
  }
  for (std::size_t x = 0; x < sites; ++x) {
    if (kind == "potts") {
      field[x] = std::fmod(field[x] + 1, static_cast<double>(deck.integer("action.states")));
    } else if (kind == "sine-gordon") {
      field[x] += 2 * M_PI / deck.real("action.beta");
    } else if (n == 1) {
      field[x] *= -1;
    } else {
      for (std::size_t c = 0; c + 1 < n; ++c)
        rotate(c * sites + x, (c + 1) * sites + x,
               kind == "clock" ? 2 * M_PI / static_cast<double>(deck.integer("action.states")) : 0.7);
    }
  }
}

/// field(x) <- field(x'), x' moved by one along mu, or reflected.
void move(Field& field, const std::vector<int>& extents, std::size_t mu, bool reflected) {
  std::size_t sites = 1;
  std::size_t stride = 1;
  for (std::size_t k = 0; k < extents.size(); ++k) {
    sites *= static_cast<std::size_t>(extents[k]);
    if (k > mu) stride *= static_cast<std::size_t>(extents[k]);
  }
  const auto n = static_cast<std::size_t>(extents[mu]);
  const Field old = field;
  for (std::size_t k = 0; k < field.size(); ++k) {
    const std::size_t c = k % sites / stride % n;
    field[k] = old[k + ((reflected ? n - 1 - c : (c + 1) % n) - c) * stride];
  }
}

}  // namespace

TEST_CASE("S of every action keeps its symmetries", "[conformance]") {
  for (const Section& section : catalogue()) {
    if (section.name != "action") continue;
    for (const Section::Kind& kind : section.kinds) {
      for (const std::string& keys : symmetric_decks(kind.name)) {
        INFO(kind.name << ", " << keys);
        const Deck deck = field_deck(kind.name, keys, 1, "{kind=\"metropolis\"}");
        const Communicator self = Communicator::self();
        const Grid grid = make_grid(self, deck);
        const auto theory = make_field_theory(deck, grid);
        theory->start(5, 0.6);
        const Configuration first = theory->configuration();
        const double s = theory->action()[0];
        const std::vector<int> extents = deck.integers("lattice.extents");
        const auto keeps = [&](const auto& change) {
          Configuration changed = first;
          change(changed.local);
          CHECK(changed.local != first.local);
          theory->set_configuration(changed.local);
          CHECK(std::abs(theory->action()[0] - s) < 1e-11 * (1 + std::abs(s)));
        };
        keeps([&](Field& field) { turn(field, deck, static_cast<std::size_t>(grid.n_sites())); });
        for (std::size_t mu = 0; mu < extents.size() && kind.name != "hopfield"; ++mu) {
          keeps([&](Field& field) { move(field, extents, mu, false); });
          if (kind.name != "wilson") keeps([&](Field& field) { move(field, extents, mu, true); });
        }
      }
    }
  }
}
