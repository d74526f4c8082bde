#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// The shares p_c = w_c psi_c(x) / sum_c w_c psi_c(x) of the terms of a sum, in a walker's table [term][re, im].
struct Shares {
  int column = 0;
  int count = 1;

  KOKKOS_FUNCTION Complex operator()(const double* table, int c) const {
    return {table[column + 2 * c], table[column + 2 * c + 1]};
  }
  KOKKOS_FUNCTION void set(double* table, int c, const Complex& p) const {
    table[column + 2 * c] = p.real();
    table[column + 2 * c + 1] = p.imag();
  }
  /// p ratio, for ratio = psi_c(x') / psi_c(x). Where term c comes upon a node that the sum has not, its table is the
  /// inverse of nothing: a share that is not a number makes all that follows of this walker none, so that the step is
  /// refused instead of being wrong.
  KOKKOS_FUNCTION static Complex moved(const Complex& p, const Complex& ratio) {
    constexpr double at_a_node = 1e-10;  // of |ratio|; what is left of exact zeros is 1e-14
    const bool lost = ratio.real() * ratio.real() + ratio.imag() * ratio.imag() < at_a_node * at_a_node;
    return lost ? Complex(Kokkos::Experimental::quiet_NaN_v<double>) : product(p, ratio);
  }
  KOKKOS_FUNCTION void move(double* table, int c, const Complex& ratio) const {
    set(table, c, moved((*this)(table, c), ratio));
  }
  /// The shares after a move, where they hold p_c psi_c(x') / psi_c(x): their sum becomes 1.
  KOKKOS_FUNCTION void normalise(double* table) const {
    Complex sum = 0;
    for (int c = 0; c < count; ++c) sum += (*this)(table, c);
    for (int c = 0; c < count; ++c) set(table, c, (*this)(table, c) / sum);
  }
};

}  // namespace koushi
