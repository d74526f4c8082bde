#pragma once

#include <map>
#include <string>

namespace koushi {

/// The keys of a resolved deck (Deck::resolved()), "path = value" lines, as the file of a run holds it.
std::map<std::string, std::string> resolved_keys(const std::string& resolved);
/// The value of one of them; "not set" where it is not there.
std::string value_of(const std::map<std::string, std::string>& keys, const std::string& key);
/// The numbers among them: key -> number, and key.0, key.1, ... of lists.
std::map<std::string, double> resolved_numbers(const std::map<std::string, std::string>& keys);

}  // namespace koushi
