#include "koushi/field/updater.hpp"

namespace koushi {

namespace {

struct ExchangeOptions {
  std::vector<double> values;
  std::string parameter = "action.beta";
  int repetitions = 1;
};

}  // namespace

/// The exchanges are made by ReplicaExchange (replica_exchange.hpp) for the study that holds the theories.
UpdaterKinds::OneKind replica_exchange_kind() {
  static const Keys<ExchangeOptions> keys =
      Keys<ExchangeOptions>()
          .reals("values", &ExchangeOptions::values, {},
                 "of the parameter, ascending; that of [action] must be among them")
          .required()
          .text("parameter", &ExchangeOptions::parameter,
                "the number of [action] in which the rungs differ: one that changes S")
          .integer("repetitions", &ExchangeOptions::repetitions, {1, 1000}, "in one sweep");
  return {"replica-exchange",
          "parallel tempering: theories at several values of one parameter, the rungs of a ladder, exchange "
          "configurations",
          keys.list(), [](const DeckSection& section) {
            const ExchangeOptions options = keys.read(section);
            return FieldUpdate{.repetitions = options.repetitions,
                               .ladder = LadderRequest{options.parameter, options.values}};
          }};
}

}  // namespace koushi
