#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "koushi/field/holomorphic_flow.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/statistics/complex_weights.hpp"
#include "koushi/statistics/measured_series.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

/// Means of the weights w of draws on the contour of one flow, and what follows from them.
///
/// First pilot draws shape the proposal, round by round, on contours of flow times that grow to that of this one: weights
/// above one of the largest half per cent count as that one.
/// Then bins of draws are averaged. The random numbers of a draw are those of its number, so that no number of ranks
/// moves a bit.
class ContourDraws {
 public:
  using Complex = std::complex<double>;
  static constexpr int rounds = 4;              ///< of pilot draws
  static constexpr double largest_share = 0.5;  ///< of one weight in the sum of |w|, above which none is

  /// number: of this contour, below 100; products: so many z_k, from z_0 on, are averaged as w z_k z_0.
  /// components: of the mixture that draws are proposed from.
  ContourDraws(const HolomorphicFlow& flow, std::uint64_t seed, int number, int components, int products);

  /// Collective.
  void shape_proposal(const Communicator& comm, std::int64_t draws);
  /// Adds the means over these draws, a bin, to the series. Collective.
  void add_bin(const Communicator& comm, std::int64_t first, std::int64_t count);

  int bins() const { return static_cast<int>(series_.measured(name_)); }
  const HolomorphicFlow& flow() const { return flow_; }
  const MeasuredSeries& series() const { return series_; }

  /// Re or Im of the integral.
  Observable integral(const std::string& name, const std::string& help, bool imaginary) const;
  /// |integral|.
  Observable modulus(const std::string& name, const std::string& help) const;
  /// Re or Im of <w z_k z_0> / <w>.
  Observable product(const std::string& name, const std::string& help, int k, bool imaginary) const;
  Observable average_phase() const { return koushi::average_phase(name_); }
  Observable effective_samples() const { return koushi::effective_samples(name_); }
  Estimate estimate(const Observable& observable) const { return of_independent_bins(series_, observable); }
  /// The largest |w| of a draw in the sum of all.
  double share_of_largest() const;
  /// Whether values may be quoted.
  bool is_resolved() const;
  /// Why not, in words.
  std::string why_unresolved() const;

  void write(ResultWriter& writer) const;
  void read(const ResultReader& reader, int bins);

 private:
  SeriesColumn column(std::size_t k) const { return {name_, k}; }
  /// [draw][numbers] of draws first ... of a set, on this rank.
  HolomorphicFlow::Draws sample(std::uint32_t set, double flow_time, std::int64_t first, std::int64_t count) const;

  HolomorphicFlow flow_;
  std::uint64_t seed_;
  std::uint32_t set_;
  int products_;
  std::string name_;
  HolomorphicFlow::Proposal proposal_;
  double scale_ = 0;                  ///< log of the unit of w
  std::vector<double> draws_of_bin_;  ///< how many each has
  MeasuredSeries series_;
};

}  // namespace koushi
