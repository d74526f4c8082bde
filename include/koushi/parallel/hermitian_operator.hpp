#pragma once

#include <cstdint>
#include <span>

#include "koushi/base/archive.hpp"

namespace koushi {

/// A hermitian matrix, its rows spread over the ranks.
///
/// Entries of complex vectors are interleaved (re, im), so that a vector is one of 2 n real numbers and the matrix the
/// real symmetric [[Re H, -Im H], [Im H, Re H]] in another order: every level is there twice.
class HermitianOperator {
 public:
  virtual ~HermitianOperator() = default;
  virtual RowRange rows() const = 0;
  virtual bool is_complex() const = 0;
  /// y = H x. x, y: [rows().count], or twice as many where it is complex. Collective; parallel inside.
  virtual void apply(std::span<const double> x, std::span<double> y) const = 0;
};

}  // namespace koushi
