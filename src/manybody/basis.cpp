#include "koushi/manybody/basis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// Sets of charges from low[k] on, extent[k] of each, flattened.
struct ChargeTable {
  std::vector<int> low;
  std::vector<int> extent;

  std::int64_t at(const std::vector<int>& charges) const {
    std::int64_t place = 0;
    for (std::size_t k = 0; k < charges.size(); ++k) {
      const int offset = charges[k] - low[k];
      if (offset < 0 || offset >= extent[k]) return -1;
      place = place * extent[k] + offset;
    }
    return place;
  }
  std::size_t size() const {
    std::size_t n = 1;
    for (const int e : extent) n *= static_cast<std::size_t>(e);
    return n;
  }
};

/// For every number of sites, in how many ways they can have which charges.
template <typename Number>
std::vector<std::vector<Number>> count_ways(int n_sites, const std::vector<std::vector<int>>& site_charges,
                                            const ChargeTable& table) {
  std::vector<std::vector<Number>> ways(static_cast<std::size_t>(n_sites) + 1, std::vector<Number>(table.size()));
  const std::size_t n_charges = table.low.size();
  std::vector<int> charges(n_charges);
  if (const std::int64_t nothing = table.at(charges); nothing >= 0) ways[0][static_cast<std::size_t>(nothing)] = 1;
  for (std::size_t site = 0; site < static_cast<std::size_t>(n_sites); ++site) {
    for (std::size_t from = 0; from < table.size(); ++from) {
      const Number here = ways[site][from];
      if (here == 0) continue;
      std::size_t rest = from;
      for (std::size_t k = n_charges; k-- > 0;) {
        charges[k] = table.low[k] + static_cast<int>(rest % static_cast<std::size_t>(table.extent[k]));
        rest /= static_cast<std::size_t>(table.extent[k]);
      }
      for (const auto& step : site_charges) {
        std::vector<int> next = charges;
        for (std::size_t k = 0; k < n_charges; ++k) next[k] += step[k];
        if (const std::int64_t to = table.at(next); to >= 0) ways[site + 1][static_cast<std::size_t>(to)] += here;
      }
    }
  }
  return ways;
}

struct Sector {
  std::vector<int> values;
  std::vector<std::vector<int>> site_charges;  ///< [state of a site][fixed charge]
  ChargeTable table;
};

Sector sector_of(const Space& space) {
  Sector sector;
  std::vector<const Charge*> fixed;
  for (const Charge& charge : space.charges()) {
    if (charge.value) fixed.push_back(&charge);
  }
  for (const auto& values : space.site_states()) {
    sector.site_charges.emplace_back();
    for (const Charge* charge : fixed) {
      int sum = 0;
      for (std::size_t f = 0; f < values.size(); ++f) sum += charge->weight[f] * values[f];
      sector.site_charges.back().push_back(sum);
    }
  }
  for (std::size_t k = 0; k < fixed.size(); ++k) {
    sector.values.push_back(*fixed[k]->value);
    int least = 0;
    int most = 0;
    for (const auto& charges : sector.site_charges) {
      least = std::min(least, charges[k]);
      most = std::max(most, charges[k]);
    }
    // What n sites can hold of it, and what the others can still bring to the value.
    const int n = space.n_sites();
    sector.table.low.push_back(std::min(0, least * n));
    sector.table.extent.push_back(std::max(0, most * n) - std::min(0, least * n) + 1);
  }
  return sector;
}

}  // namespace

double sector_dimension(const Space& space) {
  const Sector sector = sector_of(space);
  const auto ways = count_ways<double>(space.n_sites(), sector.site_charges, sector.table);
  const std::int64_t at = sector.table.at(sector.values);
  return at < 0 ? 0.0 : ways.back()[static_cast<std::size_t>(at)];
}

Basis::Basis(const Space& space) : space_(space) {
  const Sector sector = sector_of(space);
  values_ = sector.values;
  site_charges_ = sector.site_charges;
  low_ = sector.table.low;
  extent_ = sector.table.extent;
  if (const double dimension = sector_dimension(space); dimension > 4.6e18) {
    throw UsageError(fmt::format("{:.3g} states are too many to be numbered", dimension));
  }
  ways_ = count_ways<std::int64_t>(space.n_sites(), site_charges_, sector.table);
  size_ = ways(space.n_sites(), values_);
}

std::int64_t Basis::ways(int site, const std::vector<int>& left) const {
  const std::int64_t at = ChargeTable{low_, extent_}.at(left);
  return at < 0 ? 0 : ways_[static_cast<std::size_t>(site)][static_cast<std::size_t>(at)];
}

void Basis::state(std::int64_t index, std::int8_t* local) const {
  std::vector<int> left = values_;
  std::vector<int> next(left.size());
  for (int site = space_.n_sites() - 1; site >= 0; --site) {
    for (std::size_t a = 0; a < site_charges_.size(); ++a) {
      for (std::size_t k = 0; k < left.size(); ++k) next[k] = left[k] - site_charges_[a][k];
      const std::int64_t here = ways(site, next);
      if (index >= here) {
        index -= here;
        continue;
      }
      for (int f = 0; f < space_.n_flavours(); ++f) {
        local[space_.place(f, site)] = static_cast<std::int8_t>(space_.site_states()[a][static_cast<std::size_t>(f)]);
      }
      left = next;
      break;
    }
  }
}

std::vector<std::int8_t> Basis::state(std::int64_t index) const {
  std::vector<std::int8_t> local(static_cast<std::size_t>(space_.n_places()));
  state(index, local.data());
  return local;
}

std::int64_t Basis::index(const std::int8_t* local) const {
  std::vector<int> left = values_;
  std::vector<int> next(left.size());
  std::vector<int> values(static_cast<std::size_t>(space_.n_flavours()));
  std::int64_t index = 0;
  for (int site = space_.n_sites() - 1; site >= 0; --site) {
    for (int f = 0; f < space_.n_flavours(); ++f) values[static_cast<std::size_t>(f)] = local[space_.place(f, site)];
    bool found = false;
    for (std::size_t a = 0; a < site_charges_.size() && !found; ++a) {
      for (std::size_t k = 0; k < left.size(); ++k) next[k] = left[k] - site_charges_[a][k];
      found = space_.site_states()[a] == values;
      if (!found) index += ways(site, next);
    }
    if (!found || ways(site, next) == 0) return -1;
    left = next;
  }
  return index;
}

States Basis::states(std::int64_t first, std::int64_t count) const {
  const States states = space_.make_states(count);
  const auto local = Kokkos::create_mirror_view(states.local);
  const auto particle = Kokkos::create_mirror_view(states.particle);
  const auto occupant = Kokkos::create_mirror_view(states.occupant);
  Kokkos::parallel_for(
      "koushi::manybody::basis_states",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(count)), [&](int s) {
        state(first + s, &local(s, 0));
        if (space_.is_fermionic()) {
          space_.number_particles(
              {&local(s, 0), particle.data() + static_cast<std::size_t>(s) * particle.extent(1), &occupant(s, 0)});
        }
      });
  Kokkos::deep_copy(states.local, local);
  Kokkos::deep_copy(states.particle, particle);
  Kokkos::deep_copy(states.occupant, occupant);
  return states;
}

}  // namespace koushi
