#pragma once

#include <cstdint>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/manybody/spin_wavefunction.hpp"

namespace koushi {

/// The moves of a run: the Hamiltonian's first, then the sampler's own.
struct MoveTable {
  std::vector<SpinMove> moves;
  ProposalKinds kinds;
};

/// Weighted basis states of |psi|^2 over all ranks, with their tables.
///
/// Shapes      samples: [rows().count], chain by chain; weights: [rows().count], all ranks' sum is 1
/// Collective  construction, start, draw
class SpinSampler {
 public:
  virtual ~SpinSampler() = default;
  /// Chains over all ranks, each with rows().total / n_chains consecutive rows; 0: the rows are every state there is.
  virtual std::int64_t n_chains() const = 0;
  /// Makes a fresh start for the given parameters.
  virtual void start(const SpinWavefunction& psi) = 0;
  /// Fills samples and weights. Random numbers are those of `step`; another `attempt` of the same step takes fresh
  /// ones.
  virtual void draw(const SpinWavefunction& psi, std::uint64_t step, int attempt) = 0;
  /// Moves on by `sweeps` sweeps without keeping anything; first_sweep: those already made with the random numbers of
  /// this step.
  virtual void warm_up(const SpinWavefunction& psi, std::uint64_t step, std::int64_t first_sweep, int sweeps) = 0;
  /// Accepted among the proposals that change the configuration, in the last draw. Collective.
  virtual double acceptance() const = 0;
  virtual std::int64_t local_proposals() const = 0;  ///< of one draw
  virtual void write(Archive& archive) const = 0;
  virtual void read(const Archive& archive) = 0;

  RowRange rows() const { return rows_; }
  /// Ranks that the rows can be shared by.
  std::int64_t most_ranks() const { return most_ranks_; }
  const SpinBatch& samples() const { return samples_; }
  const std::vector<double>& weights() const { return weights_; }
  /// All moves of the run, at the parameters of the last draw.
  const SpinMoves& moves() const { return *moves_; }

 protected:
  RowRange rows_;
  std::int64_t most_ranks_ = 1;
  SpinBatch samples_;
  std::vector<double> weights_;
  std::unique_ptr<SpinMoves> moves_;
};

struct ChainOptions {
  std::int64_t chains = 256;    ///< over all ranks
  std::int64_t samples = 2048;  ///< per draw, over all chains
  double sweeps = 1;            ///< proposals between samples, per site
  int magnetization = 0;        ///< of the first configurations; kept where all moves are exchanges
  std::uint64_t seed = 1;
};

/// Metropolis chains. They are dealt to the ranks in units whose samples fill whole blocks of rows.
/// Errors  UsageError if there are fewer such units than ranks
class MarkovChains final : public SpinSampler {
 public:
  MarkovChains(const Communicator& comm, const SpinWavefunction& psi, MoveTable table, ChainOptions options);
  std::int64_t n_chains() const override { return options_.chains; }
  void start(const SpinWavefunction& psi) override;
  void draw(const SpinWavefunction& psi, std::uint64_t step, int attempt) override;
  void warm_up(const SpinWavefunction& psi, std::uint64_t step, std::int64_t first_sweep, int sweeps) override;
  double acceptance() const override;
  std::int64_t local_proposals() const override { return chains_.count * per_chain_ * proposals_; }
  void write(Archive& archive) const override;
  void read(const Archive& archive) override;

 private:
  void advance(std::uint64_t step, std::int64_t first_draw, int proposals);

  const Communicator& comm_;
  MoveTable table_;
  ChainOptions options_;
  int n_sites_;
  std::int64_t per_chain_;
  int proposals_;
  RowRange chains_;
  SpinBatch walkers_;
  Kokkos::View<std::int64_t* [2]> counts_;
};

/// Every basis state (of one magnetisation, where `fixed`) with its weight |psi|^2 / sum |psi|^2: no noise. n_sites <=
/// 24.
class FullEnumeration final : public SpinSampler {
 public:
  FullEnumeration(const Communicator& comm, const SpinWavefunction& psi, MoveTable table, bool fixed,
                  int magnetization);
  std::int64_t n_chains() const override { return 0; }
  void start(const SpinWavefunction&) override {}
  void draw(const SpinWavefunction& psi, std::uint64_t step, int attempt) override;
  void warm_up(const SpinWavefunction&, std::uint64_t, std::int64_t, int) override {}
  double acceptance() const override { return 1; }
  std::int64_t local_proposals() const override { return 0; }
  void write(Archive&) const override {}
  void read(const Archive&) override {}

 private:
  const Communicator& comm_;
  MoveTable table_;
};

}  // namespace koushi
