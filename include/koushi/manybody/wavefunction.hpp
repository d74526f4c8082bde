#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "koushi/manybody/move_set.hpp"
#include "koushi/manybody/operator.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Rows are summed over fixed blocks of this many samples; rank boundaries lie on block boundaries.
inline constexpr std::int64_t rows_per_block = 64;

/// The operators on the device, each a group, for use with the moves of `list`, to which those are added that it lacks.
Terms make_terms(const std::vector<const Operator*>& operators, UniqueMoves& list);
/// One operator, for use with a list that begins with its move_list().
Terms make_terms(const Operator& op);

struct DirectRandom;

/// What a factor of a wavefunction says of itself.
struct FactorReport {
  std::string kind;
  std::string description;  ///< in a few words, as "400 hidden units"
  std::int64_t first_parameter = 0;
  std::int64_t parameters = 0;
  bool any_extent = false;  ///< whether the parameters mean the same on a lattice of other extents
  double flops = 0;         ///< of one amplitude, where it is evaluated for every move; 0: ratios follow the moves
};

/// psi(x) of the states of a space, with P real parameters; complex ones are interleaved (re, im). Amplitudes are
/// antisymmetric in the numbered fermions. Virtual calls happen once per batch. `tests/conformance` holds every
/// registered one to the laws of these calls.
class Wavefunction {
 public:
  virtual ~Wavefunction() = default;
  virtual const Space& space() const = 0;
  virtual const std::vector<double>& parameters() const = 0;
  virtual void set_parameters(const std::vector<double>& parameters) = 0;
  /// Takes the parameters of a smaller one of its kind; what that lacks keeps its present (random) values.
  /// False, and nothing changed, if they cannot be those of such a one.
  virtual bool embed(const std::vector<double>& parameters) = 0;
  /// The same of one factor, by its number in factors().
  virtual bool embed(std::size_t factor, const std::vector<double>& parameters) = 0;

  /// n basis states with room for their tables, or without.
  virtual Batch make_batch(std::int64_t n, bool with_tables = true) const = 0;
  /// The tables of all states, from scratch.
  virtual void refresh(const Batch& batch) const = 0;
  /// log psi(x), [n]; its imaginary part up to multiples of 2 pi. The real part is -inf where psi(x) = 0.
  virtual std::vector<std::complex<double>> log_amplitudes(const States& states) const = 0;
  virtual std::unique_ptr<MoveSet> moves(const std::vector<Move>& list) const = 0;
  /// The same moves by a kernel per factor, whatever the product is.
  virtual std::unique_ptr<MoveSet> general_moves(const std::vector<Move>& list) const = 0;
  /// Rows d log psi / d theta at the samples, with tables or without, rows.count of them here. They keep a reference to
  /// nothing but `comm`.
  virtual std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                           const Batch& samples) const = 0;

  /// Whether log_derivatives is complex-linear in complex parameters.
  virtual bool holomorphic() const = 0;
  /// Whether all factors are positive: no parameters give psi another sign than that of the order of its fermions.
  virtual bool is_positive() const = 0;
  /// psi(x) is real for every state, whatever the parameters are: so are the rows of log_derivatives.
  virtual bool is_real() const = 0;
  /// Whether |psi|^2 is normalised and draw() gives states of it without chains.
  virtual bool can_draw() const = 0;
  /// Independent states of |psi|^2 into the batch, with their tables where it has some. Errors: InternalError where
  /// can_draw() is false
  virtual void draw(const DirectRandom& random, const Batch& batch) const = 0;
  /// Images of a state that psi is a sum over; 0: it is no such sum.
  virtual int n_images() const = 0;
  /// Bytes that log_derivatives keeps per sample.
  virtual double bytes_per_row() const = 0;
  /// Bytes that moves() keeps per move, about.
  virtual double bytes_per_move() const = 0;
  virtual std::vector<FactorReport> factors() const = 0;
  /// What a user should know of this product; empty: nothing.
  virtual std::string remark() const = 0;
  /// The factors in a few words, as "400 hidden units".
  std::string description() const;

  std::int64_t n_parameters() const { return static_cast<std::int64_t>(parameters().size()); }
  /// parameters += factor * delta
  void apply(double factor, const std::vector<double>& delta);
};

}  // namespace koushi
