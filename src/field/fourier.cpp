#include "koushi/field/fourier.hpp"

#include <fftw3-mpi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// FFTW's buffers for one replica and component: of `size` doubles each, one behind the other, equally aligned.
class Buffers {
 public:
  Buffers(std::ptrdiff_t size, std::size_t count)
      : size_((size + 15) / 16 * 16), data_(fftw_alloc_real(static_cast<std::size_t>(size_) * count)) {
    if (data_ == nullptr)
      throw LibraryError(
          fmt::format("FFTW: fftw_alloc_real gave no memory for {} buffers of {} numbers", count, size_));
  }
  ~Buffers() { fftw_free(data_); }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  double* at(std::size_t k) const { return data_ + static_cast<std::ptrdiff_t>(k) * size_; }

 private:
  std::ptrdiff_t size_;
  double* data_;
};

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw LibraryError(fmt::format("MPI: {} failed: {}", call, std::string(text, static_cast<std::size_t>(length))));
}

}  // namespace

/// Transforms of one slab: [slices][extents ...][last extent, padded to 2 (n / 2 + 1)], in place.
struct FourierMass::Plans {
  std::vector<std::ptrdiff_t> extents;
  std::ptrdiff_t first = 0;   ///< slice of the first direction
  std::ptrdiff_t slices = 0;  ///< here
  std::ptrdiff_t padded = 0;  ///< numbers of a line along the last direction, as stored
  std::ptrdiff_t modes = 0;   ///< complex numbers here
  std::unique_ptr<Buffers> buffers;
  std::size_t n_buffers = 0;
  fftw_plan forward = nullptr;
  fftw_plan backward = nullptr;
  bool shared = false;  ///< the lattice is divided: FFTW's slabs over the ranks of the group

  /// Sites of this box in the order of the ranks whose slabs hold them, as stored in a field; how many go to whom.
  std::vector<int> box_sites;
  std::vector<int> box_counts;
  std::vector<int> box_starts;
  /// The same of this slab: where the sites of every rank's box stand in the buffer.
  std::vector<int> slab_sites;
  std::vector<int> slab_counts;
  std::vector<int> slab_starts;
  std::vector<double> outgoing;
  std::vector<double> incoming;

  ~Plans() {
    if (forward != nullptr) fftw_destroy_plan(forward);
    if (backward != nullptr) fftw_destroy_plan(backward);
  }
  void transform(double* data) const {
    auto* const modes_of = reinterpret_cast<fftw_complex*>(data);
    shared ? fftw_mpi_execute_dft_r2c(forward, data, modes_of) : fftw_execute_dft_r2c(forward, data, modes_of);
  }
  void transform_back(double* data) const {
    auto* const modes_of = reinterpret_cast<fftw_complex*>(data);
    shared ? fftw_mpi_execute_dft_c2r(backward, modes_of, data) : fftw_execute_dft_c2r(backward, modes_of, data);
  }
  void exchange(const Grid& grid);
};

/// Finds which sites go where between boxes and slabs. Within one pair of ranks they travel in lexicographic order.
void FourierMass::Plans::exchange(const Grid& grid) {
  const GridView& view = grid.view();
  std::vector<std::int64_t> mine;  // first and count of the box in every direction, then of the slab
  for (int mu = 0; mu < 4; ++mu) {
    mine.push_back(view.global_first[mu]);
    mine.push_back(view.extent[mu]);
  }
  mine.push_back(first);
  mine.push_back(slices);
  const std::vector<std::int64_t> all = grid.group().all_gather(mine);
  const int first_direction = view.first_direction;
  const auto visit = [&](const std::int64_t* box, const std::int64_t* slab, const auto& take) {
    int at[4];
    int begin[4];
    int end[4];
    for (int mu = 0; mu < 4; ++mu) {
      begin[mu] = static_cast<int>(box[2 * mu]);
      end[mu] = static_cast<int>(box[2 * mu] + box[2 * mu + 1]);
    }
    begin[first_direction] = static_cast<int>(std::max<std::int64_t>(begin[first_direction], slab[0]));
    end[first_direction] = static_cast<int>(std::min<std::int64_t>(end[first_direction], slab[0] + slab[1]));
    for (at[0] = begin[0]; at[0] < end[0]; ++at[0]) {
      for (at[1] = begin[1]; at[1] < end[1]; ++at[1]) {
        for (at[2] = begin[2]; at[2] < end[2]; ++at[2]) {
          for (at[3] = begin[3]; at[3] < end[3]; ++at[3]) take(at);
        }
      }
    }
  };
  for (int rank = 0; rank < grid.group().size(); ++rank) {
    const std::int64_t* const theirs = &all[static_cast<std::size_t>(rank) * mine.size()];
    box_starts.push_back(static_cast<int>(box_sites.size()));
    visit(mine.data(), theirs + 8, [&](const int(&at)[4]) {
      int stored = view.origin;
      for (int mu = 0; mu < 4; ++mu) stored += (at[mu] - view.global_first[mu]) * view.stride[mu];
      box_sites.push_back(stored);
    });
    box_counts.push_back(static_cast<int>(box_sites.size()) - box_starts.back());
    slab_starts.push_back(static_cast<int>(slab_sites.size()));
    visit(theirs, mine.data() + 8, [&](const int(&at)[4]) {
      std::ptrdiff_t place = 0;
      for (int mu = first_direction; mu < 4; ++mu) {
        const std::ptrdiff_t stride = mu == 3 ? padded : view.global_extent[mu];
        place = place * stride + at[mu] - (mu == first_direction ? first : 0);
      }
      slab_sites.push_back(static_cast<int>(place));
    });
    slab_counts.push_back(static_cast<int>(slab_sites.size()) - slab_starts.back());
  }
  outgoing.resize(std::max(box_sites.size(), slab_sites.size()));
  incoming.resize(outgoing.size());
}

bool FourierMass::is_available() { return true; }

FourierMass::FourierMass(const Grid& grid, double scale, double mass)
    : grid_(grid), mass_(mass), plans_(std::make_unique<Plans>()) {
  const auto& boundary = grid.options().boundary;
  if (std::any_of(boundary.begin(), boundary.end(), [](Boundary b) { return b != Boundary::periodic; })) {
    throw UsageError(
        "Fourier acceleration of a lattice that is not periodic\n  expected: periodic boundaries in all directions");
  }
  if (!(scale > 0) || !(mass > 0))
    throw UsageError(fmt::format("Fourier acceleration with scale {} and mass {}\n  expected: both > 0", scale, mass));
  Plans& p = *plans_;
  p.shared = grid.decomposed();
  if (p.shared && grid.dimension() == 1)
    throw UsageError(
        "Fourier acceleration of one direction that ranks divide\n  expected: whole replicas on every rank");
  static const bool ready = (fftw_mpi_init(), true);
  static_cast<void>(ready);
  const GridView& view = grid.view();
  for (const int n : grid.options().extents) p.extents.push_back(n);
  const auto d = static_cast<int>(p.extents.size());
  std::vector<std::ptrdiff_t> stored = p.extents;
  stored.back() = p.extents.back() / 2 + 1;
  p.padded = 2 * stored.back();
  std::ptrdiff_t size = 1;  // complex numbers of a buffer
  if (p.shared) {
    size = fftw_mpi_local_size(d, stored.data(), grid.group().get(), &p.slices, &p.first);
  } else {
    for (const std::ptrdiff_t n : stored) size *= n;
    p.slices = stored[0];
  }
  p.modes = d == 1 ? stored[0] : p.slices;
  for (int mu = 1; mu < d; ++mu) p.modes *= stored[static_cast<std::size_t>(mu)];
  p.n_buffers = p.shared ? 1 : static_cast<std::size_t>(view.n_replicas);
  p.buffers = std::make_unique<Buffers>(2 * std::max<std::ptrdiff_t>(size, 1), p.n_buffers);
  auto* const modes_of = reinterpret_cast<fftw_complex*>(p.buffers->at(0));
  // Estimated plans are the same in every run; measured ones would round differently from one to the next.
  if (p.shared) {
    p.forward =
        fftw_mpi_plan_dft_r2c(d, p.extents.data(), p.buffers->at(0), modes_of, grid.group().get(), FFTW_ESTIMATE);
    p.backward =
        fftw_mpi_plan_dft_c2r(d, p.extents.data(), modes_of, p.buffers->at(0), grid.group().get(), FFTW_ESTIMATE);
  } else {
    const std::vector<int> n(grid.options().extents);
    p.forward = fftw_plan_dft_r2c(d, n.data(), p.buffers->at(0), modes_of, FFTW_ESTIMATE);
    p.backward = fftw_plan_dft_c2r(d, n.data(), modes_of, p.buffers->at(0), FFTW_ESTIMATE);
  }
  if (p.forward == nullptr || p.backward == nullptr)
    throw LibraryError(fmt::format("FFTW: no plan for extents {}", fmt::join(p.extents, " x ")));
  if (d == 1) p.slices = p.extents[0];
  p.exchange(grid);

  const auto volume = static_cast<double>(grid.n_sites());
  for (std::ptrdiff_t k = 0; k < p.modes; ++k) {
    std::ptrdiff_t rest = k;
    double square = 0;
    for (int mu = d - 1; mu >= 0; --mu) {
      const auto m = static_cast<std::size_t>(mu);
      const std::ptrdiff_t q = mu == 0 ? rest + (d > 1 ? p.first : 0) : rest % stored[m];
      rest /= stored[m];
      const double s = 2 * std::sin(std::numbers::pi * static_cast<double>(q) / static_cast<double>(p.extents[m]));
      square += s * s;
    }
    const double eigenvalue = scale * (square + mass * mass);
    inverse_.push_back(1 / (volume * eigenvalue));
    root_.push_back(std::sqrt(eigenvalue) / volume);
  }
}

FourierMass::~FourierMass() = default;

void FourierMass::apply_inverse(const FieldArray& source, const FieldArray& target) { apply(inverse_, source, target); }
void FourierMass::apply_root(const FieldArray& field) { apply(root_, field, field); }

void FourierMass::apply(const std::vector<double>& factor, const FieldArray& source, const FieldArray& target) {
  Plans& p = *plans_;
  const auto from = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, source);
  const auto to = Kokkos::create_mirror_view(target);
  const std::size_t components = from.extent(1);
  const auto filter = [&](double* data) {
    p.transform(data);
    for (std::ptrdiff_t k = 0; k < p.modes; ++k) {
      data[2 * k] *= factor[static_cast<std::size_t>(k)];
      data[2 * k + 1] *= factor[static_cast<std::size_t>(k)];
    }
    p.transform_back(data);
  };
  if (!p.shared) {  // boxes and slabs are the same sites in the same order
    Kokkos::parallel_for("koushi::field::fourier",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(from.extent(0))),
                         [&](int r) {
                           double* const data = p.buffers->at(static_cast<std::size_t>(r));
                           for (std::size_t c = 0; c < components; ++c) {
                             const double* const in = &from(static_cast<std::size_t>(r), c, 0);
                             double* const out = &to(static_cast<std::size_t>(r), c, 0);
                             for (std::size_t k = 0; k < p.box_sites.size(); ++k)
                               data[p.slab_sites[k]] = in[p.box_sites[k]];
                             filter(data);
                             for (std::size_t k = 0; k < p.box_sites.size(); ++k)
                               out[p.box_sites[k]] = data[p.slab_sites[k]];
                           }
                         });
  } else {
    double* const data = p.buffers->at(0);
    const MPI_Comm comm = grid_.group().get();
    for (std::size_t r = 0; r < from.extent(0); ++r) {
      for (std::size_t c = 0; c < components; ++c) {
        for (std::size_t k = 0; k < p.box_sites.size(); ++k)
          p.outgoing[k] = from(r, c, static_cast<std::size_t>(p.box_sites[k]));
        check(MPI_Alltoallv(p.outgoing.data(), p.box_counts.data(), p.box_starts.data(), MPI_DOUBLE, p.incoming.data(),
                            p.slab_counts.data(), p.slab_starts.data(), MPI_DOUBLE, comm),
              "MPI_Alltoallv");
        for (std::size_t k = 0; k < p.slab_sites.size(); ++k) data[p.slab_sites[k]] = p.incoming[k];
        filter(data);
        for (std::size_t k = 0; k < p.slab_sites.size(); ++k) p.outgoing[k] = data[p.slab_sites[k]];
        check(MPI_Alltoallv(p.outgoing.data(), p.slab_counts.data(), p.slab_starts.data(), MPI_DOUBLE,
                            p.incoming.data(), p.box_counts.data(), p.box_starts.data(), MPI_DOUBLE, comm),
              "MPI_Alltoallv");
        for (std::size_t k = 0; k < p.box_sites.size(); ++k)
          to(r, c, static_cast<std::size_t>(p.box_sites[k])) = p.incoming[k];
      }
    }
  }
  Kokkos::deep_copy(target, to);
}

}  // namespace koushi
