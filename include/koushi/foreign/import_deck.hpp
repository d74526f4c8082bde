#pragma once

#include <functional>
#include <optional>
#include <string>

namespace koushi {

/// The content of a file, nothing where it cannot be opened.
using TextOf = std::function<std::optional<std::string>(const std::string& path)>;

/// The deck that does what an input file of mVMC or HPhi asks for: of the standard input of StdFace (stan.in), or of the
/// list of expert files (namelist.def), which are told apart by their lines. What has no counterpart stands as comments
/// at the head of the deck, with file and line. With `as_terms` H is written term by term even where a Hamiltonian of
/// koushi has all of it.
/// Throws DeckError with file and line for what these programs refuse as well, and for models that koushi has not.
/// Formats: manuals of mVMC and HPhi ("standard mode", "expert mode"); cost O(sites^2) at most.
std::string import_deck(const std::string& file, const TextOf& text_of, bool as_terms);

}  // namespace koushi
