#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koushi/deck/keys.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/image.hpp"

namespace koushi {

/// Keys of [wavefunction]: the symmetry that the product of all factors is projected onto.
struct WavefunctionSymmetry {
  SiteSymmetry group = SiteSymmetry::none;
  std::optional<std::vector<int>> momentum;   ///< none: 0
  std::optional<std::string> representation;  ///< of the little group of the momentum; none: the trivial one
  int spin_inversion = 0;                     ///< eigenvalue of e^{i pi S^y}, 0: none is asked for

  bool operator==(const WavefunctionSymmetry&) const = default;
  static const Keys<WavefunctionSymmetry>& keys();
};

/// The images of the sum over a group of the symmetries of H; empty: none is asked for.
///
///   Psi(x) = sum_g chi(g) psi(g x),   so that g Psi = chi(g) Psi for the operator g that moves all particles
///
/// chi(t p) = e^{-i K t} lambda(p) as in SymmetrySector, of the partner of momentum K: K = 2 pi sum_k n_k b_k, b_k the
/// dual vectors of the supercell. Of a representation of several dimensions Psi is one partner. With spin inversion also
/// kappa s X, X the bare exchange of up and down and s the sign that e^{i pi S^y} has beside it (SpinInversion).
/// Errors  DeckError: no such symmetry, momenta or representations that do not exist on this lattice
std::vector<Image> images_of(const DeckSection& wavefunction, const Lattice& lattice, const Operator& hamiltonian);

}  // namespace koushi
