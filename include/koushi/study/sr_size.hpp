#pragma once

#include <cstdint>
#include <string>

#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "koushi/study/variational_model.hpp"

namespace koushi {

/// How large the linear system of stochastic reconfiguration is for a model: what `koushi check` says of it.
class SrSize {
 public:
  /// The model must live as long as this.
  SrSize(const VariationalModel& model, SrOptions options) : model_(model), options_(std::move(options)) {}
  SrRoute route() const;
  /// Rows of the real or complex linear system: a sample has two where O is complex and its parameters are real.
  std::int64_t equations() const;
  /// Multiplications with additions of one solve, about.
  double flops() const;
  /// Memory of one of `ranks` ranks for the linear system and the rows of the log derivatives.
  double bytes(int ranks) const;
  /// The line of `koushi check`.
  std::string describe() const;

 private:
  const VariationalModel& model_;
  SrOptions options_;
};

}  // namespace koushi
