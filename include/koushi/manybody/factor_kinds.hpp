#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/factor.hpp"

namespace koushi {

/// What a factor of a deck stands on.
struct FactorContext {
  const Lattice& lattice;
  const Operator& hamiltonian;  ///< in the sector of the run
  std::uint64_t seed = 1;
  std::uint64_t stream = 0;  ///< the number of the factor
};

/// Factors by the names of decks, [[wavefunction.factor]] kind = "name". Each is a file in src/manybody/factors.
using FactorKind = Kind<std::unique_ptr<Factor>, const FactorContext&>;
using FactorKinds = Kinds<std::unique_ptr<Factor>, const FactorContext&>;
FactorKinds& factors();

/// The wavefunction of the section [wavefunction], whose list `factor` holds its factors. Errors: DeckError
std::unique_ptr<Wavefunction> make_wavefunction(const DeckSection& wavefunction, const Lattice& lattice,
                                                const Operator& hamiltonian, std::uint64_t seed);

/// The permutations of the sites under which a factor is the same.
enum class SiteSymmetry { none, translations, space_group };

/// The translations, or the elements of the space group, that are symmetries of H. Identity first; empty for none.
std::vector<Permutation> symmetry_group(SiteSymmetry symmetry, const Lattice& lattice, const Operator& hamiltonian);

/// The same with their rotations; the identity alone for none.
std::vector<SpaceGroupElement> symmetry_elements(SiteSymmetry symmetry, const Lattice& lattice,
                                                 const Operator& hamiltonian);

/// symmetry_group of the translations by multiples of these numbers of cells alone, where they are given.
/// Errors      DeckError of the key "sublattice", also where the supercell is not made of such cells
std::vector<Permutation> sublattice_group(const DeckSection& section, SiteSymmetry symmetry,
                                          const std::optional<std::vector<int>>& sublattice, const Lattice& lattice,
                                          const Operator& hamiltonian);

/// The words of a key "symmetry".
inline const std::vector<std::pair<std::string, SiteSymmetry>> symmetry_words{
    {"none", SiteSymmetry::none},
    {"translations", SiteSymmetry::translations},
    {"space-group", SiteSymmetry::space_group}};

/// The class of each unordered pair of sites (i, j), [i n_sites + j], under a group: pairs that are images of each
/// other have the same number, in the order in which they are met; -1 for pairs that `joined` leaves out.
std::vector<int> pair_classes(int n_sites, const std::vector<Permutation>& group,
                              const std::function<bool(int, int)>& joined, int& n_classes);

/// A normal number of mean 0 and width 1: number `index` of the initial parameters of a factor.
double initial_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

}  // namespace koushi
