#pragma once

#include <string>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/operator.hpp"

namespace koushi {

/// Hamiltonians by the names of decks, [hamiltonian] kind = "name". Each is a file in src/manybody/hamiltonians and
/// chooses its space of states.
using HamiltonianKind = Kind<Operator, const Lattice&>;
using HamiltonianKinds = Kinds<Operator, const Lattice&>;
HamiltonianKinds& hamiltonians();
/// The kinds as a deck declares them, with the keys that all of them have.
std::vector<Section::Kind> declared_hamiltonians();

/// The Hamiltonian of a deck's section. Errors: DeckError where it cannot be made, or where a term is not finite
Operator make_hamiltonian(const DeckSection& section, const Lattice& lattice);

/// Couplings of one key, one number per distance shell, with the bonds of each shell.
struct ShellCouplings {
  struct Shell {
    double coupling;
    std::vector<Bond> bonds;
    std::string name;  ///< as "t_1": the key and the shell
  };
  std::vector<Shell> shells;
  std::vector<int> coupled;  ///< shells whose coupling is not 0
};
/// Errors  DeckError at the key: more than 64 shells, a shell without bonds, bonds without a coupling (written-out
///         lattices), a lattice too small for a shell
ShellCouplings shell_couplings(const DeckSection& section, const std::string& key, const std::vector<double>& couplings,
                               const Lattice& lattice);

/// The sublattices of the shells that have a coupling: two colours over all of them where there are such, else over the
/// nearest neighbours. Errors: DeckError at `key` where there are no sublattices, or where their relative sign is open
std::vector<std::int8_t> sublattices(const DeckSection& section, const std::string& key, const std::string& without,
                                     const ShellCouplings& couplings, const Lattice& lattice);

/// The phase e^{i phi} of a bond from i to j, from antiperiodic ends and twists.
std::complex<double> bond_phase(const Bond& bond);

/// Adds - t sum (c^dagger_j c_i e^{i phi} + adjoint) of one flavour, a part of H per shell.
void add_hopping(Operator& h, const ShellCouplings& t, int flavour);

}  // namespace koushi
