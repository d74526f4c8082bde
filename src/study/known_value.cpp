#include "koushi/study/known_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

std::string reference_line(const Deck& deck, const std::string& key, double value, double error) {
  if (!deck.has("study.reference." + key)) return "";
  if (!has_reference(deck, key)) return outdated_reference_line(deck);
  const double known = deck.real("study.reference." + key);
  const double known_error = deck.real("study.reference.error");
  const bool quoted = std::isfinite(error);
  return fmt::format(
      "{:<28}{:>22}   deviation {}{}\n", "  known",
      known_error > 0 ? with_error(known, known_error) : fmt::format("{}", known),
      deviation_text(value, quoted ? error : 0, known, quoted ? known_error : 0),
      deck.has("study.reference.source") ? fmt::format("   ({})", deck.text("study.reference.source")) : "");
}

void write_reference(ResultWriter& writer, const Deck& deck, const std::string& key, const std::string& quantity) {
  if (!has_reference(deck, key)) return;
  writer.write("reference/value", std::vector<double>{deck.real("study.reference." + key)});
  writer.write("reference/error", std::vector<double>{deck.real("study.reference.error")});
  writer.write("reference/quantity", quantity);
  writer.write("reference/source",
               deck.has("study.reference.source") ? deck.text("study.reference.source") : std::string());
}

std::vector<Key> reference_keys() {
  using namespace declare;
  return {optional(key("reference.observable", KeyType::text, "", "whose known value is given")),
          optional(key("reference.value", KeyType::real, "", "known value to compare with")),
          at_least(0, key("reference.error", KeyType::real, "0.0", "its standard error")),
          optional(key("reference.source", KeyType::text, "", "where the reference comes from"))};
}

void refuse_unknown_reference(const Deck& deck, const std::vector<std::string>& names, const std::string& participle) {
  const std::string wanted = deck.text("study.reference.observable");
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return;
  deck.refuse("study.reference.observable", fmt::format("\"{}\" is not {}", wanted, participle),
              "one of " + join(names) + hint(wanted, names));
}

}  // namespace koushi
