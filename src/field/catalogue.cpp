#include "koushi/field/catalogue.hpp"

#include <algorithm>
#include <set>

#include "field_lattice.hpp"
#include "koushi/base/error.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/field/network_field.hpp"
#include "spatial_momenta.hpp"

namespace koushi {

std::vector<Section> field_sections(const std::vector<std::string>& sampling, const std::vector<std::string>& solving,
                                    const std::vector<std::string>& networks) {
  std::vector<std::string> studies = sampling;
  studies.insert(studies.end(), solving.begin(), solving.end());
  Section action{"action", "The weight of a configuration is e^{-S}.", false, action_kinds().declared(), studies};
  action.template_key = "mass_squared";
  Section updater{"updater", "What a sweep does, in this order.", true, updater_kinds().declared(), sampling, 8};
  Section path{"path",
               "The networks whose outputs are the lines in time of the field: their parameters are sampled.",
               false,
               {{"", "", PathSection::keys()}},
               networks};
  return {field_lattice_section(studies), action, path, updater};
}

std::vector<std::string> action_numbers() {
  std::set<std::string> names;
  for (const ActionKinds::OneKind& kind : action_kinds().all()) {
    for (const Key& key : kind.keys) {
      if (key.type == KeyType::real) names.insert("action." + key.path);
    }
  }
  return {names.begin(), names.end()};
}

std::unique_ptr<FieldTheory> make_field_theory(const Deck& deck, const Grid& grid) {
  auto theory = field_action(deck).make(grid);
  if (deck.has("study.momenta")) {
    const SpatialMomenta momenta = spatial_momenta(deck, grid);
    auto* const correlators = dynamic_cast<SliceCorrelators*>(theory.get());
    if (correlators == nullptr) throw InternalError("an action with a correlator whose theory has none");
    correlators->correlate_at(momenta);
  } else if (deck.has("study.average_momenta") && deck.boolean("study.average_momenta")) {
    deck.refuse("study.average_momenta", "there are no momenta to average", "study.momenta beside it");
  }
  return theory;
}

}  // namespace koushi
