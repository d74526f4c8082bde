#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "koushi/field/capabilities.hpp"
#include "koushi/lattice/halo_exchange.hpp"

namespace koushi {

/// A component of the field at a site, as a value for slice_sums_of().
struct FieldValue {
  FieldPointer field;
  KOKKOS_FUNCTION double operator()(const GridRow& row, int x, int c) const { return field.at(row, c)[x]; }
};

/// Adds value(row, x, c), c = 0 ... orders - 1, of the sites of a row to the sums of their slices: [replica][c][t].
template <typename Value>
struct SliceSums {
  GridView grid;
  Value value;
  SiteSums sums;
  int orders;
  int length;  ///< slices

  KOKKOS_FUNCTION void operator()(int k) const {
    const GridRow row = grid.row(k);
    const int first = grid.first_direction;
    for (int c = 0; c < orders; ++c) {
      ExactSum whole;
      for (int x = 0; x < grid.extent[3]; ++x) {
        ExactSum one;
        one.add(value(row, x, c));
        if (first == 3) add_atomically(sums(row.replica, c * length + grid.global_first[3] + grid.coordinate(x)), one);
        whole += one;
      }
      if (first < 3)
        add_atomically(sums(row.replica, c * length + grid.global_first[first] + row.coordinate[first]), whole);
    }
  }
};

/// What kernels on fields of one grid and number of components share: halos, sums over sites and over slices. The
/// arrays are those of make_field(grid, components), whoever owns them.
/// Collective  all calls, over the group of ranks that hold the replicas
class FieldOperations {
 public:
  /// corners: kernels take steps in several directions at once.
  FieldOperations(const Grid& grid, int components, bool corners = false)
      : grid_(grid), components_(components), halo_(grid, components, corners) {}

  const Grid& lattice() const { return grid_; }
  int components() const { return components_; }
  HaloExchange& halo() { return halo_; }
  FieldPointer pointer_to(const FieldArray& field) const { return koushi::pointer_to(grid_.view(), field); }
  /// Sets target += factor * source on the sites of the box.
  void add_scaled(const char* label, const FieldArray& target, const FieldArray& source, int components,
                  double factor) const;
  /// Sums of value(row, x, c), c = 0 ... orders - 1, over the sites of each slice of the whole lattice, x_0 = t fixed
  /// (the first direction): [replica][c][t].
  template <typename Value>
  std::vector<double> slice_sums_of(int orders, const Value& value) const {
    if (orders == 0) return {};
    const GridView& view = grid_.view();
    const int length = view.global_extent[view.first_direction];
    const SiteSums sums("koushi::field::slices", static_cast<std::size_t>(view.n_replicas),
                        static_cast<std::size_t>(orders * length));
    Kokkos::parallel_for("koushi::field::slice_sums", Kokkos::RangePolicy<>(0, view.n_rows()),
                         SliceSums<Value>{view, value, sums, orders, length});
    return totals_of(sums);
  }
  /// Sums of n numbers per site over the whole lattice: [replica][n].
  template <int n, typename Kernel>
  std::vector<double> totals(const char* label, const Kernel& kernel) const {
    const SiteSums sums("koushi::field::sums", static_cast<std::size_t>(grid_.view().n_replicas), n);
    sum_sites<n>(Kokkos::DefaultExecutionSpace{}, label, grid_.view(), kernel, sums);
    return totals_of(sums);
  }
  std::vector<double> totals_of(const SiteSums& sums) const;

  /// Runs a kernel that reads the neighbours in `source`: interior sites while its halo is under way, the others
  /// afterwards.
  template <typename Kernel>
  void run_with_halo(const char* label, const FieldArray& source, const Kernel& kernel) {
    const Kokkos::DefaultExecutionSpace space;
    if (!grid_.decomposed()) {
      for_sites_tiled(space, label, grid_.view(), kernel);
      return;
    }
    halo_.start(source);
    for_sites(space, label, grid_.view(), grid_.interior_rows(), kernel);
    halo_.finish(source);
    for_sites(space, label, grid_.view(), grid_.boundary_rows(), kernel);
  }

  /// Fills the halo of `field`, then runs make_kernel(accepted) on the sites of one colour in all replicas; returns the
  /// sum of what it writes to accepted[k].
  template <typename MakeKernel>
  std::int64_t update_colour(const char* label, const FieldArray& field, const Kokkos::View<int*>& sites,
                             const MakeKernel& make_kernel) {
    halo_.exchange(field);
    const std::size_t updates = sites.extent(0) * static_cast<std::size_t>(grid_.view().n_replicas);
    const Kokkos::View<double*> accepted("koushi::field::accepted", updates);
    Kokkos::parallel_for(label, Kokkos::RangePolicy<>(0, static_cast<int>(updates)), make_kernel(accepted));
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, accepted);
    std::int64_t count = 0;
    for (std::size_t k = 0; k < updates; ++k) count += static_cast<std::int64_t>(host(k));
    return count;
  }

 protected:
  const Grid& grid_;
  int components_;
  HaloExchange halo_;
};

/// A theory that owns one real field: its storage, its first configuration, its place in a file.
class RealField : public FieldTheory, public FieldOperations {
 public:
  /// corners: the action takes steps in several directions at once.
  RealField(const Grid& grid, int components, bool corners = false);
  const Grid& grid() const override { return grid_; }
  void start(std::uint64_t seed, double spread) override;
  ArrayBox box() const override { return grid_.box(components_); }
  Configuration configuration() const override;
  void set_configuration(const std::vector<double>& local) override;
  void exchange(FieldTheory& other, const std::vector<bool>& replicas) override;

 protected:
  /// Fills the nearest `layers` of the field's halo, unless they are there since its last change: for theories that say
  /// what changes it.
  void fill_halo(int layers) {
    if (filled_ < layers) halo_.exchange(field_, {.layers = layers});
    filled_ = std::max(filled_, layers);
  }
  void field_changed() { filled_ = 0; }

  FieldArray field_;
  int filled_ = 0;  ///< layers of its halo

 private:
  FieldArray one_replica_;  ///< where a replica stands while it is exchanged; made when it is first needed
};

/// A real field with momenta of its own: molecular dynamics but for the force, which kick() of the theory applies.
class RealDynamics : public RealField, public MolecularDynamics {
 public:
  /// momenta: numbers of p per site; 0: as many as components.
  RealDynamics(const Grid& grid, int components, bool corners = false, int momenta = 0);
  Replicas replicas() const override { return replicas_of(grid_); }
  void draw_momenta(std::uint64_t seed, std::uint64_t step) override;
  void reverse_momenta() override;
  std::vector<double> hamiltonian() override;
  void drift(double time) override;
  void keep() override;
  void restore(const std::vector<bool>& accepted) override;

 protected:
  int momenta_;
  FieldArray momentum_;
  FieldArray kept_;
};

}  // namespace koushi
