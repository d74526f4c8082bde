#include "spatial_momenta.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/field/catalogue.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/field/momentum_correlators.hpp"

namespace koushi {

SpatialMomenta spatial_momenta(const Deck& deck, const Grid& grid) {
  const std::string path = "study.momenta";
  const FieldAction action = field_action(deck);
  const GridOptions& options = grid.options();
  const std::size_t d = options.extents.size();
  if (!action.correlator)
    deck.refuse(path, fmt::format("the {} action has no correlator of slices", deck.text("action.kind")),
                "scalar fields or spins, or no momenta");
  const bool turns = std::any_of(options.boundary.begin() + 1, options.boundary.end(),
                                 [](Boundary b) { return b == Boundary::antiperiodic; });
  if (turns && action.correlator->has_source) {
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

std::string series_at_momentum(const Deck& deck, const Grid& grid, const std::vector<int>& n) {
  if (!deck.has("study.momenta") || n.size() + 1 != grid.options().extents.size()) return "";
  const SpatialMomenta momenta = spatial_momenta(deck, grid);
  for (std::size_t k = 0; k < momenta.n.size(); ++k) {
    if (same_correlator(grid, momenta.n[k], n, momenta.average)) return momentum_series(k);
  }
  return "";
}

}  // namespace koushi
