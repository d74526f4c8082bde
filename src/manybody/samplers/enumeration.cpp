#include <fmt/format.h>

#include "koushi/manybody/sampler_kinds.hpp"

namespace koushi {

namespace {

std::unique_ptr<Sampler> make(const DeckSection& section, const SamplerContext& context) {
  const Wavefunction& psi = context.psi;
  const double states = sector_dimension(psi.space());
  const int n = psi.space().n_sites();
  const bool spins = psi.space().n_places() == n && psi.space().local(0).states() == 2;
  if (spins && n > 24)
    section.refuse("kind", fmt::format("{} sites are too many to enumerate", n),
                   "at most 24 sites, or kind = \"metropolis\"");
  if (states > FullEnumeration::max_states)
    section.refuse("kind", fmt::format("{:.4g} states are too many to enumerate", states),
                   fmt::format("at most {:.0f} states, or kind = \"metropolis\"", double{FullEnumeration::max_states}));
  const bool keep = keeps_tables(section, psi, states);
  const double bytes = states * (bytes_per_sample(psi, keep) + psi.bytes_per_row());
  if (is_for_planned_ranks(section, "kind", "the states with their tables", context, bytes, 0)) {
    const auto rows = static_cast<std::int64_t>(states);
    return std::make_unique<PlannedSamples>(psi, rows, 0, FullEnumeration::max_ranks(rows), keep);
  }
  return std::make_unique<FullEnumeration>(context.comm, psi, MoveTable(context.hamiltonian.move_list()), keep);
}

}  // namespace

SamplerKind enumeration_kind() {
  return {"enumeration",
          "every basis state with its weight: no noise, for at most 24 sites of spins 1/2 or 2^24 states",
          with_common_keys({}), make};
}

}  // namespace koushi
