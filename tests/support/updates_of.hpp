#pragma once

#include <string>
#include <vector>

#include "koushi/field/capabilities.hpp"

namespace koushi {

/// A capability that a theory has.
template <typename Capability>
Capability& as(FieldTheory& theory) {
  return dynamic_cast<Capability&>(theory);
}

/// The updaters beside "metropolis" that a theory has the capabilities for.
inline std::vector<std::string> updates_of(const FieldTheory& theory) {
  std::vector<std::string> names;
  const auto add = [&names](const auto* capability, const std::vector<std::string>& updates) {
    if (capability != nullptr) names.insert(names.end(), updates.begin(), updates.end());
  };
  add(dynamic_cast<const MolecularDynamics*>(&theory), {"hmc"});
  add(dynamic_cast<const FourierAcceleration*>(&theory), {"fourier-hmc"});
  add(dynamic_cast<const Heatbath*>(&theory), {"heatbath"});
  add(dynamic_cast<const Overrelaxation*>(&theory), {"overrelaxation"});
  add(dynamic_cast<const ClusterUpdates*>(&theory), {"wolff", "swendsen-wang"});
  return names;
}

}  // namespace koushi
