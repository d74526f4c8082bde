#pragma once

#include <cmath>

#include "koushi/statistics/observable.hpp"

namespace koushi {

/// Part of the draws that must count before a mean with weights is quoted.
constexpr double fewest_effective = 0.01;

/// |<w>| / <|w|> of complex weights; columns `first` ... + 3 of the series are Re w, Im w, |w|, |w|^2.
inline Observable average_phase(const std::string& series, std::size_t first = 0) {
  return {"average_phase",
          "|<w>| / <|w|> of the weights on the contour",
          {{series, first}, {series, first + 1}, {series, first + 2}},
          [](const std::vector<double>& m) { return std::hypot(m[0], m[1]) / m[2]; }};
}

/// |<w>|^2 / <|w|^2> of the same columns, the part of the draws that counts.
inline Observable effective_samples(const std::string& series, std::size_t first = 0) {
  return {"effective_samples",
          "|<w>|^2 / <|w|^2>: how much of the draws counts",
          {{series, first}, {series, first + 1}, {series, first + 3}},
          [](const std::vector<double>& m) { return (m[0] * m[0] + m[1] * m[1]) / m[2]; }};
}

}  // namespace koushi
