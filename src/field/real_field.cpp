#include "koushi/field/real_field.hpp"

#include <algorithm>
#include <utility>

#include "koushi/random/normal.hpp"

namespace koushi {

namespace {

/// target = scale * normal numbers of (seed, purpose, step, global site, replica and component). A block of random
/// words gives two of them: two components of a site, or (one component) sites 2 k and 2 k + 1, which one rank computes
/// once and two ranks twice.
struct DrawNormals {
  GridView grid;
  FieldPointer target;
  int components;
  std::uint64_t seed;
  RandomPurpose purpose;
  std::uint64_t step;
  double scale;

  /// A block of words for every lane, two normal numbers from each.
  template <typename T>
  KOKKOS_FUNCTION void draw(const typename Lanes<T>::Word& stream, std::uint32_t number, T& one, T& two) const {
    using Word = typename Lanes<T>::Word;
    const RandomLanes<T> r = philox_lanes<T>(seed, purpose, step, stream, Word(static_cast<std::uint64_t>(number)));
    box_muller(uniform_lanes<T>(r.word[0], r.word[1]), uniform_lanes<T>(r.word[2], r.word[3]), one, two);
    one = T(scale) * one;
    two = T(scale) * two;
  }
  KOKKOS_FUNCTION void operator()(int k) const {
    using T = SiteVector;
    using L = Lanes<T>;
    const GridRow row = grid.row(k);
    const int n = grid.extent[3];
    const auto replica = static_cast<std::uint32_t>(grid.first_replica + row.replica);
    T one;
    T two;
    if (components == 1) {
      double* const out = target.at(row, 0);
      const std::int64_t first = grid.global_site(row, grid.place(0));
      const std::int64_t last = first + n;
      for (std::int64_t pair = first / 2; 2 * pair < last; pair += L::width) {
        draw<T>(L::words(static_cast<std::uint64_t>(pair), 1), replica, one, two);
        for (int l = 0; l < L::width; ++l) {
          const std::int64_t site = 2 * (pair + l);
          if (site >= first && site < last) out[grid.place(static_cast<int>(site - first))] = L::get(one, l);
          if (site + 1 >= first && site + 1 < last)
            out[grid.place(static_cast<int>(site + 1 - first))] = L::get(two, l);
        }
      }
      return;
    }
    const auto pairs = static_cast<std::uint32_t>((components + 1) / 2);
    const int stretch = grid.half > 0 ? grid.half : n;  // of places whose coordinates follow each other evenly
    for (int begin = 0; begin < n; begin += stretch) {
      for (int x = begin; x < begin + stretch; x += L::width) {
        const int count = Kokkos::min(int{L::width}, begin + stretch - x);
        const auto streams = L::words(static_cast<std::uint64_t>(grid.global_site(row, x)), grid.half > 0 ? 2 : 1);
        for (std::uint32_t pair = 0; pair < pairs; ++pair) {
          draw<T>(streams, replica * pairs + pair, one, two);
          const int c = 2 * static_cast<int>(pair);
          L::store(one, target.at(row, c) + x, count);
          if (c + 1 < components) L::store(two, target.at(row, c + 1) + x, count);
        }
      }
    }
  }
};

/// target += factor * source
struct AddScaled {
  FieldPointer target;
  FieldPointer source;
  int components;
  double factor;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const AddScaled self = *this;
    return [self, row](int x, const RowSides&) {
      for (int c = 0; c < self.components; ++c) self.target.at(row, c)[x] += self.factor * self.source.at(row, c)[x];
    };
  }
};

struct KineticEnergy {
  FieldPointer momentum;
  int components;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const KineticEnergy self = *this;
    return [self, row](int x, const RowSides&, double(&values)[1]) {
      values[0] = 0;
      for (int c = 0; c < self.components; ++c)
        values[0] += 0.5 * self.momentum.at(row, c)[x] * self.momentum.at(row, c)[x];
    };
  }
};

}  // namespace

RealField::RealField(const Grid& grid, int components, bool corners)
    : FieldOperations(grid, components, corners), field_(make_field(grid, components)) {}

RealDynamics::RealDynamics(const Grid& grid, int components, bool corners, int momenta)
    : RealField(grid, components, corners),
      momenta_(momenta > 0 ? momenta : components),
      momentum_(make_field(grid, momenta_)),
      kept_(make_field(grid, components)) {}

void RealField::start(std::uint64_t seed, double spread) {
  Kokkos::parallel_for("koushi::field::start", Kokkos::RangePolicy<>(0, grid_.view().n_rows()),
                       DrawNormals{grid_.view(), pointer_to(field_), components_, seed,
                                   RandomPurpose::initial_configurations, 0, spread});
  field_changed();
}

void RealDynamics::draw_momenta(std::uint64_t seed, std::uint64_t step) {
  Kokkos::parallel_for(
      "koushi::field::momenta", Kokkos::RangePolicy<>(0, grid_.view().n_rows()),
      DrawNormals{grid_.view(), pointer_to(momentum_), momenta_, seed, RandomPurpose::momenta, step, 1.0});
}

void FieldOperations::add_scaled(const char* label, const FieldArray& target, const FieldArray& source, int components,
                                 double factor) const {
  for_sites(Kokkos::DefaultExecutionSpace{}, label, grid_.view(),
            AddScaled{pointer_to(target), pointer_to(source), components, factor});
}

void RealDynamics::reverse_momenta() { add_scaled("koushi::field::reverse", momentum_, momentum_, momenta_, -2.0); }

std::vector<double> RealDynamics::hamiltonian() {
  std::vector<double> h = action();
  const std::vector<double> kinetic =
      totals<1>("koushi::field::kinetic", KineticEnergy{pointer_to(momentum_), momenta_});
  for (std::size_t r = 0; r < h.size(); ++r) h[r] += kinetic[r];
  return h;
}

void RealDynamics::drift(double time) {
  add_scaled("koushi::field::drift", field_, momentum_, components_, time);
  field_changed();
}

void RealDynamics::keep() { Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, kept_, field_); }

void RealDynamics::restore(const std::vector<bool>& accepted) {
  field_changed();
  for (std::size_t r = 0; r < accepted.size(); ++r) {
    if (accepted[r]) continue;
    Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, Kokkos::subview(field_, r, Kokkos::ALL, Kokkos::ALL),
                      Kokkos::subview(kept_, r, Kokkos::ALL, Kokkos::ALL));
  }
}

void RealField::exchange(FieldTheory& other, const std::vector<bool>& replicas) {
  auto& that = dynamic_cast<RealField&>(other);
  field_changed();
  that.field_changed();
  if (std::find(replicas.begin(), replicas.end(), false) == replicas.end()) {
    std::swap(field_, that.field_);
    return;
  }
  if (one_replica_.extent(2) == 0)
    one_replica_ = FieldArray("koushi::field::exchanged", 1, field_.extent(1), field_.extent(2));
  const auto spare = Kokkos::subview(one_replica_, 0, Kokkos::ALL, Kokkos::ALL);
  const Kokkos::DefaultExecutionSpace space;
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    if (!replicas[r]) continue;
    const auto of = [r](const FieldArray& field) { return Kokkos::subview(field, r, Kokkos::ALL, Kokkos::ALL); };
    Kokkos::deep_copy(space, spare, of(field_));
    Kokkos::deep_copy(space, of(field_), of(that.field_));
    Kokkos::deep_copy(space, of(that.field_), spare);
  }
}

std::vector<double> FieldOperations::totals_of(const SiteSums& sums) const {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, sums);
  return exact_totals(grid_.group(), std::vector<ExactSum>(host.data(), host.data() + host.size()));
}

Configuration RealField::configuration() const {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, field_);
  const GridView& view = grid_.view();
  const FieldPointer pointer = koushi::pointer_to(view, host);
  std::vector<double> local;
  local.reserve(static_cast<std::size_t>(view.n_replicas * components_) * static_cast<std::size_t>(view.volume()));
  const int rows = view.n_rows() / view.n_replicas;
  for (int r = 0; r < view.n_replicas; ++r) {
    for (int c = 0; c < components_; ++c) {
      for (int k = 0; k < rows; ++k) {
        const double* const first = pointer.at(r, c, view.row(k).site);
        for (int x = 0; x < view.extent[3]; ++x) local.push_back(first[view.place(x)]);
      }
    }
  }
  return {box(), std::move(local)};
}

void RealField::set_configuration(const std::vector<double>& local) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, field_);
  const GridView& view = grid_.view();
  const FieldPointer pointer = koushi::pointer_to(view, host);
  const int rows = view.n_rows() / view.n_replicas;
  std::size_t at = 0;
  for (int r = 0; r < view.n_replicas; ++r) {
    for (int c = 0; c < components_; ++c) {
      for (int k = 0; k < rows; ++k) {
        double* const first = pointer.at(r, c, view.row(k).site);
        for (int x = 0; x < view.extent[3]; ++x) first[view.place(x)] = local[at++];
      }
    }
  }
  Kokkos::deep_copy(field_, host);
  field_changed();
}

}  // namespace koushi
