#pragma once

#include <map>
#include <string>

namespace koushi {

/// The numbers among the keys of a resolved deck: key -> number, and key.0, key.1, ... of lists.
std::map<std::string, double> resolved_numbers(const std::map<std::string, std::string>& keys);

}  // namespace koushi
