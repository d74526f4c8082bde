#include "image_rows.hpp"

#include <algorithm>
#include <utility>

#include "stored_rows.hpp"

namespace koushi {

namespace {

using HostSpace = Kokkos::DefaultHostExecutionSpace;

/// sum[k][s] += p_c(s) O_sk, some samples at a time.
template <bool is_complex>
void add_image(const DistributedRows& image, int c,
               const std::function<std::complex<double>(std::int64_t, int)>& shares, SlabMatrix<is_complex>& sum) {
  constexpr std::int64_t at_once = 256;
  const std::int64_t columns = image.columns();
  const std::int64_t slabs = (columns + slab_rows - 1) / slab_rows;
  const auto scratch = [&](std::int64_t count) {
    return HostReals(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::manybody::rows_of_image"),
                     static_cast<std::size_t>(slabs * slab_rows * count));
  };
  const DistributedRows::Space space;
  for (std::int64_t first = 0; first < sum.rows; first += at_once) {
    const std::int64_t count = std::min(at_once, sum.rows - first);
    const EntrySlabs o{
        .re = scratch(count), .im = is_complex ? scratch(count) : HostReals(), .stride = count * slab_rows};
    image.entries(space, first, count, 0, columns, o);
    Kokkos::parallel_for("koushi::manybody::add_image", Kokkos::RangePolicy<HostSpace>(0, static_cast<int>(count)),
                         [&](int s) {
                           const std::complex<double> p = shares(first + s, c);
                           for (std::int64_t k = 0; k < columns; ++k) {
                             const auto from = static_cast<std::size_t>(o.at(s, k));
                             const auto to = static_cast<std::size_t>(sum.at(k, first + s));
                             if constexpr (is_complex) {
                               sum.re(to) += p.real() * o.re(from) - p.imag() * o.im(from);
                               sum.im(to) += p.real() * o.im(from) + p.imag() * o.re(from);
                             } else {
                               sum.re(to) += p.real() * o.re(from);
                             }
                           }
                         });
  }
}

}  // namespace

std::unique_ptr<DistributedRows> rows_of_image_sum(
    const Communicator& comm, RowRange rows, int n_images, bool real,
    const std::function<std::unique_ptr<DistributedRows>(int)>& rows_of_image,
    const std::function<std::complex<double>(std::int64_t, int)>& shares) {
  std::unique_ptr<DistributedRows> image = rows_of_image(0);
  const auto sum = [&]<bool is_complex, bool is_holomorphic>() -> std::unique_ptr<DistributedRows> {
    const std::int64_t columns = image->columns();
    SlabMatrix<is_complex> o(columns, rows.count);
    for (int c = 0; c < n_images; ++c) {
      if (c > 0) image = rows_of_image(c);
      add_image<is_complex>(*image, c, shares, o);
      image.reset();
    }
    return std::make_unique<StoredRows<is_complex, is_holomorphic>>(comm, rows, columns, std::move(o));
  };
  if (image->holomorphic()) return sum.template operator()<true, true>();
  if (real && image->real_valued()) return sum.template operator()<false, false>();
  return sum.template operator()<true, false>();
}

}  // namespace koushi
