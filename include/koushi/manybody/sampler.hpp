#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/manybody/basis.hpp"
#include "koushi/manybody/wavefunction.hpp"

namespace koushi {

/// The moves of a run, none twice: the Hamiltonian's first, then the sampler's own; and which of them are proposed.
struct MoveTable {
  UniqueMoves list;
  ProposalKinds kinds;

  MoveTable() = default;
  explicit MoveTable(const std::vector<Move>& moves) {
    for (const Move& move : moves) list.number(move);
  }
  /// One more kind of proposals, with a weight that is compared with those of the others.
  void propose(double weight, const std::vector<Move>& moves);
  /// Puts what was added where chains find it. Errors: UsageError if nothing was added
  void finish();

 private:
  std::vector<double> weights_;
  std::vector<std::vector<int>> numbers_;
};

/// A linear quantity, sum_p w_p x_p, that the proposed moves conserve and a move of the Hamiltonian does not, in words;
/// empty where there is none: then chains do not miss states for this reason.
std::string missed_by_proposals(const Space& space, const std::vector<Move>& proposed, const std::vector<Move>& of_h);

/// Weighted basis states of |psi|^2 over all ranks, with their tables.
///
/// Shapes      samples: [rows().count], chain by chain; weights: [rows().count], all ranks' sum is 1
/// Collective  construction, start, draw
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// Chains over all ranks, each with rows().total / n_chains consecutive rows; 0: the rows are every state there is.
  virtual std::int64_t n_chains() const = 0;
  /// False where only the numbers of samples and chains are known (PlannedSamples).
  virtual bool can_draw() const { return true; }
  /// Makes a fresh start for the given parameters.
  virtual void start(const Wavefunction& psi) = 0;
  /// Fills samples and weights. Random numbers are those of `step`; another `attempt` of the same step takes fresh
  /// ones.
  virtual void draw(const Wavefunction& psi, std::uint64_t step, int attempt) = 0;
  /// Moves on by `sweeps` sweeps without keeping anything; first_sweep: those already made with the random numbers of
  /// this step.
  virtual void warm_up(const Wavefunction& psi, std::uint64_t step, std::int64_t first_sweep, int sweeps) = 0;
  /// Whether samples come from proposals that are accepted or not.
  virtual bool proposes() const { return true; }
  /// Accepted among the proposals that change the configuration, in the last draw. Collective.
  virtual double acceptance() const = 0;
  virtual std::int64_t local_proposals() const = 0;  ///< of one draw
  /// What another process needs to go on, under GROUP/: the chains.
  virtual void write(Archive& archive, const std::string& group) const = 0;
  virtual void read(const Archive& archive, const std::string& group) = 0;

  RowRange rows() const { return rows_; }
  /// Ranks that the rows can be shared by.
  std::int64_t max_ranks() const { return max_ranks_; }
  /// The samples, with tables where these are kept.
  const Batch& samples() const { return samples_; }
  /// body(batch, first) for the samples [first, first + batch size) of this rank, a piece at a time: tables that are
  /// not kept are made for it from scratch. How large pieces are changes no bit of what belongs to a sample.
  /// most_bytes: of the tables of a piece.
  void for_pieces(const Wavefunction& psi, const std::function<void(const Batch&, std::int64_t)>& body,
                  double most_bytes = 256.0 * 1024 * 1024) const;
  const std::vector<double>& weights() const { return weights_; }
  /// Whether samples have tables.
  bool keeps_tables() const { return keeps_tables_; }
  /// All moves of the run, at the parameters of the last draw.
  const MoveSet& moves() const { return *moves_; }

 protected:
  RowRange rows_;
  std::int64_t max_ranks_ = 1;
  bool keeps_tables_ = true;
  Batch samples_;
  std::vector<double> weights_;
  std::unique_ptr<MoveSet> moves_;
};

struct ChainOptions {
  std::int64_t chains = 256;    ///< over all ranks
  std::int64_t samples = 2048;  ///< per draw, over all chains
  double sweeps = 1;            ///< proposals between samples, per site of the lattice
  std::uint64_t seed = 1;
  bool keep_tables = true;  ///< of samples, from the proposals that lead to them
};

/// Metropolis chains. They are dealt to the ranks in units whose samples fill whole blocks of rows.
/// Errors  UsageError if there are fewer such units than ranks
class MarkovChains final : public Sampler {
 public:
  MarkovChains(const Communicator& comm, const Wavefunction& psi, MoveTable table, ChainOptions options);
  /// Ranks that so many samples of so many chains can be shared by.
  static std::int64_t max_ranks(const ChainOptions& options);
  /// Chains whose samples fill whole blocks of rows.
  static std::int64_t chains_per_unit(const ChainOptions& options);
  std::int64_t n_chains() const override { return options_.chains; }
  void start(const Wavefunction& psi) override;
  void draw(const Wavefunction& psi, std::uint64_t step, int attempt) override;
  void warm_up(const Wavefunction& psi, std::uint64_t step, std::int64_t first_sweep, int sweeps) override;
  double acceptance() const override;
  std::int64_t local_proposals() const override { return chains_.count * per_chain_ * proposals_; }
  void write(Archive& archive, const std::string& group) const override;
  void read(const Archive& archive, const std::string& group) override;

 private:
  void advance(std::uint64_t step, std::int64_t first_draw, int proposals);

  const Communicator& comm_;
  MoveTable table_;
  ChainOptions options_;
  const Space space_;
  std::int64_t per_chain_;
  int proposals_;
  RowRange chains_;
  Batch walkers_;
  Kokkos::View<std::int64_t* [2]> counts_;
};

/// Every basis state of the sector with its weight |psi|^2 / sum |psi|^2: no noise.
/// Errors  UsageError if there are more than max_states
class FullEnumeration final : public Sampler {
 public:
  static constexpr double max_states = 1 << 24;
  FullEnumeration(const Communicator& comm, const Wavefunction& psi, MoveTable table, bool keep_tables = true);
  static std::int64_t max_ranks(std::int64_t states) { return (states + rows_per_block - 1) / rows_per_block; }
  std::int64_t n_chains() const override { return 0; }
  void start(const Wavefunction&) override {}
  void draw(const Wavefunction& psi, std::uint64_t step, int attempt) override;
  void warm_up(const Wavefunction&, std::uint64_t, std::int64_t, int) override {}
  double acceptance() const override { return 1; }
  std::int64_t local_proposals() const override { return 0; }
  void write(Archive&, const std::string&) const override {}
  void read(const Archive&, const std::string&) override {}

 private:
  void replace_zeros(double largest);

  const Communicator& comm_;
  MoveTable table_;
  std::optional<Basis> basis_;
  bool replaced_ = false;  ///< some rows do not hold their own states
};

/// The numbers of samples and chains of a run that is described on a machine without the memory for them. Calls that
/// draw are errors.
class PlannedSamples final : public Sampler {
 public:
  PlannedSamples(const Wavefunction& psi, std::int64_t rows, std::int64_t n_chains, std::int64_t max_ranks,
                 bool keeps_tables = true)
      : n_chains_(n_chains) {
    rows_.total = rows;
    max_ranks_ = max_ranks;
    keeps_tables_ = keeps_tables;
    samples_ = psi.make_batch(0);
  }
  std::int64_t n_chains() const override { return n_chains_; }
  bool can_draw() const override { return false; }
  void start(const Wavefunction&) override { fail(); }
  void draw(const Wavefunction&, std::uint64_t, int) override { fail(); }
  void warm_up(const Wavefunction&, std::uint64_t, std::int64_t, int) override { fail(); }
  double acceptance() const override { return 0; }
  std::int64_t local_proposals() const override { return 0; }
  void write(Archive&, const std::string&) const override { fail(); }
  void read(const Archive&, const std::string&) override { fail(); }

 private:
  [[noreturn]] static void fail();
  std::int64_t n_chains_;
};

}  // namespace koushi
