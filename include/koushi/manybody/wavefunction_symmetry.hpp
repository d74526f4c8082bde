#pragma once

#include <optional>
#include <vector>

#include "koushi/deck/keys.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/image.hpp"

namespace koushi {

/// Keys of [wavefunction]: the symmetry that the product of all factors is projected onto.
struct WavefunctionSymmetry {
  SiteSymmetry group = SiteSymmetry::none;
  std::optional<std::vector<int>> momentum;  ///< none: 0

  bool operator==(const WavefunctionSymmetry&) const = default;
  static const Keys<WavefunctionSymmetry>& keys();
};

/// The images of the sum over a group of the symmetries of H; empty: none is asked for.
///
///   Psi(x) = sum_t e^(-i K t) psi(x moved by t),   so that Psi(x moved by t) = e^(i K t) Psi(x)
///
/// and T_t Psi = e^(-i K t) Psi for the operator T_t that moves all particles by t. K = 2 pi sum_k n_k b_k, b_k the
/// dual vectors of the supercell.
/// Errors  DeckError: no such symmetry, momenta that do not exist on this lattice
std::vector<Image> images_of(const DeckSection& wavefunction, const Lattice& lattice, const Operator& hamiltonian);

}  // namespace koushi
