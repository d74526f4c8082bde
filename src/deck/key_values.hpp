#pragma once

#include <optional>
#include <string>

#include "koushi/deck/deck.hpp"
#include "toml.hpp"

namespace koushi {

/// The value of a key, or nothing where its type, bounds or choices do not allow it.
std::optional<Deck::Value> value_of(const Key& key, const toml::node& node);
/// The default of a key. Errors: InternalError if it is no value of that key
Deck::Value default_of(const Key& key, const std::string& path);
/// A key's value as TOML, which is read back as the same value.
std::string value_text(const Deck::Value& value);

/// The row of a list that a line of a file holds: its words, separated by blanks or commas, as a row of a list of rows
/// or as so many entries of a flat list; the whole line for a list of texts. Comments begin with #; an empty row means
/// that the line holds nothing.
toml::array row_of_line(const Key& key, const std::string& line);
/// Whether a list of this type has one entry per line of a file, and not one per word.
bool entry_per_line(KeyType type);
/// What a line of the file of a list must be.
std::string line_text(const Key& key);

}  // namespace koushi
