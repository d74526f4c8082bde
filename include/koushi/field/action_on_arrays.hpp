#pragma once

#include <vector>

#include "koushi/lattice/halo_exchange.hpp"

namespace koushi {

/// S as a function of configurations on arrays, whoever owns them: made by make_field(grid, components()), their halos
/// filled by each call. What proposes whole configurations needs no theory that owns them.
/// Collective  all calls, over the group of ranks that hold the replicas
class ActionOnArrays {
 public:
  static constexpr const char* capability_name = "S of any array";
  virtual ~ActionOnArrays() = default;
  /// S of every replica here.
  virtual std::vector<double> action_of(const FieldArray& field) = 0;
};

/// An action whose force is known on arrays, too.
class ForceOnArrays : public ActionOnArrays {
 public:
  static constexpr const char* capability_name = "force of any array";
  /// force = - dS/dphi, [replica][component][site] as the field.
  virtual void force_of(const FieldArray& field, const FieldArray& force) = 0;
};

}  // namespace koushi
