#include "koushi/field/capabilities.hpp"

#include "koushi/field/action_on_arrays.hpp"

namespace koushi {

namespace {

template <typename... Capability>
std::vector<std::string> those_of(const FieldTheory& theory) {
  std::vector<std::string> words;
  const auto add = [&words](bool can, const char* word) {
    if (can) words.emplace_back(word);
  };
  (add(dynamic_cast<const Capability*>(&theory) != nullptr, Capability::capability_name), ...);
  return words;
}

}  // namespace

std::vector<std::string> capabilities(const FieldTheory& theory) {
  return those_of<LocalUpdates, Heatbath, Overrelaxation, ClusterUpdates, MolecularDynamics, ForceGradient,
                  FourierAcceleration, SliceCorrelators, ActionOnArrays, ForceOnArrays>(theory);
}

}  // namespace koushi
