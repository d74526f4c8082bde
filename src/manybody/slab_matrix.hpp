#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstdint>
#include <vector>

#include "koushi/base/tile_product.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Numbers [slab][row][8], first zero; re and, where complex, im.
template <bool is_complex>
struct SlabMatrix {
  std::int64_t rows = 0;
  std::int64_t stride = 0;  ///< of slabs
  HostReals re;
  HostReals im;

  SlabMatrix() = default;
  /// `indices` lie in slabs, `rows` behind each other; indices are filled up to whole tiles.
  SlabMatrix(std::int64_t indices, std::int64_t the_rows) : rows(the_rows), stride(the_rows * slab_rows) {
    const auto size = static_cast<std::size_t>((indices + tile_extent - 1) / tile_extent * tile_extent * rows);
    re = zeros(size);
    if (is_complex) im = zeros(size);
  }
  /// Touched first by the threads that will use them; Kokkos itself fills host arrays on one.
  static HostReals zeros(std::size_t size) {
    HostReals view(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::manybody::slabs"), size);
    Kokkos::parallel_for(
        "koushi::manybody::zeros",
        Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>((size + tile_size - 1) / tile_size)),
        [&](int piece) {
          const std::size_t first = static_cast<std::size_t>(piece) * tile_size;
          std::fill_n(view.data() + first, std::min<std::size_t>(tile_size, size - first), 0.0);
        });
    return view;
  }
  std::int64_t at(std::int64_t index, std::int64_t row) const {
    return index / slab_rows * stride + row * slab_rows + index % slab_rows;
  }
};

/// Slabs of samples of all ranks behind each other; ranks hold whole tiles of samples. Collective.
template <bool is_complex>
SlabMatrix<is_complex> gather_samples(const Communicator& comm, const SlabMatrix<is_complex>& local) {
  SlabMatrix<is_complex> all = local;
  const auto join = [&](const HostReals& view) {
    const std::vector<double> values = comm.all_gather(std::vector<double>(view.data(), view.data() + view.size()));
    HostReals joined("koushi::manybody::all_slabs", values.size());
    std::copy(values.begin(), values.end(), joined.data());
    return joined;
  };
  if (comm.size() == 1) return all;
  all.re = join(local.re);
  if constexpr (is_complex) all.im = join(local.im);
  return all;
}

/// C <- C + A_I A_J^dagger over slabs of samples.
template <bool is_complex>
void add_gram_tile(const SlabMatrix<is_complex>& a, std::int64_t row, std::int64_t column, double* re, double* im) {
  const std::int64_t i = row * tile_extent / slab_rows * a.stride;
  const std::int64_t j = column * tile_extent / slab_rows * a.stride;
  const int depth = static_cast<int>(a.rows);
  add_tile_product<1>(re, a.re.data() + i, a.stride, a.re.data() + j, a.stride, depth);
  if constexpr (is_complex) {
    add_tile_product<1>(re, a.im.data() + i, a.stride, a.im.data() + j, a.stride, depth);
    add_tile_product<1>(im, a.im.data() + i, a.stride, a.re.data() + j, a.stride, depth);
    add_tile_product<-1>(im, a.re.data() + i, a.stride, a.im.data() + j, a.stride, depth);
  }
}

/// body(tile) for every tile, shared by the threads of the host, then finish(tile).
template <typename Body>
void write_tiles(const std::vector<GramTiles::Tile>& tiles, const GramTiles::Finish& finish, const Body& body) {
  Kokkos::parallel_for("koushi::manybody::gram_tiles",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(
                           0, static_cast<int>(tiles.size()))
                           .set_chunk_size(1),
                       [&](int t) {
                         const GramTiles::Tile& tile = tiles[static_cast<std::size_t>(t)];
                         body(tile);
                         if (finish) finish(tile);
                       });
}

}  // namespace koushi
