#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

std::vector<std::complex<double>> DistributedRows::multiply(const std::vector<double>& v) const {
  std::vector<std::complex<double>> y(static_cast<std::size_t>(rows().count));
  multiply(Space{}, ConstHostReals(v.data(), v.size()), HostComplexes(y.data(), y.size()));
  return y;
}

std::vector<double> DistributedRows::multiply_adjoint(const std::vector<std::complex<double>>& r) const {
  std::vector<double> x(static_cast<std::size_t>(parameters()));
  multiply_adjoint(Space{}, ConstHostComplexes(r.data(), r.size()), HostReals(x.data(), x.size()));
  return x;
}

std::vector<double> DistributedRows::row_norms() const {
  std::vector<double> norms(static_cast<std::size_t>(rows().count));
  row_norms(Space{}, HostReals(norms.data(), norms.size()));
  return norms;
}

Eigen::MatrixXcd DistributedRows::entries() const {
  const std::int64_t n = rows().count;
  const auto size = static_cast<std::size_t>((columns() + slab_rows - 1) / slab_rows * n * slab_rows);
  const EntrySlabs to{.re = HostReals("koushi::parallel::entries", size),
                      .im = HostReals("koushi::parallel::entries", size),
                      .stride = n * slab_rows};
  entries(Space{}, 0, n, 0, columns(), to);
  Eigen::MatrixXcd all(n, columns());
  for (Eigen::Index s = 0; s < n; ++s) {
    for (Eigen::Index k = 0; k < all.cols(); ++k) all(s, k) = {to.re(to.at(s, k)), to.im(to.at(s, k))};
  }
  return all;
}

Eigen::MatrixXcd DistributedRows::gram() const {
  const std::unique_ptr<GramTiles> gram = gram_tiles(Space{});
  const Eigen::Index n = rows().total;
  const Eigen::Index given = holomorphic() || real_valued() ? n : 2 * n;
  const Eigen::Index side = (given + tile_extent - 1) / tile_extent;
  Eigen::MatrixXcd all = Eigen::MatrixXcd::Zero(holomorphic() ? n : 2 * n, holomorphic() ? n : 2 * n);
  std::vector<double> values(static_cast<std::size_t>(2 * side * side * tile_size));
  std::vector<GramTiles::Tile> tiles;
  for (Eigen::Index row = 0; row < side; ++row) {
    for (Eigen::Index column = 0; column < side; ++column) {
      double* re = values.data() + 2 * tile_size * tiles.size();
      tiles.push_back({row, column, re, holomorphic() ? re + tile_size : nullptr});
    }
  }
  gram->write(Space{}, tiles, {});
  for (Eigen::Index i = 0; i < given; ++i) {
    for (Eigen::Index j = 0; j < given; ++j) {
      const GramTiles::Tile& tile = tiles[static_cast<std::size_t>(i / tile_extent * side + j / tile_extent)];
      const int at = tile_at(static_cast<int>(i % tile_extent), static_cast<int>(j % tile_extent));
      all(i, j) = {tile.re[at], holomorphic() ? tile.im[at] : 0.0};
    }
  }
  return all;
}

}  // namespace koushi
