#include "koushi/manybody/sampler_kinds.hpp"

#include <algorithm>

#include "koushi/base/memory.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/deck/refuse_beyond_memory.hpp"

namespace koushi {

std::unique_ptr<Sampler> make_sampler(const DeckSection& section, const SamplerContext& context) {
  return samplers().of(section).make(section, context);
}

std::vector<Key> with_common_keys(std::vector<Key> keys) {
  keys.push_back(declare::at_least(
      0, declare::key("table_memory", KeyType::real, "32.0",
                      "GiB over all ranks: samples whose tables together take more are kept without, and their tables "
                      "are made again, some at a time, where they are needed")));
  for (const Key& key : sector_keys()) keys.push_back(key);
  return keys;
}

bool keeps_tables(const DeckSection& section, const Wavefunction& psi, double samples) {
  constexpr double gibibyte = 1024.0 * 1024 * 1024;
  return 8.0 * static_cast<double>(psi.make_batch(0).table.extent(1)) * samples <=
         section.real("table_memory") * gibibyte;
}

double bytes_per_sample(const Wavefunction& psi, bool with_table) {
  const Batch none = psi.make_batch(0, with_table);
  const double fermions = static_cast<double>(none.states.particle.extent(1) + none.states.occupant.extent(1));
  return 8.0 * static_cast<double>(none.table.extent(1)) + static_cast<double>(none.states.local.extent(1)) +
         2 * fermions;
}

bool is_for_planned_ranks(const DeckSection& section, const std::string& key, const std::string& what,
                          const SamplerContext& context, double shared, double alone) {
  const int here = context.comm.size();
  if (fits_into_memory(shared / here + alone)) return false;
  if (context.planned_ranks > here && fits_into_memory(shared / context.planned_ranks + alone)) return true;
  refuse_beyond_memory(section, key, what, shared / std::max(here, context.planned_ranks) + alone);
  return false;
}

}  // namespace koushi
