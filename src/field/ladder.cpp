#include "koushi/field/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "koushi/base/text.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/field/updater.hpp"

namespace koushi {

int ladder_updater(const Deck& deck) {
  const std::vector<FieldUpdate> updates = field_updates(deck);
  const auto found = std::find_if(updates.begin(), updates.end(), [](const FieldUpdate& u) { return u.ladder; });
  return found == updates.end() ? -1 : static_cast<int>(found - updates.begin());
}

Ladder make_ladder(const Deck& deck) {
  Ladder ladder{.updater = ladder_updater(deck)};
  if (ladder.updater < 0) return ladder;
  const std::vector<FieldUpdate> updates = field_updates(deck);
  const std::string at = fmt::format("updater.{}.", ladder.updater);
  for (auto k = static_cast<std::size_t>(ladder.updater) + 1; k < updates.size(); ++k) {
    const DeckSection section(deck, fmt::format("updater.{}", k));
    if (updates[k].ladder)
      section.refuse("kind", "a second ladder",
                     fmt::format("one {}, with `repetitions` if once per sweep is not enough", section.kind()));
  }
  const LadderRequest& request = *updates[static_cast<std::size_t>(ladder.updater)].ladder;
  ladder.parameter = request.parameter;
  ladder.values = request.values;
  const std::vector<double>& values = ladder.values;
  std::vector<std::string> known;
  for (const Coupling& coupling : field_action(deck).couplings) known.push_back("action." + coupling.key);
  if (std::find(known.begin(), known.end(), ladder.parameter) == known.end()) {
    deck.refuse(at + (deck.given(at + "parameter") ? "parameter" : "kind"),
                fmt::format("this {} action has no {}", deck.text("action.kind"), ladder.parameter),
                "parameter = one of " + join(known) + hint(ladder.parameter, known));
  }
  if (values.size() < 2 || values.size() > 1024)
    deck.refuse(at + "values", fmt::format("{} value{}", values.size(), values.size() == 1 ? "" : "s"),
                "2 to 1024 of them, ascending");
  for (std::size_t k = 1; k < values.size(); ++k) {
    if (values[k] <= values[k - 1])
      deck.refuse(at + "values", fmt::format("{} follows {}", values[k], values[k - 1]),
                  "values in ascending order, each once");
  }
  const auto own = std::find(values.begin(), values.end(), deck.real(ladder.parameter));
  if (own == values.end()) {
    deck.refuse(at + "values", fmt::format("{} = {} is not among them", ladder.parameter, deck.real(ladder.parameter)),
                "the value of [action] among them: the results at this value are stored at the top level of the file");
  }
  ladder.own = static_cast<std::size_t>(own - values.begin());
  return ladder;
}

}  // namespace koushi
