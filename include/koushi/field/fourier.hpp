#pragma once

#include <memory>

#include "koushi/lattice/halo_exchange.hpp"

namespace koushi {

/// The operator M with eigenvalues M(k) = scale (k_hat^2 + mass^2), k_hat^2 = sum_mu 4 sin^2(k_mu / 2), on fields of a
/// periodic lattice, by FFTW.
///
/// An undivided lattice is transformed where it is, each replica and component by the same serial plan, so how replicas
/// are shared moves no bit. A divided one goes from the boxes of the grid to FFTW's slabs of the first direction and
/// back by MPI_Alltoallv; there results depend on the number of ranks, in their last digits.
/// Collective  all calls, over the group of ranks that hold the replicas
/// Errors      UsageError: a boundary that is not periodic, scale or mass not > 0, one direction divided among ranks;
///             LibraryError
/// Cost        two real FFTs, 2.5 V log2 V flops each, per replica and component; runs on the host
/// Source      M. Frigo, S. G. Johnson, Proc. IEEE 93, 216 (2005)
class FourierMass {
 public:
  FourierMass(const Grid& grid, double scale, double mass);
  ~FourierMass();
  FourierMass(const FourierMass&) = delete;
  FourierMass& operator=(const FourierMass&) = delete;

  /// Whether this build has FFTW.
  static bool is_available();
  double mass() const { return mass_; }
  /// Sets target = M^{-1} source.
  void apply_inverse(const FieldArray& source, const FieldArray& target);
  /// Sets field = M^{1/2} field: normal numbers then have the covariance M.
  void apply_root(const FieldArray& field);

 private:
  struct Plans;
  void apply(const std::vector<double>& factor, const FieldArray& source, const FieldArray& target);

  const Grid& grid_;
  double mass_;
  std::unique_ptr<Plans> plans_;
  std::vector<double> inverse_;  ///< 1 / (V M(k)) of the modes of this rank's slab
  std::vector<double> root_;     ///< sqrt(M(k)) / V
};

}  // namespace koushi
