#pragma once

#include <string>

#include "koushi/deck/deck.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

/// The line of a table that puts study.reference.KEY beside a result, or says why it is left out; "" if the deck has
/// none.
std::string reference_line(const Deck& deck, const std::string& key, double value, double error);

/// Keys reference.{observable, value, error, source} of [study]: the known value of an observable.
std::vector<Key> reference_keys();
/// Refuses a study.reference.observable that is none of these: it "is not measured", or another participle.
void refuse_unknown_reference(const Deck& deck, const std::vector<std::string>& names, const std::string& participle);

/// The known value of a quantity, where there is one of what is run: study.reference.KEY of the deck with its error and
/// source.
void write_reference(ResultWriter& writer, const Deck& deck, const std::string& key, const std::string& quantity);

}  // namespace koushi
