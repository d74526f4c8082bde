#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "koushi/manybody/factor.hpp"

namespace koushi {

/// Which parameter stands where in a skew-symmetric matrix K of pairings of places: K(p, p') = sign theta_number, at [p
/// n_places + p']; number -1: K(p, p') = 0.
struct PairingClasses {
  int n_places = 0;
  int count = 0;
  std::vector<int> number;
  std::vector<std::int8_t> sign;

  std::size_t at(int p, int q) const {
    return static_cast<std::size_t>(p) * static_cast<std::size_t>(n_places) + static_cast<std::size_t>(q);
  }
};

/// A term of a projection: all spins are turned by `angle` about y.
struct SpinRotation {
  double angle = 0;
  double weight = 1;
};

/// The terms of P_S = (2 S + 1) / 2 integral_0^pi d beta sin beta P_S(cos beta) e^(-i beta S^y), P_S on the left a
/// Legendre polynomial in states of S^z = 0, by Gauss and Legendre in cos beta: exact for n pairs where 2 points > n + S.
std::vector<SpinRotation> spin_projection(int spin, int points);

/// psi(x) = sum_q w_q Pf [R_q K R_q^T](x_a, x_b) of n electrons (pfaffian_kernel.hpp), R_q a turn of all spins. Places of
/// spin up come first, those of the same sites with spin down behind them.
/// Parameters  theta (PairingClasses), complex ones interleaved
/// Cost        rows: per q n^2 flops, and n^2 look-ups; amplitudes and tables: per q n^3
/// Source      T. Mizusaki, M. Imada, Phys. Rev. B 69, 125110 (2004); D. Tahara, M. Imada, J. Phys. Soc. Jpn. 77, 114701
///             (2008)
std::unique_ptr<Factor> make_pfaffian(PairingClasses classes, std::vector<double> parameters, bool is_complex,
                                      int electrons, std::vector<SpinRotation> terms, std::optional<int> total_spin,
                                      std::string description);

}  // namespace koushi
