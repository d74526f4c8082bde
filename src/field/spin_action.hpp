#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "koushi/field/field_action.hpp"
#include "koushi/field/spin_theory.hpp"

namespace koushi {

/// Keys of all spins with bonds.
template <std::derived_from<SpinModel> Options>
Keys<Options> bond_keys() {
  const auto of = []<typename T>(T SpinModel::*member) -> T Options::* { return member; };
  return Keys<Options>()
      .real("beta", of(&SpinModel::beta), {0}, "inverse temperature, S = beta H")
      .required()
      .reals("J", of(&SpinModel::J), {},
             "couplings per distance shell: [J1], [J1, J2] or [J1, J2, J3]; > 0 ferromagnetic")
      .real("field", of(&SpinModel::field), {}, "h of the term - h sum of H");
}

/// What all spins with bonds are as an action: configurations with this word and these further keys of [action].
/// fields: arrays of the field's size that their theory keeps.
FieldAction spin_action(const DeckSection& section, const GridOptions& lattice, const SpinModel& model, int fields,
                        const std::string& configuration, const std::vector<std::string>& configuration_keys);

}  // namespace koushi
