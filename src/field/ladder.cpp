#include "koushi/field/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "koushi/base/text.hpp"

namespace koushi {

const std::vector<std::string>& ladder_parameters() {
  static const std::vector<std::string> all{"action.beta",  "action.mass_squared", "action.lambda",
                                            "action.kappa", "action.field",        "action.spacing"};
  return all;
}

int ladder_updater(const Deck& deck) {
  for (int k = 0; k < deck.count("updater"); ++k) {
    if (deck.text(fmt::format("updater.{}.kind", k)) == exchange_kind) return k;
  }
  return -1;
}

Ladder make_ladder(const Deck& deck) {
  Ladder ladder{.updater = ladder_updater(deck)};
  if (ladder.updater < 0) return ladder;
  const std::string at = fmt::format("updater.{}.", ladder.updater);
  for (int k = ladder.updater + 1; k < deck.count("updater"); ++k) {
    const std::string kind = fmt::format("updater.{}.kind", k);
    if (deck.text(kind) == exchange_kind)
      deck.refuse(kind, "a second ladder", "one replica-exchange, with `repetitions` if once per sweep is not enough");
  }
  ladder.parameter = deck.text(at + "parameter");
  ladder.values = deck.reals(at + "values");
  const std::vector<double>& values = ladder.values;
  if (!deck.has(ladder.parameter)) {
    std::vector<std::string> known;
    for (const std::string& key : ladder_parameters()) {
      if (deck.has(key)) known.push_back(key);
    }
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
    deck.refuse(
        at + "values", fmt::format("{} = {} is not among them", ladder.parameter, deck.real(ladder.parameter)),
        "the value of [action] too: it is the rung whose results stand where those of a run without a ladder do");
  }
  ladder.own = static_cast<std::size_t>(own - values.begin());
  return ladder;
}

}  // namespace koushi
