#pragma once

#include <Eigen/Core>
#include <string>

#include "koushi/deck/deck_section.hpp"

namespace koushi {

/// The rows of a key as the columns of a matrix. Errors: DeckError where a row has not `dimension` numbers
Eigen::MatrixXd columns(const DeckSection& section, const std::string& key, std::size_t dimension);
/// The same of integers. Errors: DeckError at other numbers
Eigen::MatrixXi integer_columns(const DeckSection& section, const std::string& key, std::size_t dimension);

}  // namespace koushi
