#include <fmt/format.h>

#include "koushi/base/error.hpp"
#include "koushi/manybody/factor.hpp"
#include "koushi/manybody/sampler_kinds.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

namespace {

/// Independent samples of a normalised state, which it draws itself. What are chains elsewhere are groups of samples
/// here, from whose means errors come.
class DirectSamples final : public Sampler {
 public:
  DirectSamples(const Communicator& comm, const Wavefunction& psi, const Operator& h, const ChainOptions& options)
      : options_(options), table_(h.move_list()) {
    max_ranks_ = MarkovChains::max_ranks(options_);
    const std::int64_t unit = MarkovChains::chains_per_unit(options_);
    if (comm.size() > max_ranks_)
      throw UsageError(fmt::format("{} groups of {} samples make {} blocks, too few for {} ranks", options_.chains,
                                   options_.samples / options_.chains, max_ranks_, comm.size()));
    const std::int64_t per_chain = options_.samples / options_.chains;
    const RowRange units = share_of((options_.chains + unit - 1) / unit, comm.rank(), comm.size());
    const std::int64_t first = std::min(options_.chains, units.first * unit);
    const std::int64_t end = std::min(options_.chains, (units.first + units.count) * unit);
    rows_ = {options_.samples, first * per_chain, (end - first) * per_chain};
    keeps_tables_ = options_.keep_tables;
    samples_ = psi.make_batch(rows_.count, keeps_tables_);
    weights_.assign(static_cast<std::size_t>(rows_.count), 1.0 / static_cast<double>(options_.samples));
  }
  std::int64_t n_chains() const override { return options_.chains; }
  void start(const Wavefunction& /*psi*/) override {}
  void draw(const Wavefunction& psi, std::uint64_t step, int attempt) override {
    moves_ = psi.moves(table_.list.moves);
    psi.draw({options_.seed, step, rows_.first, attempt}, samples_);
  }
  void warm_up(const Wavefunction& /*psi*/, std::uint64_t /*step*/, std::int64_t /*first_sweep*/,
               int /*sweeps*/) override {}
  bool proposes() const override { return false; }
  double acceptance() const override { return 1; }
  std::int64_t local_proposals() const override { return 0; }
  void write(Archive& /*archive*/, const std::string& /*group*/) const override {}
  void read(const Archive& /*archive*/, const std::string& /*group*/) override {}

 private:
  ChainOptions options_;
  MoveTable table_;
};

struct DirectOptions {
  std::int64_t samples = ChainOptions{}.samples;
  std::int64_t chains = ChainOptions{}.chains;

  static const Keys<DirectOptions>& keys() {
    static const auto all =
        Keys<DirectOptions>()
            .integer("samples", &DirectOptions::samples, {2, 1e10}, "per step, all independent; a multiple of chains")
            .integer("chains", &DirectOptions::chains, {2, 1e8},
                     "groups of samples over all ranks, from whose means errors come");
    return all;
  }
};

std::unique_ptr<Sampler> make(const DeckSection& section, const SamplerContext& context) {
  const DirectOptions options = DirectOptions::keys().read(section);
  const Wavefunction& psi = context.psi;
  if (!psi.can_draw())
    section.refuse("kind",
                   "this wavefunction cannot be drawn without chains: that takes one autoregressive factor alone, "
                   "and no sum over images",
                   "kind = \"metropolis\", or a wavefunction of one factor \"autoregressive-dense\"");
  ChainOptions chains{options.chains, options.samples, 1, context.seed};
  if (chains.samples % chains.chains != 0)
    section.refuse("samples", fmt::format("{} is not a multiple of {} chains", chains.samples, chains.chains),
                   "a multiple of chains");
  const bool keep = chains.keep_tables = keeps_tables(section, psi, static_cast<double>(chains.samples));
  const double shared = static_cast<double>(chains.samples) * (bytes_per_sample(psi, keep) + psi.bytes_per_row());
  if (is_for_planned_ranks(section, "samples", "the samples", context, shared, 0))
    return std::make_unique<PlannedSamples>(psi, chains.samples, chains.chains, MarkovChains::max_ranks(chains), keep);
  try {
    return std::make_unique<DirectSamples>(context.comm, psi, context.hamiltonian, chains);
  } catch (const UsageError& error) {
    section.refuse("chains", error.what(), "more chains or fewer ranks");
  }
}

}  // namespace

SamplerKind direct_kind() {
  return {"direct", "independent samples that an autoregressive wavefunction draws itself, without chains",
          with_common_keys(DirectOptions::keys().list()), make};
}

}  // namespace koushi
