// The lists of the expert mode of mVMC and HPhi.
#pragma once

#include "foreign_model.hpp"
#include "koushi/foreign/import_deck.hpp"

namespace koushi {

ForeignModel read_expert_files(const std::string& file, const std::string& text, const TextOf& text_of);

}  // namespace koushi
