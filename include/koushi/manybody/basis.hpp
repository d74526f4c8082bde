#pragma once

#include <cstdint>
#include <vector>

#include "koushi/manybody/space.hpp"

namespace koushi {

/// The states of a space in its sector, numbered. Fermions of its states are in the order of their places.
///
/// A state is ranked by the number of ways in which the sites before each of its sites can hold what is left of the
/// charges. Cost: O(n_sites) per state; a table of n_sites times the product of the charges' ranges.
/// Errors  UsageError where there are more states than 2^62
class Basis {
 public:
  explicit Basis(const Space& space);

  const Space& space() const { return space_; }
  std::int64_t size() const { return size_; }
  /// What the places hold in state number `index`.
  void state(std::int64_t index, std::int8_t* local) const;
  std::vector<std::int8_t> state(std::int64_t index) const;
  /// The number of a state, -1 if it is not of this sector.
  std::int64_t index(const std::int8_t* local) const;
  /// States [first, first + count), with their particles.
  States states(std::int64_t first, std::int64_t count) const;

 private:
  /// In how many ways sites 0 ... site - 1 can hold the charges `left`; 0 outside of the table.
  std::int64_t ways(int site, const std::vector<int>& left) const;
  std::vector<int> site_charges(const std::vector<int>& values) const;

  Space space_;
  std::vector<std::vector<int>> charges_;  ///< [fixed charge][flavour]
  std::vector<int> values_;                ///< of the sector
  std::vector<std::vector<int>> site_charges_;
  std::vector<int> low_;
  std::vector<int> extent_;
  std::vector<std::vector<std::int64_t>> ways_;
  std::int64_t size_ = 0;
};

/// The number of states of a sector as a real number, without the limit of Basis.
double sector_dimension(const Space& space);

}  // namespace koushi
