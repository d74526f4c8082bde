#pragma once

#include <string>
#include <utility>
#include <vector>

#include "koushi/field/field_theory.hpp"
#include "koushi/lattice/halo_exchange.hpp"

namespace koushi {

FieldPointer pointer_to(const FieldArray& field);

/// What all theories of real fields share: storage, momenta, halos, averages over slices.
class RealField : public MolecularDynamics {
 public:
  RealField(const Grid& grid, int components);
  const Grid& grid() const override { return grid_; }
  void start(std::uint64_t seed, double spread) override;
  void draw_momenta(std::uint64_t seed, std::uint64_t step) override;
  void reverse_momenta() override;
  std::vector<double> hamiltonian() override;
  void drift(double time) override;
  void keep() override;
  void restore(const std::vector<bool>& accepted) override;
  void write(Archive& archive, const std::string& path) const override;
  void read(const Archive& archive, const std::string& path) override;

 protected:
  /// sum over the sites of a slice, x_0 = t fixed (the first direction), of component c: [replica][c][t], of the whole lattice.
  std::vector<double> slice_sums() const;
  /// Sums of n numbers per site over the whole lattice: [replica][n].
  template <int n, typename Kernel>
  std::vector<double> totals(const char* label, const Kernel& kernel) const {
    const Kokkos::View<ExactSum**> sums("koushi::field::sums", static_cast<std::size_t>(grid_.view().n_replicas), n);
    sum_sites<n>(Kokkos::DefaultExecutionSpace{}, label, grid_.view(), kernel, sums);
    return totals_of(sums);
  }
  std::vector<double> totals_of(const Kokkos::View<ExactSum**>& sums) const;

  /// Runs a kernel that reads the neighbours in `source`: interior sites while its halo is under way, the others afterwards.
  template <typename Kernel>
  void run_with_halo(const char* label, const FieldArray& source, const Kernel& kernel) {
    const Kokkos::DefaultExecutionSpace space;
    if (!grid_.decomposed()) {
      for_sites(space, label, grid_.view(), kernel);
      return;
    }
    halo_.start(source);
    for_sites(space, label, grid_.view(), grid_.interior_rows(), kernel);
    halo_.finish(source);
    for_sites(space, label, grid_.view(), grid_.boundary_rows(), kernel);
  }

  const Grid& grid_;
  int components_;
  FieldArray field_;
  FieldArray momentum_;
  FieldArray spare_;
  FieldArray kept_;
  HaloExchange halo_;
};

}  // namespace koushi
