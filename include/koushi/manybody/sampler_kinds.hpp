#pragma once

#include <memory>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/sampler.hpp"

namespace koushi {

/// What a sampler of a deck stands on.
struct SamplerContext {
  const Communicator& comm;
  const Lattice& lattice;
  const Operator& hamiltonian;  ///< in the sector of the run
  const Wavefunction& psi;
  std::uint64_t seed = 1;
  /// > 0: for a description of the run on so many ranks. Where only these have the memory for the samples, the sampler
  /// knows their numbers and cannot draw.
  int planned_ranks = 0;
};

/// Samplers by the names of decks, [sampler] kind = "name". Each is a file in src/manybody/samplers; the keys of the
/// sector belong to all of them.
using SamplerKind = Kind<std::unique_ptr<Sampler>, const SamplerContext&>;
using SamplerKinds = Kinds<std::unique_ptr<Sampler>, const SamplerContext&>;
SamplerKinds& samplers();

/// The keys magnetization, electrons and particles, which say what values the charges of H have.
std::vector<Key> sector_keys();
/// The keys of a sampler with those of all samplers behind them: of the sector, and how much memory tables may take.
std::vector<Key> with_common_keys(std::vector<Key> keys);
/// Whether this many samples keep their tables: those of all ranks together fit into table_memory.
bool keeps_tables(const DeckSection& section, const Wavefunction& psi, double samples);
/// Restricts H to the sector that these keys name, or to that of the defaults: magnetization 0, half filling.
/// Errors  DeckError at a key that no state obeys, or that H does not conserve
void fix_sector(const DeckSection& section, Operator& h);

/// The sampler of a deck's section. Errors: DeckError
std::unique_ptr<Sampler> make_sampler(const DeckSection& section, const SamplerContext& context);

/// Bytes of a basis state, with its table where that is kept, without its log derivatives.
double bytes_per_sample(const Wavefunction& psi, bool with_table);
/// Whether only the planned ranks have the memory for `shared` bytes over all ranks beside `alone` bytes on each.
/// Errors  DeckError at the key where not even these have it
bool is_for_planned_ranks(const DeckSection& section, const std::string& key, const std::string& what,
                          const SamplerContext& context, double shared, double alone);

}  // namespace koushi
